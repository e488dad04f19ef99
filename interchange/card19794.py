"""The card formats of ISO/IEC 19794-2:2005, clause 8: minutiae alone, without a header, as cards hold them.

Normal size, 8.2: five bytes a minutia, type and x in 0.01 mm, two reserved bits and y in 0.01 mm, angle in 360/256
degree. Compact size, 8.3: three bytes, x and y in 0.1 mm, type, angle in 360/64 degree. Origin, direction of the axes
and of angles are those of the record format. Neither says which finger it is, how large the image was or at what
resolution it was taken: the biometric information template beside it on the card does.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from interchange.errors import TemplateError
from interchange.foreign_formats import named
from interchange.minutiae import TWO_PI, Minutiae

if TYPE_CHECKING:
    from numpy.typing import NDArray

MM_PER_INCH = 25.4
MAX_MINUTIAE = 255  # as in a record: the card's own limit, given beside the template, is lower
DPI = 500.0  # of what is read: the unit on the card is the millimetre

_NORMAL = np.dtype([("type_x", ">u2"), ("reserved_y", ">u2"), ("angle", "u1")])
_COMPACT = np.dtype([("x", "u1"), ("y", "u1"), ("type_angle", "u1")])
_LARGEST_TYPE = 2


class CardSize(IntEnum):
    """The format; the value is the bytes that a minutia takes."""

    COMPACT = 3
    NORMAL = 5

    @property
    def units_per_mm(self) -> int:
        """Of the coordinates."""
        return 100 if self is CardSize.NORMAL else 10

    @property
    def largest(self) -> int:
        """The largest coordinate."""
        return 0x3FFF if self is CardSize.NORMAL else 0xFF

    @property
    def angle_steps(self) -> int:
        """In a full turn."""
        return 256 if self is CardSize.NORMAL else 64


def encode(minutiae: Minutiae, *, size: CardSize = CardSize.COMPACT) -> bytes:
    """The minutiae in their order; qualities have no place there and are left out.

    Raises TemplateError for more than 255 minutiae, or one further from the origin than the format can say
    (25.5 mm in the compact size).
    """
    if len(minutiae) > MAX_MINUTIAE:
        raise TemplateError(
            "number of minutiae", expected=f"at most {MAX_MINUTIAE}", found=f"{len(minutiae)} minutiae"
        )
    x = _units("minutia x coordinate", minutiae.x, minutiae.dpi, size)
    y = _units("minutia y coordinate", minutiae.y, minutiae.dpi, size)
    kind = minutiae.type.astype(np.int64)
    if len(kind) and int(kind.max()) > _LARGEST_TYPE:
        raise TemplateError("minutia type", expected="0, 1 or 2", found=int(kind.max()))
    angle = np.rint(minutiae.angle.astype(np.float64) * (size.angle_steps / TWO_PI)).astype(np.int64)
    angle %= size.angle_steps
    if size is CardSize.NORMAL:
        packed = np.zeros(len(minutiae), _NORMAL)
        packed["type_x"] = kind << 14 | x
        packed["reserved_y"] = y
        packed["angle"] = angle
        return packed.tobytes()
    small = np.zeros(len(minutiae), _COMPACT)
    small["x"], small["y"], small["type_angle"] = x, y, kind << 6 | angle
    return small.tobytes()


def decode(data: bytes | bytearray | memoryview, *, size: CardSize = CardSize.COMPACT) -> Minutiae:
    """The minutiae in pixels at 500 dpi, in an image that just holds them.

    Raises TemplateError where the bytes are no whole number of minutiae, or a type or angle does not exist; what is
    another format by its first bytes is named.
    """
    raw = memoryview(data).tobytes()
    other = "a record with a header" if raw[:4] == b"FMR\0" else named(raw)
    if other is not None:
        raise TemplateError(
            "card format", expected=f"minutiae of {size.value} bytes", found=f"{other}", offset=0
        )
    count, left = divmod(len(raw), size.value)
    if left or count > MAX_MINUTIAE:
        raise TemplateError(
            "length",
            expected=f"{size.value} bytes for each of at most {MAX_MINUTIAE} minutiae",
            found=f"{len(raw)} bytes",
            offset=len(raw) - left,
        )
    if size is CardSize.NORMAL:
        normal = np.frombuffer(raw, _NORMAL)
        kind, x = normal["type_x"] >> 14, normal["type_x"] & size.largest
        y, angle = normal["reserved_y"] & size.largest, normal["angle"]
        type_at = 0
    else:
        small = np.frombuffer(raw, _COMPACT)
        kind, x, y, angle = small["type_angle"] >> 6, small["x"], small["y"], small["type_angle"] & 0x3F
        type_at = 2
    bad = np.flatnonzero(kind > _LARGEST_TYPE)
    if len(bad):
        first = int(bad[0])
        raise TemplateError(
            "minutia type",
            expected="0 (other), 1 (ending) or 2 (bifurcation)",
            found=f"{int(kind[first])} (minutia {first + 1})",
            offset=size.value * first + type_at,
        )
    return _in_pixels(x, y, angle * (TWO_PI / size.angle_steps), kind, units_per_mm=size.units_per_mm)


def _units(field: str, pixels: NDArray[np.float32], dpi: float, size: CardSize) -> NDArray[np.int64]:
    exact = pixels.astype(np.float64) * (MM_PER_INCH / dpi * size.units_per_mm)
    units = np.rint(exact).astype(np.int64)
    units[(units == -1) & (pixels >= -0.5)] = 0  # half a pixel before the centre of the first one
    bad = np.flatnonzero((units < 0) | (units > size.largest))
    if len(bad):
        first = int(bad[0])
        raise TemplateError(
            field,
            expected=f"0 to {size.largest / size.units_per_mm:g} mm from the origin",
            found=f"{exact[first] / size.units_per_mm:.1f} mm (minutia {first + 1})",
        )
    return units


def _in_pixels(
    x: NDArray[Any], y: NDArray[Any], angle: NDArray[Any], kind: NDArray[Any], *, units_per_mm: int
) -> Minutiae:
    scale = DPI / MM_PER_INCH / units_per_mm
    xs, ys = x.astype(np.float64) * scale, y.astype(np.float64) * scale
    return Minutiae.make(
        xs,
        ys,
        angle,
        type=kind,
        width=int(xs.max(initial=0)) + 2,
        height=int(ys.max(initial=0)) + 2,
        dpi=DPI,
    )
