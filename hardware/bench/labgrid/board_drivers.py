"""The virtual board: the real firmware between two wires, with its power, its lid and its button."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attr
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.protocol import DigitalOutputProtocol, PowerProtocol, ResetProtocol
from labgrid.step import step

from hardware.bench.firmware_process import find_micropython
from hardware.bench.labgrid.emulator_drivers import SensorEmulatorDriver
from hardware.bench.labgrid.firmware_bundles import build_firmware
from hardware.bench.labgrid.protocols import HostPortProtocol
from hardware.bench.labgrid.resources import VirtualSensorBoard
from hardware.bench.virtual_board import VirtualBoard

if TYPE_CHECKING:
    from typing import Any


@target_factory.reg_driver
class VirtualBoardDriver(Driver, HostPortProtocol, PowerProtocol, ResetProtocol):
    """Plays the `VirtualSensorBoard`, with an emulated sensor on its other side.

    Attributes:
        virtual: the board itself, for a look inside; while active.
    """

    bindings = {"board": VirtualSensorBoard, "sensor": SensorEmulatorDriver}  # noqa: RUF012 - labgrid's way
    board: VirtualSensorBoard
    sensor: SensorEmulatorDriver

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.virtual: Any = None
        self._folder = Path()

    def on_activate(self) -> None:
        """Plug it in, new and unpaired."""
        resource = self.board
        self._folder = Path(tempfile.mkdtemp(prefix="whorl-bench-"))
        in_slots = resource.interpreter != "cpython" and find_micropython() is not None
        self.virtual = VirtualBoard(
            self.sensor.emulator,
            interpreter=resource.interpreter,
            heap=resource.heap,
            detect_line=resource.detect_line,
            # CPython cannot run what mpy-cross compiles: there the checkout's sources run, and cannot be updated.
            firmware=build_firmware("unix", self._folder).flash if in_slots else None,
        )
        self.virtual.start()

    def on_deactivate(self) -> None:
        """Take it away; its flash goes with it."""
        self.virtual.stop()
        self.virtual = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @Driver.check_active
    def path(self) -> str:
        """The board's USB port."""
        return self.virtual.path

    @Driver.check_active
    def crashes(self) -> list[int]:
        """Exit codes of the firmware's unexpected ends since this was last asked."""
        crashes = list(self.virtual.crashes)
        self.virtual.crashes.clear()
        return crashes

    @Driver.check_active
    @step()
    def on(self) -> None:
        """Plug the board in."""
        self.virtual.replug()

    @Driver.check_active
    @step()
    def off(self) -> None:
        """Pull its cable, which is its supply too."""
        self.virtual.unplug()

    @Driver.check_active
    @step()
    def cycle(self) -> None:
        """Off and on."""
        self.off()
        self.on()

    @Driver.check_active
    @step()
    def reset(self) -> None:
        """As by the reset line: the supply stays."""
        self.virtual.reset()


@target_factory.reg_driver
@attr.s(eq=False)
class VirtualBoardSwitchDriver(Driver, DigitalOutputProtocol):
    """The lid's switch (True: the lid is open) or the button (True: held) of the virtual board.

    Args:
        line: "lid" or "button".
    """

    bindings = {"board": VirtualBoardDriver}  # noqa: RUF012 - labgrid's way
    board: Any = attr.ib(default=None, init=False)
    line: Any = attr.ib(default="", validator=attr.validators.in_(("lid", "button")))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._status = False

    @Driver.check_active
    @step(args=["status"])
    def set(self, status: bool) -> None:  # noqa: FBT001 - labgrid's protocol
        """Move it."""
        virtual = self.board.virtual
        moves = {
            ("lid", True): virtual.open_lid,
            ("lid", False): virtual.close_lid,
            ("button", True): virtual.press_button,
            ("button", False): virtual.release_button,
        }
        moves[self.line, bool(status)]()
        self._status = bool(status)

    @Driver.check_active
    @step(result=True)
    def get(self) -> bool:
        """How it was set last."""
        return self._status
