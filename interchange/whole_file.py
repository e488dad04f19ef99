"""Files that are there whole or not at all, also after a power cut, and from the start only for whom they are meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SECRET, PUBLIC = 0o600, 0o644


def write_whole(path: Path, data: bytes, *, mode: int = SECRET) -> None:
    """Write `data` beside `path`, sync it, give it its name, and sync the folder. Raises OSError."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    give_to_the_folders_owner(half)
    half.replace(path)
    sync_folder(path.parent)


def make_private_folder(folder: Path) -> None:
    """`folder` and what is above it; what is made is its owner's alone."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        give_to_the_folders_owner(folder)


def sync_folder(folder: Path) -> None:
    """What was named, renamed or removed in `folder` stays so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give_to_the_folders_owner(path: Path) -> None:
    """What root makes in a service's folder belongs to the service: it could not read it otherwise."""
    if os.geteuid() == 0:
        above, here = path.parent.stat(), path.stat()
        if (above.st_uid, above.st_gid) != (here.st_uid, here.st_gid):
            os.chown(path, above.st_uid, above.st_gid)
