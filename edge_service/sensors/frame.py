"""What a capture gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of one finger.

    Attributes:
        pixels: uint8 (height, width), read-only, origin top left, ridges dark, at most 16 grey levels.
        dpi: pixels per inch.
        model: name of the sensor's model.
        captured_at: `time.monotonic` of the moment the sensor had taken the image, in seconds.
        transfer_s: how long the image was on the wire, in seconds.
    """

    pixels: NDArray[np.uint8]
    dpi: float
    model: str
    captured_at: float
    transfer_s: float


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """What is known of a connected sensor.

    Attributes:
        path: the port it is on.
        model: name of the model; None until the first image when neither configured nor told by the sensor.
        baud: baud rate in use.
        packet_bytes: content of a data packet, as the sensor reports it.
        capacity: places in the sensor's own template library, as the sensor reports it.
        library_emptied: True when the sensor confirmed that no template is stored on it.
    """

    path: str
    model: str | None
    baud: int
    packet_bytes: int
    capacity: int
    library_emptied: bool
