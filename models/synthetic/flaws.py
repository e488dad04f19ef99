"""What goes wrong in a touch: scratches, patches that do not touch, dirt, remains of an earlier finger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import smooth

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from models.synthetic.master import Master


def scratch(rng: Generator, height: NDArray[np.float32], scale: float, hard: float) -> None:
    """Lower `height` along scratches and threads that this touch alone shows."""
    h, w = height.shape
    for _ in range(rng.poisson(p.SCRATCHES[0] + p.SCRATCHES[1] * hard)):
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        turn, width, bend = rng.uniform(0, np.pi), rng.uniform(0.8, 2.0) / scale, rng.normal(0, 9)
        length = rng.uniform(*p.SCRATCH_PX) / scale
        part, dx, dy = _about(height, x, y, length)
        along = dx * np.cos(turn) + dy * np.sin(turn)
        across = dy * np.cos(turn) - dx * np.sin(turn) - bend * (along / length) ** 2
        thin = width * np.sqrt(np.clip(1 - (along / length) ** 2, 0, 1)) + 0.5 - np.abs(across)
        part -= (rng.uniform(0.7, 2.0) * np.clip(thin, 0, 1) * (np.abs(along) < length)).astype(np.float32)


def gaps(
    rng: Generator, height: NDArray[np.float32], noise: NDArray[np.floating], scale: float, hard: float
) -> None:
    """Lower `height` in patches where the skin does not reach the glass; `noise` frays their edges."""
    h, w = height.shape
    for _ in range(rng.poisson(p.GAPS[0] + p.GAPS[1] * hard)):
        x, y = w * (0.5 + 0.2 * rng.normal()), h * (0.5 + 0.22 * rng.normal())
        size = rng.uniform(*p.GAP_PX) / scale
        part, dx, dy = _about(height, x, y, 2 * size)
        rough = np.hypot(dx * rng.uniform(0.6, 1.3), dy) / size + 0.30 * _about(noise, x, y, 2 * size)[0]
        part -= np.clip(rng.uniform(1.5, 4.0) * (1.0 - rough), 0.0, 2.5).astype(np.float32)


def _about(
    image: NDArray[np.floating], x: float, y: float, reach: float
) -> tuple[NDArray[np.floating], NDArray[np.float64], NDArray[np.float64]]:
    """The part of an image about a point, and its columns and rows counted from there."""
    top, left = max(int(y - reach), 0), max(int(x - reach), 0)
    part = image[top : max(int(y + reach) + 1, 0), left : max(int(x + reach) + 1, 0)]
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    return part, columns - x, rows - y


def dirt(rng: Generator, shape: tuple[int, int], scale: float) -> NDArray[np.float32]:
    """Specks and smears on the glass, 0 to 1."""
    specks = smooth(rng, shape, p.SPECK_PX / scale) + np.float32(0.9) * smooth(rng, shape, 35.0 / scale)
    smears = np.float32(0.5) * smooth(rng, shape, p.SMEAR_PX / scale) - np.float32(rng.uniform(0.3, 1.0))
    made = np.clip(1.5 * (specks - np.float32(rng.uniform(2.0, 3.2))), 0, 1) + np.clip(smears, 0, 0.4)
    return made.astype(np.float32)


def latent(rng: Generator, shape: tuple[int, int], scale: float, finger: Master) -> NDArray[np.float32]:
    """Remains of an earlier touch on the glass, 0 to 1: patches of the same finger's ridges, turned any way."""
    h, w = shape
    turn = rng.uniform(0, 2 * np.pi)
    rows, columns = np.ogrid[0:h, 0:w]
    dx, dy = (columns - w * rng.uniform(0.2, 0.8)) * scale, (rows - h * rng.uniform(0.2, 0.8)) * scale
    x = (np.cos(turn) * dx - np.sin(turn) * dy + p.WIDTH_PX / 2).astype(np.int32)
    y = (np.sin(turn) * dx + np.cos(turn) * dy + p.HEIGHT_PX / 2).astype(np.int32)
    inside = (x >= 0) & (y >= 0) & (x < p.WIDTH_PX) & (y < p.HEIGHT_PX)
    ridges = finger.skin[np.clip(y, 0, p.HEIGHT_PX - 1), np.clip(x, 0, p.WIDTH_PX - 1), 0]
    patchy = np.clip(smooth(rng, shape, 45.0 / scale), 0, 1.5) * np.exp(
        -(dx**2 + dy**2) / (2 * p.LATENT_PX**2)
    )
    return (np.clip(0.3 - ridges, 0, 1) * patchy * inside).astype(np.float32)
