"""What the board says, as values: its identity, its status, its counters. Pure; the layouts are the firmware's."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_service.sensors.board.image_assembly import Geometry
from edge_service.sensors.models import SensorModel, find_model
from firmware.core import bodies, codes
from firmware.core.counters import NAMES

if TYPE_CHECKING:
    from firmware.core.bodies import Body

_MODELS = {
    codes.MODEL_R307: "R307",
    codes.MODEL_R503: "R503",
    codes.MODEL_AS608: "AS608",
    codes.MODEL_ZFM20: "ZFM-20",
}
RESET_WORDS = {
    codes.RESET_UNKNOWN: "not known",
    codes.RESET_POWER: "power came on",
    codes.RESET_WATCHDOG: "the watchdog: the firmware had stopped",
    codes.RESET_ASKED: "it was asked to",
    codes.RESET_FALL_BACK: "fell back to the firmware before",
    codes.RESET_BROWN_OUT: "the supply voltage dropped",
}
BOARD_WORDS = {codes.BOARD_RP2040: "RP2040", codes.BOARD_RP2350: "RP2350", codes.BOARD_UNIX: "virtual board"}


class MalformedError(ValueError):
    """A body that is not what the protocol says; `what` names the message."""

    def __init__(self, what: str, length: int) -> None:
        self.what = what
        super().__init__(f"{what} of {length} bytes")


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of IDENTIFY, STATUS and STATE."""

    value: int

    @property
    def paired(self) -> bool:
        """The board holds a key, whosever."""
        return bool(self.value & codes.FLAG_PAIRED)

    @property
    def tampered(self) -> bool:
        """The lid was opened while it was paired, and it has not been paired since."""
        return bool(self.value & codes.FLAG_TAMPERED)

    @property
    def lid_open(self) -> bool:
        """The lid is open now."""
        return bool(self.value & codes.FLAG_LID_OPEN)

    @property
    def button(self) -> bool:
        """The button is held now."""
        return bool(self.value & codes.FLAG_BUTTON)

    @property
    def on_trial(self) -> bool:
        """Its firmware is new and not confirmed."""
        return bool(self.value & codes.FLAG_TRIAL)

    @property
    def emptied(self) -> bool:
        """Somebody had stored templates on the sensor; they are gone."""
        return bool(self.value & codes.FLAG_EMPTIED)


@dataclass(frozen=True, slots=True)
class Identity:
    """The answer to IDENTIFY (docs/board-link.md, "IDENTIFY comes first").

    Attributes:
        error: 0, or why there is no session.
        proven: whether the answer was under a session key, so that the board holds the key now. An answer that
            proves nothing may come from anybody.
        protocols: lowest and highest the board speaks.
        flags: see `Flags`.
        nonce: the board's, 16 bytes.
        unique: its number, 16 hexadecimal digits.
        board: one of `codes.BOARD_*`.
        reset_cause: one of `codes.RESET_*`.
        slot: which of the two places the running firmware is in.
        sensor_model: one of `codes.MODEL_*`.
        capabilities: sum of `codes.CAN_*`.
        uptime_ms: since the board started.
        boots: starts since the counters were new.
        version: of the firmware.
    """

    error: int
    proven: bool
    protocols: tuple[int, int]
    flags: Flags
    nonce: bytes
    unique: str
    board: int
    reset_cause: int
    slot: int
    sensor_model: int
    capabilities: int
    uptime_ms: int
    boots: int
    version: str

    @classmethod
    def decode(cls, body: bytes, *, proven: bool) -> Identity:
        """Read it, error byte included. Raises `MalformedError`."""
        f = fields_of(bodies.IDENTITY, body, "IDENTIFY's answer")
        return cls(
            error=f["error"],
            proven=proven,
            protocols=(f["lowest"], f["highest"]),
            flags=Flags(f["flags"]),
            nonce=f["board_nonce"],
            unique=f["unique"].hex(),
            board=f["board"],
            reset_cause=f["reset_cause"],
            slot=f["slot"],
            sensor_model=f["sensor_model"],
            capabilities=f["capabilities"],
            uptime_ms=f["uptime_ms"],
            boots=f["boots"],
            version=printable(f["version"]),
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to STATUS: everything that lost events had said."""

    state: int
    error: int
    detail: int
    flags: Flags
    generation: int
    bytes_so_far: int
    complete: bool
    sha256: bytes
    score: int
    wire_ms: int
    geometry: Geometry
    finger_ago_ms: int

    @classmethod
    def decode(cls, body: bytes) -> Status:
        """Read it. Raises `MalformedError`."""
        f = fields_of(bodies.STATUS, body, "STATUS")
        return cls(
            state=f["state"],
            error=f["error"],
            detail=f["detail"],
            flags=Flags(f["flags"]),
            generation=f["generation"],
            bytes_so_far=f["bytes_so_far"],
            complete=bool(f["complete"]),
            sha256=f["sha256"],
            score=f["score"],
            wire_ms=f["wire_ms"],
            geometry=Geometry(f["width"], f["height"], f["dpi"], f["bytes_due"], f["sensor_model"]),
            finger_ago_ms=f["finger_ago_ms"],
        )


@dataclass(frozen=True, slots=True)
class SensorAnswer:
    """The answer to SENSOR."""

    model: int
    width: int
    height: int
    dpi: int
    packet_bytes: int
    baud: int
    capacity: int
    library_emptied: bool

    @classmethod
    def decode(cls, body: bytes) -> SensorAnswer:
        """Read it. Raises `MalformedError`."""
        f = fields_of(bodies.SENSOR, body, "SENSOR")
        return cls(
            model=f["model"],
            width=f["width"],
            height=f["height"],
            dpi=f["dpi"],
            packet_bytes=f["packet_bytes"],
            baud=f["baud"],
            capacity=f["capacity"],
            library_emptied=bool(f["library_emptied"]),
        )


def decode_counters(body: bytes) -> dict[str, int]:
    """The answer to COUNTERS by name; those of a newer firmware that have no name here are numbered."""
    if len(body) % 4:
        raise MalformedError("COUNTERS", len(body))
    values = struct.unpack(f">{len(body) // 4}I", body)
    names = [*NAMES, *(f"counter_{number}" for number in range(len(NAMES), len(values)))]
    return dict(zip(names, values, strict=False))


def model_code(name: str | None) -> int:
    """The link's number of a configured model; 0 lets the board find out. Raises ValueError that names the nearest."""
    if name is None:
        return codes.MODEL_UNKNOWN
    wanted = find_model(name).name
    return next(code for code, known in _MODELS.items() if known == wanted)


def model_name(code: int) -> str | None:
    """The model behind the link's number; None while it is not known."""
    return _MODELS.get(code)


def sensor_model(geometry: Geometry) -> SensorModel:
    """Name and size of what took an image; a model without a name is called by its size."""
    size = f"{geometry.width}x{geometry.height}"
    return SensorModel(
        model_name(geometry.model) or size, geometry.width, geometry.height, float(geometry.dpi)
    )


def printable(text: bytes) -> str:
    """Text of the board's that may go to a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.rstrip(b"\0").decode("ascii", "replace"))


def fields_of(body: Body, content: bytes, what: str) -> dict[str, Any]:
    """The fields of a body by name; `what` is the message's. Raises `MalformedError`."""
    if not body.fits(len(content)):
        raise MalformedError(what, len(content))
    return body.named(content, 0)
