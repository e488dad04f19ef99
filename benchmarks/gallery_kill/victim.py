"""The process that is killed: it works on the gallery, and tells through a pipe what it begins and has finished."""

from __future__ import annotations

import os
import signal
import struct
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.gallery_kill.operations import operation, options
from matcher_service.galleries import Disk, GalleryStore

if TYPE_CHECKING:
    from pathlib import Path

    from matcher_service.galleries import OpenFile

BEGUN, DONE, STRUCK, FAULT = b"B", b"D", b"S", b"F"
MESSAGE = struct.Struct("<cQ39s")  # smaller than PIPE_BUF: written whole or not at all


class Message(NamedTuple):
    """What the victim said: a sign, the operation's number, and for STRUCK which step of the disk it was."""

    sign: bytes
    number: int
    text: str


class DeadlyDisk(Disk):
    """Ends the process at the n-th thing that is done to the disk: before it, or with half of a write written."""

    def __init__(self, pipe: int, fatal_step: int) -> None:
        """A `fatal_step` of 0 never comes."""
        self._pipe = pipe
        self._left = fatal_step

    def _step(self, what: str, path: Path) -> bool:
        self._left -= 1
        if self._left == 0:
            tell(self._pipe, STRUCK, 0, f"{what} {path.name.partition('-')[0].partition('.')[0]}")
        return self._left == 0

    def create(self, path: Path) -> OpenFile:
        """Before it."""
        if self._step("create", path):
            die()
        return super().create(path)

    def write_at(self, file: OpenFile, offset: int, data: bytes) -> None:
        """After half of it."""
        if self._step("write", file.path):
            super().write_at(file, offset, data[: len(data) // 2])
            die()
        super().write_at(file, offset, data)

    def truncate(self, file: OpenFile, size: int) -> None:
        """Before it."""
        if self._step("truncate", file.path):
            die()
        super().truncate(file, size)

    def sync(self, file: OpenFile) -> None:
        """Before it, with everything written."""
        if self._step("sync", file.path):
            die()
        super().sync(file)

    def rename(self, old: Path, new: Path) -> None:
        """Before it."""
        if self._step("rename", new):
            die()
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        """Before it."""
        if self._step("remove", path):
            die()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        """Before it, with the new names made."""
        if self._step("sync", folder.parent / "folder"):
            die()
        super().sync_folder(folder)


def die() -> None:
    """As by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell(pipe: int, sign: bytes, number: int, text: str = "") -> None:
    """Say something to the parent."""
    os.write(pipe, MESSAGE.pack(sign, number, text.encode("ascii", "replace")[:39]))


def live(folder: Path, *, seed: int, first: int, pipe: int, fatal_step: int) -> None:
    """Open the gallery and work on it from operation `first` on, until killed."""
    store = GalleryStore.open(folder, options(DeadlyDisk(pipe, fatal_step)))
    for number in count(first):
        step = operation(seed, number)
        tell(pipe, BEGUN, number, step.kind)
        step.run(store)
        tell(pipe, DONE, number)


def heard(said: bytes) -> list[Message]:
    """All that a victim said."""
    return [
        Message(sign, number, text.rstrip(b"\0").decode("ascii"))
        for sign, number, text in MESSAGE.iter_unpack(said[: len(said) // MESSAGE.size * MESSAGE.size])
    ]
