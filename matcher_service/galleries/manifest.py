"""The manifest: which files are the gallery. It changes at one stroke, so that there is always exactly one answer.

Text of two lines: ``whorl-gallery 1 <CRC-32 of the second line, 8 hexadecimal digits>`` and one JSON object.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from matcher_service.galleries.errors import GalleryDamaged, GalleryOutdated

if TYPE_CHECKING:
    from pathlib import Path

    from matcher_service.galleries.disk import Disk

MANIFEST_NAME = "manifest"
TEMPORARY = ".tmp"
FORMAT = 1
_TITLE = re.compile(r"whorl-gallery (\d+) ([0-9a-f]{8})")


class Stamp(NamedTuple):
    """What every file of one gallery bears, so that none is ever read as part of another.

    Attributes:
        gallery: 32 hexadecimal digits, made anew with every rebuild.
        digest: of what its prints were packed with, 64 hexadecimal digits.
    """

    gallery: str
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a gallery.

    Attributes:
        repository: whose gallery it is.
        stamp: what each of them bears.
        segments: names, oldest first.
        journals: names, oldest first; the last is the one that is written to.
    """

    repository: str
    stamp: Stamp
    segments: tuple[str, ...]
    journals: tuple[str, ...]


def read_manifest(folder: Path) -> Manifest:
    """Raises GalleryOutdated if there is none or one of another format, GalleryDamaged if it cannot be read."""
    path = folder / MANIFEST_NAME
    try:
        title, _, rest = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        raise GalleryOutdated(folder, "no gallery has been built here yet") from None
    except OSError as error:
        raise GalleryDamaged(path, f"cannot be read: {error.strerror}") from None
    found = _TITLE.fullmatch(title.decode("ascii", "replace"))
    body = rest.removesuffix(b"\n")
    if found is None or int(found[2], 16) != zlib.crc32(body):
        raise GalleryDamaged(path, "is not what was written (title or checksum is wrong)")
    if int(found[1]) != FORMAT:
        raise GalleryOutdated(path, f"has format {found[1]}, and this version writes {FORMAT}")
    tree: dict[str, Any] = json.loads(body)
    stamp = Stamp(*tree["stamp"])
    return Manifest(tree["repository"], stamp, tuple(tree["segments"]), tuple(tree["journals"]))


def write_manifest(disk: Disk, folder: Path, manifest: Manifest) -> None:
    """Put it in the place of the present one; the files it names must be on the disk already. Raises OSError.

    After an error either of the two may be what a later start finds.
    """
    body = json.dumps(asdict(manifest), separators=(",", ":")).encode("ascii")
    text = f"whorl-gallery {FORMAT} {zlib.crc32(body):08x}\n".encode("ascii") + body + b"\n"
    path = folder / MANIFEST_NAME
    temporary = path.with_suffix(TEMPORARY)
    file = disk.create(temporary)
    try:
        disk.write_at(file, 0, text)
        disk.sync(file)
    finally:
        disk.close(file)
    disk.rename(temporary, path)
    disk.sync_folder(folder)
