"""Pairs of minutiae that support each other (MCC, IEEE TPAMI 32(12), 2010, section 4.2.3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.geometry import falling, turn_between

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Template


@kernel
def compatible(a: Template, b: Template, i: int, j: int, u: int, v: int) -> float:
    """How well the pairs (i, j) and (u, v) agree, 0 to 1, under any rotation and translation (eq. 23 to 26).

    From one minutia to the other, the distance, the difference of direction and the bearing must be alike in
    both prints.
    """
    direction = abs(turn_between(a.angle[i] - a.angle[u], b.angle[j] - b.angle[v]))
    if direction > p.RELAX_FARTHEST_RAD:  # the cheapest to know, and two pairs in three stop here
        return 0.0
    ax, ay, bx, by = a.x[u] - a.x[i], a.y[u] - a.y[i], b.x[v] - b.x[j], b.y[v] - b.y[j]
    distance = abs(math.sqrt(ax * ax + ay * ay) - math.sqrt(bx * bx + by * by))
    if distance > p.RELAX_FARTHEST_PX:
        return 0.0
    bearing = abs(turn_between(a.angle[i] - math.atan2(ay, ax), b.angle[j] - math.atan2(by, bx)))
    if bearing > p.RELAX_FARTHEST_RAD:
        return 0.0
    return (
        falling(distance, p.RELAX_DISTANCE_PX[0], p.RELAX_DISTANCE_PX[1])
        * falling(direction, p.RELAX_TURN_RAD[0], p.RELAX_TURN_RAD[1])
        * falling(bearing, p.RELAX_TURN_RAD[0], p.RELAX_TURN_RAD[1])
    )


@kernel
def relax(a: Template, b: Template, first: Array, second: Array, value: Array) -> Array:
    """Support of each pair after a few rounds, float64 (pairs,); `value` is the similarity of its cylinders."""
    n = len(first)
    most = n * (n - 1) // 2
    one, other = np.empty(most, np.int64), np.empty(most, np.int64)
    agree = np.empty(most, np.float64)
    links = 0  # few pairs agree with each other at all
    for t in range(n):
        for k in range(t):
            both = compatible(a, b, first[t], second[t], first[k], second[k])
            if both > 0.0:
                one[links], other[links], agree[links] = t, k, both
                links += 1
    now = value.copy()
    share = (1.0 - p.RELAX_KEEP) / max(n - 1, 1)
    for _ in range(p.RELAX_ROUNDS):
        then = p.RELAX_KEEP * now
        for q in range(links):
            t, k = one[q], other[q]
            then[t] += share * agree[q] * now[k]
            then[k] += share * agree[q] * now[t]
        now = then
    return now
