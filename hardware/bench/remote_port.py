"""A serial port of another machine (RFC 2217, or raw TCP) as a pseudo-terminal of this one."""

from __future__ import annotations

import contextlib
import logging
import time

import serial

from hardware.bench.bench_device import BenchDevice

_log = logging.getLogger(__name__)

_RECONNECT_S = 0.5
"""Pause between two attempts: ser2net needs about that long to open a port that has just come back."""
_NEGOTIATE_S = 3.0
"""Longest wait for the other side's agreement (RFC 2217); a server next door answers in milliseconds."""
_LOOK_EVERY_S = 0.004
"""How often the connection is asked for bytes: one USB frame of the board at full speed holds less than the
kernel's buffers, and four milliseconds are little beside the three seconds of an image."""
_READ_BYTES = 4096


class RemotePort(BenchDevice):
    """Reaches for `url` again and again; `path` is there while the other side is. A context manager.

    A board that is unplugged over there makes its server hang up; then `path` goes away here too, as it would
    on a local port. The speed that a program sets on `path` is set over there.

    Args:
        url: "rfc2217://host:port" or "socket://host:port".
        baud: rate to begin with.
    """

    def __init__(self, url: str, *, baud: int = 115_200) -> None:
        self._url = f"{url}?ign_set_control&timeout={_NEGOTIATE_S}" if url.startswith("rfc2217") else url
        self._baud = baud
        super().__init__(name="remote-port")
        self._there: serial.SerialBase | None = None
        self._try_at = 0.0
        self._unsent = b""

    def _begin(self) -> None:
        """The port appears once the other side is there."""

    def _end(self) -> None:
        self._hang_up()

    def _step(self, wake_fd: int) -> None:
        try:
            if self._there is None:
                self._there = self._connect()
            if self._there is None:
                wait_s = max(self._try_at - time.monotonic(), 0.0)
                self._port.wait(wake_fd, read=False, timeout_s=wait_s)
                return
            self._port.wait(wake_fd, read=True, timeout_s=_LOOK_EVERY_S)
            self._carry(self._there)
        except (OSError, ValueError) as error:  # pyserial's errors are OSErrors
            _log.info("lost %s: %s", self._url, error)
            self._hang_up()
            self._try_at = time.monotonic() + _RECONNECT_S

    def _connect(self) -> serial.SerialBase | None:
        """One attempt, if it is time for one."""
        if time.monotonic() < self._try_at:
            return None
        there = serial.serial_for_url(self._url, self._baud, timeout=0)
        self._port.plug()
        return there

    def _carry(self, there: serial.SerialBase) -> None:
        baud = self._port.host_baud()
        if baud is not None and baud != self._baud:
            there.baudrate = self._baud = baud
        data = self._port.read()
        if data:
            there.write(data)
        # A program that does not read makes the kernel's buffers fill, here and then over there.
        if len(self._unsent) < _READ_BYTES:
            self._unsent += _what_came(there)
        if self._unsent:
            self._unsent = self._unsent[self._port.write(self._unsent) :]

    def _hang_up(self) -> None:
        self._port.unplug()
        self._unsent = b""
        there, self._there = self._there, None
        if there is not None:
            with contextlib.suppress(OSError):
                there.close()


def _what_came(there: serial.SerialBase) -> bytes:
    """What has arrived, without waiting. Raises OSError when the connection is gone.

    Byte by byte, because with a timeout of 0 pyserial's network ports give no more than one at a time.
    """
    data = bytearray()
    while len(data) < _READ_BYTES and (byte := there.read(1)):
        data += byte
    return bytes(data)
