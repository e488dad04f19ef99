"""One print laid over the other: the rigid motion, and the minutiae that meet under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.geometry import turn_between

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Motion, Template

NEVER = 1e9  # cost of two minutiae that cannot be one


class Meetings(NamedTuple):
    """Minutiae of a and b that come near each other under a motion; the first `near` entries of each array count.

    Attributes:
        one, other: int64, indices into a and b.
        x, y: float64, pixels from a's minutia as it is laid to b's.
        turn: float64, radians from a's direction as it is laid to b's.
        cost: float64, what taking them for one minutia costs; `NEVER` if they are not.
    """

    one: Array
    other: Array
    x: Array
    y: Array
    turn: Array
    cost: Array


@kernel
def room_for(a: Template, b: Template) -> Meetings:
    """Empty arrays, large enough but for degenerate prints; what does not fit is left out."""
    most = p.MEETINGS_A_MINUTIA * max(len(a.x), len(b.x))
    one, other = np.empty(most, np.int64), np.empty(most, np.int64)
    return Meetings(one, other, np.empty(most), np.empty(most), np.empty(most), np.empty(most))


@kernel
def fit(a: Template, b: Template, first: Array, second: Array, weight: Array) -> Motion:
    """The motion of least weighted squared distance over pairs (Kabsch, in the plane); some weight must be above 0.

    The directions speak for the turn as well, each like a point at `parameters.DIRECTION_ARM_PX` from the middle: it
    is they that hold the turn where the pairs lie close together.
    """
    total = ax = ay = bx = by = 0.0
    for t in range(len(first)):
        i, j, w = first[t], second[t], weight[t]
        total += w
        ax += w * a.x[i]
        ay += w * a.y[i]
        bx += w * b.x[j]
        by += w * b.y[j]
    ax, ay, bx, by = ax / total, ay / total, bx / total, by / total
    dot = cross = 0.0
    for t in range(len(first)):
        i, j, w = first[t], second[t], weight[t]
        if w > 0.0:
            ux, uy, vx, vy = a.x[i] - ax, a.y[i] - ay, b.x[j] - bx, b.y[j] - by
            turn = b.angle[j] - a.angle[i]
            dot += w * (ux * vx + uy * vy + p.DIRECTION_ARM_PX**2 * math.cos(turn))
            cross += w * (ux * vy - uy * vx + p.DIRECTION_ARM_PX**2 * math.sin(turn))
    turn = math.atan2(cross, dot)
    cos, sin = math.cos(turn), math.sin(turn)
    return turn, bx - cos * ax + sin * ay, by - sin * ax - cos * ay


@kernel
def meet(a: Template, b: Template, motion: Motion, reach_px: float, reach_rad: float, into: Meetings) -> int:
    """All pairs of minutiae within reach under a motion, without `cost`; returns how many."""
    turn, shift_x, shift_y = motion
    cos, sin = math.cos(turn), math.sin(turn)
    near, nb = 0, len(b.x)
    reach2 = np.float32(reach_px * reach_px)
    gap2 = np.empty(nb, np.float32)
    for i in range(len(a.x)):
        px = np.float32(cos * a.x[i] - sin * a.y[i] + shift_x)
        py = np.float32(sin * a.x[i] + cos * a.y[i] + shift_y)
        for j in range(nb):  # apart from the walk below, so that it becomes vector instructions
            dx, dy = b.x[j] - px, b.y[j] - py
            gap2[j] = dx * dx + dy * dy
        for j in range(nb):
            if gap2[j] < reach2:
                off = turn_between(b.angle[j], a.angle[i] + turn)
                if abs(off) < reach_rad and near < len(into.one):
                    into.one[near], into.other[near] = i, j
                    into.x[near], into.y[near], into.turn[near] = b.x[j] - px, b.y[j] - py, off
                    near += 1
    return near


@kernel
def assign(found: Meetings, near: int, held_a: Array, held_b: Array) -> int:
    """Pair one to one: rounds of mutual favourites, the cheapest first. Returns how many pairs.

    Fills `held_a`, int64 (na,), and `held_b`, int64 (nb,): the number of the meeting that holds a minutia, or -1.
    The same whichever of the prints comes first.
    """
    held_a[:] = -1
    held_b[:] = -1
    best_a, best_b = np.empty(len(held_a), np.int64), np.empty(len(held_b), np.int64)
    pairs, new = 0, 1
    while new > 0:
        best_a[:] = -1
        best_b[:] = -1
        for q in range(near):
            i, j = found.one[q], found.other[q]
            if found.cost[q] >= NEVER or held_a[i] >= 0 or held_b[j] >= 0:
                continue
            if best_a[i] < 0 or found.cost[q] < found.cost[best_a[i]]:
                best_a[i] = q
            if best_b[j] < 0 or found.cost[q] < found.cost[best_b[j]]:
                best_b[j] = q
        new = 0
        for i in range(len(held_a)):
            q = best_a[i]
            if q >= 0 and best_b[found.other[q]] == q:
                held_a[i] = held_b[found.other[q]] = q
                new += 1
        pairs += new
    return pairs


@kernel
def price(found: Meetings, near: int, table: Array) -> None:
    """Cost of each meeting under the rigid motion alone: distance and turn, less for similar cylinders."""
    for q in range(near):
        apart = (found.x[q] ** 2 + found.y[q] ** 2) / p.PAIR_DISTANCE_PX**2
        turned = abs(found.turn[q]) / p.PAIR_TURN_RAD
        found.cost[q] = apart + turned**2 - p.PAIR_SIMILARITY * table[found.one[q], found.other[q]]
        if apart > 1.0 or turned > 1.0:
            found.cost[q] = NEVER


@kernel
def best_alignment(
    a: Template,
    b: Template,
    table: Array,
    first: Array,
    second: Array,
    agree: Array,
    support: Array,
    room: Meetings,
) -> tuple[Motion, float, float]:
    """Of the motions that the best supported pairs propose with those that agree with them, the best once refined.

    Returns it, what its pairs are worth (0: no motion pairs three minutiae) and what those of the best motion
    elsewhere are worth: where strangers are laid over each other, the one is as good as the other.
    """
    na, nb = len(a.x), len(b.x)
    held_a, held_b = np.empty(na, np.int64), np.empty(nb, np.int64)
    one, other, weight = np.empty(na, np.int64), np.empty(na, np.int64), np.empty(na, np.float64)
    order = np.argsort(-support)
    best, best_worth, rival = (0.0, 0.0, 0.0), 0.0, 0.0
    for r in range(min(p.SEEDS, len(order))):
        seed = order[r]
        with_it = (agree[seed] * support).astype(np.float64)
        with_it[seed] = support[seed]
        if with_it[seed] <= 0.0:
            break
        motion = fit(a, b, first, second, with_it)
        worth = 0.0
        for step in range(p.REFINEMENTS):
            near = meet(a, b, motion, p.PAIR_DISTANCE_PX, p.PAIR_TURN_RAD, room)
            price(room, near, table)
            pairs = assign(room, near, held_a, held_b)
            worth = 0.0
            if pairs < p.LEAST_PAIRS:
                break
            count = 0
            for i in range(na):
                if held_a[i] >= 0:
                    one[count], other[count] = i, room.other[held_a[i]]
                    weight[count] = p.PAIR_WORTH + table[i, other[count]]
                    worth += weight[count]
                    count += 1
            if step < p.REFINEMENTS - 1:
                motion = fit(a, b, one[:count], other[:count], weight[:count])
        elsewhere = (
            abs(turn_between(motion[0], best[0])) > p.RIVAL_TURN_RAD
            or abs(motion[1] - best[1]) > p.RIVAL_SHIFT_PX
            or abs(motion[2] - best[2]) > p.RIVAL_SHIFT_PX
        )
        if worth > best_worth:
            if elsewhere:
                rival = best_worth
            best, best_worth = motion, worth
        elif elsewhere:
            rival = max(rival, worth)
    return best, best_worth, rival
