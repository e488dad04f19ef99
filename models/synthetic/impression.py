"""One touch of a finger on a sensor: where it lay, how it was pressed, what the sensor made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from models.synthetic.master import Master


def impression(finger: Master, number: int, *, size: tuple[int, int] = (384, 320)) -> NDArray[np.uint8]:
    """The `number`-th touch of a finger, uint8 (height, width) `size`, dark ridges on a bright ground, 500 dpi."""
    rng = np.random.default_rng([finger.seed, 1, number])
    h, w = size
    rows, columns = np.mgrid[0:h, 0:w].astype(np.float64)
    x, y = columns - w / 2, rows - h / 2
    turn = np.deg2rad(rng.normal(0, p.TURN_DEG))
    shift = rng.normal(0, p.SHIFT_PX, 2)
    bend_x, bend_y = (p.STRETCH_PX * smooth(rng, size, 4) for _ in range(2))
    at_x = np.cos(turn) * x - np.sin(turn) * y + shift[0] + bend_x + p.WIDTH_PX / 2
    at_y = np.sin(turn) * x + np.cos(turn) * y + shift[1] + bend_y + p.HEIGHT_PX / 2
    ridges = sample(finger.ridges, at_x, at_y)
    reach = rng.uniform(*p.CONTACT_SHARE, 2)
    radius = np.hypot(
        (at_x - p.WIDTH_PX / 2) / (reach[0] * p.WIDTH_PX / 2),
        (at_y - p.HEIGHT_PX / 2) / (reach[1] * p.HEIGHT_PX / 2),
    )
    touch = 1.0 / (1.0 + np.exp((radius + 0.05 * smooth(rng, size, 9) - 0.92) * 40.0))
    pressure = rng.normal(0.0, 0.15) + 0.25 * smooth(rng, size, 5)
    ink = 1.0 / (1.0 + np.exp(5.0 * (ridges - pressure)))
    ink *= 1.0 - 0.55 * (smooth(rng, size, 90) > rng.uniform(1.1, 1.9))  # pores and specks that stayed dry
    grey = 235.0 - touch * ink * rng.uniform(150, 205) + 6.0 * smooth(rng, size, 6)
    grey += rng.normal(0, rng.uniform(2, 7), size)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def smooth(rng: Generator, size: tuple[int, int], knots: int) -> NDArray[np.float64]:
    """A smooth random field of unit variance at its knots, `knots` of them each way."""
    grid = rng.normal(size=(knots, knots))
    rows, columns = np.linspace(0, knots - 1, size[0]), np.linspace(0, knots - 1, size[1])
    return sample(grid, *np.meshgrid(columns, rows))


def sample(
    image: NDArray[np.floating], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bilinear samples of an image, its border repeated outwards."""
    h, w = image.shape
    x, y = np.clip(x, 0, w - 1.001), np.clip(y, 0, h - 1.001)
    left, top = x.astype(int), y.astype(int)
    u, v = x - left, y - top
    upper = image[top, left] * (1 - u) + image[top, left + 1] * u
    lower = image[top + 1, left] * (1 - u) + image[top + 1, left + 1] * u
    return upper * (1 - v) + lower * v
