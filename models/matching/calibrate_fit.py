"""From scores of pairs to a calibration: quantiles by facts, false match rates, likelihood ratios, intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search.calibration import Calibration, features
from models.matching.calibrate_tail import (
    Tail,
    fit_tail,
    quantile_regression,
    rising,
    same_fingers,
    under_one_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.matching.calibrate_scores import PairScores

    Column = NDArray[np.float64]

LOW_SHARE, HIGH_SHARE = 0.9, 0.999  # the quantiles that a standard score is measured by
TAIL_SHARE = (
    0.002  # of the strangers are beyond the threshold of the tail: thousands of pairs, and straight by eye
)
LEAST_LOG10_FMR = -12.0  # nobody can check less, and a wrong enrolment is likelier
STEP = 0.05  # of the table, in standard scores; a tenth of a decade in the tail
REPLICATES = 200
SEED = 42
# Share of genuine pairs that say nothing of the finger: the wrong finger pressed or enrolled, another part of it, a
# scar. It bounds the evidence against: no score, however low, makes the same finger ten times less likely.
SAYS_NOTHING = 0.1
_FINE = 5  # bins of the counting in one step of the table


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit and what went into it.

    `sameness` are the pairs of fingers under two names that were taken for one, and left out.
    """

    calibration: Calibration
    tail: Tail
    strangers: int
    genuine: int
    sameness: set[tuple[int, int]]


def split(pairs: PairScores, sameness: set[tuple[int, int]]) -> tuple[PairScores, PairScores]:
    """Strangers' and genuine pairs, without those of two names that are one finger."""
    genuine = pairs.finger[:, 0] == pairs.finger[:, 1]
    doubtful = np.zeros(len(pairs), np.bool_)
    if sameness:
        base = int(pairs.finger.max()) + 1
        key = pairs.finger.min(axis=1) * base + pairs.finger.max(axis=1)
        doubtful = np.isin(key, [a * base + b for a, b in sameness])
    return pairs.take(~genuine & ~doubtful), pairs.take(genuine)


def fit(
    pairs: PairScores,
    names: Sequence[str],
    *,
    replicates: int = REPLICATES,
    on_done: Callable[[], None] = lambda: None,
) -> Fitted:
    """Fit a calibration to the pairs of fingers called `names`. Needs tens of thousands of pairs.

    `on_done` is called once for each bootstrap replicate.
    """
    sameness = under_one_name(same_fingers(pairs.score, pairs.finger), names)
    strangers, genuine = split(pairs, sameness)
    at = _features(strangers)
    low = quantile_regression(at, strangers.score, LOW_SHARE)
    high = quantile_regression(at, strangers.score, HIGH_SHARE)
    span = at @ high - at @ low
    least_span = 0.25 * float(np.median(span))
    z = (strangers.score - at @ low) / np.maximum(span, least_span)
    tail, curve, grid = _curve(z)
    below, above = _interval(
        z, finger=strangers.finger, tail=tail, grid=grid, replicates=replicates, on_done=on_done
    )
    at = _features(genuine)
    genuine_z = (genuine.score - at @ low) / np.maximum(at @ high - at @ low, least_span)
    made = Calibration(
        low=low,
        high=high,
        least_span=least_span,
        z=grid,
        log10_fmr=curve,
        log10_fmr_low=np.minimum(below, curve),
        log10_fmr_high=np.maximum(above, curve),
        llr=_likelihood_ratios(grid, curve, genuine_z),
        provenance={},
    )
    return Fitted(made, tail, len(strangers), len(genuine), sameness)


def _features(pairs: PairScores) -> Column:
    count, alike = pairs.minutiae, pairs.agreement
    return features(count[:, 0], alike[:, 0], count[:, 1], alike[:, 1])


def _curve(z: Column) -> tuple[Tail, Column, Column]:
    """The tail, and log10 FMR on the table's grid: counted up to the tail's threshold, modelled beyond."""
    threshold = float(np.quantile(z, 1.0 - TAIL_SHARE))
    beyond = z[z > threshold] - threshold
    tail = fit_tail(beyond, np.ones_like(beyond), threshold, TAIL_SHARE)
    first = math.floor(float(z.min()) / STEP)
    last = first
    while tail.log10_survival(np.array([last * STEP]))[0] > LEAST_LOG10_FMR or last * STEP <= threshold:
        last += 1
    grid = np.arange(first, last + 1) * STEP
    ordered = np.sort(z)
    counted = 1.0 - np.searchsorted(ordered, grid, "left") / len(z)
    return tail, _joined(grid, counted, tail), grid


def _joined(grid: Column, counted: Column, tail: Tail) -> Column:
    in_tail = grid > tail.threshold
    curve = np.empty_like(grid)
    curve[in_tail] = tail.log10_survival(grid[in_tail])
    curve[~in_tail] = np.log10(np.maximum(counted[~in_tail], tail.share))
    return np.minimum.accumulate(np.clip(curve, LEAST_LOG10_FMR, 0.0))


def _interval(
    z: Column,
    *,
    finger: NDArray[np.int64],
    tail: Tail,
    grid: Column,
    replicates: int,
    on_done: Callable[[], None],
) -> tuple[Column, Column]:
    """The 95 % interval of log10 FMR on the grid: fingers drawn with replacement, pairs weighted by both draws."""
    rng = np.random.default_rng(SEED)
    fingers = int(finger.max()) + 1
    present = np.unique(finger)
    width = STEP / _FINE
    bins = np.clip(np.floor((z - grid[0]) / width).astype(np.int64), 0, _FINE * len(grid) - 1)
    in_tail = z > tail.threshold
    curves = np.empty((replicates, len(grid)))
    for k in range(replicates):
        drawn = np.zeros(fingers)
        drawn[present] = rng.multinomial(len(present), np.full(len(present), 1.0 / len(present)))
        weight = drawn[finger[:, 0]] * drawn[finger[:, 1]]
        counts = np.bincount(bins, weight, minlength=_FINE * len(grid))
        counted = counts[::-1].cumsum()[::-1][::_FINE] / counts.sum()
        beyond = weight[in_tail]
        one = fit_tail(
            z[in_tail] - tail.threshold, beyond, tail.threshold, max(float(beyond.sum() / weight.sum()), 1e-9)
        )
        curves[k] = _joined(grid, counted, one)
        on_done()
    low, high = np.percentile(curves, [2.5, 97.5], axis=0)
    return low, high


def _likelihood_ratios(grid: Column, curve: Column, genuine: Column) -> Column:
    """Logarithm of genuine over strangers' density on the grid: bins of equal genuine counts, made to rise."""
    mass = -np.diff(10.0**curve, append=0.0)
    mass = np.maximum(mass, 1e-300) / STEP  # the density of strangers at each point of the grid
    inside = np.sort(np.clip(genuine, grid[0], grid[-1]))
    share = max(len(inside) // 200, 20)
    edges = np.unique(np.concatenate([[grid[0]], inside[share:-share:share], [grid[-1]]]))
    edges = edges[np.concatenate([[True], np.diff(edges) >= STEP])]
    edges[-1] = grid[-1] + STEP
    counts = np.histogram(inside, edges)[0] + 0.5
    density = counts / counts.sum() / np.diff(edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    at_grid = np.exp(np.interp(grid, middle, np.log(density)))
    ratio = np.log((1.0 - SAYS_NOTHING) * at_grid / mass + SAYS_NOTHING)
    # Of the last point all that lies beyond it has a part, and the strangers' share of that is the table's last rate.
    ratio[-1] = ratio[-2]
    return rising(ratio, mass + at_grid)
