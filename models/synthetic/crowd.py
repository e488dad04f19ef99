"""Minutiae without an image: strangers to fill a gallery with.

Points spread as a print spreads them (no two nearer than a ridge), directions along a smooth flow, either way
round. Enough to make a search as long as a real one; not meant to tell how often strangers look alike.
"""

from __future__ import annotations

import numpy as np

from interchange import Minutiae
from models.synthetic import parameters as p


def stranger(seed: int, *, width: int = 256, height: int = 288) -> Minutiae:
    """Simulated minutiae of one print, about forty, at 500 dpi. The same seed gives the same print."""
    rng = np.random.default_rng([seed, 2])
    wanted = int(np.clip(rng.normal(p.CROWD_MINUTIAE, p.CROWD_MINUTIAE_SPREAD), 15, 80))
    spread = rng.uniform(-1.0, 1.0, (6 * wanted, 2))
    spread = spread[np.hypot(spread[:, 0], spread[:, 1]) < 1.0]
    points = (spread * 0.5 + 0.5) * [width - 1, height - 1]
    gap = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    crowded = np.triu(gap < p.CROWD_GAP_PX, 1).any(axis=0)
    points = points[~crowded][:wanted]
    wave = rng.normal(size=(2, 3))
    x, y = (points / [width, height] - 0.5).T
    flow = (
        wave[0] @ np.stack([x, y, x * y]) + wave[1] @ np.stack([x**2, y**2, x**2 * y]) + rng.uniform(0, np.pi)
    )
    turned = np.pi * rng.integers(0, 2, len(points))
    return Minutiae.make(
        points[:, 0],
        points[:, 1],
        flow + turned,
        type=rng.integers(1, 3, len(points)),
        quality=rng.uniform(0.5, 1.0, len(points)),
        width=width,
        height=height,
        finger_quality=int(rng.integers(50, 101)),
    )
