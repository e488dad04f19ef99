"""The second look: skin is elastic, so what no rigid motion joins may still be one print, smoothly bent.

After the rigid alignment, every pair of minutiae that come near each other asks its neighbours among the pairs, itself
left out, how the skin moved here: a weighted affine fit of their displacements, the nearer the heavier, drawn towards
no displacement where neighbours are few. What is left of its own displacement decides whether it is a pair, and the
pairs are found anew; a few rounds let them grow outward from where the prints agree. It is moving least squares
(Schaefer, McPhail and Warren, SIGGRAPH 2006) with a ridge. The neighbours' middles, not a's or b's minutiae, are its
points, so that it does not matter which print is laid over which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.alignment import NEVER, Meetings, assign, meet, price
from matcher_service.search.compiled import kernel

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Motion, Template


@kernel
def _moments(x: Array, y: Array, u: Array, v: Array, weight: Array, held: Array, sigma_px: float) -> Array:
    """Weighted moments of the pairs' places and displacements about every meeting, float32 (12, meetings).

    All pairs are added to all meetings, one pair after the other: side by side in vector instructions. Only then is
    each pair taken out of its own.
    """
    near = len(x)
    m = np.zeros((12, near), np.float32)
    s, sx, sy, su, sv, sxx = m[0], m[1], m[2], m[3], m[4], m[5]
    sxy, syy, sxu, sxv, syu, syv = m[6], m[7], m[8], m[9], m[10], m[11]
    narrow, one = np.float32(1.0 / (sigma_px * sigma_px)), np.float32(1.0)
    for k in held:
        xk, yk, uk, vk, wk = x[k], y[k], u[k], v[k], weight[k]
        for q in range(near):
            dx, dy = xk - x[q], yk - y[q]
            f = one / (one + (dx * dx + dy * dy) * narrow)
            w = wk * f * f
            wx, wy = w * dx, w * dy
            s[q] += w
            sx[q] += wx
            sy[q] += wy
            su[q] += w * uk
            sv[q] += w * vk
            sxx[q] += wx * dx
            sxy[q] += wx * dy
            syy[q] += wy * dy
            sxu[q] += wx * uk
            sxv[q] += wx * vk
            syu[q] += wy * uk
            syv[q] += wy * vk
    for k in held:
        s[k] -= weight[k]
        su[k] -= weight[k] * u[k]
        sv[k] -= weight[k] * v[k]
    return m


@kernel
def expected(moments: Array, q: int) -> tuple[float, float, float, float]:
    """Displacement (x and y, pixels) and turn (radians) at meeting q by its neighbours, and their weight."""
    m = moments
    s, sx, sy, su, sv = 1.0 * m[0, q], 1.0 * m[1, q], 1.0 * m[2, q], 1.0 * m[3, q], 1.0 * m[4, q]
    sxx, sxy, syy = 1.0 * m[5, q], 1.0 * m[6, q], 1.0 * m[7, q]
    sxu, sxv, syu, syv = 1.0 * m[8, q], 1.0 * m[9, q], 1.0 * m[10, q], 1.0 * m[11, q]
    if s <= p.BEND_NOBODY:
        return 0.0, 0.0, 0.0, 0.0
    mx, my, mu, mv = sx / s, sy / s, su / s, sv / s
    cxx, cxy, cyy = (
        sxx - s * mx * mx + p.BEND_RIDGE_PX2,
        sxy - s * mx * my,
        syy - s * my * my + p.BEND_RIDGE_PX2,
    )
    kxu, kxv, kyu, kyv = sxu - s * mx * mu, sxv - s * mx * mv, syu - s * my * mu, syv - s * my * mv
    det = cxx * cyy - cxy * cxy
    ux, uy = (kxu * cyy - kyu * cxy) / det, (kyu * cxx - kxu * cxy) / det
    vx, vy = (kxv * cyy - kyv * cxy) / det, (kyv * cxx - kxv * cxy) / det
    trust = s / (s + p.BEND_PRIOR)
    return trust * (mu - ux * mx - uy * my), trust * (mv - vx * mx - vy * my), trust * 0.5 * (vx - uy), s


@kernel
def bend(
    a: Template, b: Template, table: Array, motion: Motion, found: Meetings, held_a: Array, rest: Array
) -> int:
    """Pair the minutiae of a rigidly aligned print anew under a smooth bending. Returns how many pairs.

    Fills `held_a`, int64 (na,): the meeting in `found` that holds each minutia of a, or -1; and `rest`, float64
    (meetings, 4): for each meeting what the bending leaves of its displacement (x and y, pixels) and turn (radians),
    and how much its neighbours weigh.
    """
    near = meet(a, b, motion, p.WIDE_PX, p.WIDE_RAD, found)
    held_b, held = np.empty(len(b.x), np.int64), np.empty(len(a.x), np.int64)
    x, y, weight = np.empty(near, np.float32), np.empty(near, np.float32), np.empty(near, np.float32)
    off_x, off_y = found.x[:near].astype(np.float32), found.y[:near].astype(np.float32)
    for q in range(near):
        j = found.other[q]
        x[q], y[q] = b.x[j] - 0.5 * found.x[q], b.y[j] - 0.5 * found.y[q]
        weight[q] = p.BEND_WORTH + table[found.one[q], j]
    price(found, near, table)
    pairs = assign(found, near, held_a, held_b)
    for step in range(p.BEND_ROUNDS):
        if pairs < p.LEAST_PAIRS:
            break
        count = 0
        for i in range(len(a.x)):
            if held_a[i] >= 0:
                held[count] = held_a[i]
                count += 1
        sigma_px = p.BEND_NEAR_PX + (p.BEND_FAR_PX - p.BEND_NEAR_PX) * 0.5**step
        moments = _moments(x, y, off_x, off_y, weight, held[:count], sigma_px)
        for q in range(near):
            u, v, turn, rest[q, 3] = expected(moments, q)
            rest[q, 0], rest[q, 1], rest[q, 2] = found.x[q] - u, found.y[q] - v, found.turn[q] - turn
            apart = (rest[q, 0] ** 2 + rest[q, 1] ** 2) / p.BENT_DISTANCE_PX**2
            turned = abs(rest[q, 2]) / p.BENT_TURN_RAD
            found.cost[q] = apart + turned**2 - p.PAIR_SIMILARITY * table[found.one[q], found.other[q]]
            if apart > 1.0 or turned > 1.0:
                found.cost[q] = NEVER
        pairs = assign(found, near, held_a, held_b)
    return pairs
