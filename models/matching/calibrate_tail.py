"""Statistics of strangers' scores: quantiles that depend on facts, a tail, and which fingers are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Column = NDArray[np.float64]

_ROUNDS = 80
_SHAPES = np.linspace(
    0.0, 0.4, 41
)  # a tail without an end; a shape below 0 would say that nothing scores more


class Tail(NamedTuple):
    """A generalised Pareto tail: share x (1 + shape (z - threshold) / scale) ** (-1 / shape)."""

    threshold: float
    share: float
    shape: float
    scale: float

    def log10_survival(self, z: Column) -> Column:
        """log10 of the share that reaches `z`, which is at or beyond the threshold."""
        beyond = np.maximum(z - self.threshold, 0.0) / self.scale
        if self.shape < 1e-9:
            return np.log10(self.share) - beyond / np.log(10.0)
        return np.log10(self.share) - np.log1p(self.shape * beyond) / (self.shape * np.log(10.0))


def quantile_regression(x: Column, y: Column, share: float) -> Column:
    """Coefficients (k,) of the `share` quantile of y (n,), linear in x (n, k), whose first column is 1.

    The check function smoothed by a logistic kernel, so that Newton's method finds its least (Fernandes, Guerre and
    Horta, J. Business and Economic Statistics 39(1), 2021); the kernel narrows on the way.
    """
    found = np.zeros(x.shape[1])
    found[0] = np.quantile(y, share)
    width = 0.3 * float(np.std(y))
    narrowest = 0.2 * width
    for _ in range(_ROUNDS):
        residual = np.clip((y - x @ found) / width, -30.0, 30.0)
        above = 1.0 / (1.0 + np.exp(-residual))
        slope = above * (1.0 - above) / width
        gradient = x.T @ (above - (1.0 - share))
        curvature = (x * slope[:, None]).T @ x + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, gradient)
        found += np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-5:
            if width <= narrowest:
                break
            width /= 1.5
    return found


def fit_tail(beyond: Column, weight: Column, threshold: float, share: float) -> Tail:
    """The likeliest tail of excesses over a threshold (n,), each counted `weight` times.

    For each shape the likeliest scale by golden section, then the likeliest shape (Coles 2001, section 4.3.2).
    """
    kept = weight > 0
    beyond, weight = beyond[kept], weight[kept]
    total = float(weight.sum())
    mean = float(weight @ beyond) / total

    def likelihood(shape: float, scale: float) -> float:
        if shape < 1e-9:
            return -total * (np.log(scale) + mean / scale)
        rise = np.log1p(shape * beyond / scale)
        return -total * np.log(scale) - (1.0 + 1.0 / shape) * float(weight @ rise)

    best = (-np.inf, 0.0, mean)
    for shape in _SHAPES:
        low, high = 0.3 * mean, 2.0 * mean
        for _ in range(30):
            one, two = low + 0.382 * (high - low), low + 0.618 * (high - low)
            if likelihood(shape, one) < likelihood(shape, two):
                low = one
            else:
                high = two
        scale = 0.5 * (low + high)
        value = likelihood(shape, scale)
        if value <= best[0]:
            break  # it has one maximum
        best = (value, float(shape), scale)
    return Tail(threshold, share, best[1], best[2])


def same_fingers(score: Column, finger: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Pairs of fingers (smaller number first) under two names whose prints say that they are one.

    Sets share people: a finger may be in two of them, or twice in one. Of two strangers' fingers one impression may
    look very alike, but not a quarter of them, so two are taken for one where a quarter of their scores is three
    times as far above the 90 % quantile of all as the 99 % quantile is. Half the way would already hit strangers with
    much the same pattern, and to leave those out would be to look away from what is hard. To be left out on both
    sides: such pairs are neither strangers nor surely genuine.
    """
    named_apart = finger[:, 0] != finger[:, 1]
    score, finger = score[named_apart], np.sort(finger[named_apart], axis=1)
    ninety, ninety_nine = np.quantile(score, [0.9, 0.99])
    beyond = float(ninety + 3.0 * (ninety_nine - ninety))
    key = finger[:, 0] * (int(finger.max()) + 1) + finger[:, 1]
    _, where, seen = np.unique(key, return_inverse=True, return_counts=True)
    reached = np.bincount(where, score > beyond)
    first = np.unique(where, return_index=True)[1]
    one = (reached > 0.25 * seen) & (seen >= 3)
    return {(int(a), int(b)) for a, b in finger[first[one]]}


def under_one_name(found: set[tuple[int, int]], names: Sequence[str]) -> set[tuple[int, int]]:
    """Two databases that share a finger under one name share all that are named alike: `found`, and those.

    The prints of one of them may be too poor to tell; `names` are ``database:finger`` by number.
    """
    split = [name.rpartition(":") for name in names]
    sharing = {(split[a][0], split[b][0]) for a, b in found if split[a][2] == split[b][2]}
    number = {name: k for k, name in enumerate(names)}
    more: set[tuple[int, int]] = set()
    for k, (database, _, finger) in enumerate(split):
        for one, other in sharing:
            partner = number.get(f"{other}:{finger}") if database == one else None
            if partner is not None:
                more.add((min(k, partner), max(k, partner)))
    return found | more


def rising(values: Column, weight: Column) -> Column:
    """The nearest rising sequence by weighted squares: pool adjacent violators."""
    level: list[float] = []
    mass: list[float] = []
    length: list[int] = []
    for value, w in zip(values.tolist(), weight.tolist(), strict=True):
        level.append(value)
        mass.append(w)
        length.append(1)
        while len(level) > 1 and level[-2] > level[-1]:
            both = mass[-2] + mass[-1]
            level[-2] = (level[-2] * mass[-2] + level[-1] * mass[-1]) / both
            mass[-2] = both
            length[-2] += length[-1]
            del level[-1], mass[-1], length[-1]
    return np.repeat(level, length)
