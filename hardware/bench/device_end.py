"""The end of a wire that holds a device's port, as a host would; the port may come and go."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from pathlib import Path

from hardware.bench.parameters import WIRE_REOPEN_S

_READ_BYTES = 4096


class DeviceEnd:
    """A serial port by its path, opened whenever it is there. Used by one thread."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._fd: int | None = None
        self._try_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the device's port is held."""
        return self._fd is not None

    @property
    def fd(self) -> int:
        """For `select`."""
        assert self._fd is not None, "the device is not there"
        return self._fd

    def name(self, path: Path | str | None) -> None:
        """Where the device's port is or will be; None for nowhere."""
        self.close()
        self._path = None if path is None else Path(path)
        self._try_at = 0.0

    def retry_in_s(self, now: float) -> float | None:
        """When `try_open` is worth another call; None when there is nothing to open."""
        return None if self._path is None else max(self._try_at - now, 0.0)

    def try_open(self, now: float) -> bool:
        """Open the port, raw and with nothing of the past in it; False while it is not there."""
        if self._path is None or now < self._try_at:
            return False
        self._try_at = now + WIRE_REOPEN_S
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            tty.setraw(fd, termios.TCSANOW)
            termios.tcflush(fd, termios.TCIFLUSH)
        except (OSError, termios.error):
            os.close(fd)
            return False
        self._fd = fd
        return True

    def close(self) -> None:
        """Let go of the port."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

    def set_speed(self, speed: int) -> None:
        """Set a speed as termios names it (B57600 ...). A device that has just gone away is no error."""
        with contextlib.suppress(OSError, termios.error):
            attributes = termios.tcgetattr(self.fd)
            attributes[4] = attributes[5] = speed
            termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def read(self) -> bytes | None:
        """What the device has sent; b"" when nothing, None when it has gone away."""
        try:
            return os.read(self.fd, _READ_BYTES) or None
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> int | None:
        """Send what there is room for: how much that was, None when the device has gone away."""
        try:
            return os.write(self.fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return None
