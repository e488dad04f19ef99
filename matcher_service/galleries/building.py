"""How a gallery's folder comes to be: what it is made with, who may write it, and its first files."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from matcher_service.galleries import parameters
from matcher_service.galleries.disk import Disk
from matcher_service.galleries.errors import GalleryWriteFailed
from matcher_service.galleries.folder import journal_name, next_number, segment_name
from matcher_service.galleries.journal import Journal, Mark
from matcher_service.galleries.lock import FolderLock
from matcher_service.galleries.manifest import Manifest, Stamp, write_manifest
from matcher_service.galleries.merging import write_segment
from matcher_service.galleries.source import NO_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from interchange.minutiae import Minutiae
    from matcher_service.search.packed import Packed
    from matcher_service.search.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """What a store is given.

    Attributes:
        repository: whose prints they are.
        digest: of what they are packed with, 64 hexadecimal digits; another one means "rebuild".
        pack: makes the columns of a print; `search.packed.pack_print` if there is none.
        disk: what files are written with.
        journal_prints: a journal of so many prints is made a segment, in the background; 0 for never.
        lock_wait_s: how long another process is waited for.
    """

    repository: str
    digest: str
    pack: Callable[[Minutiae], Packed] | None = None
    disk: Disk = Disk()  # noqa: RUF009 - it has no state
    journal_prints: int = parameters.JOURNAL_PRINTS
    lock_wait_s: float = parameters.LOCK_WAIT_S


def claim(folder: Path, *, wait_s: float = parameters.LOCK_WAIT_S) -> FolderLock:
    """Make the folder if it does not exist, and lock it. Raises GalleryLocked, GalleryWriteFailed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FolderLock(folder, wait_s=wait_s)
    except OSError as error:
        raise GalleryWriteFailed(
            folder,
            f"cannot be used: {error.strerror}; set search.gallery_folder to a folder that can be written",
        ) from None


def write_anew(folder: Path, options: StoreOptions, shelves: Iterable[Shelf], *, mark: Mark) -> None:
    """The files of a new gallery, then the manifest that names them: until then, what was there stays.

    Raises GalleryWriteFailed, and leaves nothing of its own then.
    """
    disk = options.disk
    stamp = Stamp(uuid4().hex, options.digest)
    number = next_number(folder)
    segments: list[str] = []
    try:
        for shelf in shelves:
            name = segment_name(number + len(segments))
            segments.append(name)
            write_segment(disk, folder / name, [shelf], stamp=stamp, removed=NO_KEYS)
        journal = journal_name(number + len(segments))
        Journal.create(disk, folder / journal, stamp, mark).close()
        manifest = Manifest(options.repository, stamp, tuple(segments), (journal,))
        write_manifest(disk, folder, manifest)
    except OSError as error:
        for name in segments:
            with contextlib.suppress(OSError):
                disk.remove(folder / name)
        raise GalleryWriteFailed(
            folder, f"cannot be built: {error.strerror}; make room on the disk"
        ) from None
