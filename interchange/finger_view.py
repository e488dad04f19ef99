"""One finger view of a record: which finger, how it was taken, its minutiae as they stand in the bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interchange.errors import TemplateError
from interchange.minutiae import TWO_PI, Minutiae
from interchange.template_format import Impression, TemplateFormat
from interchange.template_parameters import NOMINAL_DPI_BY_PX_PER_CM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MINUTIA_BYTES = 6
COORDINATE_MASK = 0x3FFF
CM_PER_INCH = 2.54

# Six bytes of one minutia: 2 bits type and 14 bits x; 2 bits reserved and 14 bits y; angle; quality.
MINUTIA_DTYPE = np.dtype([("type_x", ">u2"), ("reserved_y", ">u2"), ("angle", "u1"), ("quality", "u1")])


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerView:
    """One impression of one finger, byte for byte as in a record of either format.

    The arrays are raw: coordinates in pixels (origin top left, y downwards), angles counter-clockwise in
    the format's own steps (`TemplateFormat.angle_steps` to the turn), qualities as they are written.
    `Record.minutiae` gives them as `Minutiae`. Nothing is checked before the view is encoded.

    Attributes:
        position: finger position: 0 unknown, 1-5 right thumb to little finger, 6-10 left.
        impression: `Impression` code.
        view_number: 0-15, different for each view of one finger within a record.
        finger_quality: 0-100.
        packed: the minutiae, 6 bytes each, reserved bits included.
        extended: the extended data areas as they are, without the length before them.
    """

    position: int = 0
    impression: int = Impression.LIVE_PLAIN
    view_number: int = 0
    finger_quality: int = 0
    packed: bytes = b""
    extended: bytes = b""

    @classmethod
    def of(
        cls,
        *,
        x: ArrayLike,
        y: ArrayLike,
        angle: ArrayLike,
        type: ArrayLike,  # noqa: A002 - the field's name
        quality: ArrayLike = 0,
        reserved: ArrayLike = 0,
        position: int = 0,
        impression: int = Impression.LIVE_PLAIN,
        view_number: int = 0,
        finger_quality: int = 0,
        extended: bytes = b"",
    ) -> FingerView:
        """Build from raw integers, each (n,) or one for all; `TemplateError` if one does not fit its bits."""
        packed = np.zeros(np.size(x), MINUTIA_DTYPE)
        packed["type_x"] = _bits("minutia type", type, 2) << 14 | _bits("x coordinate", x, 14)
        packed["reserved_y"] = _bits("reserved bits", reserved, 2) << 14 | _bits("y coordinate", y, 14)
        packed["angle"] = _bits("minutia angle", angle, 8)
        packed["quality"] = _bits("minutia quality", quality, 8)
        return cls(
            position=position,
            impression=impression,
            view_number=view_number,
            finger_quality=finger_quality,
            packed=packed.tobytes(),
            extended=extended,
        )

    @classmethod
    def from_minutiae(
        cls,
        minutiae: Minutiae,
        *,
        format: TemplateFormat,  # noqa: A002 - the field's name
        position: int = 0,
        impression: int = Impression.LIVE_PLAIN,
        view_number: int = 0,
    ) -> FingerView:
        """Round `minutiae` to the format's steps.

        Coordinates go to the nearest pixel, angles to the nearest step, qualities to the nearest hundredth
        (at least 1 where one was reported, since 0 means that none was). Raises `TemplateError` for a
        minutia outside the image or a quality outside 0-1.
        """
        quality = np.asarray(minutiae.quality, np.float64)
        _refuse("minutia quality", quality, ~((quality >= 0) & (quality <= 1)), "0 to 1")
        angle = np.asarray(minutiae.angle, np.float64)
        _refuse("minutia angle", angle, ~np.isfinite(angle), "a number of radians")
        steps = format.angle_steps
        return cls.of(
            x=_pixels("x coordinate", minutiae.x, minutiae.width),
            y=_pixels("y coordinate", minutiae.y, minutiae.height),
            angle=np.rint(angle * (steps / TWO_PI)).astype(np.int64) % steps,
            type=minutiae.type,
            quality=np.where(quality > 0, np.maximum(np.rint(quality * 100), 1), 0).astype(np.int64),
            position=position,
            impression=impression,
            view_number=view_number,
            finger_quality=int(minutiae.finger_quality),
        )

    def __len__(self) -> int:
        return len(self.packed) // MINUTIA_BYTES

    @property
    def points(self) -> NDArray[np.void]:
        """The minutiae as a read-only structured array of `MINUTIA_DTYPE`, (n,)."""
        return np.frombuffer(self.packed, MINUTIA_DTYPE)

    @property
    def type(self) -> NDArray[Any]:
        """Minutia types, (n,): 0 other, 1 ending, 2 bifurcation."""
        return self.points["type_x"] >> 14

    @property
    def x(self) -> NDArray[Any]:
        """Columns in pixels from the left, (n,)."""
        return self.points["type_x"] & COORDINATE_MASK

    @property
    def y(self) -> NDArray[Any]:
        """Rows in pixels from the top, (n,)."""
        return self.points["reserved_y"] & COORDINATE_MASK

    @property
    def reserved(self) -> NDArray[Any]:
        """The two reserved bits before y, (n,): 0, unless another system wrote something else."""
        return self.points["reserved_y"] >> 14

    @property
    def angle(self) -> NDArray[Any]:
        """Angles, (n,), in steps of the format, counter-clockwise from the positive x axis."""
        return self.points["angle"]

    @property
    def quality(self) -> NDArray[Any]:
        """Qualities of the minutiae, (n,): 1-100, 0 where none was reported."""
        return self.points["quality"]

    def minutiae(
        self,
        *,
        format: TemplateFormat,  # noqa: A002 - the field's name
        width: int,
        height: int,
        x_resolution: int,
        y_resolution: int,
    ) -> Minutiae:
        """These minutiae in pixels and radians; the arguments are those of the record the view stands in.

        Pixels that are not square are made so: rows are stretched to the horizontal resolution.
        """
        stretch = x_resolution / y_resolution
        return Minutiae.make(
            self.x,
            (self.y + 0.5) * stretch - 0.5,
            self.angle * (TWO_PI / format.angle_steps),
            width=width,
            height=math.ceil(height * stretch),
            type=self.type,
            quality=self.quality / 100.0,
            dpi=dpi_of(x_resolution),
            finger_quality=self.finger_quality,
        )


def px_per_cm(dpi: float) -> int:
    """The resolution as records have it, in whole pixels per cm: 500 dpi is 197."""
    if not math.isfinite(dpi):
        raise TemplateError("resolution", expected="a number of pixels per inch", found=dpi)
    return round(dpi / CM_PER_INCH)


def dpi_of(resolution: int) -> float:
    """Dots per inch for a record's pixels per cm; the round figure where there is one: 197 is 500."""
    return NOMINAL_DPI_BY_PX_PER_CM.get(resolution, resolution * CM_PER_INCH)


def _bits(field: str, values: ArrayLike, bits: int) -> NDArray[np.int64]:
    given = np.asarray(values)
    whole = given.astype(np.int64)
    _refuse(field, given, given != whole, "whole numbers")
    _refuse(field, whole, (whole < 0) | (whole >= 1 << bits), f"0 to {(1 << bits) - 1}")
    return whole


def _pixels(field: str, values: ArrayLike, size: int) -> NDArray[np.int64]:
    exact = np.asarray(values, np.float64)
    outside = ~((exact >= -0.5) & (exact <= size - 0.5))
    _refuse(field, exact, outside, f"-0.5 to {size - 0.5} pixels, within the image")
    return np.clip(np.rint(exact), 0, size - 1).astype(np.int64)


def _refuse(field: str, values: NDArray[Any], bad: NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        first = int(np.argmax(bad.reshape(-1)))
        raise TemplateError(
            field, expected=expected, found=f"{values.reshape(-1)[first]} (minutia {first + 1})"
        )
