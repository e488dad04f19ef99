"""The kiosk's disk: a small tmpfs of its own, so that it can be filled without harm to the machine.

Mounting one takes root. Where that is not to be had, the folder stays where it is and the fault is left out.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from benchmarks.endurance import parameters as p

if TYPE_CHECKING:
    from pathlib import Path

FILLER = "filler"
_PIECE_BYTES = 65_536


class KioskDisk:
    """A folder, on a tmpfs where that is possible.

    Attributes:
        limited: whether it can be filled.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.limited = os.path.ismount(folder) or _mount(folder)
        self.free()

    def fill(self, *, left_bytes: int) -> None:
        """Until only so much is left."""
        with (self.folder / FILLER).open("ab", buffering=0) as file:
            try:
                while (left := self._free_bytes()) > left_bytes:
                    file.write(bytes(min(_PIECE_BYTES, left - left_bytes)))
            except OSError:
                return  # somebody else was writing too: then it is full

    def free(self) -> None:
        """Room again."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        room = os.statvfs(self.folder)
        return room.f_bavail * room.f_frsize

    def unmount(self) -> None:
        """Give the memory back; what was in it is gone."""
        if self.limited:
            subprocess.run(["umount", str(self.folder)], check=False)  # noqa: S603, S607 - a fixed command


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={p.STATE_BYTES},mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
    except OSError:
        return False
    return done.returncode == 0
