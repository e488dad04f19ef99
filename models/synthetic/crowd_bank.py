"""A bank of master flows for the crowd: how the ridges run, how dense minutiae are there, which way they point.

Where a flow diverges or its ridges grow closer, ridges must begin: with k = n / period the wave vector of the ridges,
curl k is how many more ridges begin than end along the flow's tangent, per square pixel (Larkin and Fletcher,
Optics Express 15(14), 2007: minutiae are the spirals of the phase). So the flow itself says which way most of the
minutiae of a region point, and where there must be many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.flow import flow
from models.synthetic.period import period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.synthetic.flow import Singularities

CHANNELS = 5  # of a map: cos and sin of twice the orientation, x and y of the divergence, density


@lru_cache(maxsize=1)
def bank() -> NDArray[np.float32]:
    """Maps of `CROWD_FIELDS` fingers, float32 (fields, rows, columns, CHANNELS), a cell each `CROWD_CELL_PX`.

    Classes stand in it by their shares. The divergence is the mean cosine between minutiae and the flow times the
    flow's tangent (x right, y up), the density is 1 on average and clipped at `densest`.
    """
    rng = np.random.default_rng([0, 2])
    shares = np.array(list(p.CLASS_SHARES.values()))
    edges = np.cumsum(shares / shares.sum())
    kinds = [
        list(p.CLASS_SHARES)[int(np.searchsorted(edges, (k + 0.5) / p.CROWD_FIELDS))]
        for k in range(p.CROWD_FIELDS)
    ]
    made = np.stack([_map(kind, rng) for kind in kinds])
    made.setflags(write=False)
    return made


def _map(kind: str, rng: np.random.Generator) -> NDArray[np.float32]:
    shape = (round(p.HEIGHT_PX / p.CROWD_CELL_PX), round(p.WIDTH_PX / p.CROWD_CELL_PX))
    angle, singular = flow(kind, rng, shape)
    frequency = 1.0 / period(singular, rng, shape)
    born = _born(angle, frequency)
    mean = p.CROWD_MINUTIAE / (np.pi * p.CROWD_AREA_PX[0] * p.CROWD_AREA_PX[1])
    density = 1.0 + p.CROWD_DENSER * np.clip(np.abs(born) / mean, 0, 3) + _about(singular, shape)
    density = np.minimum(density / density.mean(), p.CROWD_DENSEST)
    share = np.clip(p.CROWD_SIGN * born / (mean * density), -1, 1)
    channels = (np.cos(2 * angle), np.sin(2 * angle), share * np.cos(angle), share * np.sin(angle), density)
    return np.stack(channels, axis=-1).astype(np.float32)


def _born(angle: NDArray[np.float64], frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ridges that begin less those that end along (cos, sin) of the angle (y up), per square pixel."""
    # differences of a turn along a cell, free of the jump from pi to 0
    across = (
        0.5 * np.angle(np.exp(2j * (np.roll(angle, -1, 1) - np.roll(angle, 1, 1)))) / (2 * p.CROWD_CELL_PX)
    )
    up = 0.5 * np.angle(np.exp(2j * (np.roll(angle, 1, 0) - np.roll(angle, -1, 0)))) / (2 * p.CROWD_CELL_PX)
    for edge in (across, up):
        edge[[0, -1]], edge[:, [0, -1]] = edge[[1, -2]], edge[:, [1, -2]]
    closer_up, closer_across = np.gradient(frequency, -p.CROWD_CELL_PX, p.CROWD_CELL_PX)
    turning = (np.cos(angle) * up - np.sin(angle) * across) * frequency
    return turning + np.cos(angle) * closer_across + np.sin(angle) * closer_up


def _about(singular: Singularities, shape: tuple[int, int]) -> NDArray[np.float64]:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    made = np.zeros(shape)
    for x, y in (*singular.cores, *singular.deltas):
        squared = (columns * p.CROWD_CELL_PX - x) ** 2 + (rows * p.CROWD_CELL_PX - y) ** 2
        made = np.maximum(made, p.CROWD_SINGULAR * np.exp(-squared / (2 * p.CROWD_SINGULAR_PX**2)))
    return made
