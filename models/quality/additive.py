"""Additive models of log odds, each feature's share a concave rising (or falling) function: fitted by descent.

A feature's function is a sum of ramps that rise up to one of its knots and are level beyond, with weights that may
not be negative. So more of a good thing is never worse, it counts less and less, and the whole can be read off a
table of knots and values. The descent is Nesterov's, with a projection for the signs (Beck and Teboulle, SIAM
Journal on Imaging Sciences 2(1), 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ramps:
    """The ramps of all features, each with its own knots and its sign: 1 rising, -1 falling.

    Attributes:
        columns: (feature's name, sign, knots in rising order of sign x feature).
    """

    columns: tuple[tuple[str, float, Floats], ...]

    @classmethod
    def over(cls, values: Mapping[str, Floats], ways: Mapping[str, str], shares: tuple[float, ...]) -> Ramps:
        """Ramps with knots at these quantiles of each feature's values."""
        columns: list[tuple[str, float, Floats]] = []
        for name, way in ways.items():
            for sign in {"rising": (1.0,), "falling": (-1.0,), "either": (1.0, -1.0)}[way]:
                knots = np.unique(np.quantile(sign * values[name], shares))
                if len(knots) > 1:
                    columns.append((name, sign, knots))
        return cls(tuple(columns))

    def lowered(self, values: Mapping[str, Floats]) -> Ramps:
        """The same with each first knot moved down to the least of these values."""
        columns = [
            (name, sign, np.concatenate([[min(knots[0], (sign * values[name]).min())], knots[1:]]))
            for name, sign, knots in self.columns
        ]
        return Ramps(tuple(columns))

    def design(self, values: Mapping[str, Floats]) -> Floats:
        """(n, ramps): the value of every ramp, 0 at and beyond its upper knot and negative below."""
        parts: list[Floats] = []
        for name, sign, knots in self.columns:
            x = np.clip(sign * values[name], knots[0], None)
            parts += [(np.minimum(x, upper) - upper) / (knots[-1] - knots[0]) for upper in knots[1:]]
        return np.stack(parts, axis=1)

    def table(self, weights: Floats, *, scale: float = 1.0) -> dict[str, dict[str, list[float]]]:
        """Knots and values of each feature's function, as `quality.json` holds them."""
        found: dict[str, dict[str, list[float]]] = {}
        start = 0
        functions: dict[str, list[tuple[float, Floats, Floats]]] = {}
        for name, sign, knots in self.columns:
            share = weights[start : start + len(knots) - 1]
            start += len(knots) - 1
            if (share > 0).any():
                functions.setdefault(name, []).append((sign, knots, share))
        for name, pieces in functions.items():
            at = np.unique(np.concatenate([sign * knots for sign, knots, _ in pieces]))
            worth = np.zeros(len(at))
            for sign, knots, share in pieces:
                x = np.clip(sign * at, knots[0], None)
                for weight, upper in zip(share, knots[1:], strict=True):
                    worth += weight * (np.minimum(x, upper) - upper) / (knots[-1] - knots[0])
            found[name] = {
                "knots": [float(f"{k:.6g}") for k in at],
                "values": [round(float(w) * scale, 4) for w in worth],
            }
        return found


def descend(
    gradient: Callable[[Floats], Floats], start: Floats, *, free: int, bound: float, steps: int
) -> Floats:
    """Minimise a smooth convex function with all but the last `free` variables at least 0.

    Args:
        gradient: of the function.
        start: where to begin.
        free: how many variables, at the end, may have any sign.
        bound: of the gradient's steepness (Lipschitz constant).
        steps: how many.
    """
    here, ahead, pace = start.copy(), start.copy(), 1.0
    for _ in range(steps):
        there = ahead - gradient(ahead) / bound
        there[: len(there) - free] = np.maximum(there[: len(there) - free], 0.0)
        next_pace = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * pace * pace))
        ahead = there + (pace - 1.0) / next_pace * (there - here)
        here, pace = there, next_pace
    return here


def logistic(x: Any) -> Any:  # noqa: ANN401 - a float or an array, as given
    """1 / (1 + exp(-x)), for any x."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
