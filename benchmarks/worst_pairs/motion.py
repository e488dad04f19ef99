"""How two prints of one finger lie on each other, also where comparing them directly says nothing.

If a matches c well and c matches b well, the motion of a onto b is known. Of all chains through the impressions of
a finger the one whose weakest comparison is strongest is taken.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Motion(NamedTuple):
    """A rotation in radians, counter-clockwise, and then a shift: pixels at 500 dpi, x to the right, y **up**."""

    turn: float
    x: float
    y: float

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points (n, 2), moved."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        rotation = np.array([[cos, sin], [-sin, cos]])
        return np.asarray(points, np.float64) @ rotation + (self.x, self.y)

    def then(self, after: Motion) -> Motion:
        """This motion, and `after` it."""
        ((x, y),) = after.apply(np.array([[self.x, self.y]])).tolist()
        return Motion(self.turn + after.turn, x, y)

    def inverse(self) -> Motion:
        """The way back."""
        ((x, y),) = Motion(-self.turn, 0.0, 0.0).apply(np.array([[-self.x, -self.y]])).tolist()
        return Motion(-self.turn, x, y)


STILL = Motion(0.0, 0.0, 0.0)


class Chain(NamedTuple):
    """A motion, and the lowest score of the comparisons that it was put together from."""

    motion: Motion
    weakest: float


def chains(
    members: Sequence[int], direct: Mapping[tuple[int, int], Chain], *, trusted: float
) -> dict[tuple[int, int], Chain]:
    """The best chain of every ordered pair of members that a chain of trusted comparisons joins.

    Args:
        members: the impressions of one finger.
        direct: motion and score of each comparison (a, b), once.
        trusted: least score of a comparison that may take part.
    """
    best: dict[tuple[int, int], Chain] = {(m, m): Chain(STILL, math.inf) for m in members}
    for (a, b), chain in direct.items():
        if chain.weakest >= trusted:
            best[a, b] = chain
            best[b, a] = Chain(chain.motion.inverse(), chain.weakest)
    for middle in members:  # as Floyd and Warshall, with the weakest link for the length of a way
        for a in members:
            for b in members:
                if (a, middle) not in best or (middle, b) not in best:
                    continue
                one, two = best[a, middle], best[middle, b]
                weakest = min(one.weakest, two.weakest)
                if (a, b) not in best or weakest > best[a, b].weakest:
                    best[a, b] = Chain(one.motion.then(two.motion), weakest)
    return best


def rigid_fit(a: NDArray[np.float64], b: NDArray[np.float64]) -> Motion:
    """The motion that brings points a (n, 2) nearest to b (n, 2), in least squares (Arun et al., 1987)."""
    centre_a, centre_b = a.mean(axis=0), b.mean(axis=0)
    da, db = a - centre_a, b - centre_b
    cross = float((da[:, 0] * db[:, 1] - da[:, 1] * db[:, 0]).sum())
    turn = math.atan2(cross, float((da * db).sum()))
    ((x, y),) = Motion(turn, 0.0, 0.0).apply(centre_a[None]).tolist()
    return Motion(turn, float(centre_b[0]) - x, float(centre_b[1]) - y)
