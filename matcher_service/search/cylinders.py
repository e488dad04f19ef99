"""Minutia Cylinder-Code as bits (Cappelli, Ferrara and Maltoni, IEEE TPAMI 32(12), 2010, section 3).

Around each minutia stands a cylinder: a disc of cells, turned with the minutia's direction, by six sections of
relative direction. A bit is set where neighbours in that place and direction are likely; a mask tells the cells
that are known at all, being near the print.

The disc is cut out of a grid of 8 x 8 cells, so that a section is one word and a row of it eight lanes. The bell of
eq. 7 is a product of one along the rows and one along the columns; both bells and the share of eq. 9 are
polynomials. A neighbour then costs some tens of vector instructions, and no table, exponential or branch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.coverage import ACROSS, CELLS, MIDDLE, STEP_PX, edges_of, known_cells, numbered
from matcher_service.search.lanes import (
    WIDTH,
    kept_from,
    load,
    multiply_add,
    smaller,
    spread,
    store,
    word_at_least,
)
from matcher_service.search.popcount import popcount

SECTIONS = p.DIRECTION_CELLS
MASK_WORDS = 1
WORDS = SECTIONS  # bit k of word s: cell k of the disc, row by row along the direction, of section s

_GRID = ACROSS * ACROSS
_REACH_PX = 3.0 * p.SPATIAL_SIGMA_PX  # beyond it a neighbour counts for nothing
_LEAST_WEIGHT = np.float32(math.exp(-0.5 * (_REACH_PX / p.SPATIAL_SIGMA_PX) ** 2))
_ROWS_REACHED = 4  # no more rows lie within reach of a point
_LANE = np.arange(WIDTH, dtype=np.float32)

# exp(-t) is taken as polynomial to the eighth power, for t up to what the reach needs
_FALLOFF = np.float32((STEP_PX / p.SPATIAL_SIGMA_PX) ** 2 / 16.0)
_FALLOFF_MOST = np.float32((_REACH_PX / p.SPATIAL_SIGMA_PX) ** 2 / 16.0 + 0.01)


def _bell_polynomial() -> tuple[np.float32, ...]:
    """Exp(-t) as a polynomial of degree four, error under 1e-6; lowest power first."""
    t = float(_FALLOFF_MOST) * 0.5 * (1 + np.cos(np.pi * (np.arange(40) + 0.5) / 40))
    fitted = np.polynomial.Polynomial.fit(t, np.exp(-t), 4).convert().coef
    return tuple(np.float32(c) for c in fitted)


def _share_polynomial() -> tuple[np.float32, ...]:
    """Share of a direction that falls into a section (eq. 9 and 10), times the norm of the bell (eq. 7).

    A polynomial of degree six in the cosine of the angle to the section's middle, error under 1e-4 of the most.
    """
    angle = np.linspace(0.0, np.pi, 721)
    half, scale = np.pi / SECTIONS, p.DIRECTION_SIGMA_RAD * math.sqrt(2.0)
    share = [0.5 * (math.erf((a + half) / scale) - math.erf((a - half) / scale)) for a in angle]
    fitted = np.polynomial.Polynomial.fit(np.cos(angle), share, 6, domain=[-1.0, 1.0]).coef
    norm = 1.0 / (p.SPATIAL_SIGMA_PX * math.sqrt(2.0 * math.pi))
    return tuple(np.float32(c * norm) for c in fitted)


_B0, _B1, _B2, _B3, _B4 = _bell_polynomial()
_S0, _S1, _S2, _S3, _S4, _S5, _S6 = _share_polynomial()
_MIDDLES = (np.arange(WIDTH) + 0.5) * (2.0 * np.pi / SECTIONS) - np.pi
_MIDDLE_COS, _MIDDLE_SIN = np.cos(_MIDDLES).astype(np.float32), np.sin(_MIDDLES).astype(np.float32)


@kernel
def _bell(steps: Any) -> Any:  # noqa: ANN401 - lanes have no type outside compiled code
    """Bell of unit height at distances in steps of the grid."""
    t = smaller(steps * steps * spread(_FALLOFF), spread(_FALLOFF_MOST))
    e = multiply_add(t, spread(_B4), spread(_B3))
    e = multiply_add(t, e, spread(_B2))
    e = multiply_add(t, e, spread(_B1))
    e = multiply_add(t, e, spread(_B0))
    e = e * e
    e = e * e
    return e * e


@kernel
def _shares(cos: float, sin: float) -> Any:  # noqa: ANN401 - lanes have no type outside compiled code
    """Shares of the sections in a neighbour whose direction differs by an angle, section by section."""
    c = multiply_add(spread(cos), load(_MIDDLE_COS, 0), spread(sin) * load(_MIDDLE_SIN, 0))
    w = multiply_add(c, spread(_S6), spread(_S5))
    w = multiply_add(c, w, spread(_S4))
    w = multiply_add(c, w, spread(_S3))
    w = multiply_add(c, w, spread(_S2))
    w = multiply_add(c, w, spread(_S1))
    return multiply_add(c, w, spread(_S0))


@kernel
def _fill(held: np.ndarray, row: float, column: float, cos: float, sin: float, scratch: np.ndarray) -> None:
    """Add one neighbour, at `row` and `column` of the grid, to what the cells of all sections hold."""
    lane = load(_LANE, 0)
    store(scratch, 0, _bell(spread(row) - lane))
    store(scratch, WIDTH, _shares(cos, sin))
    across = _bell(spread(column) - lane)
    s0, s1, s2 = spread(scratch[WIDTH]), spread(scratch[WIDTH + 1]), spread(scratch[WIDTH + 2])
    s3, s4, s5 = spread(scratch[WIDTH + 3]), spread(scratch[WIDTH + 4]), spread(scratch[WIDTH + 5])
    first = (
        np.int64(row - np.float32(_REACH_PX / STEP_PX) + np.float32(9.0)) - 8
    )  # rounded up; row is over -8
    first = min(max(first, 0), ACROSS - _ROWS_REACHED)
    for r in range(first, first + _ROWS_REACHED):
        weight = kept_from(spread(scratch[r]) * across, spread(_LEAST_WEIGHT))
        at = r * ACROSS
        store(held, at, multiply_add(weight, s0, load(held, at)))
        store(held, at + _GRID, multiply_add(weight, s1, load(held, at + _GRID)))
        store(held, at + 2 * _GRID, multiply_add(weight, s2, load(held, at + 2 * _GRID)))
        store(held, at + 3 * _GRID, multiply_add(weight, s3, load(held, at + 3 * _GRID)))
        store(held, at + 4 * _GRID, multiply_add(weight, s4, load(held, at + 4 * _GRID)))
        store(held, at + 5 * _GRID, multiply_add(weight, s5, load(held, at + 5 * _GRID)))


@kernel
def build(
    x: np.ndarray, y: np.ndarray, angle: np.ndarray, hull: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cylinders of all minutiae.

    Args:
        x: float32 (n,), pixels at 500 dpi, to the right.
        y: float32 (n,), pixels at 500 dpi, **upwards**.
        angle: float32 (n,), radians, counter-clockwise.
        hull: corners of the minutiae's convex hull, same frame.

    Returns:
        bits: uint64 (n, WORDS), mask: uint64 (n, MASK_WORDS), valid: bool (n,). Bits are set in known cells only.
    """
    n = len(x)
    bits = np.empty((n, WORDS), np.uint64)
    mask = np.empty((n, MASK_WORDS), np.uint64)
    valid = np.empty(n, np.bool_)
    # direction of each minutia; then, seen from one, the others' rows, columns, distances and directions
    cos, sin = np.empty(n, np.float32), np.empty(n, np.float32)
    row, column, apart = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    turn_cos, turn_sin = np.empty(n, np.float32), np.empty(n, np.float32)
    near = np.empty(n + 1, np.int64)
    held, scratch = np.empty(SECTIONS * _GRID, np.float32), np.empty(2 * WIDTH, np.float32)
    edges = edges_of(hull)
    facing = np.empty(len(edges) + 1, np.int64)
    nearby2 = np.float32((p.CYLINDER_RADIUS_PX + _REACH_PX) ** 2)
    inside2 = np.float32(p.CYLINDER_RADIUS_PX**2)
    per_step, middle = np.float32(1.0 / STEP_PX), np.float32(MIDDLE)
    for m in range(n):
        cos[m], sin[m] = math.cos(angle[m]), math.sin(angle[m])
    for m in range(n):
        cx, cy, cm, sm = x[m], y[m], cos[m], sin[m]
        contributing = np.int32(-1)  # itself
        for t in range(n):
            dx, dy = x[t] - cx, y[t] - cy
            d2 = dx * dx + dy * dy
            apart[t] = d2
            row[t] = (cm * dx + sm * dy) * per_step + middle
            column[t] = (cm * dy - sm * dx) * per_step + middle
            turn_cos[t] = cm * cos[t] + sm * sin[t]
            turn_sin[t] = sm * cos[t] - cm * sin[t]
            contributing += np.int32(d2 <= inside2)
        apart[m] = np.float32(1e30)
        count = 0
        for t in range(n):  # without a branch that nobody could foresee
            near[count] = t
            count += np.int64(apart[t] <= nearby2)
        for k in range(0, SECTIONS * _GRID, WIDTH):
            store(held, k, spread(np.float32(0.0)))
        for k in range(count):
            t = near[k]
            _fill(held, row[t], column[t], turn_cos[t], turn_sin[t], scratch)
        known = known_cells(edges, facing, cx, cy, cm, sm)
        mask[m, 0] = numbered(known)
        for s in range(SECTIONS):
            bits[m, s] = numbered(known & word_at_least(held, s * _GRID, np.float32(p.BIT_THRESHOLD)))
        valid[m] = popcount(known) >= p.MIN_VALID_CELLS * CELLS and contributing >= p.MIN_NEIGHBOURS
    return bits, mask, valid
