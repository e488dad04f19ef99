"""One process for a folder: a lock that ends with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from matcher_service.galleries import parameters
from matcher_service.galleries.errors import GalleryLocked

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"
_POLL_S = 0.05


class FolderLock:
    """Held from construction to `release`. Raises GalleryLocked after `wait_s`, and OSError."""

    def __init__(self, folder: Path, *, wait_s: float = parameters.LOCK_WAIT_S) -> None:
        self._descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_up = time.monotonic() + wait_s
        while not self._taken():
            if time.monotonic() >= give_up:
                holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
                os.close(self._descriptor)
                raise GalleryLocked(folder, holder)
            time.sleep(_POLL_S)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._descriptor)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
