"""The exact comparison of two prints: cylinders, relaxation, alignment, bending, fusion.

1. Every pair of minutiae gets the similarity of its cylinders.
2. The most similar pairs, no minutia twice, support each other where distance, direction and bearing agree. Prints
   whose pairs hardly do are strangers, and most comparisons end here.
3. The best supported pairs each propose a rigid alignment; the best of them is bent as skin bends, and all minutiae
   are paired anew.
4. What was measured, pairs as well as minutiae without a partner where both prints are, is fused into one score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.alignment import best_alignment, room_for
from matcher_service.search.bending import bend
from matcher_service.search.compiled import kernel
from matcher_service.search.features import (
    AGREEMENT,
    APART_PX,
    APART_RAD,
    BACKING,
    BENT_PX,
    BENT_RAD,
    BEST_CYLINDERS,
    IN_A,
    IN_B,
    MINUTIAE,
    OTHER_TYPE,
    PAIRED,
    PAIRED_QUALITY,
    PART_NAMES,
    RIVAL,
    SAME_TYPE,
    SIMILARITY,
    SUPPORT,
    UNPAIRED_QUALITY,
    contributions,
    total,
)
from matcher_service.search.hull import outside_distance
from matcher_service.search.relaxation import agreement, relax
from matcher_service.search.similarity import best_pairs, similarities
from matcher_service.search.template import Array, Template, prepare

if TYPE_CHECKING:
    from interchange import Minutiae


@kernel
def partial_scores(a: Template, b: Template, match: Array, motion: Array) -> Array:
    """What a comparison found, float64, in the order of `features.PART_NAMES`; all 0 if nothing.

    Fills `match`, int64 (na,): index into b of each minutia's partner, or -1; and `motion`, float64 (3,): turn
    and shift of a onto b.
    """
    parts = np.zeros(len(PART_NAMES), np.float64)
    match[:] = -1
    if len(a.x) < p.LEAST_PAIRS or len(b.x) < p.LEAST_PAIRS:
        return parts
    table = similarities(a, b)
    first, second = best_pairs(table, p.RELAXED_PAIRS)
    n = len(first)
    if n < p.LEAST_PAIRS:
        return parts
    value = np.empty(n, np.float32)
    for t in range(n):
        value[t] = table[first[t], second[t]]
    agree = agreement(a, b, first, second)
    support = relax(agree, value)
    counted = min(n, p.SUPPORTING_PAIRS)
    ranked = np.sort(support)
    parts[SUPPORT] = ranked[n - counted :].mean()
    parts[BEST_CYLINDERS] = value[:counted].mean()
    parts[MINUTIAE] = math.sqrt(len(a.x) * len(b.x))
    if ranked[n - 1] < p.LEAST_SUPPORT:
        return parts
    found = room_for(a, b)
    rigid, worth, parts[RIVAL] = best_alignment(a, b, table, first, second, agree, support, found)
    if worth <= 0.0:
        return parts
    motion[0], motion[1], motion[2] = rigid
    held_a, rest = np.empty(len(a.x), np.int64), np.zeros((len(found.one), 4), np.float64)
    parts[PAIRED] = bend(a, b, table, rigid, found, held_a, rest)
    if parts[PAIRED] < p.LEAST_PAIRS:
        parts[PAIRED] = 0
        return parts
    for i in range(len(a.x)):
        q = held_a[i]
        if q < 0:
            continue
        j = found.other[q]
        match[i] = j
        px, rad, similar = math.hypot(rest[q, 0], rest[q, 1]), abs(rest[q, 2]), table[i, j]
        parts[SIMILARITY] += similar
        parts[APART_PX] += px
        parts[APART_RAD] += rad
        parts[BENT_PX] += math.hypot(found.x[q] - rest[q, 0], found.y[q] - rest[q, 1])
        parts[BENT_RAD] += abs(found.turn[q] - rest[q, 2])
        parts[BACKING] += min(rest[q, 3], p.BACKING_ENOUGH)
        near = max(0.0, 1.0 - (px / p.BENT_DISTANCE_PX) ** 2) * max(0.0, 1.0 - (rad / p.BENT_TURN_RAD) ** 2)
        parts[AGREEMENT] += similar * near
        if a.type[i] > 0 and b.type[j] > 0:
            parts[SAME_TYPE if a.type[i] == b.type[j] else OTHER_TYPE] += 1
    for k in (SIMILARITY, APART_PX, APART_RAD, BENT_PX, BENT_RAD, BACKING):
        parts[k] /= parts[PAIRED]
    _common_area(a, b, match, motion, parts)
    return parts


@kernel
def _common_area(a: Template, b: Template, match: Array, motion: Array, parts: Array) -> None:
    """Count the minutiae that lie where both prints are, and how certain those with and without a partner are.

    A minutia's certainty counts against the mean of its print: vendors measure quality in ways of their own, or not
    at all, and then all are alike.
    """
    cos, sin = math.cos(motion[0]), math.sin(motion[0])
    usual_a, usual_b = a.quality.mean(), b.quality.mean()
    seen = np.full(len(b.x), -1, np.int64)
    for i in range(len(a.x)):
        certain = min(a.quality[i] / usual_a, p.MOST_CERTAIN) if usual_a > 0.0 else 1.0
        if match[i] >= 0:
            seen[match[i]] = i
            parts[IN_A] += 1
            other = min(b.quality[match[i]] / usual_b, p.MOST_CERTAIN) if usual_b > 0.0 else 1.0
            parts[PAIRED_QUALITY] += math.sqrt(certain * other)
        else:
            x = cos * a.x[i] - sin * a.y[i] + motion[1]
            y = sin * a.x[i] + cos * a.y[i] + motion[2]
            if outside_distance(b.hull, x, y) <= p.COMMON_MARGIN_PX:
                parts[IN_A] += 1
                parts[UNPAIRED_QUALITY] += certain
    for j in range(len(b.x)):
        if seen[j] >= 0:
            parts[IN_B] += 1
            continue
        u, v = b.x[j] - motion[1], b.y[j] - motion[2]
        if outside_distance(a.hull, cos * u + sin * v, cos * v - sin * u) <= p.COMMON_MARGIN_PX:
            parts[IN_B] += 1
            parts[UNPAIRED_QUALITY] += min(b.quality[j] / usual_b, p.MOST_CERTAIN) if usual_b > 0.0 else 1.0


@kernel
def score(a: Template, b: Template) -> float:
    """The score alone, for compiled callers."""
    return total(partial_scores(a, b, np.empty(len(a.x), np.int64), np.empty(3, np.float64)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A score with what led to it.

    Attributes:
        score: 0 or more; `matcher_service.search.decision` says what it means.
        pairs: int64 (k, 2), indices of the paired minutiae in probe and candidate.
        turn: rotation of the probe onto the candidate, radians, counter-clockwise.
        shift: translation after the rotation, pixels at 500 dpi, x to the right and y **up**.
        parts: the partial scores by name.
        contributions: what each part adds to the score, or takes from it, against a usual comparison of strangers.
    """

    score: float
    pairs: Array
    turn: float
    shift: tuple[float, float]
    parts: dict[str, float]
    contributions: dict[str, float]


def explain_prepared(probe: Template, candidate: Template) -> Comparison:
    """Compare two prepared prints and keep the pairs, the alignment and the partial scores.

    The pairs are indices into the prepared prints: the same as the minutiae's, unless there were more than
    `parameters.MOST_MINUTIAE`.
    """
    match, motion = np.full(len(probe.x), -1, np.int64), np.zeros(3, np.float64)
    parts = partial_scores(probe, candidate, match, motion)
    paired = np.flatnonzero(match >= 0)
    return Comparison(
        score=float(total(parts)),
        pairs=np.stack([paired, match[paired]], axis=1),
        turn=float(motion[0]),
        shift=(float(motion[1]), float(motion[2])),
        parts=dict(zip(PART_NAMES, parts.tolist(), strict=True)),
        contributions=contributions(parts),
    )


def compare_prepared(probe: Template, candidate: Template) -> float:
    """Score of two prepared prints."""
    return float(score(probe, candidate))


def compare(probe: Minutiae, candidate: Minutiae) -> float:
    """Score of two prints: 0 is nothing in common, more is more alike; see `decision` for what is much.

    Any resolution and any number of minutiae is taken; a print of fewer than three minutiae scores 0.
    """
    return compare_prepared(prepare(probe), prepare(candidate))
