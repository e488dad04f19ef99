"""The ridge pattern, grown from seeds by filters that follow the flow and the period of the ridges.

Cappelli's way (Handbook of Fingerprint Recognition, ch. 6), at half the master's resolution: four to five pixels a
ridge are enough for filters that let one frequency through, and a quarter of the pixels in a quarter of the
taps is sixteen times faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Growth:
    """Ridges at half the master's resolution.

    Attributes:
        even: float32 (h, w), response of the even filters: positive in the middle of a ridge.
        odd: the same of the odd ones, a quarter of a period along `(sin, cos)` of the flow (x right, y down).
        turn: float64 (h, w), orientation of the filter that was used, radians.
        period: float64 (h, w), its period in half resolution pixels.
    """

    even: NDArray[np.float32]
    odd: NDArray[np.float32]
    turn: NDArray[np.float64]
    period: NDArray[np.float64]


def grow(turn: NDArray[np.float64], period: NDArray[np.float64], rng: Generator) -> Growth:
    """Grow ridges along `turn` (radians) with `period` (in these maps' own pixels) from random seeds."""
    from models.synthetic import growth_kernels as kernels

    h, w = turn.shape
    even, odd = filters()
    k = np.rint(turn / np.pi * p.ORIENTATIONS).astype(int) % p.ORIENTATIONS
    j = np.clip(np.rint((period - _PERIODS[0]) / (_PERIODS[1] - _PERIODS[0])), 0, p.PERIODS - 1).astype(int)
    choice = (k * p.PERIODS + j).astype(np.int32)
    r = p.FILTER_RADIUS_PX
    pattern = np.zeros((h + 2 * r, w + 2 * r), np.float32)
    spacing = rng.uniform(*p.SEED_SPACING_PX) * h / p.HEIGHT_PX
    rows, columns = round(h / spacing), round(w / spacing)
    y = (np.repeat(np.arange(rows), columns) + rng.uniform(0, 1, rows * columns)) * h / rows
    x = (np.tile(np.arange(columns), rows) + rng.uniform(0, 1, rows * columns)) * w / columns
    pattern[r + y.astype(int), r + x.astype(int)] = 1.0
    grown = kernels.grow(pattern, 2 * r + 1, even, choice, np.float32(p.GAIN), p.GROWTH_STEPS)
    return Growth(
        grown, kernels.respond(pattern, 2 * r + 1, odd, choice), k * np.pi / p.ORIENTATIONS, _PERIODS[j]
    )


_PERIODS = np.linspace(p.PERIOD_PX[0] / 2, p.PERIOD_PX[1] / 2, p.PERIODS)


@lru_cache(maxsize=1)
def filters() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Even and odd Gabor filters, one for each orientation and period; responses to their own wave are 1."""
    r = p.FILTER_RADIUS_PX
    n = 2 * r + 1
    y, x = np.mgrid[-r : r + 1, -r : r + 1].astype(np.float64)
    even = np.zeros((p.ORIENTATIONS * p.PERIODS, -(-n * n // 32) * 32), np.float32)
    odd = np.zeros_like(even)
    for k in range(p.ORIENTATIONS):
        along = np.pi * k / p.ORIENTATIONS
        across = x * np.sin(along) + y * np.cos(along)
        lengthwise = x * np.cos(along) - y * np.sin(along)
        for j, period in enumerate(_PERIODS):
            sigma = np.array(p.FILTER_SIGMA_PERIODS) * period
            window = np.exp(-0.5 * ((across / sigma[0]) ** 2 + (lengthwise / sigma[1]) ** 2))
            wave = np.cos(2 * np.pi * across / period)
            shaped = window * (wave - (window * wave).sum() / window.sum())  # a flat ground stays flat
            even[k * p.PERIODS + j, : n * n] = (shaped / (shaped * wave).sum()).T.ravel()
            wave = -np.sin(2 * np.pi * across / period)  # so that the phase grows along the normal
            odd[k * p.PERIODS + j, : n * n] = (window * wave / (window * wave**2).sum()).T.ravel()
    return even, odd
