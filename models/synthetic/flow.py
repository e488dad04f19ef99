"""Orientation of the ridges: class -> singularities -> flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Singularities:
    """Where a finger's ridges turn round or part, pixels of the master.

    Attributes:
        cores: (x, y) of each core.
        deltas: (x, y) of each delta.
    """

    cores: tuple[tuple[float, float], ...]
    deltas: tuple[tuple[float, float], ...]


def flow(kind: str, rng: Generator, shape: tuple[int, int]) -> tuple[NDArray[np.float64], Singularities]:
    """Orientation in radians in [0, pi), counter-clockwise, float64 `shape`, and its singularities."""
    cores, deltas = _place(kind, rng)
    z, back = _plane(rng, shape)
    middle = (0.5 * sum(c.real for c in cores) / len(cores)) if cores else rng.normal(0, 0.05)
    arching = _arching(kind, middle, rng)
    bends = [rng.normal(0, 0.08, 4) for _ in deltas]
    hollows = [rng.uniform(*p.CORE_ROUNDNESS) for _ in cores]

    def turn(z: NDArray[np.complex128], opens: list[float], without: int = -1) -> NDArray[np.float64]:
        total = arching(z)
        for delta, bend in zip(deltas, bends, strict=True):
            total -= 0.5 * _bent(np.angle(z - delta), bend)
        for k, (core, hollow) in enumerate(zip(cores, hollows, strict=True)):
            if k != without:
                total += 0.5 * _core(z - core, opens[k], hollow)
        return total

    # A core's ridges run along the side to which it opens: half the turn there plus all others' is its direction.
    opens = [0.0] * len(cores)
    for _ in range(4):
        opens = [2.0 * float(turn(np.array([c]), opens, k)[0]) for k, c in enumerate(cores)]
    angle = turn(z, opens)
    if kind == "whorl":  # rings to spirals, either way round
        near = np.exp(-(np.abs(z - sum(cores) / 2) ** 2) / (2 * 0.28**2))
        angle += np.clip(rng.normal(0, p.SPIRAL_RAD), -2 * p.SPIRAL_RAD, 2 * p.SPIRAL_RAD) * near
    angle += np.deg2rad(p.FLOW_NOISE_DEG) * smooth(rng, shape, p.FLOW_NOISE_PX * shape[0] / p.HEIGHT_PX)
    return angle % np.pi, Singularities(tuple(back(c) for c in cores), tuple(back(d) for d in deltas))


def _core(z: NDArray[np.complex128], opens: float, hollow: float) -> NDArray[np.float64]:
    """Twice the turn of the ridges about a core: none where it opens, all of it round the head of the loop."""
    beyond = np.angle(z * np.exp(-1j * opens))
    share = hollow * (0.35 + 0.65 * np.exp(-(np.abs(z) ** 2) / (2 * 0.5**2)))
    return opens + beyond - share * np.sin(beyond)


def _plane(
    rng: Generator, shape: tuple[int, int]
) -> tuple[NDArray[np.complex128], Callable[[complex], tuple[float, float]]]:
    """Complex coordinates of the pixels, y up, in units of half the master's width, a little warped; and back."""
    h, w = shape
    scale = w / 2
    rows, columns = np.mgrid[0:h, 0:w]
    bend = [p.WARP * smooth(rng, shape, 0.35 * w).astype(np.float64) for _ in range(2)]
    z = (columns - (w - 1) / 2) / scale + 1j * ((h - 1) / 2 - rows) / scale + bend[0] + 1j * bend[1]

    def back(point: complex) -> tuple[float, float]:
        row, column = np.unravel_index(np.argmin(np.abs(z - point)), z.shape)
        ratio = p.WIDTH_PX / w
        return float((column + 0.5) * ratio - 0.5), float((row + 0.5) * ratio - 0.5)

    return z, back


def _place(kind: str, rng: Generator) -> tuple[list[complex], list[complex]]:
    """Cores and deltas of a class."""
    n = rng.normal
    top = complex(n(0, 0.06), 0.12 + n(0, 0.08))
    if kind == "arch":
        return [], []
    if kind == "tented arch":
        return [top], [top + complex(n(0, 0.03), -rng.uniform(0.35, 0.65))]
    if kind in {"left loop", "right loop"}:
        side = (
            1.0 if kind == "left loop" else -1.0
        )  # a left loop leaves to the left, its delta is on the right
        return [top], [top + complex(side * rng.uniform(0.34, 0.70), -rng.uniform(0.55, 0.90))]
    if kind == "whorl":
        apart = rng.uniform(0.10, 0.42)
        tilt = n(0, 0.20)
    else:
        apart = rng.uniform(0.42, 0.62)
        tilt = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
    span = apart * np.exp(1j * (np.pi / 2 + tilt))
    low = top.real + 1j * (top.imag - 0.10)
    deltas = [low + complex(s * rng.uniform(0.58, 0.86), -rng.uniform(0.55, 0.85)) for s in (-1, 1)]
    return [low + span / 2, low - span / 2], deltas


def _bent(angle: NDArray[np.float64], bend: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle about a singularity, bent: Vizcaya and Gerhardt's correction, with waves for their line pieces."""
    a, b, c, d = bend
    return angle + a * np.sin(angle) + b * np.cos(angle) + c * np.sin(2 * angle) + d * np.cos(2 * angle)


def _arching(
    kind: str, middle: float, rng: Generator
) -> Callable[[NDArray[np.complex128]], NDArray[np.float64]]:
    """The flow without singularities: level at the joint, arching over the tip, steep at the sides."""
    factor, steep = rng.uniform(*p.SLANT_SPREAD), rng.uniform(*p.ARCH_STEEPNESS)

    def arch(z: NDArray[np.complex128]) -> NDArray[np.float64]:
        rise = np.interp(z.imag, p.ARCH_HEIGHTS, p.ARCH_RISE)
        return -np.arctan(steep * rise * np.sin(np.pi * np.clip(0.9 * (z.real - middle), -1, 1)))

    def other(z: NDArray[np.complex128]) -> NDArray[np.float64]:
        share = np.interp(z.imag, p.SLANT_HEIGHTS, p.SLANT_SHARE)
        return -p.SLANT_RAD[kind] * factor * np.tanh((z.real - middle) / 0.7) * share

    return arch if kind == "arch" else other
