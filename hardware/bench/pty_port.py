"""A pseudo-terminal behind a stable link, as a USB serial adapter under /dev/serial/by-id.

This side keeps the other end open as well. So a host that closes the port is not noticed, just as a sensor
does not notice it, and the terminal keeps its settings. The price is that output which no host takes away
stays in the kernel until a host flushes it, as pyserial does on opening.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import sys
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES = 4096
_SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
}


class PtyPort:
    """One end of a serial line; the host opens `link`. Used by one thread."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master: int | None = None
        self._slave: int | None = None
        self._slave_name = ""

    @property
    def plugged(self) -> bool:
        """Whether a host finds something under `link`."""
        return self._master is not None

    @property
    def fd(self) -> int:
        """For `select`."""
        assert self._master is not None, "the port is unplugged"
        return self._master

    def plug(self) -> None:
        """Make the terminal and the link. Raises FileExistsError if something else is under that name."""
        if self.plugged:
            return
        if os.path.lexists(self.link) and not self.link.is_symlink():
            raise FileExistsError(f"{self.link} exists and is not a link: give the sensor another name")
        self._master, self._slave = os.openpty()
        try:
            # Before any host: without raw mode the kernel would send our own bytes back to us as an echo.
            tty.setraw(self._slave, termios.TCSANOW)
            os.set_blocking(self._master, False)
            self._slave_name = os.ttyname(self._slave)
            # A host never sees the link half made.
            fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._slave_name)
            fresh.replace(self.link)
        except BaseException:
            self.unplug()
            raise

    def unplug(self) -> None:
        """Take the link and the terminal away; a host that reads gets end of file, one that writes EIO."""
        with contextlib.suppress(OSError):
            if self._slave_name and str(self.link.readlink()) == self._slave_name:
                self.link.unlink()
        self._slave_name = ""
        for fd in (self._master, self._slave):
            if fd is not None:
                os.close(fd)
        self._master = self._slave = None

    def read(self) -> bytes:
        """What the host has sent; b"" when nothing."""
        try:
            return os.read(self.fd, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""

    def write(self, data: bytes) -> int:
        """Send what there is room for; returns how much that was, 0 while the host does not read."""
        try:
            return os.write(self.fd, data)
        except (BlockingIOError, InterruptedError):
            return 0

    def unread_bytes(self) -> int:
        """What the host has been sent and has not read, as far as it is in the terminal's own buffer: 4 KB at most."""
        assert self._slave is not None, "the port is unplugged"
        waiting = fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder)

    def host_baud(self) -> int | None:
        """The baud rate the host has set; None for one that is not in the usual list."""
        speed: int = termios.tcgetattr(self.fd)[5]
        return _SPEEDS.get(speed)

    def wait(self, wake_fd: int, *, read: bool, timeout_s: float | None) -> None:
        """Wait for the host to send something (if `read`), for a byte on `wake_fd`, or for the time."""
        poll = select.poll()
        poll.register(wake_fd, select.POLLIN)
        if read and self.plugged:
            poll.register(self.fd, select.POLLIN)
        poll.poll(None if timeout_s is None else max(0, -int(-timeout_s * 1000 // 1)))
