"""Minutia Cylinder-Code as bits (Cappelli, Ferrara and Maltoni, IEEE TPAMI 32(12), 2010, section 3).

Around each minutia stands a cylinder: a disc of cells, turned with the minutia's direction, by six sections of
relative direction. A bit is set where neighbours in that place and direction are likely; a mask tells the cells
that are known at all, being near the print.
"""

from __future__ import annotations

import math

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.hull import outside_distance

_HALF = (p.CELLS_ACROSS - 1) / 2.0
_STEP_PX = 2.0 * p.CYLINDER_RADIUS_PX / p.CELLS_ACROSS


def _disc() -> np.ndarray:
    """Cells of the disc: float32 (cells, 2), offsets in pixels in the minutia's own frame."""
    i, j = np.meshgrid(np.arange(p.CELLS_ACROSS), np.arange(p.CELLS_ACROSS), indexing="ij")
    offsets = np.stack([(i - _HALF) * _STEP_PX, (j - _HALF) * _STEP_PX], axis=-1).reshape(-1, 2)
    return offsets[np.hypot(offsets[:, 0], offsets[:, 1]) <= p.CYLINDER_RADIUS_PX].astype(np.float32)


def _direction_table(entries: int = 1024) -> np.ndarray:
    """Share of a neighbour's direction that falls into a section at each angular distance (eq. 9 and 10)."""
    distance = (np.arange(entries) / entries) * 2.0 * np.pi
    distance = np.where(distance > np.pi, distance - 2.0 * np.pi, distance)
    half, scale = np.pi / p.DIRECTION_CELLS, p.DIRECTION_SIGMA_RAD * math.sqrt(2.0)
    upper = np.array([math.erf((d + half) / scale) for d in distance])
    lower = np.array([math.erf((d - half) / scale) for d in distance])
    return (0.5 * (upper - lower)).astype(np.float32)


DISC = _disc()
CELLS = len(DISC)
MASK_WORDS = (CELLS + 63) // 64
WORDS = MASK_WORDS * p.DIRECTION_CELLS  # section by section, so that the mask repeats
_DIRECTIONS = _direction_table()


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
        bits: uint64 (n, WORDS), mask: uint64 (n, MASK_WORDS), valid: bool (n,).
    """
    n = len(x)
    bits = np.zeros((n, WORDS), np.uint64)
    mask = np.zeros((n, MASK_WORDS), np.uint64)
    valid = np.zeros(n, np.bool_)
    reach = 3.0 * p.SPATIAL_SIGMA_PX
    norm = 1.0 / (p.SPATIAL_SIGMA_PX * math.sqrt(2.0 * math.pi))
    falloff = -0.5 / (p.SPATIAL_SIGMA_PX * p.SPATIAL_SIGMA_PX)
    entries = len(_DIRECTIONS)
    near = np.zeros(n, np.int64)
    toward = np.zeros((n, p.DIRECTION_CELLS), np.float32)
    held = np.zeros(p.DIRECTION_CELLS, np.float32)
    for m in range(n):
        neighbours = 0
        contributing = 0
        for t in range(n):
            d2 = (x[t] - x[m]) ** 2 + (y[t] - y[m]) ** 2
            if t == m or d2 > (p.CYLINDER_RADIUS_PX + reach) ** 2:
                continue
            near[neighbours] = t
            turn = (angle[m] - angle[t]) / (2.0 * math.pi)
            for s in range(p.DIRECTION_CELLS):
                gap = turn + 0.5 - (s + 0.5) / p.DIRECTION_CELLS
                toward[neighbours, s] = _DIRECTIONS[int((gap - math.floor(gap)) * entries) % entries]
            neighbours += 1
            if d2 <= p.CYLINDER_RADIUS_PX**2:
                contributing += 1
        cos, sin = math.cos(angle[m]), math.sin(angle[m])
        known = 0
        for c in range(CELLS):
            px = x[m] + cos * DISC[c, 0] - sin * DISC[c, 1]
            py = y[m] + sin * DISC[c, 0] + cos * DISC[c, 1]
            if outside_distance(hull, px, py) > p.HULL_MARGIN_PX:
                continue
            known += 1
            here = np.uint64(1) << np.uint64(c & 63)
            mask[m, c >> 6] |= here
            held[:] = 0.0
            for k in range(neighbours):
                d2 = (x[near[k]] - px) ** 2 + (y[near[k]] - py) ** 2
                if d2 <= reach * reach:
                    weight = norm * math.exp(falloff * d2)
                    for s in range(p.DIRECTION_CELLS):
                        held[s] += weight * toward[k, s]
            for s in range(p.DIRECTION_CELLS):
                if held[s] >= p.BIT_THRESHOLD:
                    bits[m, s * MASK_WORDS + (c >> 6)] |= here
        valid[m] = known >= p.MIN_VALID_CELLS * CELLS and contributing >= p.MIN_NEIGHBOURS
    return bits, mask, valid
