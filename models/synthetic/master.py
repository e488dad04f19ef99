"""A finger: class, singularities, orientation of the ridges, and the ridge pattern grown along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """The ridge pattern of one synthetic finger.

    Attributes:
        ridges: float32 (HEIGHT_PX, WIDTH_PX), -1 in the middle of a ridge to 1 in the middle of a valley.
        orientation: float32, same shape, radians in [0, pi), counter-clockwise from the x axis.
        kind: class of the pattern, a key of `parameters.CLASS_SHARES`.
        seed: what it was made from.
    """

    ridges: NDArray[np.float32]
    orientation: NDArray[np.float32]
    kind: str
    seed: int


def master(seed: int) -> Master:
    """The finger that belongs to a seed: the same seed gives the same finger, on every machine."""
    rng = np.random.default_rng([seed, 0])
    kinds, shares = list(p.CLASS_SHARES), np.array(list(p.CLASS_SHARES.values()))
    kind = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
    orientation = _orientation(kind, rng)
    return Master(_grow(orientation, rng.uniform(*p.PERIOD_PX), rng), orientation, kind, seed)


def _orientation(kind: str, rng: Generator) -> NDArray[np.float32]:
    """Orientation by the zero-pole model (Sherlock and Monro, Pattern Recognition 26(7), 1993), arches apart."""
    rows, columns = np.mgrid[0 : p.HEIGHT_PX, 0 : p.WIDTH_PX]
    x = (columns - p.WIDTH_PX / 2) / p.WIDTH_PX
    y = (p.HEIGHT_PX / 2 - rows) / p.HEIGHT_PX
    if kind == "arch":
        rise = rng.uniform(0.8, 1.5) * np.clip(0.75 + y * 1.2, 0.0, 1.2)
        bend = np.cos(np.pi * np.clip(x * 1.25 + rng.normal(0, 0.03) + 0.5, 0.0, 1.0))
        return (np.arctan(rise * bend) % np.pi).astype(np.float32)
    z = x + 1j * y
    near = 0.03 * (rng.normal(size=4) + 1j * rng.normal(size=4))
    if kind == "whorl":
        half = rng.uniform(0.03, 0.10)
        cores = [near[0] + 1j * (0.08 + half), near[0] + 1j * (0.08 - half)]
        deltas = [near[1] - 0.42 - 0.32j, near[2] + 0.42 - 0.32j]
    else:
        side = 1.0 if kind == "left loop" else -1.0
        cores, deltas = [near[0] + 0.07j], [near[1] + side * 0.30 - 0.34j]
    # as many zeros as poles: far away the ridges run level, as below and above a real print
    turn = np.zeros(z.shape)
    for core, delta in zip(cores, deltas, strict=True):
        turn += np.angle(z - core) - np.angle(z - delta)
    return (0.5 * turn % np.pi).astype(np.float32)


def _grow(orientation: NDArray[np.float32], period: float, rng: Generator) -> NDArray[np.float32]:
    """Ridges grown from scattered spots by filters that follow the orientation."""
    h, w = orientation.shape
    spots = max(6, round(p.SEEDS_PER_CM2 * h * w * (2.54 / p.DPI) ** 2))
    pattern = 0.02 * rng.normal(size=(h, w))
    pattern[rng.integers(0, h, spots), rng.integers(0, w, spots)] = 3.0
    bank = _filters((h, w), period)
    turn = orientation / np.pi * p.ORIENTATIONS
    low = np.floor(turn).astype(int) % p.ORIENTATIONS
    for _ in range(p.GROWTH_STEPS):
        spectrum = np.fft.rfft2(pattern)
        filtered = np.empty((h, w))
        for k in range(p.ORIENTATIONS):
            here = low == k
            if here.any():
                filtered[here] = np.fft.irfft2(spectrum * bank[k], s=(h, w))[here]
        pattern = np.tanh(p.GAIN * filtered)
    return pattern.astype(np.float32)


def _filters(shape: tuple[int, int], period: float) -> list[NDArray[np.float64]]:
    """Spectra of even Gabor filters whose ridges run along each orientation."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    width = 1.0 / (2.0 * np.pi * p.FILTER_SIGMA_PERIODS * period)
    bank = []
    for k in range(p.ORIENTATIONS):
        along = np.pi * (k + 0.5) / p.ORIENTATIONS
        # rows run down while angles run up, hence the signs
        ux, uy = -np.sin(along) / period, -np.cos(along) / period
        lobes = [np.exp(-((fx - s * ux) ** 2 + (fy - s * uy) ** 2) / (2 * width**2)) for s in (1, -1)]
        bank.append(lobes[0] + lobes[1])
    return bank
