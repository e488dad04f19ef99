"""Convex hull of a print's minutiae: the area that the print is known to cover."""

from __future__ import annotations

import math

import numpy as np

from matcher_service.search.compiled import kernel


@kernel
def convex_hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Corners of the convex hull, counter-clockwise, float32 (k, 2): Andrew's monotone chain."""
    n = len(x)
    # each point's rank from left to right, then upwards: compared with all in vectors, quicker than a sort
    order = np.empty(n, np.int64)
    for i in range(n):
        rank = np.int32(0)
        for j in range(n):
            below = (y[j] < y[i]) | ((y[j] == y[i]) & (j < i))
            rank += np.int32((x[j] < x[i]) | ((x[j] == x[i]) & below))
        order[rank] = i
    hull = np.empty((2 * n + 1, 2), np.float32)
    size = 0
    for sweep in range(2):
        start = size
        for step in range(n):
            q = order[step] if sweep == 0 else order[n - 1 - step]
            while size >= start + 2:
                ax, ay = hull[size - 2, 0], hull[size - 2, 1]
                cross = (hull[size - 1, 0] - ax) * (y[q] - ay) - (hull[size - 1, 1] - ay) * (x[q] - ax)
                if cross > 0:
                    break
                size -= 1
            hull[size, 0] = x[q]
            hull[size, 1] = y[q]
            size += 1
        if size > start + 1 or (sweep == 1 and size > 1):
            size -= 1  # the last corner is the first of the next sweep
    return hull[: max(size, 1)].copy()


@kernel
def outside_distance(hull: np.ndarray, x: float, y: float) -> float:
    """Distance in pixels from a point to a convex hull; 0 inside."""
    k = len(hull)
    inside = k > 2
    best = 1e30
    for i in range(k):
        ax, ay = hull[i, 0], hull[i, 1]
        bx, by = hull[(i + 1) % k, 0], hull[(i + 1) % k, 1]
        ex, ey = bx - ax, by - ay
        px, py = x - ax, y - ay
        if ex * py - ey * px < 0:
            inside = False
        length = ex * ex + ey * ey
        along = 0.0
        if length > 0:
            along = min(1.0, max(0.0, (px * ex + py * ey) / length))
        dx, dy = px - along * ex, py - along * ey
        best = min(best, dx * dx + dy * dy)
    return 0.0 if inside else math.sqrt(best)
