"""Where a touch lies on the finger: position, turn, the skin's distortion, and the area that touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import sample, smooth

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """From pixels of the window to pixels of the master, and back.

    Attributes:
        map_x: float32 (height, width), x on the master (500 dpi) of each pixel of the window.
        map_y: the same of y.
        turn: rotation of the window on the finger, radians clockwise.
        middle: the point of the master in the middle of the window.
        scale: pixels of the master to one of the window.
    """

    map_x: NDArray[np.float32]
    map_y: NDArray[np.float32]
    turn: float
    middle: NDArray[np.float64]
    scale: float

    def to_window(
        self, x: NDArray[np.floating], y: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels of the window where points of the master lie, and which of them lie in it."""
        h, w = self.map_x.shape
        c, s = np.cos(self.turn) / self.scale, np.sin(self.turn) / self.scale
        px, py = np.full(len(x), (w - 1) / 2), np.full(len(x), (h - 1) / 2)
        dx, dy = x - sample(self.map_x, px, py), y - sample(self.map_y, px, py)
        for _ in range(
            p.INVERSE_STEPS
        ):  # the maps are nearly a turn: what is missing, turned back, is the next step
            px, py = np.clip(px + c * dx + s * dy, 0, w - 1), np.clip(py - s * dx + c * dy, 0, h - 1)
            dx, dy = x - sample(self.map_x, px, py), y - sample(self.map_y, px, py)
        return px, py, np.hypot(dx, dy) < p.INVERSE_ERROR_PX

    def turned(
        self, x: NDArray[np.float64], y: NDArray[np.float64], angle: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Directions of the master at points of the window, as the window shows them; the distortion turns them too."""
        h, w = self.map_x.shape
        left, right = np.clip(x - 2.0, 0, w - 1), np.clip(x + 2.0, 0, w - 1)
        top, bottom = np.clip(y - 2.0, 0, h - 1), np.clip(y + 2.0, 0, h - 1)
        wide, tall = right - left, bottom - top
        xx = (sample(self.map_x, right, y) - sample(self.map_x, left, y)) / wide
        yx = (sample(self.map_y, right, y) - sample(self.map_y, left, y)) / wide
        xy = (sample(self.map_x, x, bottom) - sample(self.map_x, x, top)) / tall
        yy = (sample(self.map_y, x, bottom) - sample(self.map_y, x, top)) / tall
        fx, fy = np.cos(angle), -np.sin(angle)
        return np.arctan2(yx * fx - xx * fy, yy * fx - xy * fy)


def placed(rng: Generator, window: tuple[int, int], scale: float, hard: float) -> Placement:
    """A touch somewhere on the finger."""
    from models.synthetic import touch_kernels

    h, w = window
    turn = float(np.deg2rad(rng.normal(0, p.TURN_DEG * (0.5 + hard))))
    shift = rng.normal(0, p.SHIFT_PX * (0.6 + 0.8 * hard), 2) * [1.0, 1.3]
    middle = np.array([p.WIDTH_PX / 2, p.HEIGHT_PX / 2 - p.MIDDLE_ABOVE_PX]) + shift
    amount = np.float32(p.STRETCH_PX * (0.4 + hard))
    stretch_x, stretch_y = (amount * smooth(rng, window, p.STRETCH_SPACING_PX / scale) for _ in range(2))
    sticks = np.array(
        [*(middle + rng.normal(0, 12, 2)), rng.uniform(*p.STICKS_PX[0]), rng.uniform(*p.STICKS_PX[1])]
    )
    slip = rng.normal(0, 1, 3) * [p.SLIP_PX, p.SLIP_PX, np.deg2rad(p.SLIP_DEG)] * (0.3 + hard)
    brake = float(rng.uniform(*p.BRAKE_PX))
    maps = touch_kernels.place(h, w, scale, middle, turn, stretch_x, stretch_y, sticks, slip, brake)
    return Placement(maps[0], maps[1], turn, middle, scale)


def contact(rng: Generator, middle: NDArray[np.float64], hard: float) -> NDArray[np.float64]:
    """The area of the master that touches: centre, half axes, squareness, softness and irregularity of its edge."""
    size = rng.normal(1.03 - 0.22 * hard, 0.07 + 0.10 * hard)
    finger = np.array([p.WIDTH_PX / 2, p.HEIGHT_PX / 2])
    centre = 0.6 * finger + 0.4 * middle + rng.normal(0, 6 + 18 * hard, 2)
    across = np.clip(p.CONTACT_PX[0] * size * rng.normal(1, 0.06), 60, 175)
    down = np.clip(p.CONTACT_PX[1] * size * rng.normal(1, 0.08), 75, 235)
    return np.array(
        [*centre, across, down, rng.uniform(0, 1.1), rng.uniform(*p.EDGE_SOFTNESS), rng.uniform(*p.EDGE_FRAY)]
    )
