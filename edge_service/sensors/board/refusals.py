"""The board's error codes as errors for people: what happened, and what the one in front of it does next."""

from __future__ import annotations

from edge_service.sensors.board.errors import (
    BoardFault,
    BoardRefused,
    BoardUnpaired,
)
from edge_service.sensors.errors import NoFinger, SensorError, SensorGarbled, SensorLocked
from firmware.core import codes

GARBLED = "what reaches the board from it is damaged, again and again"
LID_IS_OPEN = "No print may be taken while the lid is open: close it."
_UPDATE = "Update it: edge-service firmware update FILE"
_WORDS = {
    codes.ERROR_BUSY: "is busy ({detail}). Try again; if this comes back: edge-service board reboot",
    codes.ERROR_NO_SUCH_IMAGE: "no longer has the image. Press the finger again.",
    codes.ERROR_UNKNOWN_REQUEST: f"does not know this request. {_UPDATE}",
    codes.ERROR_BAD_BODY: f"does not understand field {{detail}} of a request. {_UPDATE}",
    codes.ERROR_NOT_ALLOWED: "does not allow this now: hold its button, with the lid open",
    codes.ERROR_SENSOR_SILENT: (
        "gets no answer from the sensor, also after switching its power off and on. Check the cable between board"
        " and sensor, and that TX and RX are crossed; then exchange the sensor."
    ),
    codes.ERROR_SENSOR_UNKNOWN: (
        "gets images of a size that fits no known sensor. Set the sensor's model in the kiosk's configuration."
    ),
    codes.ERROR_SENSOR_REFUSED: (
        "was refused by the sensor (its code {detail:#04x}). Press the finger again. If this comes back, check the"
        " sensor's cable and its ground."
    ),
    codes.ERROR_CANCELLED: "was told by somebody else to stop. Press the finger again.",
}


def as_sensor_error(
    code: int, detail: int, *, path: str, board: str = "", waited_s: float = 0.0
) -> SensorError:
    """The error to raise for an error code of the board's."""
    known: dict[int, SensorError] = {
        codes.ERROR_NO_FINGER: NoFinger(path=path, waited_s=waited_s),
        codes.ERROR_IMAGE_FAILED: NoFinger(path=path, waited_s=waited_s, failed_images=max(1, detail)),
        codes.ERROR_SENSOR_LOCKED: SensorLocked(path=path),
        codes.ERROR_SENSOR_GARBLED: SensorGarbled(GARBLED, path=path),
        codes.ERROR_UNPAIRED: BoardUnpaired("the board has no key", path=path, board=board),
        codes.ERROR_LID_OPEN: BoardRefused(LID_IS_OPEN, path=path, board=board),
    }
    if code in known:
        return known[code]
    name = codes.name_of("ERROR_", code)
    said = _WORDS.get(code, "says {name} ({detail}).").format(name=name, detail=_detail(code, detail))
    return BoardFault(f"The sensor board on {path} {said}", path=path, code=code, detail=detail)


def _detail(code: int, detail: int) -> int | str:
    return codes.name_of("STATE_", detail) if code == codes.ERROR_BUSY else detail
