"""Fingerprint sensors: `open_sensor` gives a `FingerprintSensor` that captures frames."""

from edge_service.sensors.errors import (
    NoFinger,
    SensorError,
    SensorGarbled,
    SensorLocked,
    SensorSilent,
    SensorUnplugged,
)
from edge_service.sensors.frame import Frame, SensorInfo
from edge_service.sensors.parameters import Timing
from edge_service.sensors.protocol import FingerprintSensor, Progress
from edge_service.sensors.zfm_sensor import ZfmSensor, open_sensor

__all__ = [
    "FingerprintSensor",
    "Frame",
    "NoFinger",
    "Progress",
    "SensorError",
    "SensorGarbled",
    "SensorInfo",
    "SensorLocked",
    "SensorSilent",
    "SensorUnplugged",
    "Timing",
    "ZfmSensor",
    "open_sensor",
]
