"""A finger's exact minutiae as one touch shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae, MinutiaType
from models.synthetic import parameters as p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.synthetic.master import Master
    from models.synthetic.placement import Placement


def visible(
    finger: Master,
    placement: Placement,
    *,
    image: NDArray[np.uint8],
    clean: NDArray[np.float32],
    ink: NDArray[np.float32],
    mask: NDArray[np.bool_],
    dpi: float,
) -> Minutiae:
    """Minutiae that lie on the glass and in the window, and about which the image still looks like the ridges.

    Args:
        finger: whose minutiae.
        placement: where the touch lies on it.
        image: uint8 (height, width), the finished image.
        clean: float32, same shape, the ridges that it should show, 1 in the middle of a ridge to -1.
        ink: float32, same shape, how much of each pixel a ridge covers, 0 to 1.
        mask: bool, same shape, where skin touches.
        dpi: of the image.
    """
    from models.synthetic import touch_kernels

    h, w = image.shape
    own = finger.minutiae
    x, y, inside = placement.to_window(own.x, own.y)
    index = np.flatnonzero(inside & mask[np.rint(y).astype(int), np.rint(x).astype(int)])
    x, y = x[index], y[index]
    radius = max(3, round(p.LEGIBLE_RADIUS_PX / placement.scale))
    likeness, inked = touch_kernels.likeness(image, clean, ink, x, y, radius)
    legible = np.clip((likeness - p.LEAST_LIKENESS) / (p.MOST_LIKENESS - p.LEAST_LIKENESS), 0, 1)
    # thin ridges leave the branches of a fork apart, thick ones run together with their neighbour
    ending = finger.ending[index] > p.FORK_SHIFT + p.FORK_SLOPE * (inked - 0.5)
    seen = legible > 0
    x, y, index = x[seen], y[seen], index[seen]
    return Minutiae.make(
        x,
        y,
        placement.turned(x, y, own.angle[index]),
        type=np.where(ending[seen], MinutiaType.ENDING, MinutiaType.BIFURCATION),
        quality=np.maximum(legible[seen], 0.01),
        width=w,
        height=h,
        dpi=dpi,
        finger_quality=int(100 * legible.mean()) if len(legible) else 0,
    )
