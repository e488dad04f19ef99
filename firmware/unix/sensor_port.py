"""The sensor's UART, played by a terminal: the emulator's pseudo-terminal, or a real adapter's device."""

import termios

from firmware.unix.interpreter import FdPort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.unix.unix_clock import UnixClock

_SPEEDS = {
    9600: termios.B9600,
    19200: 14,  # MicroPython's termios leaves these two out; the numbers are Linux's, <asm-generic/termbits.h>
    38400: 15,
    57600: termios.B57600,
    115200: termios.B115200,
}
_FLUSH = 2  # TCSAFLUSH: what came in at another speed was noise
_CC = 6
_CS8_CREAD_CLOCAL = 0o60 | 0o200 | 0o4000  # without names in MicroPython's termios, as above
_VTIME, _VMIN = 5, 6
_TERMINAL_ERRORS = (OSError, getattr(termios, "error", OSError))  # MicroPython's termios has none of its own


class SensorUart:
    """8N1 on the terminal at `path`.

    A UART has no other end that could go away: while there is no terminal under that path, what is written is lost
    and nothing comes in, and once there is one again (a sensor plugged in anew) the next write finds it.
    """

    def __init__(self, path: str, *, clock: "UnixClock"):
        self._path = path
        self._clock = clock
        self._file: "FdPort | None" = None
        self._baud = 57600
        self._open()

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `ports.BytePort`."""
        if self._file is None:
            return 0
        count = self._file.read_into(buffer, count)
        if count < 0:
            self._lose()
            return 0
        return count

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `ports.BytePort`."""
        if self._file is None:
            self._open()
        if self._file is not None:
            taken = self._file.write(buffer, offset, count)
            if taken >= 0:
                return taken
            self._lose()
            self._open()
        return count

    def set_baud(self, baud: int) -> None:
        """See `ports.SensorPort`."""
        self._baud = baud
        if self._file is None:
            self._open()
        elif not self._configure():
            self._lose()
            self._open()

    def _open(self) -> None:
        try:
            self._file = file = FdPort(self._path)
        except OSError:
            return
        self._clock.watch(file.pollable)
        if not self._configure():
            self._lose()

    def _configure(self) -> bool:
        """Raw, 8N1, at the present speed, reads that never wait."""
        if self._file is None:
            return False
        try:
            attributes = termios.tcgetattr(self._file.fileno())
            speed = _SPEEDS[self._baud]
            cc = list(attributes[_CC])
            cc[_VTIME] = cc[_VMIN] = 0
            raw = [0, 0, _CS8_CREAD_CLOCAL | speed, 0, speed, speed, cc]
            termios.tcsetattr(self._file.fileno(), _FLUSH, raw)
        except _TERMINAL_ERRORS:
            return False
        return True

    def _lose(self) -> None:
        if self._file is not None:
            self._clock.forget(self._file.pollable)
            self._file.close()
            self._file = None
