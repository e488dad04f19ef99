"""Pairs of minutiae that support each other (MCC, IEEE TPAMI 32(12), 2010, section 4.2.3).

Two differences from the paper. What two pairs may disagree by grows with the distance between them, because skin
stretches: so much a pixel, not so much at all. And agreement is a polynomial without branches, so that the compiler
makes vector instructions of it; four of five comparisons end here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Template

_F = np.float32
_NONE, _ONE, _TWO, _TINY = _F(0.0), _F(1.0), _F(2.0), _F(1e-6)
_TURN_SCALE = _F(2.0 / p.AGREE_TURN_RAD**2)
# half of the rate: it multiplies the sum of the two lengths
_ALONG, _ALONG_RATE = _F(p.AGREE_ALONG_PX), _F(0.5 * p.AGREE_ALONG_RATE)
_ACROSS, _ACROSS_RATE = _F(p.AGREE_ACROSS_PX), _F(0.5 * p.AGREE_ACROSS_RATE)
_KEEP = _F(p.RELAX_KEEP)


@kernel
def agreement(a: Template, b: Template, first: Array, second: Array) -> Array:
    """How well every two pairs agree under any rotation and translation, float32 (n, n), 0 to 1, symmetric.

    From one pair to the other, the vector in a, turned by the mean turn of the two pairs, must be the vector in b:
    along it and across it; and the two turns must be alike (eq. 23 to 26 ask for distance, direction and bearing).
    The diagonal is 0.
    """
    n = len(first)
    ax, ay = np.empty(n, np.float32), np.empty(n, np.float32)
    bx, by = np.empty(n, np.float32), np.empty(n, np.float32)
    cos, sin = np.empty(n, np.float32), np.empty(n, np.float32)
    for t in range(n):
        i, j = first[t], second[t]
        ax[t], ay[t], bx[t], by[t] = a.x[i], a.y[i], b.x[j], b.y[j]
        turn = b.angle[j] - a.angle[i]
        cos[t], sin[t] = math.cos(turn), math.sin(turn)
    out = np.empty((n, n), np.float32)
    for t in range(n):
        row = out[t]
        for k in range(n):
            ux, uy, vx, vy = ax[k] - ax[t], ay[k] - ay[t], bx[k] - bx[t], by[k] - by[t]
            u, v = np.sqrt(ux * ux + uy * uy), np.sqrt(vx * vx + vy * vy)
            alike = cos[t] * cos[k] + sin[t] * sin[k]
            turned = (cos[t] + cos[k]) * (ux * vx + uy * vy) + (sin[t] + sin[k]) * (ux * vy - uy * vx)
            turned /= np.sqrt(_TWO + _TWO * alike + _TINY)
            along = (u - v) / (_ALONG + _ALONG_RATE * (u + v))
            across = _ACROSS + _ACROSS_RATE * (u + v)
            e = _ONE - (_ONE - alike) * _TURN_SCALE
            f = _ONE - along * along
            g = _ONE - _TWO * (u * v - turned) / (across * across)
            e = max(_NONE, e)
            f = max(_NONE, f)
            g = max(_NONE, g)
            row[k] = e * f * g
        row[t] = _NONE
    return out


@kernel
def relax(agree: Array, value: Array) -> Array:
    """Support of each pair after a few rounds, float32 (n,); `value` is the similarity of its cylinders (eq. 22)."""
    n = len(value)
    now, then = value.copy(), np.empty(n, np.float32)
    share = (_ONE - _KEEP) / np.float32(max(n - 1, 1))
    for _ in range(p.RELAX_ROUNDS):
        for t in range(n):
            then[t] = _KEEP * now[t]
        for k in range(n):
            weight, row = share * now[k], agree[k]
            for t in range(n):
                then[t] += weight * row[t]
        now, then = then, now
    return now
