"""Smooth random fields and samples between pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Field = "NDArray[np.float32]"


@lru_cache(maxsize=256)
def _spline(length: int, spacing: float) -> NDArray[np.float32]:
    """Cubic B-splines, one a column, `spacing` pixels apart, scaled to give unit variance on average."""
    knots = int(np.ceil(length / spacing)) + 3
    at = (np.arange(length)[:, None] + 0.5) / spacing + 1.0 - np.arange(knots)[None, :]
    t = np.abs(at)
    value = np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.where(t < 2, (2 - t) ** 3 / 6, 0.0))
    value /= np.sqrt((value**2).sum(axis=1, keepdims=True))
    made = value.astype(np.float32)
    made.setflags(write=False)
    return made


def smooth(rng: Generator, shape: tuple[int, int], spacing: float) -> NDArray[np.float32]:
    """A smooth random field of unit variance whose bumps are about `spacing` pixels wide."""
    across, down = _spline(shape[1], float(spacing)), _spline(shape[0], float(spacing))
    grid = rng.standard_normal((down.shape[1], across.shape[1]), dtype=np.float32)
    return (down @ grid @ across.T).astype(np.float32, copy=False)


def sample(
    image: NDArray[np.floating], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Bilinear samples of an image, its border repeated outwards."""
    h, w = image.shape
    x, y = np.clip(x, 0, w - 1.001), np.clip(y, 0, h - 1.001)
    left, top = x.astype(int), y.astype(int)
    u, v = x - left, y - top
    upper = image[top, left] * (1 - u) + image[top, left + 1] * u
    lower = image[top + 1, left] * (1 - u) + image[top + 1, left + 1] * u
    return upper * (1 - v) + lower * v
