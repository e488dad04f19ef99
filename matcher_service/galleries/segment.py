"""Segments: files that never change, mapped into memory, with the columns of a `Shelf` one after the other.

The prints of a segment stand in the order of their finger position, and within one by owner: a position is one
range, and an identity is found by halving. `docs/gallery.md` has the layout.
"""

from __future__ import annotations

import json
import mmap
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from matcher_service.galleries.errors import GalleryDamaged, GalleryOutdated
from matcher_service.search.shelf import MINUTIA_COLUMNS, Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher_service.galleries.manifest import Stamp

MAGIC = b"WHORLSEG"
FORMAT = 1
HEADER_BYTES = 4096
ALIGNMENT_BYTES = 64
# Read whole at every start: what is wrong in them would lead compiled code out of the file.
CHECKED_AT_START = ("start", "owner", "position", "quality", "removed")
_PREFIX_BYTES = len(MAGIC) + 12
POSITIONS = 256


class Column(NamedTuple):
    """Where a column stands in the file, and the CRC-32 of its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    crc: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))


class Segment:
    """An open segment. Its shelf is replaced, never changed, when prints in it are deleted."""

    def __init__(self, path: Path, columns: dict[str, NDArray[Any]]) -> None:
        self.path = path
        self.removed: NDArray[np.uint64] = columns.pop("removed")
        self.shelf = Shelf(**columns, alive=np.ones(len(columns["position"]), np.uint8))
        self.dead = 0
        self._range = np.searchsorted(self.shelf.position, np.arange(POSITIONS + 1))

    def __len__(self) -> int:
        return len(self.shelf.position) - self.dead

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The prints of some identities, uint64 (k, 2), dead ones too."""
        owner = self.shelf.owner
        found: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        for at in np.flatnonzero(np.diff(self._range)):
            low, high = self._range[at], self._range[at + 1]
            first = low + np.searchsorted(owner[low:high, 0], keys[:, 0], "left")
            last = low + np.searchsorted(owner[low:high, 0], keys[:, 0], "right")
            for k in np.flatnonzero(last > first):
                rows = np.arange(first[k], last[k])
                found.append(rows[owner[rows, 1] == keys[k, 1]])
        return np.concatenate(found)

    def remove_all(self, keys: NDArray[np.uint64]) -> int:
        """Delete the prints of some identities in memory; how many there were."""
        if not len(keys):
            return 0
        found = self.find(keys)
        gone = found[self.shelf.alive[found] == 1]
        if len(gone):
            alive = self.shelf.alive.copy()
            alive[gone] = 0
            self.shelf = self.shelf._replace(alive=alive)
            self.dead += len(gone)
        return len(gone)


def lay_out(prints: int, minutiae: int, removed: int, sketch_words: int) -> list[Column]:
    """Where each column of a segment goes."""
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "start": ("<u4", (prints + 1,)),
        "owner": ("<u8", (prints, 2)),
        "position": ("|u1", (prints,)),
        "quality": ("|u1", (prints,)),
        "removed": ("<u8", (removed, 2)),
        **{name: ("<u2", (minutiae,)) for name in MINUTIA_COLUMNS if name != "sketch"},
        "sketch": ("<u8", (minutiae, sketch_words)),
    }
    columns: list[Column] = []
    offset = HEADER_BYTES
    for name, (dtype, shape) in shapes.items():
        column = Column(name, dtype, shape, offset, 0)
        columns.append(column)
        offset += -(-column.bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return columns


def header(stamp: Stamp, columns: list[Column]) -> bytes:
    """The first `HEADER_BYTES` of a segment."""
    body = json.dumps(
        {**stamp._asdict(), "columns": [list(column) for column in columns]},
        separators=(",", ":"),
    ).encode("ascii")
    head = MAGIC + FORMAT.to_bytes(4, "little") + len(body).to_bytes(4, "little")
    filled = (head + bytes(4) + body).ljust(HEADER_BYTES, b"\0")
    return head + zlib.crc32(filled).to_bytes(4, "little") + filled[_PREFIX_BYTES:]


def open_segment(path: Path, stamp: Stamp) -> Segment:
    """Map a segment. Raises GalleryDamaged; GalleryOutdated for another format."""
    mapped, columns = _map(path, stamp)
    arrays = {column.name: _array(mapped, column) for column in columns}
    for column in columns:
        if column.name in CHECKED_AT_START:
            _check(path, mapped, column)
    start = arrays["start"]
    if start[0] != 0 or start[-1] != len(arrays["x"]) or (start[1:] < start[:-1]).any():
        raise GalleryDamaged(path, "its prints do not follow one another")
    mapped.madvise(mmap.MADV_WILLNEED)
    return Segment(path, arrays)


def verify_segment(path: Path, stamp: Stamp) -> None:
    """Check every byte of every column. Raises as `open_segment` does."""
    mapped, columns = _map(path, stamp)
    for column in columns:
        _check(path, mapped, column)


def _map(path: Path, stamp: Stamp) -> tuple[mmap.mmap, list[Column]]:
    try:
        with path.open("rb") as file:
            # Copy-on-write, so that compiled code sees the same writable arrays as in memory.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError:
        raise GalleryDamaged(path, "is missing") from None
    except (OSError, ValueError) as error:
        raise GalleryDamaged(path, f"cannot be mapped: {error}") from None
    return mapped, _read_header(path, mapped, stamp)


def _read_header(path: Path, mapped: mmap.mmap, stamp: Stamp) -> list[Column]:
    head = mapped[:HEADER_BYTES]
    if head[: len(MAGIC)] != MAGIC or len(head) < HEADER_BYTES:
        raise GalleryDamaged(path, "is no segment of a gallery (wrong magic)")
    format_, length, crc = (int.from_bytes(head[at : at + 4], "little") for at in (8, 12, 16))
    if format_ != FORMAT:
        raise GalleryOutdated(path, f"has format {format_}, and this version writes {FORMAT}")
    if zlib.crc32(head[:16] + bytes(4) + head[_PREFIX_BYTES:]) != crc:
        raise GalleryDamaged(path, "has a header that is not what was written (checksum)")
    tree = json.loads(head[_PREFIX_BYTES : _PREFIX_BYTES + length])
    if tree["digest"] != stamp.digest:
        raise GalleryOutdated(path, "was packed by another version")
    if tree["gallery"] != stamp.gallery:
        raise GalleryDamaged(path, "belongs to another gallery")
    columns = [Column(name, dtype, tuple(shape), at, crc) for name, dtype, shape, at, crc in tree["columns"]]
    if len(mapped) != max(column.offset + column.bytes for column in columns):
        raise GalleryDamaged(path, f"is {len(mapped)} bytes long, which is not what was written")
    return columns


def _array(mapped: mmap.mmap, column: Column) -> NDArray[Any]:
    count = int(np.prod(column.shape, dtype=np.int64))
    return np.frombuffer(mapped, np.dtype(column.dtype), count, column.offset).reshape(column.shape)


def _check(path: Path, mapped: mmap.mmap, column: Column) -> None:
    with memoryview(mapped) as whole, whole[column.offset : column.offset + column.bytes] as part:
        if zlib.crc32(part) != column.crc:
            raise GalleryDamaged(
                path, f"has a column '{column.name}' that is not what was written (checksum)"
            )
