"""A scripted board on a wire in memory, in a time of its own: minutes pass at once, and always the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.sensors.errors import SensorUnplugged
from firmware.core.ports import BytePort, Clock
from hardware.bench.scripted_board import BoardScript

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP_S = 0.001


class OwnTime(Clock):
    """A clock that somebody moves: seconds to the Pi, milliseconds to the firmware."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now_s

    def now(self) -> int:
        """See `Clock`."""
        return int(self.now_s * 1000)

    def idle(self, ms: int) -> None:
        """See `Clock`; whoever moves the time does it elsewhere."""

    def since(self, then: int) -> int:
        """See `Clock`."""
        return self.now() - then


class MemoryBoard(BytePort):
    """A board and the line to it, which is the Pi's `Line`; `script` says what the board does.

    Attributes:
        time: the clock of both.
        script: the board.
        plugged: whether the cable is in.
        swallow_down: how many of the Pi's next frames get lost.
        swallow_up: how many of the board's next ones.
        spoil_up: what becomes of what the board sends.
        on_wire: all that reached the Pi.
    """

    def __init__(self, *, key: bytes | None = None, poll_s: float = 0.05) -> None:
        self.time = OwnTime()
        self.script = BoardScript(port=self, clock=self.time, key=key)
        self.plugged = True
        self.swallow_down = 0
        self.swallow_up = 0
        self.spoil_up: Callable[[bytes], bytes] = lambda data: data
        self.on_wire = bytearray()
        self._poll_s = poll_s
        self._down = bytearray()
        self._up = bytearray()
        self._open = False

    # -- the Pi's end

    @property
    def is_open(self) -> bool:
        """See `Line`."""
        return self._open

    def open(self, baud: int) -> None:
        """See `Line`."""
        del baud
        if not self.plugged:
            raise SensorUnplugged("missing", path="memory")
        self._open = True
        self._up.clear()

    def read_some(self) -> bytes:
        """See `Line`; lets the time pass."""
        until = self.time.now_s + self._poll_s
        while self.time.now_s < until:
            self._check()
            self.script.step()
            self.time.now_s += _STEP_S
            if self._up:
                data = bytes(self._up)
                self._up.clear()
                self.on_wire += data
                return data
        return b""

    def write(self, data: bytes, offset: int = 0, count: int | None = None) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The Pi's `Line.write(data)` and the board's `BytePort.write(buffer, offset, count)`."""
        if count is not None:
            if self.swallow_up:
                self.swallow_up -= 1
            else:
                self._up += self.spoil_up(bytes(data[offset : offset + count]))
            return count
        self._check()
        if self.swallow_down:
            self.swallow_down -= 1
        else:
            self._down += data
        return len(data)

    def close(self) -> None:
        """See `Line`."""
        self._open = False

    # -- the board's end

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `BytePort`."""
        data = self._down[:count]
        del self._down[:count]
        buffer[: len(data)] = data
        return len(data)

    # -- hands

    def unplug(self) -> None:
        """Pull the cable."""
        self.plugged = False

    def replug(self) -> None:
        """Put it back in; the board has restarted."""
        self.plugged = True
        self._down.clear()
        self._up.clear()
        self.script.restart()

    def inject(self, data: bytes) -> None:
        """Put bytes on the wire to the Pi."""
        self._up += data

    def _check(self) -> None:
        if not self.plugged:
            self._open = False
            raise SensorUnplugged("lost", path="memory")
