"""How much an image is like a print: logistic regression of prints against non-prints, with the line drawn safely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.quality import parameters as p
from models.quality.additive import Ramps, descend, logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NOTHING_IS_REFUSED: dict[str, Any] = {"constant": 1.0, "ramps": {}}


def fit(prints: Mapping[str, Floats], nonprints: Mapping[str, Floats]) -> dict[str, Any]:
    """The part `print_like` of `quality.json`: a constant, and knots and values by feature.

    Below 0 an image is refused. The line is drawn a little below the least of the prints, and the unit is what the
    print at one in twenty has to spare.

    Args:
        prints: features of prints, (n,) each; every one of them is taken.
        nonprints: features of what is no print and still has minutiae, (m,) each.
    """
    strangers = len(next(iter(nonprints.values())))
    if strangers < p.LEAST_TO_LEARN_FROM:
        return NOTHING_IS_REFUSED
    ramps = Ramps.over(prints, p.LIKENESS_FEATURES, p.LIKENESS_KNOTS).lowered(nonprints)
    mates, others = ramps.design(prints), ramps.design(nonprints)
    weights = _weights(mates, others)
    worth = mates @ weights
    low = float(np.quantile(worth, p.LIKENESS_TYPICAL_SHARE))
    line = float(worth.min()) - p.LIKENESS_MARGIN * (low - float(worth.min()))
    unit = 1.0 / (low - line)
    return {"constant": round(-line * unit, 4), "ramps": ramps.table(weights, scale=unit)}


def _weights(mates: Floats, others: Floats) -> Floats:
    design = np.concatenate([mates, others])
    is_print = np.concatenate([np.ones(len(mates)), np.zeros(len(others))])
    share = np.concatenate([np.full(len(mates), 0.5 / len(mates)), np.full(len(others), 0.5 / len(others))])
    ramps = design.shape[1]

    def gradient(at: Floats) -> Floats:
        excess = (logistic(design @ at[:ramps] + at[ramps]) - is_print) * share
        return np.concatenate([p.LIKENESS_RIDGE * at[:ramps] + design.T @ excess, [excess.sum()]])

    bound = 1.0 + 0.25 * float(((design**2).sum(axis=1) * share).sum())
    return descend(gradient, np.zeros(ramps + 1), free=1, bound=bound, steps=p.STEPS)[:ramps]
