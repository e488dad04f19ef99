"""The few things a gallery does to a disk, in one place: where the tests put a disk that fails or loses power."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file open for writing."""

    path: Path
    descriptor: int


class Disk:
    """The real one. All methods raise OSError. What they did is on the disk only after `sync`, `sync_folder`."""

    def create(self, path: Path) -> OpenFile:
        """A new, empty file that only its owner can read; one of that name is emptied."""
        return OpenFile(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))

    def reopen(self, path: Path) -> OpenFile:
        """A file that exists, to be written on."""
        return OpenFile(path, os.open(path, os.O_RDWR | os.O_CLOEXEC))

    def write_at(self, file: OpenFile, offset: int, data: bytes) -> None:
        """Write all of `data` at `offset`."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(file.descriptor, rest, offset)
            rest = rest[written:]
            offset += written

    def truncate(self, file: OpenFile, size: int) -> None:
        """Cut to, or fill with zeros up to, `size` bytes."""
        os.ftruncate(file.descriptor, size)

    def sync(self, file: OpenFile) -> None:
        """Return once the file's content is on the disk."""
        os.fsync(file.descriptor)

    def close(self, file: OpenFile) -> None:
        """Close; what was not synced may still be lost."""
        os.close(file.descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Put `old` in the place of `new`, at one stroke."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file; who has it mapped keeps its content. One that is gone already is no error."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return once names that were made, changed or removed in the folder are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
