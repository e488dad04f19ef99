"""One uplink at a time: a device is one MQTT client, and a second one would throw the first one out."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UplinkLock:
    """Beside the spool; held by the process whose uplink serves it, and let go even if that is killed."""

    def __init__(self, spool: Path) -> None:
        self._path = spool.with_name(f"{spool.name}.uplink")
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take it; False if another process has it."""
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let it go, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
