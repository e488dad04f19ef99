"""What the fields of a record may hold: the same ranges when reading and when writing.

Each check takes the byte offset of its field, or None when writing, and raises `TemplateError`. Reserved bits
of minutiae and of the capture equipment are not judged: they are carried along as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from interchange.errors import TemplateError
from interchange.finger_view import COORDINATE_MASK, MINUTIA_BYTES, px_per_cm
from interchange.template_parameters import MAX_RESOLUTION_PX_PER_CM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange.finger_view import FingerView
    from interchange.record import Record

MAX_FINGER_POSITION = 10
MAX_QUALITY = 100
MAX_MINUTIAE = 255
MAX_VIEWS = 255
MAX_EXTENDED_BYTES = 0xFFFF


def check_image(record: Record, *, at: int | None) -> None:
    """Capture equipment, size and resolution, whose 12 bytes begin at `at`."""
    check_number("capture equipment certification", record.certification, 0, 15, at)
    check_number("capture device id", record.device_id, 0, 0xFFF, at)
    check_number("image width", record.width, 1, 0xFFFF, _past(at, 2))
    check_number("image height", record.height, 1, 0xFFFF, _past(at, 4))
    _resolution("x resolution", record.x_resolution, _past(at, 6))
    _resolution("y resolution", record.y_resolution, _past(at, 8))


def check_view(view: FingerView, record: Record, *, number: int, at: int | None) -> None:
    """One finger view, the `number`-th from 1, whose header begins at `at`."""
    check_number("finger position", view.position, 0, MAX_FINGER_POSITION, at)
    check_number("view number", view.view_number, 0, 15, _past(at, 1))
    if view.impression not in record.format.impressions:
        codes = ", ".join(str(int(code)) for code in sorted(record.format.impressions))
        raise TemplateError(
            "impression type", expected=f"one of {codes}", found=view.impression, offset=_past(at, 1)
        )
    check_number("finger quality", view.finger_quality, 0, MAX_QUALITY, _past(at, 2))
    if len(view.packed) % MINUTIA_BYTES:
        raise TemplateError(
            "minutiae", expected=f"whole minutiae of {MINUTIA_BYTES} bytes", found=f"{len(view.packed)} bytes"
        )
    if len(view) > MAX_MINUTIAE:
        raise TemplateError(
            "number of minutiae", expected=f"at most {MAX_MINUTIAE}; keep the best of them", found=len(view)
        )
    if len(view.extended) > MAX_EXTENDED_BYTES:
        raise TemplateError(
            "extended data length", expected=f"at most {MAX_EXTENDED_BYTES} bytes", found=len(view.extended)
        )
    if view.packed:
        _check_minutiae(view, record, number=number, at=_past(at, 4))


def check_view_numbers(views: list[tuple[FingerView, int | None]]) -> None:
    """No two views of one finger under the same number; each comes with the offset of its header."""
    seen: set[tuple[int, int]] = set()
    for view, at in views:
        key = (view.position, view.view_number)
        if key in seen:
            raise TemplateError(
                "view number",
                expected=f"another number for each view of finger position {view.position}",
                found=f"{view.view_number} a second time",
                offset=_past(at, 1),
            )
        seen.add(key)


def _check_minutiae(view: FingerView, record: Record, *, number: int, at: int | None) -> None:
    points = view.points
    type_x = points["type_x"]
    x = type_x & COORDINATE_MASK
    y = points["reserved_y"] & COORDINATE_MASK
    angle = points["angle"]
    quality = points["quality"]
    steps = record.format.angle_steps
    # The largest of each decides at once whether all are well; only a bad record pays for finding where.
    checks: tuple[tuple[str, NDArray[Any], int, str, int], ...] = (
        ("minutia type", type_x >> 14, 2, "0 (other), 1 (ending) or 2 (bifurcation)", 0),
        ("minutia x coordinate", x, record.width - 1, f"0 to {record.width - 1}, within the image", 0),
        ("minutia y coordinate", y, record.height - 1, f"0 to {record.height - 1}, within the image", 2),
        ("minutia angle", angle, steps - 1, f"0 to {steps - 1}", 4),
        ("minutia quality", quality, MAX_QUALITY, f"0 to {MAX_QUALITY}", 5),
    )
    for field, values, largest, expected, shift in checks:
        if int(values.max()) > largest:
            first = int(np.argmax(values > largest))
            raise TemplateError(
                field,
                expected=expected,
                found=f"{int(values[first])} (minutia {first + 1} of finger view {number})",
                offset=_past(at, MINUTIA_BYTES * first + shift),
            )


def _resolution(field: str, value: object, at: int | None) -> None:
    if isinstance(value, int) and value > MAX_RESOLUTION_PX_PER_CM:
        raise TemplateError(
            field,
            expected=f"1 to {MAX_RESOLUTION_PX_PER_CM} pixels per cm",
            found=f"{value}, which looks like pixels per inch ({value} ppi are {px_per_cm(value)} pixels"
            " per cm): have the writer of this record corrected",
            offset=at,
        )
    check_number(field, value, 1, MAX_RESOLUTION_PX_PER_CM, at, unit=" pixels per cm")


def check_number(field: str, value: object, low: int, high: int, at: int | None, *, unit: str = "") -> None:
    """An integer from `low` to `high`, which stands at byte `at`."""
    if not (isinstance(value, int) and low <= value <= high):
        raise TemplateError(field, expected=f"{low} to {high}{unit}", found=value, offset=at)


def _past(at: int | None, shift: int) -> int | None:
    return None if at is None else at + shift
