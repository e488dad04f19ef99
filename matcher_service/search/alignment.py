"""One print laid over the other: the rigid motion, and the minutiae that meet under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.geometry import turn_between

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Motion, Template


@kernel
def through(a: Template, b: Template, i: int, j: int) -> Motion:
    """The motion that lays minutia i of a onto minutia j of b: turn in radians, then shift x and y in pixels."""
    turn = turn_between(b.angle[j], a.angle[i])
    cos, sin = math.cos(turn), math.sin(turn)
    return turn, b.x[j] - (cos * a.x[i] - sin * a.y[i]), b.y[j] - (sin * a.x[i] + cos * a.y[i])


@kernel
def pair_under(a: Template, b: Template, by_x: Array, motion: Motion, match: Array) -> int:
    """Pair minutiae that meet under a motion, nearest first; fills `match` (index into b, or -1), returns how many.

    `by_x` are the indices of b's minutiae from left to right, so that only those near by are looked at. A minutia
    of b belongs to whoever is nearest; the one that loses it is left alone, which costs a pair now and then where
    minutiae crowd and keeps the walk single.
    """
    turn, shift_x, shift_y = motion
    cos, sin = math.cos(turn), math.sin(turn)
    na, nb = len(a.x), len(b.x)
    owner = np.full(nb, -1, np.int64)
    gap = np.empty(na, np.float64)
    match[:] = -1
    count = 0
    reach = p.PAIR_DISTANCE_PX
    for i in range(na):
        px = cos * a.x[i] - sin * a.y[i] + shift_x
        py = sin * a.x[i] + cos * a.y[i] + shift_y
        low, high = 0, nb
        while low < high:  # the first minutia that is not too far to the left
            middle = (low + high) // 2
            if b.x[by_x[middle]] < px - reach:
                low = middle + 1
            else:
                high = middle
        best, best_cost = -1, 1e30
        for q in range(low, nb):
            j = by_x[q]
            dx, dy = px - b.x[j], py - b.y[j]
            if dx < -reach:
                break
            d2 = dx * dx + dy * dy
            if d2 > reach * reach:
                continue
            off = turn_between(a.angle[i] + turn, b.angle[j])
            if abs(off) > p.PAIR_TURN_RAD:
                continue
            cost = d2 / (reach * reach) + (off / p.PAIR_TURN_RAD) ** 2
            held = owner[j]
            if cost < best_cost and (held < 0 or cost < gap[held]):
                best, best_cost = j, cost
        if best >= 0:
            if owner[best] >= 0:
                match[owner[best]] = -1
                count -= 1
            owner[best] = i
            match[i] = best
            gap[i] = best_cost
            count += 1
    return count


@kernel
def fit(a: Template, b: Template, match: Array) -> Motion:
    """The motion of least squared distance over the paired minutiae (Kabsch, in the plane). Needs one pair."""
    n = 0
    ax, ay, bx, by = 0.0, 0.0, 0.0, 0.0
    for i in range(len(match)):
        j = match[i]
        if j >= 0:
            ax += a.x[i]
            ay += a.y[i]
            bx += b.x[j]
            by += b.y[j]
            n += 1
    ax, ay, bx, by = ax / n, ay / n, bx / n, by / n
    dot = cross = 0.0
    for i in range(len(match)):
        j = match[i]
        if j >= 0:
            ux, uy, vx, vy = a.x[i] - ax, a.y[i] - ay, b.x[j] - bx, b.y[j] - by
            dot += ux * vx + uy * vy
            cross += ux * vy - uy * vx
    turn = math.atan2(cross, dot)
    cos, sin = math.cos(turn), math.sin(turn)
    return turn, bx - cos * ax + sin * ay, by - sin * ax - cos * ay


@kernel
def best_alignment(
    a: Template, b: Template, similarity: Array, first: Array, second: Array, match: Array
) -> Motion:
    """Of the motions that the first pairs propose, each refined, the one whose pairs are the most alike.

    Fills `match`; all of it is -1 where no motion pairs three minutiae.
    """
    trial = np.empty(len(a.x), np.int64)
    by_x = np.argsort(b.x)
    best, best_total = (0.0, 0.0, 0.0), 0.0
    match[:] = -1
    for t in range(min(p.SEEDS, len(first))):
        motion = through(a, b, first[t], second[t])
        count = 0
        for _ in range(p.REFINEMENTS):
            count = pair_under(a, b, by_x, motion, trial)
            if count < p.LEAST_PAIRS:
                break
            motion = fit(a, b, trial)
        if count < p.LEAST_PAIRS:
            continue
        pair_under(a, b, by_x, motion, trial)
        total = 0.0
        for i in range(len(trial)):
            if trial[i] >= 0:
                total += p.PAIR_WORTH + similarity[i, trial[i]]
        if total > best_total:
            best, best_total = motion, total
            match[:] = trial
    return best
