"""One training image with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MASK_SHRINK = 4  # pixels to a cell of the mask


@dataclass(frozen=True)
class Example:
    """One training image.

    Attributes:
        name: path below the data folder, without suffix.
        image: uint8 (h, w), dark ridges.
        minutiae: float32 (n, 5): x, y in pixels, direction in radians (counter-clockwise), probability that
            it is an ending, certainty 0-1.
        mask: uint8 (h/4, w/4), 255 where there is a print.
        background: grey level outside the print.
        exact: whether the minutiae are the truth (a synthetic print) rather than the teacher's opinion.
    """

    name: str
    image: NDArray[np.uint8]
    minutiae: NDArray[np.float32]
    mask: NDArray[np.uint8]
    background: int
    exact: bool = False
