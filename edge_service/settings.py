"""Settings of the edge service: one TOML file, typed, bounded, versioned.

version = 1
device = "kiosk-1"

[broker]
host = "127.0.0.1"
port = 1883

[spool]
path = "/var/lib/whorl/spool.db"

[sensor]
model = "R307"

The sensor is behind its board, and the board under the name that the udev rule of `hardware/` gives it. A sensor
on the Pi's own UART, without a board, is:

[sensor]
through = "uart"
port = "/dev/serial0"
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from edge_service import parameters
from edge_service.kiosk.settings import KioskSettings
from interchange.fields import DeviceName  # noqa: TC001 - pydantic reads it at run time
from interchange.health import OpsSettings
from interchange.settings import BrokerSettings, SettingsModel

PAIRING_FILE = "board-pairing.json"

Seconds = Annotated[float, Field(ge=0.05, le=3600)]


class SpoolSettings(SettingsModel):
    """Where saved bookings are kept, how many, for how long, and the key that they are sealed with."""

    path: Path = Path("spool.db")
    # Without it: the service's credential spool-key, or the file spool.key beside the spool, which is made.
    key_file: Path | None = None
    keep_days: Annotated[float, Field(ge=1, le=366)] = parameters.KEEP_DAYS
    max_submissions: Annotated[int, Field(ge=1, le=100_000)] = parameters.MAX_SPOOLED
    max_bytes: Annotated[int, Field(ge=65_536, le=2**36)] = parameters.MAX_SPOOL_BYTES
    disk_reserve_bytes: Annotated[int, Field(ge=0, le=2**36)] = parameters.DISK_RESERVE_BYTES


class SensorSettings(SettingsModel):
    """The fingerprint sensor. Without `baud` and `model` they are found out.

    Through the "board", `port` is the board's USB port and the board finds the baud rate itself; straight on a
    "uart" there is nobody who notices that the sensor was exchanged, and `captures`, `looks` and `pairing` do
    not apply.
    """

    through: Literal["board", "uart"] = "board"
    port: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "/dev/whorl-board"
    model: Annotated[str, StringConstraints(max_length=40)] | None = None
    baud: Annotated[int, Field(ge=9600, le=921_600)] | None = None
    password: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] = 0
    # Images of one press, of which the best is kept; each keeps the person 3.5 seconds longer.
    captures: Annotated[int, Field(ge=1, le=5)] = parameters.CAPTURES
    # Times that the sensor looks at the finger before an image is fetched.
    looks: Annotated[int, Field(ge=1, le=10)] = parameters.LOOKS
    # What this kiosk knows of its board; without it, a file beside the spool.
    pairing: Path | None = None

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str | None) -> str | None:
        from edge_service.sensors.models import find_model

        return None if model is None else find_model(model).name


class CaptureSettings(SettingsModel):
    """How patiently a finger is taken."""

    finger_wait_s: Seconds = parameters.FINGER_WAIT_S
    attempts: Annotated[int, Field(ge=1, le=10)] = parameters.CAPTURE_ATTEMPTS
    min_finger_quality: Annotated[int, Field(ge=0, le=100)] = parameters.MIN_FINGER_QUALITY
    lift_wait_s: Seconds = parameters.LIFT_WAIT_S


class UplinkSettings(SettingsModel):
    """How patiently the matcher is spoken to, and whether it is offered images.

    With `send_images` the images of a booking are kept, sealed, until the matcher has said which of them the rules of
    its jurisdiction let it take; those are sent after the templates, the others are erased. Both ends have to allow it.
    """

    resend_after_s: Seconds = parameters.RESEND_AFTER_S
    nobody_listens_retry_s: Seconds = parameters.NOBODY_LISTENS_RETRY_S
    ask_for_reply_after_s: Seconds = parameters.ASK_FOR_REPLY_AFTER_S
    birth_again_s: Seconds = parameters.BIRTH_AGAIN_S
    reply_timeout_s: Annotated[float, Field(ge=0, le=600)] = parameters.REPLY_TIMEOUT_S
    send_images: bool = False


class FirmwareSettings(SettingsModel):
    """Whose firmware may go onto the sensor board."""

    # Files of Ed25519 public keys (PEM). Without any, all .pem files in /etc/whorl/firmware-keys.
    trusted_keys: tuple[Path, ...] = ()


class IdentitySettings(SettingsModel):
    """Where this kiosk's keys are, and the centre's API, where `edge-service provision` asks for a certificate."""

    folder: Path = Path("/var/lib/whorl/identity")
    centre: Annotated[str, StringConstraints(max_length=300)] = ""


class EdgeSettings(SettingsModel):
    """Everything; `device` is the kiosk's name, and its place in every topic."""

    version: Literal[1] = 1
    device: DeviceName
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    broker: BrokerSettings = BrokerSettings()
    spool: SpoolSettings = SpoolSettings()
    sensor: SensorSettings = SensorSettings()
    firmware: FirmwareSettings = FirmwareSettings()
    capture: CaptureSettings = CaptureSettings()
    uplink: UplinkSettings = UplinkSettings()
    kiosk: KioskSettings = KioskSettings()
    ops: OpsSettings = OpsSettings()
    identity: IdentitySettings = IdentitySettings()

    @classmethod
    def completed(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """With the name and the broker of this kiosk's identity, once it was provisioned."""
        from edge_service.provisioning.included import with_identity

        return with_identity(tree, default=IdentitySettings().folder)

    @property
    def pairing_path(self) -> Path:
        """Where the board's key is kept."""
        return self.sensor.pairing or self.spool.path.with_name(PAIRING_FILE)
