"""The light's patterns, driven from the main loop, without timer or interrupt; hardware/fault-tree.md explains them."""

from machine import PWM, Pin

from firmware.board import pins
from firmware.core import codes
from firmware.core.fault_light import BLINKS_SHIFT, KIND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.ports import Clock

_FULL = 65535
_DARK = 0
_RED, _GREEN, _BLUE = 1, 2, 4
_YELLOW = _RED | _GREEN

# Colour and ms, in turn.
_CYCLES = {
    codes.LED_OFF: (_DARK, 1000),
    codes.LED_STARTING: (_YELLOW, 2000),
    codes.LED_READY: (_GREEN, 1000),
    codes.LED_PRESS: (_BLUE, 500, _DARK, 500),
    codes.LED_HOLD: (_BLUE, 1000),
    codes.LED_DONE: (_GREEN, 150, _DARK, 150, _GREEN, 150, _DARK, 1550),
    codes.LED_TAMPER: (_RED, 500, _BLUE, 500),
    codes.LED_UPDATE: (_YELLOW, 125, _DARK, 125),
}
_FAULT_ON_MS, _FAULT_OFF_MS, _FAULT_PAUSE_MS = 300, 300, 1500
_FADES = codes.LED_STARTING


class Light:
    """Three colours by PWM. `show` a pattern, then `step` in every loop."""

    def __init__(self, *, clock: "Clock"):
        self._clock = clock
        self._colours = [PWM(Pin(number)) for number in (pins.LED_RED, pins.LED_GREEN, pins.LED_BLUE)]
        for colour in self._colours:
            colour.freq(pins.LED_PWM_HZ)
        self._pattern = -1
        self._cycle = _CYCLES[codes.LED_OFF]
        self._at = 0
        self._since = clock.now()
        self._shown = -1
        self.show(codes.LED_OFF)
        self.step()

    def show(self, pattern: int) -> None:
        """Show one of codes.LED_*; a fault with its number of blinks in the high nibble."""
        if pattern == self._pattern:
            return
        self._pattern = pattern
        kind = pattern & KIND
        if kind == codes.LED_FAULT:
            blinks = max(1, pattern >> BLINKS_SHIFT)
            self._cycle = (_RED, _FAULT_ON_MS, _DARK, _FAULT_OFF_MS) * (blinks - 1)
            self._cycle += (_RED, _FAULT_ON_MS, _DARK, _FAULT_PAUSE_MS)
        else:
            self._cycle = _CYCLES[kind]
        self._at = 0
        self._since = self._clock.now()

    def step(self) -> None:
        """Change the light if it is time to. Allocates nothing."""
        cycle = self._cycle
        passed = self._clock.since(self._since)
        if passed >= cycle[self._at + 1]:
            self._since = self._clock.now()
            self._at += 2
            if self._at >= len(cycle):
                self._at = 0
            passed = 0
        level = 16
        if self._pattern == _FADES:
            length = cycle[1]
            level = (passed if passed * 2 < length else length - passed) * 32 // length
        self._set(cycle[self._at], level)

    def _set(self, colour: int, level: int) -> None:
        """`level` from 0 to 16."""
        wanted = colour << 5 | level
        if wanted == self._shown:
            return
        self._shown = wanted
        for at in range(3):
            duty = level * pins.LED_BALANCE[at] * (_FULL // (16 * 255)) if colour >> at & 1 else 0
            self._colours[at].duty_u16(duty if pins.LED_ON_LEVEL else _FULL - duty)
