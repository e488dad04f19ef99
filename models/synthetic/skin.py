"""What a finger has besides ridges, and shows in every impression: pores, creases and scars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import smooth

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from models.synthetic.growth import Growth


def pores(grown: Growth, rng: Generator) -> NDArray[np.float32]:
    """How much of the ridge a pore takes, 0 to 1, float32 (HEIGHT_PX, WIDTH_PX). Pores sit on the ridges' middle."""
    h, w = p.HEIGHT_PX, p.WIDTH_PX
    step = p.PORE_SPACING_PX
    rows, columns = np.mgrid[step / 2 : h : step, step / 2 : w : step]
    x, y = (a.ravel() + rng.uniform(-0.5, 0.5, a.size) * step for a in (columns, rows))
    i = np.clip((y / 2).astype(int), 0, h // 2 - 1)
    j = np.clip((x / 2).astype(int), 0, w // 2 - 1)
    # to the middle of the ridge: as far back along the normal as the phase is beyond it
    beyond = np.angle(grown.even[i, j] + 1j * grown.odd[i, j]) / (2 * np.pi) * 2 * grown.period[i, j]
    x -= beyond * np.sin(grown.turn[i, j])
    y -= beyond * np.cos(grown.turn[i, j])
    x, y = x + rng.normal(0, 0.5, x.size), y + rng.normal(0, 0.5, x.size)
    size = rng.uniform(*p.PORE_RADIUS_PX, x.size)
    keep = rng.random(x.size) < p.PORE_SHARE
    made = np.zeros((h + 8, w + 8), np.float32)
    a, b = np.mgrid[-3:4, -3:4]
    left, top = np.floor(x[keep]).astype(int), np.floor(y[keep]).astype(int)
    inside = (left >= 0) & (top >= 0) & (left < w) & (top < h)
    left, top = left[inside], top[inside]
    u, v, r = (x[keep] - np.floor(x[keep]))[inside], (y[keep] - np.floor(y[keep]))[inside], size[keep][inside]
    dots = np.exp(
        -(((b[None] - u[:, None, None]) ** 2 + (a[None] - v[:, None, None]) ** 2) / r[:, None, None] ** 2)
    )
    np.maximum.at(made, (top[:, None, None] + a + 4, left[:, None, None] + b + 4), dots.astype(np.float32))
    return made[4:-4, 4:-4]


def relief(rng: Generator) -> NDArray[np.float32]:
    """How unevenly high the ridges are along their way, in ridge heights, float32 (HEIGHT_PX, WIDTH_PX)."""
    shape = (p.HEIGHT_PX, p.WIDTH_PX)
    fine, coarse = rng.uniform(*p.RELIEF_FINE), rng.uniform(*p.RELIEF_COARSE)
    made = fine * smooth(rng, shape, p.RELIEF_FINE_PX) + coarse * smooth(rng, shape, p.RELIEF_COARSE_PX)
    return made.astype(np.float32)


def creases(rng: Generator) -> NDArray[np.float32]:
    """How much of the skin is off the glass along creases and scars, 0 to 1, float32 (HEIGHT_PX, WIDTH_PX)."""
    h, w = p.HEIGHT_PX, p.WIDTH_PX
    made = np.zeros((h, w), np.float32)
    lean = rng.normal(0, 0.5)
    old = rng.gamma(p.CREASES_SHAPE, p.CREASES / p.CREASES_SHAPE)  # hands age unlike
    for _ in range(rng.poisson(old)):
        at = (w / 2 + rng.normal(0, 70), h / 2 + rng.normal(0, 100))
        width = p.CREASE_WIDTH_PX[0] + rng.exponential(p.CREASE_WIDTH_PX[1])
        _cut(
            made,
            rng,
            at,
            lean + rng.normal(0, 0.35),
            length=rng.uniform(*p.CREASE_LENGTH_PX) / 2,
            width=min(width, p.CREASE_WIDEST_PX) / 2,
        )
    if rng.random() < p.JOINT_SHARE:  # the crease of the joint, where the print ends below
        at = (w / 2 + rng.normal(0, 20), h / 2 + rng.uniform(165, 215))
        _cut(made, rng, at, rng.normal(0, 0.12), length=rng.uniform(90, 200), width=rng.uniform(1.5, 4.0))
    return made


def _cut(
    made: NDArray[np.float32],
    rng: Generator,
    at: tuple[float, float],
    turn: float,
    *,
    length: float,
    width: float,
) -> None:
    """Draw one crease with its half length and half width into the map."""
    x, y = at
    top, left = max(int(y - length - 12), 0), max(int(x - length - 12), 0)
    part = made[top : max(int(y + length) + 12, 0), left : max(int(x + length) + 12, 0)]
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    dx, dy = (columns - x).astype(np.float32), (rows - y).astype(np.float32)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    along, across = dx * c + dy * s, dy * c - dx * s
    phase = rng.uniform(0, 2 * np.pi, 3)
    bend = np.float32(rng.normal(0, 10.0))
    across -= bend * (along / np.float32(length)) ** 2
    across -= np.float32(1.6) * np.sin(along / np.float32(11) + np.float32(phase[0]))
    across -= np.float32(0.6) * np.sin(along / np.float32(4.3) + np.float32(phase[1]))
    taper = np.sqrt(np.clip(1 - (along / np.float32(length)) ** 2, 0, 1))
    taper *= np.float32(width) * (1 + np.float32(0.4) * np.sin(along / np.float32(17) + np.float32(phase[2])))
    np.maximum(part, np.clip(taper - np.abs(across) + np.float32(0.5), 0, 1) * (taper > 0), out=part)
