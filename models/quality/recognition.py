"""How likely a print is recognised: ordered logistic regression on the scores of mates.

The model says that a pair scores below a threshold with log odds `limit - worth(one) - worth(other)`, for several
thresholds at once (McCullagh, Journal of the Royal Statistical Society B 42(2), 1980). Failures at the working
threshold are rare; how far the others are above it tells as much about the prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.quality import parameters as p
from models.quality.additive import Ramps, descend, logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scores of pairs of mates.

    Attributes:
        one: (n,) number of the one print in the features.
        other: (n,) of the other.
        score: (n,).
        weight: (n,) so that a database of many pairs does not drown the others.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    score: Floats
    weight: Floats


def fit(values: Mapping[str, Floats], pairs: Pairs, *, threshold: float, spoilt: Flags) -> dict[str, Any]:
    """The log odds that a print is recognised against an average mate.

    Args:
        values: by feature, (prints,).
        pairs: of mates.
        threshold: score from which a comparison is a match.
        spoilt: (prints,): which ones were spoilt on purpose, and so are nobody's average mate.

    Returns:
        The part `recognised` of `quality.json`: a constant, and knots and values by feature.
    """
    ramps = Ramps.over(values, p.RECOGNITION_FEATURES, p.RECOGNITION_KNOTS)
    design = ramps.design(values)
    weights = _weights(design[pairs.one] + design[pairs.other], pairs, threshold)
    worth = design @ weights
    # level and slope are those of the failures themselves, each print against whatever mates it has
    prints = np.concatenate([pairs.one, pairs.other])
    fair = ~spoilt[np.concatenate([pairs.other, pairs.one])]
    matched, weight = np.tile(pairs.score >= threshold, 2), np.tile(pairs.weight, 2)
    level, slope = _line(worth[prints][fair], matched[fair], weight[fair])
    return {"constant": round(level, 4), "ramps": ramps.table(weights, scale=slope)}


def _weights(design: Floats, pairs: Pairs, threshold: float) -> Floats:
    limits = threshold * np.array(p.SCORE_STEPS)
    missed = (pairs.score[:, None] < limits).astype(np.float64)
    share = (pairs.weight / pairs.weight.sum())[:, None] / len(limits)
    ramps = design.shape[1]

    def gradient(at: Floats) -> Floats:
        excess = (logistic(at[ramps:] - (design @ at[:ramps])[:, None]) - missed) * share
        return np.concatenate(
            [p.RECOGNITION_RIDGE * at[:ramps] - design.T @ excess.sum(axis=1), excess.sum(axis=0)]
        )

    start = np.concatenate([np.zeros(ramps), np.linspace(-5.0, -2.0, len(limits))])
    bound = 1.0 + 0.25 * float(((design**2).sum(axis=1) * pairs.weight).sum() / pairs.weight.sum())
    return descend(gradient, start, free=len(limits), bound=bound, steps=p.STEPS)[:ramps]


def _line(x: Floats, success: Flags, weight: Floats) -> tuple[float, float]:
    """Level and slope of the log odds of success over x, by Newton's method."""
    design = np.stack([np.ones(len(x)), x], axis=1)
    found = np.array([0.0, 1.0])
    share = weight / weight.sum()
    for _ in range(50):
        likely = logistic(design @ found)
        pull = design.T @ (share * (success - likely))
        bend = (design * (share * likely * (1.0 - likely) + 1e-9)[:, None]).T @ design
        found += np.linalg.solve(bend, pull).clip(-1.0, 1.0)
    return float(found[0]), float(found[1])
