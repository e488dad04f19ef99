"""Which cells around a minutia are known: those in the hull of the print's minutiae, or a margin outside it.

MCC, IEEE TPAMI 32(12), 2010, section 3.1 (the hull enlarged by omega, and the validity of cells).
"""

from __future__ import annotations

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.lanes import (
    WIDTH,
    larger,
    load,
    multiply_add,
    smaller,
    spread,
    where_at_least,
)

ACROSS = p.CELLS_ACROSS
STEP_PX = 2.0 * p.CYLINDER_RADIUS_PX / ACROSS
MIDDLE = (ACROSS - 1) / 2.0  # row and column of the minutia itself

assert ACROSS == WIDTH, "a row of the grid is one set of lanes; other grids need other kernels"

_FROM_MIDDLE = np.hypot(*(np.stack(np.divmod(np.arange(ACROSS * ACROSS), ACROSS)) - MIDDLE)) * STEP_PX
_IN_DISC = _FROM_MIDDLE <= p.CYLINDER_RADIUS_PX
CELLS = int(_IN_DISC.sum())
DISC = np.uint64(sum(1 << int(k) for k in np.flatnonzero(_IN_DISC)))
"""The cells of the disc in the grid, bit 8 * row + column."""
_FARTHEST_PX = np.float32(_FROM_MIDDLE[_IN_DISC].max() + 0.01)
_LANE = np.arange(WIDTH, dtype=np.float32)


def _runs() -> tuple[np.ndarray, np.ndarray]:
    """Runs of cells of the disc in the grid: uint64 words with a run's bits, and how far it moves down."""
    cells = np.flatnonzero(_IN_DISC)
    moves = cells - np.arange(len(cells))
    runs = np.unique(moves)
    words = [sum(1 << int(c) for c in cells[moves == move]) for move in runs]
    return np.array(words, np.uint64), runs.astype(np.uint64)


_RUNS, _RUN_MOVES = _runs()
_AX, _AY, _EX, _EY, _NX, _NY, _OFFSET, _PER_LENGTH2 = range(8)


@kernel
def edges_of(hull: np.ndarray) -> np.ndarray:
    """Edges of a convex hull, float32 (k, 8): start, vector, outward unit normal, its offset, 1 / squared length.

    A hull of one or two corners has edges too; they bound nothing.
    """
    k = len(hull)
    edges = np.empty((k, 8), np.float32)
    for i in range(k):
        after = i + 1 if i + 1 < k else 0
        ax, ay = hull[i, 0], hull[i, 1]
        ex, ey = hull[after, 0] - ax, hull[after, 1] - ay
        length2 = ex * ex + ey * ey
        inverse = np.float32(1.0) / length2 if length2 > 0 else np.float32(0.0)
        unit = np.sqrt(inverse)
        edges[i, _AX], edges[i, _AY], edges[i, _EX], edges[i, _EY] = ax, ay, ex, ey
        edges[i, _NX], edges[i, _NY] = ey * unit, -ex * unit
        edges[i, _OFFSET] = (ey * ax - ex * ay) * unit
        edges[i, _PER_LENGTH2] = inverse
    return edges


@kernel
def known_cells(
    edges: np.ndarray, facing: np.ndarray, x: float, y: float, cos: float, sin: float
) -> np.uint64:
    """Cells of the disc at (x, y), turned by an angle, that are no further than the margin outside the hull.

    Only edges whose line some cell may lie beyond can be the nearest to a cell outside; most minutiae have none,
    or are so deep inside that every cell is within the margin. `facing` is room for as many indices as edges, and
    one more. All numbers are float32.
    """
    corners = len(edges)
    beyond = np.float32(-1e30)
    count = 0
    for e in range(corners):
        out = edges[e, _NX] * x + edges[e, _NY] * y - edges[e, _OFFSET]
        beyond = max(beyond, out)
        facing[count] = e
        count += np.int64((out > -_FARTHEST_PX) | (corners < 3))
    if corners > 2 and beyond <= np.float32(p.HULL_MARGIN_PX) - _FARTHEST_PX:
        return DISC
    lane, zero, one = load(_LANE, 0), spread(np.float32(0.0)), spread(np.float32(1.0))
    margin2 = spread(np.float32(-(p.HULL_MARGIN_PX**2)))
    step_x, step_y = cos * np.float32(STEP_PX), sin * np.float32(STEP_PX)
    left = np.float32(-MIDDLE)
    known = np.uint64(0)
    for r in range(ACROSS):
        down = np.float32(r - MIDDLE)
        px = multiply_add(lane, spread(-step_y), spread(x + step_x * down - step_y * left))
        py = multiply_add(lane, spread(step_x), spread(y + step_y * down + step_x * left))
        nearest2 = spread(np.float32(1e30))
        outside = spread(np.float32(-1.0) if corners > 2 else np.float32(1.0))  # above 0: beyond some edge
        for q in range(count):
            e = facing[q]
            ex, ey = spread(edges[e, _EX]), spread(edges[e, _EY])
            dx, dy = px - spread(edges[e, _AX]), py - spread(edges[e, _AY])
            outside = larger(outside, dx * ey - dy * ex)
            along = smaller(one, larger(zero, (dx * ex + dy * ey) * spread(edges[e, _PER_LENGTH2])))
            dx, dy = dx - along * ex, dy - along * ey
            nearest2 = smaller(nearest2, dx * dx + dy * dy)
        within = where_at_least(zero - nearest2, margin2) | where_at_least(zero, outside)
        known |= within << np.uint64(r * ACROSS)
    return known & DISC


@kernel
def numbered(grid: np.uint64) -> np.uint64:
    """Cells of the disc, bit k for the k-th of them row by row, from a word of the grid."""
    word = np.uint64(0)
    for run in range(len(_RUNS)):
        word |= (grid & _RUNS[run]) >> _RUN_MOVES[run]
    return word
