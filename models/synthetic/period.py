"""Ridge period of a finger: wider below and, a little, over the tip; closer about the core; smooth chance besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import smooth

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from models.synthetic.flow import Singularities


def period(found: Singularities, rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Ridge period in pixels of the master (500 dpi), float64 `shape`."""
    h, w = shape
    ratio = h / p.HEIGHT_PX
    rows, columns = np.mgrid[0:h, 0:w] / ratio
    low = max((y for _, y in found.deltas), default=0.62 * p.HEIGHT_PX)
    high = min((y for _, y in found.cores), default=0.45 * p.HEIGHT_PX)
    share = p.PERIOD_NOISE * smooth(rng, shape, p.PERIOD_NOISE_PX * ratio).astype(np.float64)
    share += p.PERIOD_BELOW * np.clip((rows - low + 30) / 90, 0, 1)
    share += p.PERIOD_ABOVE * np.clip((high - 40 - rows) / 120, 0, 1)
    for x, y in found.cores:
        share -= (
            p.PERIOD_CORE / len(found.cores) * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 45.0**2))
        )
    return np.clip(rng.uniform(*p.FINGER_PERIOD_PX) * (1 + share), *p.PERIOD_PX)
