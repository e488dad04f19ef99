"""Setting the rate of a real sensor: its plug is moved to a USB serial adapter for that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.protocol import PowerProtocol
from labgrid.step import step

from hardware.bench.labgrid.protocols import SensorBaudProtocol
from hardware.bench.sensor_baud import set_sensor_baud

if TYPE_CHECKING:
    from typing import Any

_START_S = 1.0
"""A sensor that was just plugged in is deaf for up to 200 ms; people let go of plugs more slowly."""


@target_factory.reg_driver
class AdapterBaudDriver(Driver, SensorBaudProtocol):
    """Asks the person at the bench to move the plug, sets the rate, and asks them to move it back.

    The board is switched off meanwhile, so that nothing is plugged under power.
    """

    bindings = {"adapter": "SerialPort", "power": PowerProtocol}  # noqa: RUF012 - labgrid's way
    adapter: Any
    power: PowerProtocol
    target: Any
    needs_person = True

    @Driver.check_active
    @step(args=["baud"])
    def set_sensor_baud(self, baud: int) -> None:
        """Set it; the board is on again afterwards."""
        self.power.off()
        self.target.interact("Move the sensor's plug from the board to the serial adapter and press enter")
        time.sleep(_START_S)
        set_sensor_baud(self.adapter.port, baud)
        self.target.interact("Move the sensor's plug back to the board and press enter")
        self.power.on()
