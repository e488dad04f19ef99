"""The serial port under a sensor: opened for us alone, never waiting without a limit."""

from __future__ import annotations

import contextlib
import errno
import logging
import termios
import time
from typing import TYPE_CHECKING

import serial

from edge_service.sensors.errors import SensorUnplugged

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_log = logging.getLogger(__name__)

# pyserial lets both through: its own errors are OSError, those of termios are not.
_PORT_ERRORS = (OSError, termios.error)
_BUSY = (errno.EAGAIN, errno.EBUSY)
_DENIED = (errno.EACCES, errno.EPERM)
_ABSENT = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO)


class SerialPort:
    """A port that is opened exclusively, and whose every failure is a `SensorUnplugged`.

    `path` is opened anew each time, so a stable link such as those under /dev/serial/by-id is followed to
    wherever the device came back.
    """

    def __init__(
        self, path: str, *, poll_s: float, write_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self._poll_s = poll_s
        self._write_s = write_s
        self._clock = clock
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        """Whether the port is held. A port that went away counts as held until the next call finds out."""
        return self._serial is not None

    def still_there(self) -> bool:
        """Whether the port is held and has not gone away meanwhile."""
        try:
            self.discard_input()
        except SensorUnplugged:
            return False
        return True

    def open(self, baud: int) -> None:
        """Open and lock the port. Raises `SensorUnplugged`."""
        self.close()
        try:
            opened = serial.Serial(
                self.path, baud, exclusive=True, timeout=self._poll_s, write_timeout=self._write_s
            )
        except (*_PORT_ERRORS, ValueError) as error:
            raise SensorUnplugged(_reason(error), path=self.path) from error
        self._serial = opened
        try:
            _keep_lines_on_close(opened.fileno())
        except _PORT_ERRORS as error:
            # Some adapters refuse; then a board behind them restarts when we stop, which only costs time.
            _log.debug("cannot clear HUPCL on %s: %s", self.path, error)

    def set_baud(self, baud: int) -> None:
        """Change the baud rate and forget what came in at the old one. Raises `SensorUnplugged`."""
        with self._watched() as port:
            port.baudrate = baud
            port.reset_input_buffer()

    def read_some(self) -> bytes:
        """What has arrived; waits at most `poll_s` for it, then gives b"". Raises `SensorUnplugged`."""
        with self._watched() as port:
            return port.read(max(1, port.in_waiting))

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises `SensorUnplugged`, also when nothing takes the bytes away."""
        with self._watched() as port:
            port.write(data)

    def discard_input(self) -> None:
        """Forget what has arrived so far. Raises `SensorUnplugged`."""
        with self._watched() as port:
            port.reset_input_buffer()

    def drain(self, *, quiet_s: float, limit_s: float) -> bool:
        """Read and forget until nothing came for `quiet_s`; False when that took longer than `limit_s`."""
        started = last_heard = self._clock()
        while self._clock() - last_heard < quiet_s:
            if self.read_some():
                last_heard = self._clock()
                if last_heard - started > limit_s:
                    return False
        return True

    def close(self) -> None:
        """Give the port back. Never fails: a port that is gone is as good as closed."""
        port, self._serial = self._serial, None
        if port is not None:
            with contextlib.suppress(*_PORT_ERRORS):
                port.close()

    @contextlib.contextmanager
    def _watched(self) -> Generator[serial.Serial, None, None]:
        if self._serial is None:
            raise SensorUnplugged("lost", path=self.path)
        try:
            yield self._serial
        except _PORT_ERRORS as error:
            self.close()
            raise SensorUnplugged("lost", path=self.path) from error


def _reason(error: BaseException) -> str:
    """Why the port cannot be opened, as `SensorUnplugged` names it."""
    number = _errno(error)
    if number in _BUSY:
        return "busy"
    if number in _DENIED:
        return "denied"
    return "missing" if number in _ABSENT else "unusable"


def _errno(error: BaseException | None) -> int | None:
    """The error number, also where pyserial wraps a failing tcgetattr without it (a terminal going away)."""
    if error is None:
        return None
    if isinstance(error, termios.error):
        return error.args[0] if error.args else None
    return error.errno if isinstance(error, OSError) and error.errno else _errno(error.__context__)


def _keep_lines_on_close(fd: int) -> None:
    """Clear HUPCL, so that closing the port does not drop DTR and restart a board behind it."""
    attributes = termios.tcgetattr(fd)
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
