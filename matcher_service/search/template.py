"""A print prepared for comparison: built once, compared often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.cylinders import build
from matcher_service.search.hull import convex_hull

if TYPE_CHECKING:
    from interchange import Minutiae


class Template(NamedTuple):
    """Minutiae of one print with their cylinders. A tuple of arrays, so that compiled code takes it whole.

    Attributes:
        x: float32 (n,), pixels at 500 dpi, to the right.
        y: float32 (n,), pixels at 500 dpi, **upwards** (so that angles are plain mathematics).
        angle: float32 (n,), radians in [0, 2 pi), counter-clockwise.
        type: uint8 (n,), as `interchange.MinutiaType`; 0 is neither or not known.
        quality: float32 (n,), 0 to 1; 0 is not reported.
        bits: uint64 (n, words), the cylinders' bits.
        mask: uint64 (n, mask words), the cylinders' known cells.
        valid: bool (n,), whether the cylinder knows enough to be compared.
        hull: float32 (k, 2), corners of the minutiae's convex hull, counter-clockwise.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    angle: NDArray[np.float32]
    type: NDArray[np.uint8]
    quality: NDArray[np.float32]
    bits: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    valid: NDArray[np.bool_]
    hull: NDArray[np.float32]


Array = NDArray[Any]
Motion = tuple[Any, Any, Any]
"""Turn in radians, then shift x and y in pixels: floats, but of the kernels' own making."""


@kernel
def template_from(x: Array, y: Array, angle: Array, type_: Array, quality: Array) -> Template:
    """Build hull and cylinders, from compiled code too: the columns as `Template` has them, C-contiguous.

    Takes at most `parameters.MOST_MINUTIAE` minutiae; the caller has chosen them.
    """
    hull = convex_hull(x, y) if len(x) > 0 else np.zeros((0, 2), np.float32)
    bits, mask, valid = build(x, y, angle, hull)
    return Template(x, y, angle, type_, quality, bits, mask, valid, hull)


def prepare(minutiae: Minutiae) -> Template:
    """Build the cylinders of a print. Any number of minutiae is taken; fewer than three never match."""
    at = minutiae.at_dpi(p.DPI)
    if len(at) > p.MOST_MINUTIAE:
        at = at.take(np.sort(np.argsort(-at.quality, kind="stable")[: p.MOST_MINUTIAE]))
    return template_from(
        at.x.astype(np.float32),
        -at.y.astype(np.float32),
        at.angle.astype(np.float32),
        at.type.astype(np.uint8),
        at.quality.astype(np.float32),
    )
