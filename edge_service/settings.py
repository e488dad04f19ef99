"""Settings of the edge service: one TOML file, typed, bounded, versioned.

version = 1
device = "kiosk-1"

[broker]
host = "127.0.0.1"
port = 1883

[spool]
path = "/var/lib/whorl/spool.db"

[sensor]
port = "/dev/serial/by-id/usb-..."
model = "R307"
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from edge_service import parameters
from interchange.fields import DeviceName  # noqa: TC001 - pydantic reads it at run time
from interchange.settings import BrokerSettings, SettingsModel

Seconds = Annotated[float, Field(ge=0.05, le=3600)]


class SpoolSettings(SettingsModel):
    """Where saved bookings are kept, and how many."""

    path: Path = Path("spool.db")
    max_submissions: Annotated[int, Field(ge=1, le=100_000)] = parameters.MAX_SPOOLED
    max_bytes: Annotated[int, Field(ge=65_536, le=2**36)] = parameters.MAX_SPOOL_BYTES
    disk_reserve_bytes: Annotated[int, Field(ge=0, le=2**36)] = parameters.DISK_RESERVE_BYTES


class SensorSettings(SettingsModel):
    """The fingerprint sensor. Without `baud` and `model` they are found out."""

    port: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "/dev/ttyUSB0"
    model: str | None = None
    baud: Annotated[int, Field(ge=9600, le=921_600)] | None = None
    password: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] = 0


class CaptureSettings(SettingsModel):
    """How patiently a finger is taken."""

    finger_wait_s: Seconds = parameters.FINGER_WAIT_S
    attempts: Annotated[int, Field(ge=1, le=10)] = parameters.CAPTURE_ATTEMPTS
    min_finger_quality: Annotated[int, Field(ge=0, le=100)] = parameters.MIN_FINGER_QUALITY
    lift_wait_s: Seconds = parameters.LIFT_WAIT_S


class UplinkSettings(SettingsModel):
    """How patiently the matcher is spoken to."""

    resend_after_s: Seconds = parameters.RESEND_AFTER_S
    nobody_listens_retry_s: Seconds = parameters.NOBODY_LISTENS_RETRY_S
    ask_for_reply_after_s: Seconds = parameters.ASK_FOR_REPLY_AFTER_S
    birth_again_s: Seconds = parameters.BIRTH_AGAIN_S
    reply_timeout_s: Annotated[float, Field(ge=0, le=600)] = parameters.REPLY_TIMEOUT_S


class EdgeSettings(SettingsModel):
    """Everything; `device` is the kiosk's name, and its place in every topic."""

    version: Literal[1] = 1
    device: DeviceName
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    broker: BrokerSettings = BrokerSettings()
    spool: SpoolSettings = SpoolSettings()
    sensor: SensorSettings = SensorSettings()
    capture: CaptureSettings = CaptureSettings()
    uplink: UplinkSettings = UplinkSettings()
