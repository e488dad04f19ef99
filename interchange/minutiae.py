"""Minutiae of one impression, as both sides hold them in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TWO_PI = 2.0 * np.pi


class MinutiaType(IntEnum):
    """Minutia type, numbered as in ISO/IEC 19794-2:2005, 7.4.2.1 and INCITS 378-2004, 6.5.1."""

    OTHER = 0
    ENDING = 1
    BIFURCATION = 2


@dataclass(frozen=True, slots=True, eq=False)
class Minutiae:
    """The minutiae of one impression: a frozen record of arrays of equal length n.

    Coordinates have their origin at the centre of the top left pixel, x to the right, y downwards, in
    pixels at `dpi`. Angles are counter-clockwise from the positive x axis as the print is seen (so with y
    downwards the direction of minutia i is ``(cos a, -sin a)``), as in ISO/IEC 19794-2:2005, 6.4: an
    ending points along its ridge away from the end, a bifurcation along the valley between its branches.

    Attributes:
        x: float32 (n,), pixels.
        y: float32 (n,), pixels.
        angle: float32 (n,), radians in [0, 2 pi).
        type: uint8 (n,), `MinutiaType`.
        quality: float32 (n,), 0 to 1; 0 is "not reported".
        width: width of the impression in pixels.
        height: height of the impression in pixels.
        dpi: resolution, in pixels per inch.
        finger_quality: quality of the whole impression, 0 to 100 (ISO/IEC 19794-2:2005, 8.4.4).
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    angle: NDArray[np.float32]
    type: NDArray[np.uint8]
    quality: NDArray[np.float32]
    width: int
    height: int
    dpi: float = 500.0
    finger_quality: int = 0

    @classmethod
    def make(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        angle: ArrayLike,
        *,
        width: int,
        height: int,
        type: ArrayLike | None = None,  # noqa: A002 - the field's name
        quality: ArrayLike | None = None,
        dpi: float = 500.0,
        finger_quality: int = 0,
    ) -> Minutiae:
        """Build from any sequences; angles are wrapped to [0, 2 pi). Raises ValueError if they do not fit."""
        xs = np.array(x, dtype=np.float32).reshape(-1)
        n = len(xs)
        wrapped = np.mod(np.array(angle, dtype=np.float64).reshape(-1), TWO_PI).astype(np.float32)
        wrapped[wrapped >= np.float32(TWO_PI)] = 0.0
        kinds = np.zeros(n, np.uint8) if type is None else np.array(type, dtype=np.uint8).reshape(-1)
        certainty = np.zeros(n, np.float32) if quality is None else np.array(quality, np.float32).reshape(-1)
        made = cls(
            xs,
            np.array(y, dtype=np.float32).reshape(-1),
            wrapped,
            kinds,
            certainty,
            width,
            height,
            dpi,
            finger_quality,
        )
        arrays = (made.x, made.y, made.angle, made.type, made.quality)
        if any(len(a) != n for a in arrays):
            raise ValueError(f"arrays of different lengths: {[len(a) for a in arrays]}")
        if not all(np.isfinite(a).all() for a in arrays):
            raise ValueError("coordinates, angles and qualities must be finite")
        for a in arrays:
            a.setflags(write=False)
        return made

    @classmethod
    def empty(cls, *, width: int, height: int, dpi: float = 500.0) -> Minutiae:
        """No minutiae at all, quality 0: what an image that is no fingerprint gives."""
        return cls.make([], [], [], width=width, height=height, dpi=dpi)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: ArrayLike) -> Minutiae:
        """The minutiae at `index` (integers or a mask), in that order."""
        i = np.asarray(index)
        return Minutiae.make(
            self.x[i],
            self.y[i],
            self.angle[i],
            type=self.type[i],
            quality=self.quality[i],
            width=self.width,
            height=self.height,
            dpi=self.dpi,
            finger_quality=self.finger_quality,
        )

    def at_dpi(self, dpi: float) -> Minutiae:
        """The same minutiae with coordinates in pixels at another resolution."""
        if dpi == self.dpi:
            return self
        scale = dpi / self.dpi
        return Minutiae.make(
            _rescaled(self.x, scale),
            _rescaled(self.y, scale),
            self.angle,
            type=self.type,
            quality=self.quality,
            width=_size(self.width, scale),
            height=_size(self.height, scale),
            dpi=dpi,
            finger_quality=self.finger_quality,
        )


def _rescaled(values: NDArray[np.float32], scale: float) -> NDArray[np.float64]:
    # The edge of the image is half a pixel before the centre of the first pixel, and stays where it is.
    return (values.astype(np.float64) + 0.5) * scale - 0.5


def _size(pixels: int, scale: float) -> int:
    # Rounded up, so that no minutia at the far edge falls out of the image.
    return max(1, math.ceil(pixels * scale - 1e-6))
