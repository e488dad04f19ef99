"""Scenes that follow from a formula: gratings, rings, grain, noise. All are light of 0 to 1, (height, width)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Light = NDArray[np.float64]
    Size = tuple[int, int]

PERIOD_PX = (5.0, 16.0)  # of gratings: on both sides of a ridge period, which is what makes them hard


def blank(rng: Generator, size: Size) -> Light:
    """Nothing on the glass: a gradient and smudges."""
    y, x = _grid(size)
    slope = rng.normal(0, 0.15, 2)
    light = 0.8 + slope[0] * x / size[1] + slope[1] * y / size[0]
    return light + rng.uniform(0, 0.15) * smooth(rng, size, int(rng.integers(3, 12)))


def noise(rng: Generator, size: Size) -> Light:
    """White noise, or specks."""
    if rng.random() < 0.5:
        return rng.normal(0.5, rng.uniform(0.05, 0.4), size)
    return (rng.random(size) > rng.uniform(0.02, 0.6)).astype(np.float64)


def clouds(rng: Generator, size: Size) -> Light:
    """Noise with a power law spectrum, as natural scenes have."""
    fy, fx = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None, :]
    falling = np.maximum(np.hypot(fx, fy), 1.0 / max(size)) ** -rng.uniform(0.5, 2.0)
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=size)) * falling, s=size)
    return 0.5 + 0.25 * field / field.std()


def stripes(rng: Generator, size: Size) -> Light:
    """Straight parallel stripes."""
    return _profile(rng, _along(rng, size) / rng.uniform(*PERIOD_PX))


def waves(rng: Generator, size: Size) -> Light:
    """Parallel wavy lines, as corrugated iron or a drawn sea."""
    y, x = _turned(rng, size)
    length, height = rng.uniform(60, 300), rng.uniform(3, 25)
    return _profile(rng, (y + height * np.sin(2 * np.pi * x / length)) / rng.uniform(*PERIOD_PX))


def rings(rng: Generator, size: Size) -> Light:
    """Concentric rings, round or oval."""
    y, x = _turned(rng, size, rng.uniform(-0.4, 0.4, 2))
    return _profile(rng, np.hypot(x, y * rng.uniform(0.7, 1.0)) / rng.uniform(*PERIOD_PX))


def spiral(rng: Generator, size: Size) -> Light:
    """A spiral of one to four arms."""
    y, x = _turned(rng, size, rng.uniform(-0.3, 0.3, 2))
    arms = int(rng.integers(1, 5)) * int(rng.choice([-1, 1]))
    radius = np.hypot(x, y * rng.uniform(0.8, 1.0))
    return _profile(rng, radius / rng.uniform(*PERIOD_PX) + arms * np.arctan2(y, x) / (2 * np.pi))


def checkerboard(rng: Generator, size: Size) -> Light:
    """A checkerboard, turned anyhow."""
    y, x = _turned(rng, size)
    side = rng.uniform(4, 40)
    return ((np.floor(x / side) + np.floor(y / side)) % 2).astype(np.float64)


def moire(rng: Generator, size: Size) -> Light:
    """Two or three gratings over each other."""
    layers = [stripes(rng, size) for _ in range(int(rng.integers(2, 4)))]
    return np.mean(layers, axis=0) if rng.random() < 0.5 else np.prod(layers, axis=0)


def wood(rng: Generator, size: Size) -> Light:
    """Grain: long fibres along one direction, rings cut lengthwise."""
    y, x = _turned(rng, size)
    warp = rng.uniform(2, 12) * smooth(rng, size, int(rng.integers(2, 5)))
    years = (y + warp + x * rng.uniform(-0.1, 0.1)) / rng.uniform(9, 30)
    fibres = smooth(rng, size, (90, int(rng.integers(4, 16))))
    return 0.55 + 0.25 * np.abs((years % 1.0) - 0.5) + 0.12 * fibres


def leaves(rng: Generator, size: Size) -> Light:
    """Patches of all sizes over each other, the statistics of photographs (dead leaves model)."""
    y, x = _grid(size)
    light = np.full(size, 0.5)
    for _ in range(int(rng.integers(60, 200))):
        radius = 4.0 / np.sqrt(rng.uniform(0.001, 1.0))
        centre = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        patch = np.hypot(y - centre[0], (x - centre[1]) * rng.uniform(0.5, 2.0)) < radius
        light[patch] = rng.random() + 0.1 * rng.normal() * (x[patch] - centre[1]) / radius
    return light


def glove(rng: Generator, size: Size) -> Light:
    """A round thing without ridges: a gloved finger, a pencil's rubber."""
    shade = 0.25 + 0.1 * smooth(rng, size, int(rng.integers(3, 20)))
    return 1.0 - touch(rng, size) * (1.0 - shade)


def fan(rng: Generator, size: Size) -> Light:
    """Rays from a point."""
    y, x = _turned(rng, size, rng.uniform(-0.8, 0.8, 2))
    return _profile(rng, int(rng.integers(8, 80)) * np.arctan2(y, x) / (2 * np.pi))


def zebra(rng: Generator, size: Size) -> Light:
    """Black and white bands that bend and vary in width."""
    y, x = _turned(rng, size)
    warp = rng.uniform(5, 20) * smooth(rng, size, int(rng.integers(3, 6)))
    phase = (y + warp + 6 * np.sin(x / rng.uniform(20, 60))) / rng.uniform(14, 40)
    return 1.0 / (1.0 + np.exp(-12.0 * np.sin(2 * np.pi * phase)))


def weave(rng: Generator, size: Size) -> Light:
    """Cloth: threads over and under."""
    y, x = _turned(rng, size)
    thread = rng.uniform(5, 16)
    over = (np.floor(x / thread) + np.floor(y / thread)) % 2
    across, down = np.abs(np.sin(np.pi * x / thread)), np.abs(np.sin(np.pi * y / thread))
    return np.where(over > 0, across, down) * rng.uniform(0.6, 1.0) + 0.05 * smooth(rng, size, 40)


def foam(rng: Generator, size: Size) -> Light:
    """Bubbles or cracked mud: the borders between scattered points."""
    y, x = _grid(size)
    count = max(4, round(size[0] * size[1] / rng.uniform(12, 45) ** 2))
    points = rng.uniform(0, 1, (count, 2)) * size
    nearest = np.full((2, *size), np.inf)
    for cy, cx in points:
        away = np.hypot(y - cy, x - cx)
        nearest[1] = np.minimum(nearest[1], np.maximum(nearest[0], away))
        nearest[0] = np.minimum(nearest[0], away)
    return np.clip((nearest[1] - nearest[0]) / rng.uniform(3, 8), 0.0, 1.0)


def touch(rng: Generator, size: Size) -> Light:
    """Where a round thing touches the glass: 0 to 1."""
    y, x = _turned(rng, size, rng.uniform(-0.2, 0.2, 2))
    reach = rng.uniform(0.3, 0.55, 2) * size
    radius = np.hypot(y / reach[0], x / reach[1]) + 0.05 * smooth(rng, size, 7)
    return 1.0 / (1.0 + np.exp((radius - 0.95) * 40.0))


def smooth(rng: Generator, size: Size, knots: int | tuple[int, int]) -> Light:
    """A smooth random field, bilinear between `knots` of unit variance down and across."""
    counts = (knots, knots) if isinstance(knots, int) else knots
    grid = rng.normal(size=counts)
    for axis, (length, count) in enumerate(zip(size, counts, strict=True)):
        at = np.linspace(0.0, count - 1.0, length)
        low = np.minimum(at.astype(int), count - 2)
        share = (at - low)[:, None] if axis == 0 else at - low
        grid = np.take(grid, low, axis) * (1.0 - share) + np.take(grid, low + 1, axis) * share
    return grid


def _profile(rng: Generator, phase: Light) -> Light:
    """A grating of one period a unit of phase: from a sine to bars, lines thin or thick."""
    sharp, bias = rng.choice([0.8, 2.0, 6.0]), rng.uniform(-0.4, 0.4)
    return 1.0 / (1.0 + np.exp(-2.0 * sharp * (np.sin(2 * np.pi * phase) + bias)))


def _along(rng: Generator, size: Size) -> Light:
    return _turned(rng, size)[0]


def _turned(rng: Generator, size: Size, off: NDArray[np.float64] | tuple[float, float] = (0.0, 0.0)) -> Light:
    """Coordinates (y, x) turned anyhow, the origin at `off` sides from the centre: (2, height, width)."""
    y, x = _grid(size)
    y, x = y - size[0] * (0.5 + off[0]), x - size[1] * (0.5 + off[1])
    turn = rng.uniform(0, np.pi)
    return np.stack([np.cos(turn) * y - np.sin(turn) * x, np.sin(turn) * y + np.cos(turn) * x])


def _grid(size: Size) -> Light:
    return np.indices(size).astype(np.float64)
