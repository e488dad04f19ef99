"""The area that two prints have in common, as a polygon: convex hulls, grown by a margin, and clipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]


def hull_of(points: Points) -> Points:
    """Corners of the convex hull of (n, 2) points, counter-clockwise in a frame with y upwards; Andrew's chain."""
    ordered = np.unique(points.astype(np.float64), axis=0)  # sorts by x, then y
    if len(ordered) < 3:
        return ordered
    chains: list[list[NDArray[np.float64]]] = []
    for sweep in (ordered, ordered[::-1]):
        chain: list[NDArray[np.float64]] = []
        for point in sweep:
            while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains.append(chain[:-1])
    return np.array(chains[0] + chains[1])


def grown(hull: Points, margin: float, *, corners: int) -> Points:
    """The hull with a margin around it, its rounded corners drawn as a polygon's of so many corners."""
    if not len(hull):
        return hull
    turn = np.arange(corners) * (2 * np.pi / corners)
    circle = margin * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return hull_of((hull[:, None] + circle).reshape(-1, 2))


def overlap(one: Points, other: Points) -> Points:
    """What two convex polygons share, (k, 2); empty if nothing (Sutherland and Hodgman, CACM 17(1), 1974)."""
    if len(one) < 3 or len(other) < 3:
        return np.zeros((0, 2))
    left = list(one)
    for a, b in zip(other, np.roll(other, -1, axis=0), strict=True):
        kept: list[NDArray[np.float64]] = []
        for here, there in zip(left, left[1:] + left[:1], strict=True):
            inside, will_be = _turn(a, b, here), _turn(a, b, there)
            if inside >= 0:
                kept.append(here)
            if (inside > 0 > will_be) or (inside < 0 < will_be):
                kept.append(here + (there - here) * (inside / (inside - will_be)))
        left = kept
        if not left:
            break
    return np.array(left) if len(left) >= 3 else np.zeros((0, 2))


def area_of(polygon: Points) -> float:
    """Area of a polygon, in the square of its units."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def within(polygon: Points, points: Points) -> NDArray[np.bool_]:
    """Which of (n, 2) points lie in a convex polygon that runs counter-clockwise; none do in fewer than 3 corners."""
    if len(polygon) < 3:
        return np.zeros(len(points), np.bool_)
    edges = np.roll(polygon, -1, axis=0) - polygon
    towards = points[:, None] - polygon
    left_of = edges[:, 0] * towards[..., 1] - edges[:, 1] * towards[..., 0] >= -1e-9
    return np.asarray(left_of.all(axis=1))


def _turn(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
