"""Similarity of cylinders, and the most similar pairs of two prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.cylinders import CELLS, MASK_WORDS, WORDS
from matcher_service.search.geometry import turn_between
from matcher_service.search.popcount import popcount

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Template

_BUCKETS = 256
_ROOT = np.sqrt(np.arange(2 * 64 * WORDS + 1)).astype(np.float32)


@kernel
def similarities(a: Template, b: Template) -> Array:
    """Similarity of every pair of cylinders, float32 (na, nb) in [0, 1]; 0 where they cannot be compared.

    One minus the distance of the bit vectors over the sum of their lengths, both over the cells that the two
    cylinders know (Cappelli, Ferrara and Maltoni, IEEE TPAMI 32(12), 2010, eq. 17 and 21).
    """
    na, nb = len(a.x), len(b.x)
    out = np.zeros((na, nb), np.float32)
    least = p.MIN_COMMON_CELLS * CELLS
    any_turn = np.pi <= p.MAX_TURN_RAD
    for i in range(na):
        if not a.valid[i]:
            continue
        for j in range(nb):
            if not b.valid[j]:
                continue
            if not any_turn and abs(turn_between(a.angle[i], b.angle[j])) > p.MAX_TURN_RAD:
                continue
            common = 0
            for w in range(MASK_WORDS):
                common += popcount(a.mask[i, w] & b.mask[j, w])
            if common < least:
                continue
            in_a, in_b, both = 0, 0, 0
            for s in range(p.DIRECTION_CELLS):
                for w in range(MASK_WORDS):
                    ca, cb = a.bits[i, s * MASK_WORDS + w], b.bits[j, s * MASK_WORDS + w]
                    in_a += popcount(ca & b.mask[j, w])
                    in_b += popcount(cb & a.mask[i, w])
                    both += popcount(ca & cb)
            if in_a + in_b > 0:
                out[i, j] = 1.0 - _ROOT[in_a + in_b - 2 * both] / (_ROOT[in_a] + _ROOT[in_b])
    return out


@kernel
def _bucket(similarity: float) -> int:
    return _BUCKETS - int(similarity * (_BUCKETS - 1))


@kernel
def best_pairs(similarity: Array, most: int) -> tuple[Array, Array]:
    """Indices of the most similar pairs, no minutia twice, best first: a bucket sort, then a greedy walk."""
    na, nb = similarity.shape
    start = np.zeros(_BUCKETS + 1, np.int64)
    for i in range(na):
        for j in range(nb):
            start[_bucket(similarity[i, j])] += 1
    for k in range(1, _BUCKETS + 1):
        start[k] += start[k - 1]
    # only as many buckets as can matter are laid out
    last = 1
    while last < _BUCKETS - 1 and start[last] < 4 * most:
        last += 1
    order = np.empty(start[last], np.int64)
    for i in range(na):
        for j in range(nb):
            k = _bucket(similarity[i, j])
            if k <= last:
                order[start[k - 1]] = i * nb + j
                start[k - 1] += 1
    used_a, used_b = np.zeros(na, np.bool_), np.zeros(nb, np.bool_)
    first, second = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for q in order:
        i, j = q // nb, q % nb
        if count == most:
            break
        if used_a[i] or used_b[j] or similarity[i, j] <= 0.0:
            continue
        used_a[i] = used_b[j] = True
        first[count], second[count] = i, j
        count += 1
    return first[:count], second[:count]
