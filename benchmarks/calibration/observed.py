"""How many strangers reach the scores that a calibration gives a false match rate to, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.matching.calibrate_fit import split
from models.matching.calibrate_scores import facts_pair
from models.matching.calibrate_tail import same_fingers, under_one_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher_service.search.calibration import Calibration
    from models.matching.calibrate_scores import PairScores

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4)
REPLICATES = 500
SEED = 43


@dataclass(frozen=True, slots=True)
class Observed:
    """One line of the table.

    Attributes:
        name: whose pairs.
        pairs: how many pairs of strangers.
        rate: float64 (levels,), share of them that reaches the score predicted for each of `LEVELS`.
        low: its 95 % interval from drawing fingers.
        high: likewise.
    """

    name: str
    pairs: int
    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def strangers_of(pairs: PairScores, names: Sequence[str]) -> tuple[PairScores, set[tuple[int, int]]]:
    """Pairs of different fingers, without those that are one finger under two names; and which those are."""
    one = under_one_name(same_fingers(pairs.score, pairs.finger), names)
    return split(pairs, one)[0], one


def predicted(calibration: Calibration, pairs: PairScores) -> NDArray[np.float64]:
    """log10 of the false match rate of each pair's score, float64 (n,)."""
    return calibration.log10_fmr_of(pairs.score, *facts_pair(pairs))


def observe(name: str, log10_fmr: NDArray[np.float64], finger: NDArray[np.int64]) -> Observed:
    """Observed rates at the predicted ones; `finger` int64 (n, 2) is what the intervals draw.

    Where nobody reaches a level the upper end is that of no event among so many pairs (3 over their number), which
    is too low if the pairs depend on each other: few fingers say little.
    """
    reached = np.stack([log10_fmr <= np.log10(level) for level in LEVELS])
    rate = reached.mean(axis=1)
    present, numbered = np.unique(finger, return_inverse=True)
    numbered = numbered.reshape(finger.shape)
    rng = np.random.default_rng(SEED)
    rows = [np.flatnonzero(r) for r in reached]
    base = np.zeros((len(present), len(present)))
    np.add.at(base, (numbered[:, 0], numbered[:, 1]), 1.0)
    drawn_rates = np.empty((REPLICATES, len(LEVELS)))
    for k in range(REPLICATES):
        drawn = rng.multinomial(len(present), np.full(len(present), 1.0 / len(present))).astype(np.float64)
        total = max(float(drawn @ base @ drawn), 1.0)
        drawn_rates[k] = [(drawn[numbered[r, 0]] * drawn[numbered[r, 1]]).sum() / total for r in rows]
    low, high = np.percentile(drawn_rates, [2.5, 97.5], axis=0)
    high = np.maximum(high, np.where(rate > 0, 0.0, 3.0 / len(log10_fmr)))
    return Observed(name, len(log10_fmr), rate, low, high)
