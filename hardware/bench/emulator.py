"""The sensor emulator: what a real module would be to the program under test, with strings attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from edge_service.sensors.zfm_codes import BAUD_UNIT, PACKET_BYTES
from hardware.bench.bench_device import BenchDevice
from hardware.bench.faults import Fault
from hardware.bench.finger_images import fit_to_window, grey_levels, load_image
from hardware.bench.parameters import BOOT_S
from hardware.bench.sensor_loop import SensorLoop
from hardware.bench.zfm_models import MODULE_MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import TypeVar

    import numpy as np
    from numpy.typing import NDArray

    from hardware.bench.zfm_module import ZfmModule

    _T = TypeVar("_T")

Picture: TypeAlias = "Path | str | NDArray[np.uint8]"
"""A file, or uint8 (height, width)."""


class SensorEmulator(BenchDevice):
    """An R307 or R503 that a program under test opens at `path`. A context manager.

    All methods may be called from any thread.

    Args:
        model: "R307" (256 x 288) or "R503" (192 x 192).
        link: where the port appears; None makes a place in the directory for temporary files.
        images: fingers that wait; with them, `auto_next` is on unless told otherwise.
        auto_next: lift a finger after its image was sent, then put down the next one that waits. In between,
            the window is seen empty once.
        password: the module's password; 0 is the factory's and need not be verified.
        baud: a multiple of 9,600.
        packet_bytes: content of a data packet: 32, 64, 128 or 256.
        speed: 1 paces bytes as the wire would, 10 ten times as fast, 0 not at all.
        check_baud: hear and send noise while the host's baud rate is another one. Off for hosts that set
            none.
        cold_start: begin as after power-up: deaf, then one 55.
        boot_s: how long the module is deaf after power-up.
        replug_after_s: when the fault "unplug" ends; None is never.
        faults: armed from the start.
        seed: of the noise.
    """

    def __init__(
        self,
        model: str = "R307",
        *,
        link: Path | str | None = None,
        images: Iterable[Picture] = (),
        auto_next: bool | None = None,
        password: int = 0,
        baud: int = 57_600,
        packet_bytes: int = 128,
        speed: float = 0.0,
        check_baud: bool = True,
        cold_start: bool = False,
        boot_s: float = BOOT_S,
        replug_after_s: float | None = 1.0,
        faults: Iterable[Fault | str] = (),
        seed: int = 1,
    ) -> None:
        if model not in MODULE_MODELS:
            raise ValueError(f"the bench plays {' or '.join(MODULE_MODELS)}, not {model}")
        if baud <= 0 or baud % BAUD_UNIT:
            raise ValueError(f"{baud} baud is not a multiple of {BAUD_UNIT}")
        if packet_bytes not in PACKET_BYTES:
            raise ValueError(f"packets hold one of {PACKET_BYTES} bytes, not {packet_bytes}")
        if speed < 0:
            raise ValueError("speed is 0 for no pacing, or how many times as fast as the wire")
        self.model = MODULE_MODELS[model]
        waiting = [self._window_of(image) for image in images]
        armed = [_fault(fault) for fault in faults]
        self._cold_start = cold_start
        super().__init__(name=f"sensor-{model}", link=link)
        self._loop = SensorLoop(
            self.model,
            self._port,
            password=password,
            baud=baud,
            packet_bytes=packet_bytes,
            speed=speed,
            check_baud=check_baud,
            boot_s=boot_s,
            replug_after_s=replug_after_s,
            seed=seed,
        )
        self._loop.stand.queue.extend(waiting)
        self._loop.stand.auto_next = bool(waiting) if auto_next is None else auto_next
        self._loop.faults.faults.extend(armed)

    # -- fingers

    def present(self, image: Picture) -> NDArray[np.uint8]:
        """Put a finger on the window; returns the uint8 (height, width) that a host should get of it."""
        window = self._window_of(image)
        self._ask(lambda: self._loop.stand.present(window))
        return grey_levels(window)

    def lift(self) -> None:
        """Take the finger away."""
        self._ask(self._loop.stand.lift)

    def enqueue(self, images: Iterable[Picture]) -> list[NDArray[np.uint8]]:
        """Let fingers wait for their turn; returns what a host should get of each."""
        windows = [self._window_of(image) for image in images]
        self._ask(lambda: self._loop.stand.queue.extend(windows))
        return [grey_levels(window) for window in windows]

    def finger_is_on(self) -> bool:
        """Whether a finger lies on the window: what the finger-detect line says. Changes nothing."""
        return self._loop.stand.on_window is not None

    def next_finger(self) -> None:
        """Put the finger that waits next down, if the window is empty and `auto_next` is on."""
        self._ask(self._loop.stand.next_down)

    # -- trouble

    def arm(self, fault: Fault | str) -> None:
        """Let something go wrong; a string is read by `Fault.parse`."""
        armed = _fault(fault)
        self._ask(lambda: self._loop.faults.faults.append(armed))

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self._ask(self._loop.faults.faults.clear)

    def unplug(self) -> None:
        """Pull the cable: the port goes away, the module loses its power."""
        self._ask(self._loop.unplug)

    def replug(self) -> None:
        """Put the cable back in: the port returns under the same path, the module starts up."""
        self._ask(self._loop.replug)

    def power_cycle(self) -> None:
        """Switch the module off and on; the port stays, as on a UART of the board."""
        self._ask(self._loop.power_up)

    def power(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """Switch the module's supply: off it is deaf and dumb, on it starts up."""
        self._ask(self._loop.power_up if on else self._loop.power_down)

    # -- what happened

    def heard(self) -> list[int]:
        """Instruction codes of the intact commands so far, in order."""
        return self._ask(self._loop.heard.copy)

    def images_sent(self) -> int:
        """How many times an image was sent."""
        return self._ask(lambda: self._loop.images_sent)

    def waiting(self) -> int:
        """How many fingers wait for their turn."""
        return self._ask(lambda: len(self._loop.stand.queue))

    def inspect(self, look: Callable[[ZfmModule], _T]) -> _T:
        """Let `look` read or change the module between two commands; returns what it returns."""
        return self._ask(lambda: look(self._loop.module))

    def _begin(self) -> None:
        super()._begin()
        if self._cold_start:
            self._loop.power_up()

    def _step(self, wake_fd: int) -> None:
        self._loop.step(wake_fd)

    def _window_of(self, image: Picture) -> NDArray[np.uint8]:
        return fit_to_window(load_image(image), width=self.model.width, height=self.model.height)


def _fault(fault: Fault | str) -> Fault:
    return Fault.parse(fault) if isinstance(fault, str) else fault
