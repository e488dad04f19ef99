"""Confidence intervals by drawing fingers, not comparisons.

The comparisons of a database are not independent: eight impressions of one finger take part in 28 genuine
and in hundreds of impostor comparisons, and one bad finger spoils them all. Drawing comparisons one by one
would count each as fresh evidence and give intervals several times too narrow. So the units that are drawn
with replacement are the fingers, as in the subsets bootstrap (Bolle, Ratha, Pankanti, "Error analysis of
pattern recognition systems - the subsets bootstrap", Computer Vision and Image Understanding 93(1), 2004):
where a finger is drawn w times, its genuine comparisons count w times, and an impostor comparison counts
the product of its two fingers' draws. A finger drawn twice never becomes its own impostor.

What this cannot see: fingers that are not in the database. No error among ten fingers gives the interval
[0, 0], which says that the database is too small, not that the system is perfect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.metrics import METRICS, Rates, rates
from benchmarks.accuracy.parameters import BOOTSTRAP_CELLS_MAX, BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED

if TYPE_CHECKING:
    from numpy.typing import NDArray


def replicate(
    scores: NDArray[np.float64],
    finger_a: NDArray[np.int64],
    finger_b: NDArray[np.int64],
    *,
    replicates: int = BOOTSTRAP_REPLICATES,
    seed: int = BOOTSTRAP_SEED,
) -> Rates:
    """Error rates of `replicates` drawn databases.

    Args:
        scores: (n,), one comparison each.
        finger_a: (n,), number of the probe's finger, 0 to fingers - 1.
        finger_b: (n,), number of the candidate's finger; the comparison is genuine where it is the same.
        replicates: how many databases to draw.
        seed: of the drawing; the same seed gives the same intervals.
    """
    fingers = int(max(finger_a.max(), finger_b.max())) + 1
    genuine = finger_a == finger_b
    draws = _draw(fingers, _mates(finger_a, genuine, fingers), replicates, np.random.default_rng(seed))
    chunk = max(1, BOOTSTRAP_CELLS_MAX // len(scores))
    parts: list[Rates] = []
    for start in range(0, len(draws), chunk):
        drawn = draws[start : start + chunk]
        weights = np.where(genuine, drawn[:, finger_a], drawn[:, finger_a] * drawn[:, finger_b])
        parts.append(rates(scores, genuine, weights))
    return Rates(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in METRICS})


def interval95(values: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval: 2.5 % of the replicates lie below it and 2.5 % above."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _mates(finger_a: NDArray[np.int64], genuine: NDArray[np.bool_], fingers: int) -> NDArray[np.bool_]:
    """Which fingers have a genuine comparison at all."""
    return np.bincount(finger_a[genuine], minlength=fingers) > 0


def _draw(
    fingers: int, mates: NDArray[np.bool_], replicates: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How often each finger is drawn: (replicates, fingers). Draws without error rates are drawn again."""
    kept: list[NDArray[np.float64]] = []
    have = 0
    while have < replicates:
        drawn = rng.multinomial(fingers, np.full(fingers, 1.0 / fingers), size=replicates).astype(np.float64)
        usable = ((drawn > 0).sum(axis=1) > 1) & ((drawn * mates).sum(axis=1) > 0)
        kept.append(drawn[usable])
        have += int(usable.sum())
    return np.concatenate(kept)[:replicates]
