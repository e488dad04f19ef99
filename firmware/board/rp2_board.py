"""The pins of a Pico or a Pico 2: supply switch, detect line, lid, button, light, watchdog, reset."""

import sys

import machine
from machine import WDT, Pin

from firmware.board import pins
from firmware.board.light import Light
from firmware.board.sensor_uart import SensorUart
from firmware.core import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.ports import Clock

_WATCHDOG_MS = 8000
"""The RP2040's counter ends at 8,388 ms. The loader has started it with the same time."""

# A reset that was asked for is done by the watchdog too (machine.reset). A word in a register that outlives it, but
# not a loss of power, tells them apart. RP2040 data sheet 4.7.6, RP2350 data sheet 12.9.7, "SCRATCH0"; MicroPython
# and the boot ROM use 4 to 7.
_SCRATCH_RP2040 = 0x4005_800C
_SCRATCH_RP2350 = 0x400D_800C
_ASKED = 0x1057_A5CD


class Rp2Board:
    """A `ports.Board`. Call `step` in every loop, for the light."""

    has_detect_line = True

    def __init__(self, *, uart: SensorUart, clock: "Clock"):
        rp2350 = "RP2350" in sys.implementation._machine  # noqa: SLF001 - the one place that says it
        self.name = "rp2350" if rp2350 else "rp2040"
        self._scratch = _SCRATCH_RP2350 if rp2350 else _SCRATCH_RP2040
        self._uart = uart
        self._power = Pin(pins.SENSOR_POWER, Pin.OUT, value=not pins.SENSOR_POWER_ON_LEVEL)
        self._finger = _input(pins.FINGER, pins.FINGER_PULL_UP)
        self._tamper = _input(pins.TAMPER, pins.TAMPER_PULL_UP)
        self._button = _input(pins.BUTTON, pins.BUTTON_PULL_UP)
        self._light = Light(clock=clock)
        self.step = self._light.step
        self.led = self._light.show
        self._cause = self._why()
        watchdog = WDT(timeout=_WATCHDOG_MS)
        self.feed_watchdog = watchdog.feed

    def sensor_power(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """See `ports.Board`. The order matters: pins.py says why."""
        if on:
            self._power.value(pins.SENSOR_POWER_ON_LEVEL)
            self._uart.wake()
        else:
            self._uart.sleep()
            self._power.value(not pins.SENSOR_POWER_ON_LEVEL)

    def finger_detected(self) -> bool:
        """See `ports.Board`."""
        return self._finger.value() == pins.FINGER_LEVEL

    def tamper_open(self) -> bool:
        """See `ports.Board`."""
        return self._tamper.value() == pins.TAMPER_OPEN_LEVEL

    def button_pressed(self) -> bool:
        """See `ports.Board`."""
        return self._button.value() == pins.BUTTON_PRESSED_LEVEL

    def reset_cause(self) -> int:
        """See `ports.Board`. A brown-out reads as power: the RP2040 does not tell them apart."""
        return self._cause

    def reboot(self) -> None:
        """See `ports.Board`."""
        machine.mem32[self._scratch] = _ASKED
        machine.reset()

    def _why(self) -> int:
        """Read once: the mark is wiped, so that the next reset is not taken for this one."""
        asked = machine.mem32[self._scratch] == _ASKED
        machine.mem32[self._scratch] = 0
        if machine.reset_cause() == machine.PWRON_RESET:
            return codes.RESET_POWER
        if asked:
            return codes.RESET_ASKED
        return codes.RESET_WATCHDOG if machine.reset_cause() == machine.WDT_RESET else codes.RESET_UNKNOWN


def _input(number: int, pull_up: int) -> Pin:
    return Pin(number, Pin.IN, Pin.PULL_UP) if pull_up else Pin(number, Pin.IN)
