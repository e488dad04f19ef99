"""Where things come to lie on the page: one view for all panels, so that the same place is the same place in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.explaining import parameters as p
from matcher_service.explaining.explanation import MM_PER_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.explaining.explanation import Explanation


@dataclass(frozen=True, slots=True)
class View:
    """From a print's pixels at 500 dpi to a panel's units.

    Attributes:
        per_mm: units of the page for a millimetre of skin.
        middle: pixels that come to the middle of a panel.
        width: of a panel, in units of the page.
        height: the same.
    """

    per_mm: float
    middle: tuple[float, float]
    width: float
    height: float

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) pixels to units from the panel's top left corner."""
        return (points - np.array(self.middle)) * (MM_PER_PX * self.per_mm) + [
            self.width / 2,
            (self.height - p.SCALE_BAR_ROOM) / 2,
        ]


def views(explanation: Explanation, *, width: float) -> tuple[View, View]:
    """The views of the probe's and the candidate's panel, `width` wide: one and the same where they are aligned.

    Without an alignment each print is in the middle of its own panel, at the same scale.
    """
    boxes = [_box(np.concatenate([side.places, side.aside])) for side in explanation.sides]
    if len(explanation.pairs):
        boxes = [_box(np.concatenate(boxes))]
    sizes = np.array([np.maximum(box[1] - box[0], 0) for box in boxes]).max(axis=0) * MM_PER_PX
    sizes = np.maximum(sizes, p.VIEW_LEAST_MM)
    around = 2 * p.VIEW_MARGIN
    room = width - around, p.PANEL_HEIGHT_MAX - around - p.SCALE_BAR_ROOM
    per_mm = float(min(room[0] / sizes[0], room[1] / sizes[1], p.SCALE_MOST_PER_MM))
    height = max(p.PANEL_HEIGHT_MIN, float(sizes[1]) * per_mm + around + p.SCALE_BAR_ROOM)
    made = [View(per_mm, tuple(box.mean(axis=0).tolist()), width, height) for box in boxes]
    return made[0], made[-1]


def _box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Top left and bottom right corner, (2, 2)."""
    if not len(points):
        return np.zeros((2, 2))
    return np.stack([points.min(axis=0), points.max(axis=0)])
