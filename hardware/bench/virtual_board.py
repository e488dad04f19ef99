"""A sensor board without a board: the real firmware in the real interpreter, between a sensor and a Pi's port.

    sensor emulator  <->  [wire]  <->  firmware/unix in MicroPython  <->  [wire]  <->  `path`, what the Pi opens

What is played here is what surrounds the firmware: power and reset, the watchdog, the hands at lid, button and cable.
As on a real board, a reset or a pulled cable takes the Pi's port away and brings it back under the same path.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from firmware.core import codes
from firmware.core.fault_light import BLINKS_SHIFT, KIND
from hardware.bench.bench_device import Running
from hardware.bench.firmware_process import (
    Interpreter,
    find_micropython,
    firmware_command,
    start_firmware,
)
from hardware.bench.loop_thread import LoopThread
from hardware.bench.parameters import BOARD_POLL_S, BOARD_START_S, BOARD_WATCHDOG_S, FINGER_PAUSE_S
from hardware.bench.pin_wire import PinWire
from hardware.bench.process import ProcessError
from hardware.bench.pty_port import PtyPort

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

    from hardware.bench.emulator import SensorEmulator
    from hardware.bench.wire import Wire

    _T = TypeVar("_T")

ResetCause: TypeAlias = Literal["unknown", "power", "watchdog", "asked", "brown-out"]

_CAUSES: Mapping[str, int] = {
    "unknown": codes.RESET_UNKNOWN,
    "power": codes.RESET_POWER,
    "watchdog": codes.RESET_WATCHDOG,
    "asked": codes.RESET_ASKED,
    "brown-out": codes.RESET_BROWN_OUT,
}
_REBOOT_STATUS = 75
"""firmware/unix/unix_board.py and firmware/boot/main.py: start me again."""
_DARK = "off"


class VirtualBoard(Running):
    """A board that the edge service opens at `path`. A context manager.

    All methods may be called from any thread.

    Args:
        sensor: what is wired to its UART; it has to run while the board does. None is a cut cable.
        interpreter: "micropython" or "cpython"; None is MicroPython where there is one.
        folder: its flash, which outlives resets and, where it is given, the board.
        link: where the Pi's port appears; None makes a place in the directory for temporary files. With `usb_wire`
            the wire's own link is the Pi's.
        lid_open: whether the lid is open at the start.
        detect_line: whether the sensor's finger-detect line is wired. Without it the firmware looks by itself.
        usb_wire: between the board and the Pi, made with `usb=True`; the caller starts and stops it.
        sensor_wire: between the sensor and the board; the same.
        heap: of MicroPython; the default is all the memory that an RP2040 has.
        firmware: a board's flash with `main.py` and its slots, as a real board has them, which is then also its
            `folder`; None runs the sources of this checkout, without slots.
        watchdog_s: the firmware is started anew when it did not feed the watchdog for so long.
        options: further words for firmware/unix/main.py.

    Attributes:
        folder: its flash.
        boots: starts of the firmware so far.
        watchdog_resets: those that were the watchdog's.
        crashes: exit codes of a firmware that ended without being told to.
    """

    def __init__(
        self,
        sensor: SensorEmulator | None = None,
        *,
        interpreter: Interpreter | None = None,
        folder: Path | None = None,
        link: Path | str | None = None,
        lid_open: bool = False,
        detect_line: bool = True,
        usb_wire: Wire | None = None,
        sensor_wire: Wire | None = None,
        heap: str = "264k",
        firmware: Path | None = None,
        watchdog_s: float = BOARD_WATCHDOG_S,
        options: Mapping[str, str | int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if interpreter is None:
            interpreter = "micropython" if find_micropython() else "cpython"
        self._command, self._env = firmware_command(interpreter, heap=heap, firmware=firmware)
        self._sensor = sensor
        self._sensor_wire = sensor_wire
        self._own_folder = Path(tempfile.mkdtemp(prefix="whorl-board-"))
        self.folder = firmware or folder or self._own_folder / "flash"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self._own_folder / "log"
        self._usb_wire = usb_wire
        self._port = PtyPort(Path(link) if link and not usb_wire else self._own_folder / "board")
        self._path = usb_wire.path if usb_wire else str(self._port.link)
        self._pin_levels = {"lid": int(lid_open), "button": 0, "finger": 0}
        self._words: dict[str, str | int] = {
            "root": str(self.folder.resolve()),
            "detect": int(detect_line),
            **(options or {}),
        }
        self._watchdog_s = watchdog_s
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._pins: PinWire | None = None
        self._fed_at: float | None = None
        self._bare_since = clock()
        self._told: dict[str, int] = {}
        self._ready = False
        self.boots = 0
        self.watchdog_resets = 0
        self.crashes: list[int] = []
        self._thread = LoopThread(self._step, name="virtual-board")

    @property
    def path(self) -> str:
        """What the Pi opens. The same after a reset and a replug."""
        return self._path

    @property
    def alive(self) -> bool:
        """Whether the firmware runs."""
        process = self._process
        return process is not None and process.poll() is None

    @property
    def led(self) -> str:
        """The pattern of the light: "ready", "press", "hold", "done", "fault" ..., "off" for a dark board."""
        return codes.name_of("LED_", self._told["led"] & KIND).lower() if "led" in self._told else _DARK

    @property
    def blinks(self) -> int:
        """How often a faulty board's red light blinks (hardware/fault-tree.md); 0 without a fault."""
        return self._told.get("led", 0) >> BLINKS_SHIFT

    @property
    def sensor_powered(self) -> bool:
        """Whether the firmware has switched the sensor on."""
        return bool(self._told.get("power", 0))

    def start(self) -> None:
        """Plug it in; returns when the firmware has started. Raises ProcessError with its output if it does not."""
        try:
            if self._sensor is not None and self._sensor_wire is not None:
                self._sensor_wire.join(self._sensor.path)
            if self._usb_wire is not None:
                self._usb_wire.join(self._port.link)
            self._thread.start()
            self._ask(lambda: self._boot("power"))
            self._await_first_feed()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Unplug it and leave no process behind; a `folder` that was given stays."""
        try:
            self._ask(self._die)
            self._thread.stop()
        finally:
            if self._usb_wire is not None:
                with contextlib.suppress(RuntimeError):
                    self._usb_wire.join(None)
            shutil.rmtree(self._own_folder, ignore_errors=True)

    # -- hands

    def open_lid(self) -> None:
        """Open the lid."""
        self._ask(lambda: self._set_pin("lid", 1))

    def close_lid(self) -> None:
        """Close it."""
        self._ask(lambda: self._set_pin("lid", 0))

    def press_button(self) -> None:
        """Hold the technician's button down."""
        self._ask(lambda: self._set_pin("button", 1))

    def release_button(self) -> None:
        """Let it go."""
        self._ask(lambda: self._set_pin("button", 0))

    def reset(self, cause: ResetCause = "power") -> None:
        """Reset the board as if for this reason; returns when the firmware has started again."""

        def do() -> None:
            self._die()
            self._boot(cause)

        self._ask(do)
        self._await_first_feed()

    def unplug(self) -> None:
        """Pull the USB cable: the port goes away, and the board, which lives on it, goes dark."""
        self._ask(self._die)

    def replug(self) -> None:
        """Put the cable back in."""
        self._ask(lambda: None if self.alive else self._boot("power"))
        self._await_first_feed()

    def freeze(self) -> None:
        """Stop the firmware in its tracks, for the watchdog."""
        self._ask(self._stop_process)

    # -- what happened

    def log(self) -> str:
        """What the firmware wrote to its standard error: nothing, when all is well."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def memory(self) -> dict[str, int]:
        """Of MicroPython's heap, in bytes, since the last start: peak_bytes in use, heap_bytes there are."""
        return {"peak_bytes": self._told.get("peak", 0), "heap_bytes": self._told.get("heap", 0)}

    def pins_told(self) -> dict[str, int]:
        """The last value of everything that the firmware told over its pins since the last start."""
        return self._ask(self._told.copy)

    # -- the thread

    def _step(self, wake_fd: int) -> None:
        poll = select.poll()
        poll.register(wake_fd, select.POLLIN)
        if self._pins is not None:
            poll.register(self._pins.fd, select.POLLIN)
        poll.poll(int(BOARD_POLL_S * 1000) if self._process is not None else None)
        if self._process is None or self._pins is None:
            return
        for word, value in self._pins.heard():
            self._hear(word, value)
        self._follow_finger()
        status = self._process.poll()
        if status is not None:
            self._die()
            if status != _REBOOT_STATUS:
                self.crashes.append(status)
            self._boot("asked" if status == _REBOOT_STATUS else "unknown")
        elif self._fed_at is not None and self._clock() - self._fed_at > self._watchdog_s:
            self.watchdog_resets += 1
            self._die()
            self._boot("watchdog")

    def _hear(self, word: str, value: int) -> None:
        self._told[word] = value
        if word == "fed":
            self._fed_at = self._clock()
            self._ready = True
        elif word == "power" and self._sensor is not None and self._sensor.alive:
            self._sensor.power(bool(value))

    def _follow_finger(self) -> None:
        sensor = self._sensor
        if sensor is None or not sensor.alive or not self._words["detect"]:
            return
        now = self._clock()
        on = sensor.finger_is_on()
        if on:
            self._bare_since = now
        elif self._told.get("led") == codes.LED_PRESS and now - self._bare_since > FINGER_PAUSE_S:
            # Whoever watches the light waits until it says so: a finger too early is one that was not lifted.
            self._bare_since = now
            sensor.next_finger()
        if on != bool(self._pin_levels["finger"]):
            self._set_pin("finger", int(on))

    def _set_pin(self, pin: str, level: int) -> None:
        self._pin_levels[pin] = level
        if self._pins is not None:
            self._pins.say(pin, level)

    def _boot(self, cause: ResetCause) -> None:
        pins = PinWire()
        for pin, level in self._pin_levels.items():
            pins.say(pin, level)
        self._port.plug()
        words = {
            "usb": self._port.fd,
            "pins": pins.their_fd,
            "sensor": self._sensor_path(),
            "cause": _CAUSES[cause],
            **self._words,
        }
        self._process = start_firmware(
            self._command, self._env, words=words, inherit=(self._port.fd, pins.their_fd), log=self._log
        )
        pins.inherited()
        self._pins = pins
        self._told = {}
        self._fed_at = self._clock() + BOARD_START_S
        self._ready = False
        self.boots += 1

    def _sensor_path(self) -> str:
        if self._sensor_wire is not None:
            return self._sensor_wire.path
        return os.devnull if self._sensor is None else self._sensor.path

    def _die(self) -> None:
        """No supply, or a reset: the pins are dead, the sensor's switch is held off, the Pi's port is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._pins is not None:
            for word, value in self._pins.heard():
                self._told[word] = value
            self._pins.close()
            self._pins = None
        self._told.pop("led", None)
        self._told.pop("power", None)
        self._port.unplug()
        if self._sensor is not None and self._sensor.alive:
            self._sensor.power(False)

    def _stop_process(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def _await_first_feed(self) -> None:
        deadline = time.monotonic() + BOARD_START_S
        while not self._ready and self._thread.alive:
            if self.crashes or time.monotonic() > deadline:
                problem = f"ended with {self.crashes}" if self.crashes else "does not start"
                raise ProcessError("the firmware", problem, self.log()[-4000:])
            time.sleep(BOARD_POLL_S)

    def _ask(self, question: Callable[[], _T]) -> _T:
        return self._thread.ask(question)
