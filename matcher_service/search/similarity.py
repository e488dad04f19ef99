"""Similarity of cylinders, and the most similar pairs of two prints.

Both are written for the vector units: over the candidate's minutiae side by side, without a branch among them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.coverage import CELLS
from matcher_service.search.cylinders import SECTIONS
from matcher_service.search.geometry import turn_between
from matcher_service.search.popcount import popcount

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Template

_LEAST_COMMON = math.ceil(p.MIN_COMMON_CELLS * CELLS)
_ANY_TURN = np.pi <= p.MAX_TURN_RAD
_ABREAST = 8  # columns are padded to a multiple of it, so that no loop has a remainder
_STEPS = np.float32(1 << 22)  # of a similarity: float32 itself has hardly more just below 1
_INDEX_BITS, _LAST_INDEX = 8, 255

assert _LAST_INDEX >= p.MOST_MINUTIAE, "best_pairs keeps an index in eight bits"
assert SECTIONS == 6, "similarities writes its six sections out"


@kernel
def _side_by_side(b: Template) -> Array:
    """Words of all cylinders section by section, then masks; uint64 (SECTIONS + 1, n rounded up).

    What may not be compared has an empty mask.
    """
    n = len(b.x)
    padded = (n + _ABREAST - 1) // _ABREAST * _ABREAST
    words = np.empty((SECTIONS + 1, padded), np.uint64)
    words[:, n:] = np.uint64(0)
    for j in range(n):
        for s in range(SECTIONS):
            words[s, j] = b.bits[j, s]
        words[SECTIONS, j] = b.mask[j, 0] if b.valid[j] else np.uint64(0)
    return words


@kernel
def similarities(a: Template, b: Template) -> Array:
    """Similarity of every pair of cylinders, float32 (na, nb) in [0, 1]; 0 where they cannot be compared.

    One minus the distance of the bit vectors over the sum of their lengths, both over the cells that the two
    cylinders know (Cappelli, Ferrara and Maltoni, IEEE TPAMI 32(12), 2010, eq. 17 and 21). The sum of the lengths
    is taken as the root of its square, which saves a root. Bits are set in known cells only.
    """
    na, nb = len(a.x), len(b.x)
    out = np.empty((na, nb), np.float32)
    w = _side_by_side(b)
    line = np.empty(w.shape[1], np.float32)
    zero, one, two = np.float32(0.0), np.float32(1.0), np.float32(2.0)
    for i in range(na):
        if not a.valid[i]:
            out[i] = zero
            continue
        known = a.mask[i, 0]
        a0, a1, a2, a3, a4, a5 = (
            a.bits[i, 0],
            a.bits[i, 1],
            a.bits[i, 2],
            a.bits[i, 3],
            a.bits[i, 4],
            a.bits[i, 5],
        )
        for j in range(len(line)):
            b0, b1, b2, b3, b4, b5 = w[0, j], w[1, j], w[2, j], w[3, j], w[4, j], w[5, j]
            also = w[6, j]
            in_a = popcount(a0 & also) + popcount(a1 & also) + popcount(a2 & also)
            in_a += popcount(a3 & also) + popcount(a4 & also) + popcount(a5 & also)
            in_b = popcount(b0 & known) + popcount(b1 & known) + popcount(b2 & known)
            in_b += popcount(b3 & known) + popcount(b4 & known) + popcount(b5 & known)
            both = popcount(a0 & b0) + popcount(a1 & b1) + popcount(a2 & b2)
            both += popcount(a3 & b3) + popcount(a4 & b4) + popcount(a5 & b5)
            fa, fb = np.float32(np.int32(in_a)), np.float32(np.int32(in_b))
            apart = np.float32(np.int32(in_a + in_b - 2 * both))
            alike = one - np.sqrt(apart / (fa + fb + two * np.sqrt(fa * fb)))
            comparable = (popcount(known & also) >= _LEAST_COMMON) & (in_a + in_b > 0)
            line[j] = alike if comparable else zero
        for j in range(nb):
            out[i, j] = line[j]
        if not _ANY_TURN:
            for j in range(nb):
                if abs(turn_between(a.angle[i], b.angle[j])) > p.MAX_TURN_RAD:
                    out[i, j] = zero
    return out


@kernel
def _most(keys: Array, free: Array) -> np.int32:
    """The largest key whose column is free (all bits set), or 0."""
    best = np.int32(0)
    for j in range(len(keys)):
        key = keys[j] & free[j]
        best = max(best, key)
    return best


@kernel
def best_pairs(similarity: Array, most: int) -> tuple[Array, Array]:
    """Indices of the most similar pairs, no minutia twice, best first; of equal ones the first row, then column.

    A key is a similarity with its column below it, so that the largest key also says where it was. Each row leads
    with its largest; a row looks again when another took its column. At most 256 rows and columns.
    """
    na, nb = similarity.shape
    keys = np.empty((na, nb), np.int32)
    free = np.full(nb, -1, np.int32)
    lead = np.empty(na, np.int64)
    for i in range(na):
        for j in range(nb):
            keys[i, j] = (np.int32(similarity[i, j] * _STEPS) << _INDEX_BITS) | np.int32(_LAST_INDEX - j)
        lead[i] = (np.int64(_most(keys[i], free)) << _INDEX_BITS) | (_LAST_INDEX - i)
    first, second = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    while count < most:
        best = np.int64(0)
        for i in range(na):
            key = lead[i]
            best = max(best, key)
        if best < 1 << (2 * _INDEX_BITS):  # nothing alike is left
            break
        i = _LAST_INDEX - (best & _LAST_INDEX)
        j = _LAST_INDEX - ((best >> _INDEX_BITS) & _LAST_INDEX)
        if free[j] == 0:
            lead[i] = (np.int64(_most(keys[i], free)) << _INDEX_BITS) | (_LAST_INDEX - i)
            continue
        first[count], second[count] = i, j
        count += 1
        free[j] = 0
        lead[i] = 0
    return first[:count], second[:count]
