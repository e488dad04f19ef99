"""The pins of a board that has none: lines of text to and from whoever plays the hands and the light.

In: `finger 0|1`, `lid 0|1` (1 is open), `button 0|1`. Out: `power 0|1`, `led N`, `reboot`, `fed`, `peak N`. When the
other end is gone there is nobody left to play for, and the program ends.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.ports import Clock
    from firmware.unix.interpreter import FdPort

REBOOT_STATUS = 75
"""Exit status of a reboot that was asked for; `firmware/boot/main.py` ends with the same."""

_FED_EVERY_MS = 50
_LINE_FEED, _SPACE, _ONE = 10, 32, 49
_FINGER, _LID, _BUTTON = 102, 108, 98  # the first letters


class UnixBoard:
    """A `ports.Board` over a line of text.

    Args:
        pins: a line to the bench; None for a board without hands or light, its lid closed.
        clock: for the pace of `fed`.
        reset_cause: one of codes.RESET_*.
        has_detect_line: whether the bench tells of fingers.
    """

    name = "unix"

    def __init__(self, *, pins: "FdPort | None", clock: "Clock", reset_cause: int, has_detect_line: bool):
        self.has_detect_line = has_detect_line
        self._pins = pins
        self._clock = clock
        self._cause = reset_cause
        self._input = bytearray(64)
        self._line = bytearray(16)
        self._length = 0
        # An unknown lid is an open one. The bench says how things are before it starts the board.
        self._finger, self._lid_open, self._button = False, pins is not None, False
        self._led = -1
        self._fed_at = clock.now()
        self._fed = bytearray(b"fed\n")
        self._read()
        self.say("fed")

    def sensor_power(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """See `ports.Board`."""
        self.say("power %d" % on)

    def finger_detected(self) -> bool:
        """See `ports.Board`."""
        self._read()
        return self._finger

    def tamper_open(self) -> bool:
        """See `ports.Board`."""
        self._read()
        return self._lid_open

    def button_pressed(self) -> bool:
        """See `ports.Board`."""
        return self._button

    def led(self, pattern: int) -> None:
        """See `ports.Board`."""
        if pattern != self._led:
            self._led = pattern
            self.say("led %d" % pattern)

    def reset_cause(self) -> int:
        """See `ports.Board`."""
        return self._cause

    def reboot(self) -> None:
        """See `ports.Board`."""
        self.say("reboot")
        sys.exit(REBOOT_STATUS)

    def feed_watchdog(self) -> None:
        """See `ports.Board`."""
        if self._clock.since(self._fed_at) >= _FED_EVERY_MS:
            self._fed_at = self._clock.now()
            if self._pins is not None:
                self._pins.write(self._fed, 0, 4)

    def say(self, line: str) -> None:
        """Tell the bench. A bench that takes nothing away misses it."""
        if self._pins is not None:
            data = bytearray(line.encode() + b"\n")
            self._pins.write(data, 0, len(data))

    def _read(self) -> None:
        if self._pins is None:
            return
        count = self._pins.read_into(self._input, len(self._input))
        if count < 0 or self._pins.ended:
            sys.exit(0)
        at = 0
        while at < count:
            self._take(self._input[at])
            at += 1

    def _take(self, byte: int) -> None:
        if byte != _LINE_FEED:
            if self._length < len(self._line):
                self._line[self._length] = byte
                self._length += 1
            return
        if self._length >= 2 and self._line[self._length - 2] == _SPACE:
            value = self._line[self._length - 1] == _ONE
            first = self._line[0]
            if first == _FINGER:
                self._finger = value
            elif first == _LID:
                self._lid_open = value
            elif first == _BUTTON:
                self._button = value
        self._length = 0
