"""OSIA's BiometricData: finger templates in and out. Images are not taken: there is no extractor at the centre."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final, cast

from matcher_service.osia.errors import OsiaRefusal
from matcher_service.reading import UnusableTemplate, read_bytes
from matcher_service.repositories import NewPrint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matcher_service.reading import NamedPrint
    from matcher_service.repositories import StoredPrint

MAX_ITEMS: Final = 10
FORMATS: Final = frozenset({"ISO_19794_2", "ANSI_378"})
_FINGERS: Final = ("THUMB", "INDEX", "MIDDLE", "RING", "LITTLE")
SUBTYPES: Final = ("UNKNOWN", *(f"{side}_{name}" for side in ("RIGHT", "LEFT") for name in _FINGERS))
"""By finger position, 0 to 10."""


def read_biometrics(given: object) -> list[NamedPrint]:
    """The fingers of a list of BiometricData, each once. Raises OsiaRefusal."""
    if not isinstance(given, list) or not 1 <= len(cast("list[object]", given)) <= MAX_ITEMS:
        raise OsiaRefusal(400, f"biometricData: a list of 1 to {MAX_ITEMS} fingers is read")
    found = [_read(one) for one in cast("list[object]", given)]
    known = [one.position for one in found if one.position]
    if len(set(known)) != len(known):
        raise OsiaRefusal(400, "biometricData: a finger stands there twice")
    return found


def write_biometrics(prints: Iterable[StoredPrint]) -> list[dict[str, Any]]:
    """As they are stored."""
    return [
        {
            "biometricType": "FINGER",
            "biometricSubType": SUBTYPES[one.position],
            "template": base64.b64encode(one.record).decode("ascii"),
            "templateFormat": "ISO_19794_2",
            "quality": one.finger_quality,
            "qualityFormat": "ISO_19794",
        }
        for one in prints
    ]


def _read(given: object) -> NamedPrint:
    tree = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    text, subtype = tree.get("template"), tree.get("biometricSubType", "UNKNOWN")
    if tree.get("biometricType") != "FINGER" or not isinstance(text, str):
        raise OsiaRefusal(
            400, "biometricData: only FINGER with a template is read, no image and no reference"
        )
    if tree.get("templateFormat", "ISO_19794_2") not in FORMATS:
        raise OsiaRefusal(400, f"templateFormat: one of {', '.join(sorted(FORMATS))} is read")
    if not isinstance(subtype, str) or subtype not in SUBTYPES:
        raise OsiaRefusal(400, "biometricSubType: only single fingers are read")
    try:
        views = read_bytes(base64.b64decode(text, validate=True), name="template")
    except (binascii.Error, ValueError):
        raise OsiaRefusal(400, "template: is no base64") from None
    except UnusableTemplate as error:
        raise OsiaRefusal(400, str(error)) from None
    position = SUBTYPES.index(subtype)
    if len(views) != 1 or (position and views[0].position not in (0, position)):
        raise OsiaRefusal(400, "template: holds another finger than biometricSubType says, or several")
    one = views[0]
    if position and not one.position:
        return type(one)(one.name, NewPrint.of(position, one.minutiae), one.minutiae)
    return one
