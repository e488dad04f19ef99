"""Type-9 records: minutiae of one finger, in the INCITS 378 block or the older standard block; to and from `Minutiae`.

ANSI/NIST-ITL 1-2011, 8.9 and Table 28: fields 9.126 to 9.137 hold what an INCITS 378-2004 record holds, in its own
units (angles in 2 degrees, origin top left). The standard block, 9.005 to 9.012 (ANSI/NIST-ITL 1-2007, 8.9), counts in
0.01 mm from the bottom left, with angles in degrees that point out of a ridge ending: half a turn from INCITS 378.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interchange.errors import TemplateError
from interchange.finger_view import FingerView
from interchange.minutiae import Minutiae
from interchange.record import Record
from interchange.template_format import TemplateFormat

if TYPE_CHECKING:
    from matcher_service.exchange.text_records import TextRecord

INCITS = TemplateFormat.INCITS_378_2004
INCITS_FIELDS, STANDARD_FIELDS = range(126, 151), range(5, 13)
MAX_MINUTIAE = 255
MM_PER_INCH, DPI = 25.4, 500.0
PPI, PPCM = 1, 2  # 9.130 SLC
CBEFF = ("27", "513", "0")  # 9.126: INCITS M1, finger minutiae record of 2004, no registered product
_XYT = re.compile(r"(\d{4})(\d{4})(\d{3})")
_LETTERS = {"A": 1, "B": 2, "C": 0, "D": 0}  # 9.012: ending, bifurcation, compound, undetermined


@dataclass(frozen=True, slots=True)
class FoundMinutiae:
    """What a Type-9 record says. `position` is 0 where it names no finger."""

    position: int
    impression: int
    minutiae: Minutiae


def read(record: TextRecord) -> FoundMinutiae:
    """The minutiae of a Type-9 record. Raises EbtsRefused with the record and the field."""
    impression = record.whole(3, 0, 29)
    if any(field in INCITS_FIELDS for field in record.values):
        return _incits(record, impression)
    if any(field in STANDARD_FIELDS for field in record.values):
        return _standard(record, impression)
    raise record.bad(
        4,
        "it holds neither the INCITS 378 block (9.126 to 9.150) nor the standard one (9.005 to 9.012); a vendor's"
        " own features cannot be read here: ask for minutiae in the INCITS 378 block",
    )


def fields(minutiae: Minutiae, *, position: int, impression: int) -> list[tuple[int, Any]]:
    """The fields after 9.002 of a Type-9 record with an INCITS 378 block; lists are subfields, lists in them items.

    Raises TemplateError where the minutiae do not fit the format.
    """
    view = FingerView.from_minutiae(minutiae, format=INCITS, position=position)
    rows = zip(view.x.tolist(), view.y.tolist(), view.angle.tolist(), view.type.tolist(), view.quality.tolist(),
               strict=True)  # fmt: skip
    dpi = round(minutiae.dpi)
    made: list[tuple[int, Any]] = [
        (3, str(impression)),
        (4, "U"),
        (126, [list(CBEFF)]),
        (127, [["NONE", "0"]]),
        (128, str(minutiae.width)),
        (129, str(minutiae.height)),
        (130, str(PPI)),
        (131, str(dpi)),
        (132, str(dpi)),
        (133, "0"),
        (134, str(position)),
        (135, [[str(minutiae.finger_quality), "0", "0"]]),
        (136, str(len(view))),
    ]
    listed = [
        [str(number), str(x), str(y), str(angle), str(kind), str(quality)]
        for number, (x, y, angle, kind, quality) in enumerate(rows, start=1)
    ]
    return [*made, (137, listed)] if listed else made


def _incits(record: TextRecord, impression: int) -> FoundMinutiae:
    width, height = record.whole(128, 1, 0x3FFF), record.whole(129, 1, 0x3FFF)
    unit = record.whole(130, PPI, PPCM)
    across, down = (_per_cm(record, field, unit) for field in (131, 132))
    position = record.whole(134, 0, 10)
    count = record.whole(136, 0, MAX_MINUTIAE)
    rows = record.rows(137)
    if len(rows) != count:
        raise record.bad(137, f"lists {len(rows)} minutiae, and field 9.136 says {count}")
    points = np.zeros((count, 5), np.int64)
    limits = (
        ("x", width - 1),
        ("y", height - 1),
        ("angle", INCITS.angle_steps - 1),
        ("type", 2),
        ("quality", 100),
    )
    for number, row in enumerate(rows, start=1):
        if len(row) not in {5, 6}:
            raise record.bad(
                137, f"minutia {number} has {len(row)} values; index, x, y, angle, type, quality belong there"
            )
        record.number_in(137, row[0], 1, MAX_MINUTIAE, what=f"the index of minutia {number}")
        for place, (name, largest) in enumerate(limits[: len(row) - 1]):
            points[number - 1, place] = record.number_in(
                137, row[place + 1], 0, largest, what=f"{name} of minutia {number}"
            )
    try:
        view = FingerView.of(
            x=points[:, 0], y=points[:, 1], angle=points[:, 2], type=points[:, 3], quality=points[:, 4],
            position=position, finger_quality=_quality(record),
        )  # fmt: skip
        made = Record(
            format=INCITS, width=width, height=height, x_resolution=across, y_resolution=down, views=(view,)
        )
        return FoundMinutiae(position, impression, made.minutiae())
    except (TemplateError, ValueError) as error:
        raise record.bad(137, str(error)) from None


def _per_cm(record: TextRecord, field: int, unit: int) -> int:
    """The resolution in pixels per cm, as records of INCITS 378 count."""
    value = record.whole(field, 1, 2500)
    per_cm = value if unit == PPCM else round(value / 2.54)
    if not 39 <= per_cm <= 480:
        raise record.bad(
            field, f"is a resolution that no fingerprint has; with 9.130 = {unit} it is {per_cm} pixels a cm"
        )
    return per_cm


def _quality(record: TextRecord) -> int:
    """The first quality of the finger, 0 to 100; 0 where none was made (254) or it failed (255)."""
    rows = record.rows(135)
    if not rows:
        return 0
    value = record.number_in(135, rows[0][0], 0, 255, what="the quality")
    return value if value <= 100 else 0


def _standard(record: TextRecord, impression: int) -> FoundMinutiae:
    fingers = record.rows(6)
    position = record.number_in(6, fingers[0][0], 0, 99) if fingers else 0
    if position > 10:
        raise record.bad(6, "is not one of the ten fingers (1 to 10) nor unknown (0)")
    count = record.whole(10, 0, MAX_MINUTIAE)
    rows = record.rows(12)
    if len(rows) != count:
        raise record.bad(12, f"lists {len(rows)} minutiae, and field 9.010 says {count}")
    x, y, angle = np.zeros(count), np.zeros(count), np.zeros(count)
    kinds = np.zeros(count, np.uint8)
    quality = np.zeros(count)
    for at, row in enumerate(rows):
        index, place, grade, letter = [*row, "", "", "", ""][:4]
        where = _XYT.fullmatch(place)
        if not index or where is None or int(where[3]) > 359:
            raise record.bad(
                12,
                f"minutia {at + 1}: index, eleven digits of place and angle, quality and type belong there",
            )
        x[at], y[at], angle[at] = int(where[1]), int(where[2]), int(where[3])
        if letter not in _LETTERS:
            raise record.bad(12, f"minutia {at + 1}: its type is none of A, B, C and D")
        kinds[at] = _LETTERS[letter]
        graded = record.number_in(12, grade, 0, 63, what=f"the quality of minutia {at + 1}")
        # 0 by hand, 1 without a method, 2 the best to 63 the worst
        quality[at] = 1.0 if graded == 0 else 0.0 if graded == 1 else (64 - graded) / 62
    scale = DPI / (100 * MM_PER_INCH)
    width, height = int(x.max(initial=0) * scale) + 2, int(y.max(initial=0) * scale) + 2
    try:
        made = Minutiae.make(
            x * scale, height - 1 - y * scale, np.deg2rad((angle + 180) % 360), type=kinds, quality=quality,
            width=width, height=height, dpi=DPI,
        )  # fmt: skip
    except ValueError as error:
        raise record.bad(12, str(error)) from None
    return FoundMinutiae(position, impression, made)
