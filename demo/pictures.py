"""Pictures of prints: one with its minutiae, and two side by side with the paired minutiae joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.extraction.picture import sheet, with_minutiae

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from interchange import Minutiae

__all__ = ["side_by_side", "with_minutiae"]

UNPAIRED = (150, 150, 150)
JOIN = ((230, 120, 0), (0, 140, 120), (150, 60, 180), (200, 30, 90), (60, 130, 20), (40, 90, 200))


def side_by_side(
    probe: tuple[NDArray[np.uint8], Minutiae],
    candidate: tuple[NDArray[np.uint8], Minutiae],
    pairs: Sequence[tuple[int, int]] | NDArray[np.int64],
    caption: str,
) -> Image:
    """Probe on the left, candidate on the right, paired minutiae joined, the others grey."""
    drawn = sheet([probe[0], candidate[0]], caption=caption, legend="left: probe   right: candidate")
    joined = [((int(i), int(j)), JOIN[number % len(JOIN)]) for number, (i, j) in enumerate(pairs)]
    drawn.join((probe[1], candidate[1]), joined, UNPAIRED)
    return drawn.image
