"""The emulated sensor: a finger stand, and, where there is no board, the port itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.protocol import PowerProtocol
from labgrid.step import step

from edge_service.sensors.zfm_codes import BAUD_UNIT
from hardware.bench.emulator import SensorEmulator
from hardware.bench.labgrid.made_up_print import made_up_print
from hardware.bench.labgrid.protocols import FingerProtocol, HostPortProtocol, SensorBaudProtocol
from hardware.bench.labgrid.resources import EmulatedSensor

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


@target_factory.reg_driver
class SensorEmulatorDriver(Driver, HostPortProtocol, FingerProtocol, PowerProtocol, SensorBaudProtocol):
    """Plays the `EmulatedSensor`; its fingers are made up, so what must come of them is known.

    Attributes:
        emulator: the emulator itself, for faults and a look inside; while active.
    """

    bindings = {"sensor": EmulatedSensor}  # noqa: RUF012 - labgrid's way
    sensor: EmulatedSensor
    needs_person = False

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.emulator: Any = None

    def on_activate(self) -> None:
        """Switch it on."""
        resource = self.sensor
        self.emulator = SensorEmulator(
            resource.model,
            baud=resource.baud,
            packet_bytes=resource.packet_bytes,
            speed=resource.speed,
            replug_after_s=None,
        )
        self.emulator.start()

    def on_deactivate(self) -> None:
        """Switch it off."""
        self.emulator.stop()
        self.emulator = None

    @Driver.check_active
    def path(self) -> str:
        """The sensor's own port, as of a USB serial adapter."""
        return self.emulator.path

    @Driver.check_active
    @step(args=["number"])
    def press(self, number: int) -> NDArray[np.uint8]:
        """Put made-up print `number` down."""
        model = self.emulator.model
        return self.emulator.present(made_up_print(number, width=model.width, height=model.height))

    @Driver.check_active
    @step()
    def lift(self) -> None:
        """Take it away."""
        self.emulator.lift()

    @Driver.check_active
    @step(args=["baud"])
    def set_sensor_baud(self, baud: int) -> None:
        """As if somebody had set it on another machine."""
        self.emulator.inspect(lambda module: setattr(module, "_baud_code", baud // BAUD_UNIT))

    @Driver.check_active
    @step()
    def on(self) -> None:
        """Plug the sensor in."""
        self.emulator.replug()

    @Driver.check_active
    @step()
    def off(self) -> None:
        """Unplug it."""
        self.emulator.unplug()

    @Driver.check_active
    @step()
    def cycle(self) -> None:
        """Unplug it and plug it in."""
        self.off()
        self.on()
