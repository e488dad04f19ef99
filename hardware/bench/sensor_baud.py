"""Sets the baud rate of a sensor that is straight on a serial port; it holds from the sensor's next start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_service.sensors.errors import SensorError
from edge_service.sensors.parameters import Timing
from edge_service.sensors.serial_port import SerialPort
from edge_service.sensors.zfm_codes import BAUD_UNIT, DEFAULT_ADDRESS, Confirmation, Instruction, Parameter
from edge_service.sensors.zfm_link import ZfmLink
from edge_service.sensors.zfm_session import ZfmSession

if TYPE_CHECKING:
    from collections.abc import Callable


def set_sensor_baud(
    path: str,
    baud: int,
    *,
    password: int = 0,
    timing: Timing | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Set the rate of the sensor on `path`, a multiple of 9,600; returns the rate it has spoken at so far.

    SetSysPara, register 4 (R503 manual, "set module system's basic parameter"). Raises `SensorError`, of which
    `code` is not None when the sensor does not take the rate.
    """
    timing = timing or Timing()
    port = SerialPort(path, poll_s=timing.poll_s, write_s=timing.write_s, clock=clock)
    link = ZfmLink(port, timing=timing, address=DEFAULT_ADDRESS, clock=clock)
    session = ZfmSession(link, path=path, password=password, baud=None, timing=timing, clock=clock)
    try:
        before = session.find_baud()
        ack = link.request(Instruction.SET_SYS_PARA, bytes([Parameter.BAUD, baud // BAUD_UNIT]))
        if ack.code != Confirmation.OK:
            raise SensorError(
                f"The fingerprint sensor on {path} does not take {baud} baud. It goes on at {before}.",
                path=path,
                code=ack.code,
            )
        return before
    finally:
        port.close()
