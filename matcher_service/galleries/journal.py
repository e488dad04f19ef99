"""The journal: recent changes of a gallery, one record each, on the disk before a change counts as made.

A record says: these identities lose what they have here, these prints are added, and with that the gallery is
current up to this change of the database. It is applied whole or not at all. `docs/gallery.md` has the layout.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.galleries.errors import GalleryDamaged, GalleryOutdated, GalleryWriteFailed
from matcher_service.search.packed import SKETCH_WORDS
from matcher_service.search.shelf import Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher_service.galleries.disk import Disk, OpenFile
    from matcher_service.galleries.manifest import Stamp

MAGIC = b"WHORLJNL"
FORMAT = 1
_HEADER = struct.Struct("<8sI16s32sQ16sI")  # magic, format, gallery, digest, mark's seq and key, CRC-32
_RECORD = struct.Struct("<4sQIIIQ16sI")  # sign, ordinal, keys, prints, minutiae, mark's seq and key, CRC-32
_SIGN = b"WjR1"
_CRC_BYTES = 4


class Mark(NamedTuple):
    """A place in the database's log of changes: what a gallery is current up to.

    Attributes:
        seq: number of the newest change that was taken in; 0 before any.
        key: whose change that was, 32 hexadecimal digits. A database restored from a copy may give a number
            anew, but not for the same identity.
    """

    seq: int = 0
    key: str = "0" * 32


class Change(NamedTuple):
    """One record.

    Attributes:
        removed: uint64 (r, 2), identities whose prints go, before any are added.
        added: the prints that come; all alive.
        mark: what the gallery is current up to, with this change.
    """

    removed: NDArray[np.uint64]
    added: Shelf
    mark: Mark


class Replay(NamedTuple):
    """What was found in a journal.

    Attributes:
        mark: what the gallery was current up to when the journal was begun.
        changes: the records, oldest first.
        size: bytes up to the end of the last good one.
        torn: bytes after it, of a record that was never finished.
    """

    mark: Mark
    changes: list[Change]
    size: int
    torn: int


class Journal:
    """A journal that is written to. Used by one thread at a time."""

    def __init__(self, disk: Disk, file: OpenFile, *, size: int, records: int) -> None:
        self.path = file.path
        self.size = size
        self._disk = disk
        self._file = file
        self._records = records
        self._broken = False

    @classmethod
    def create(cls, disk: Disk, path: Path, stamp: Stamp, mark: Mark) -> Journal:
        """Begin one; on return the file and its name are on the disk. Raises OSError."""
        fields = (
            MAGIC,
            FORMAT,
            *map(bytes.fromhex, stamp),
            mark.seq,
            bytes.fromhex(mark.key),
        )
        head = _HEADER.pack(*fields, 0)[:-_CRC_BYTES]
        file = disk.create(path)
        try:
            disk.write_at(file, 0, head + zlib.crc32(head).to_bytes(_CRC_BYTES, "little"))
            disk.sync(file)
            disk.sync_folder(path.parent)
        except OSError:
            disk.close(file)
            raise
        return cls(disk, file, size=_HEADER.size, records=0)

    @classmethod
    def resume(cls, disk: Disk, path: Path, found: Replay) -> Journal:
        """Go on writing one that was replayed; what was torn off is cut. Raises OSError."""
        file = disk.reopen(path)
        try:
            if found.torn:
                disk.truncate(file, found.size)
            # What a dying process had written may be read now and still not be on the disk.
            disk.sync(file)
        except OSError:
            disk.close(file)
            raise
        return cls(disk, file, size=found.size, records=len(found.changes))

    def append(self, change: Change) -> None:
        """Write a record; on return it is on the disk. Raises GalleryWriteFailed, and has written nothing then.

        If even that is uncertain, because the disk fails while undoing, nothing more is ever written.
        """
        if self._broken:
            raise GalleryWriteFailed(self.path, "an earlier write failed; restart the matcher")
        data = _encode(self._records, change)
        try:
            self._disk.write_at(self._file, self.size, data)
            self._disk.sync(self._file)
        except OSError as error:
            self._undo()
            raise GalleryWriteFailed(
                self.path, f"cannot be written: {error.strerror}; make room or mend the disk, then restart"
            ) from None
        self.size += len(data)
        self._records += 1

    def close(self) -> None:
        """Close; everything is on the disk already."""
        self._disk.close(self._file)

    def _undo(self) -> None:
        try:
            self._disk.truncate(self._file, self.size)
            self._disk.sync(self._file)
        except OSError:
            self._broken = True


def replay(path: Path, stamp: Stamp) -> Replay:
    """Read a journal from the beginning to its end, or to where it was torn.

    Torn is only the end: an unreadable record with a good one behind it is damage. Raises GalleryDamaged, and
    GalleryOutdated for another format.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise GalleryDamaged(path, "is missing") from None
    except OSError as error:
        raise GalleryDamaged(path, f"cannot be read: {error.strerror}") from None
    mark = _read_header(path, data, stamp)
    changes: list[Change] = []
    at = _HEADER.size
    while (record := _decode(data, at)) is not None and record[0] == len(changes):
        _, change, at = record
        changes.append(change)
    if _record_after(data, at, len(changes)):
        raise GalleryDamaged(path, f"has a record that is not what was written (byte {at})")
    return Replay(mark, changes, at, len(data) - at)


def _read_header(path: Path, data: bytes, stamp: Stamp) -> Mark:
    head = data[: _HEADER.size]
    if len(head) < _HEADER.size or head[: len(MAGIC)] != MAGIC:
        raise GalleryDamaged(path, "is no journal of a gallery (wrong magic)")
    _, format_, owner, packed_by, seq, key, crc = _HEADER.unpack(head)
    if format_ != FORMAT:
        raise GalleryOutdated(path, f"has format {format_}, and this version writes {FORMAT}")
    if zlib.crc32(head[:-_CRC_BYTES]) != crc:
        raise GalleryDamaged(path, "has a header that is not what was written (checksum)")
    if packed_by.hex() != stamp.digest:
        raise GalleryOutdated(path, "was packed by another version")
    if owner.hex() != stamp.gallery:
        raise GalleryDamaged(path, "belongs to another gallery")
    return Mark(seq, key.hex())


def _record_after(data: bytes, at: int, ordinal: int) -> bool:
    """Whether a good record stands anywhere behind `at`, of an ordinal that a record there would have."""
    while (at := data.find(_SIGN, at + 1)) >= 0:
        record = _decode(data, at)
        if record is not None and record[0] >= ordinal:
            return True
    return False


def _encode(ordinal: int, change: Change) -> bytes:
    added = change.added
    body = b"".join(
        values.tobytes()
        for values in (
            change.removed,
            np.diff(added.start).astype(np.uint16),
            added.owner,
            added.position,
            added.quality,
            added.x,
            added.y,
            added.angle,
            added.info,
            added.sketch,
        )
    )
    counts = (len(change.removed), len(added.position), len(added.x))
    head = _RECORD.pack(_SIGN, ordinal, *counts, change.mark.seq, bytes.fromhex(change.mark.key), 0)[
        :-_CRC_BYTES
    ]
    return head + zlib.crc32(body, zlib.crc32(head)).to_bytes(_CRC_BYTES, "little") + body


def _decode(data: bytes, at: int) -> tuple[int, Change, int] | None:
    """Ordinal and change of the record at `at`, and where the next begins; None if there is no good one."""
    if len(data) - at < _RECORD.size:
        return None
    sign, ordinal, keys, prints, minutiae, seq, key, crc = _RECORD.unpack_from(data, at)
    body = at + _RECORD.size
    end = body + 16 * keys + 20 * prints + (8 + 8 * SKETCH_WORDS) * minutiae
    if sign != _SIGN or end > len(data):
        return None
    head = data[at : body - _CRC_BYTES]
    view = memoryview(data)
    if zlib.crc32(view[body:end], zlib.crc32(head)) != crc:
        return None

    def column(dtype: type[np.unsignedinteger], rows: int, width: int = 1) -> NDArray[np.unsignedinteger]:
        nonlocal body
        values = np.frombuffer(data, dtype, rows * width, body)
        body += values.nbytes
        return values

    removed = column(np.uint64, keys, 2).reshape(-1, 2).copy()  # kept for long; the whole journal is not
    start = np.zeros(prints + 1, np.uint32)
    np.cumsum(column(np.uint16, prints), out=start[1:])
    added = Shelf(
        start=start,
        owner=column(np.uint64, prints, 2).reshape(-1, 2),
        position=column(np.uint8, prints),
        quality=column(np.uint8, prints),
        alive=np.ones(prints, np.uint8),
        x=column(np.uint16, minutiae),
        y=column(np.uint16, minutiae),
        angle=column(np.uint16, minutiae),
        info=column(np.uint16, minutiae),
        sketch=column(np.uint64, minutiae, SKETCH_WORDS).reshape(-1, SKETCH_WORDS),
    )
    return ordinal, Change(removed, added, Mark(seq, key.hex())), end
