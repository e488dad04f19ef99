"""The index's second look, at the few that the votes let through: do the alike minutiae lie alike as well?

Each pair of alike minutiae proposes a motion of the one print onto the other; it is worth what the pairs that agree
with it are worth together. It is the first round of a relaxation, over pairs that are known to be few.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.near_lanes import LANES, lowest_bit, near_lanes
from matcher_service.search.packed import ANGLE_STEPS, SKETCH_WORDS, STEPS_PER_PX
from matcher_service.search.votes import differing_bits

if TYPE_CHECKING:
    from matcher_service.search.shelf import Shelf
    from matcher_service.search.template import Array
    from matcher_service.search.votes import ProbeSketch

_STEP_RAD = 2.0 * math.pi / ANGLE_STEPS
_HALF_TURN = ANGLE_STEPS // 2


@kernel
def agreement(
    probe: ProbeSketch,
    shelf: Shelf,
    chosen: Array,
    worth: Array,
    first: int,
    last: int,
    out: Array,
) -> None:
    """Evidence for chosen[first:last], int64 indices of prints, into `out`, float32 (chosen,).

    `worth` as for `votes.count_votes`.
    """
    mine = np.empty(p.MOST_ALIKE, np.int32)
    other = np.empty(p.MOST_ALIKE, np.int32)
    turn = np.empty(p.MOST_ALIKE, np.int32)
    value = np.empty(p.MOST_ALIKE, np.float32)
    lanes, limit = len(probe.words) // SKETCH_WORDS, np.uint64(len(worth) - 1)
    for q in range(first, last):
        k = np.int64(chosen[q])
        count = 0
        for j in range(np.int64(shelf.start[k]), np.int64(shelf.start[k + 1])):
            one, two = shelf.sketch[j, 0], shelf.sketch[j, 1]
            for lane in range(0, lanes, LANES):
                near = near_lanes(probe.words, lane, lanes, one, two, limit)
                while near != np.uint64(0):
                    i = lane + lowest_bit(near)
                    near &= near - np.uint64(1)
                    if i >= len(probe.x) or count == p.MOST_ALIKE:
                        continue
                    gain = worth[differing_bits(probe.sketch, i, shelf.sketch, j)]
                    mine[count], other[count], value[count] = i, j, gain / p.WORTH_STEPS
                    turn[count] = np.int32(np.uint16(shelf.angle[j] - probe.angle[i]))
                    count += 1
        out[q] = _best_supported(probe, shelf, mine[:count], other[:count], turn[:count], value[:count])


@kernel
def _best_supported(
    probe: ProbeSketch, shelf: Shelf, mine: Array, other: Array, turn: Array, value: Array
) -> float:
    """Worth of the pair that the others support most, together with theirs."""
    best = 0.0
    for a in range(len(mine)):
        angle = turn[a] * _STEP_RAD
        cos, sin = math.cos(angle), math.sin(angle)
        total = value[a]
        for b in range(len(mine)):
            if mine[a] == mine[b] or other[a] == other[b]:
                continue
            apart = abs(turn[b] - turn[a])
            apart = min(apart, ANGLE_STEPS - apart)
            if apart > p.AGREEING_TURN_STEPS:
                continue
            ux, uy = probe.x[mine[b]] - probe.x[mine[a]], probe.y[mine[b]] - probe.y[mine[a]]
            vx = (np.float32(shelf.x[other[b]]) - np.float32(shelf.x[other[a]])) / STEPS_PER_PX
            vy = (np.float32(shelf.y[other[a]]) - np.float32(shelf.y[other[b]])) / STEPS_PER_PX
            off_x, off_y = cos * ux - sin * uy - vx, sin * ux + cos * uy - vy
            miss = math.sqrt(off_x * off_x + off_y * off_y)
            allowed = p.AGREEING_PX + p.AGREEING_SHARE * math.sqrt(ux * ux + uy * uy)
            if miss < allowed:
                total += value[b] * (1.0 - miss / allowed)
        best = max(best, total)
    return best
