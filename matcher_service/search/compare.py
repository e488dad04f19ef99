"""The exact comparison of two prints: cylinders, relaxation, geometric check.

1. Every pair of minutiae gets the similarity of its cylinders.
2. The most similar pairs, no minutia twice, support each other where distance, direction and bearing agree.
3. The best supported pairs each propose an alignment; under the best of them all minutiae are paired anew. The
   score says how well the pairs support each other and how much of the common area they explain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.alignment import best_alignment
from matcher_service.search.compiled import kernel
from matcher_service.search.geometry import turn_between
from matcher_service.search.hull import outside_distance
from matcher_service.search.relaxation import relax
from matcher_service.search.similarity import best_pairs, similarities
from matcher_service.search.template import Array, Template, prepare

if TYPE_CHECKING:
    from interchange import Minutiae

PART_NAMES = (
    "support",
    "paired",
    "probe in common",
    "candidate in common",
    "similarity",
    "residual px",
    "residual rad",
)
SUPPORT, PAIRED, IN_A, IN_B, SIMILARITY, APART_PX, APART_RAD = range(len(PART_NAMES))


@kernel
def partial_scores(a: Template, b: Template, match: Array, motion: Array) -> Array:
    """What a comparison found, float64, in the order of `PART_NAMES`; all 0 if nothing.

    Fills `match`, int64 (na,): index into b of each minutia's partner, or -1; and `motion`, float64 (3,): turn
    and shift of a onto b.
    """
    parts = np.zeros(len(PART_NAMES), np.float64)
    match[:] = -1
    if len(a.x) < p.LEAST_PAIRS or len(b.x) < p.LEAST_PAIRS:
        return parts
    table = similarities(a, b)
    first, second = best_pairs(table, p.RELAXED_PAIRS)
    if len(first) < p.LEAST_PAIRS:
        return parts
    value = np.empty(len(first), np.float64)
    for t in range(len(first)):
        value[t] = table[first[t], second[t]]
    support = relax(a, b, first, second, value)
    order = np.argsort(-support)
    turn, shift_x, shift_y = best_alignment(a, b, table, first[order], second[order], match)
    motion[0], motion[1], motion[2] = turn, shift_x, shift_y
    _measure(a, b, table, match, motion, parts)
    if parts[PAIRED] > 0:
        counted = min(len(order), p.SUPPORTING_PAIRS)
        parts[SUPPORT] = support[order[:counted]].mean()
    return parts


@kernel
def _measure(a: Template, b: Template, similarity: Array, match: Array, motion: Array, parts: Array) -> None:
    """Count the pairs and the minutiae in the common area, and how far the pairs lie apart."""
    cos, sin = math.cos(motion[0]), math.sin(motion[0])
    seen = np.zeros(len(b.x), np.bool_)
    for i in range(len(a.x)):
        px = cos * a.x[i] - sin * a.y[i] + motion[1]
        py = sin * a.x[i] + cos * a.y[i] + motion[2]
        j = match[i]
        if j >= 0:
            seen[j] = True
            parts[PAIRED] += 1
            parts[SIMILARITY] += similarity[i, j]
            parts[APART_PX] += math.sqrt((px - b.x[j]) ** 2 + (py - b.y[j]) ** 2)
            parts[APART_RAD] += abs(turn_between(a.angle[i] + motion[0], b.angle[j]))
        if j >= 0 or outside_distance(b.hull, px, py) <= p.COMMON_MARGIN_PX:
            parts[IN_A] += 1
    for j in range(len(b.x)):
        ux, uy = b.x[j] - motion[1], b.y[j] - motion[2]
        if (
            seen[j]
            or outside_distance(a.hull, cos * ux + sin * uy, cos * uy - sin * ux) <= p.COMMON_MARGIN_PX
        ):
            parts[IN_B] += 1
    if parts[PAIRED] > 0:
        for k in (SIMILARITY, APART_PX, APART_RAD):
            parts[k] /= parts[PAIRED]


@kernel
def total(parts: Array) -> float:
    """One score out of the partial ones; 0 is nothing in common.

    Support, times the share of the common minutiae that found a partner, less for pairs that lie apart or
    point apart. The doubt in the share keeps three minutiae out of three from being a full house.
    """
    if parts[PAIRED] < p.LEAST_PAIRS:
        return 0.0
    share = parts[PAIRED] / (p.SHARE_DOUBT + math.sqrt(parts[IN_A] * parts[IN_B]))
    apart = parts[APART_PX] / p.RESIDUAL_SCALE_PX + parts[APART_RAD] / p.RESIDUAL_SCALE_RAD
    return p.SCORE_SCALE * parts[SUPPORT] * share * math.exp(-apart)


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
    """

    score: float
    pairs: Array
    turn: float
    shift: tuple[float, float]
    parts: dict[str, float]


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
    )


def compare_prepared(probe: Template, candidate: Template) -> float:
    """Score of two prepared prints."""
    return float(score(probe, candidate))


def compare(probe: Minutiae, candidate: Minutiae) -> float:
    """Score of two prints: 0 is nothing in common, more is more alike; see `decision` for what is much.

    Any resolution and any number of minutiae is taken; a print of fewer than three minutiae scores 0.
    """
    return compare_prepared(prepare(probe), prepare(candidate))
