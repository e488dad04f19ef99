"""Jurisdictions whose rates lie further from all others' than chance and their usual spread would put them.

A funnel: each jurisdiction's count is compared with what it would be at everybody's rate, as a z-score on the scale on
which proportions spread evenly (the arcsine of the root); the spread that jurisdictions have anyway widens it (random
effects); of many tests only so many may point at somebody by chance (Benjamini and Hochberg, Journal of the Royal
Statistical Society B 57(1), 1995). After Spiegelhalter, Statistics in Medicine 24, 1185-1202, 2005, sections 4 and 5.

An outlier is a question, not an answer: it says where somebody should look.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.oversight.parameters import FALSE_DISCOVERY_RATE, FEWEST_TRIALS, OVERDISPERSION_TRIM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FEWEST_JURISDICTIONS = 3  # with two, neither can be said to be the odd one


@dataclass(frozen=True, slots=True)
class Outlier:
    """A jurisdiction that stands out: `events` of `trials`, where `expected` would be at everybody's rate."""

    jurisdiction: str
    events: int
    trials: int
    expected: float
    z: float
    p: float

    @property
    def rate(self) -> float:
        """Events by trial."""
        return self.events / self.trials


@dataclass(frozen=True, slots=True)
class Funnel:
    """The test's result: everybody's rate, the spread beyond chance, how many were tested, and who stands out."""

    rate: float
    spread: float
    tested: int
    outliers: tuple[Outlier, ...]

    def limits(self, trials: int, z: float = 3.0) -> tuple[float, float]:
        """Between which rates a jurisdiction of so many `trials` does not stand out at `z`."""
        half = z * sqrt(1.0 / (4.0 * max(trials, 1)) + self.spread**2)
        middle = asin(sqrt(self.rate))
        low, high = max(0.0, middle - half), min(np.pi / 2, middle + half)
        return float(np.sin(low) ** 2), float(np.sin(high) ** 2)


def find_outliers(counts: Mapping[str, tuple[int, int]]) -> Funnel:
    """Test every jurisdiction's (events, trials) that has `FEWEST_TRIALS` or more."""
    tested = [name for name, (_, trials) in counts.items() if trials >= FEWEST_TRIALS]
    events = np.array([counts[name][0] for name in tested], dtype=np.float64)
    trials = np.array([counts[name][1] for name in tested], dtype=np.float64)
    if len(tested) < FEWEST_JURISDICTIONS or not trials.sum():
        rate = float(events.sum() / trials.sum()) if tested else 0.0
        return Funnel(rate, 0.0, len(tested), ())
    rate = float(events.sum() / trials.sum())
    away = np.arcsin(np.sqrt(events / trials)) - asin(sqrt(rate))
    variance = 1.0 / (4.0 * trials)
    spread = _spread(away, variance)
    z = away / np.sqrt(variance + spread**2)
    p = np.array([erfc(abs(value) / sqrt(2.0)) for value in z])
    order = np.argsort(p)
    passing = np.flatnonzero(p[order] <= FALSE_DISCOVERY_RATE * np.arange(1, len(p) + 1) / len(p))
    pointed = order[: passing[-1] + 1] if len(passing) else order[:0]
    found = (
        Outlier(tested[i], int(events[i]), int(trials[i]), rate * float(trials[i]), float(z[i]), float(p[i]))
        for i in pointed
    )
    return Funnel(rate, spread, len(tested), tuple(sorted(found, key=lambda outlier: outlier.p)))


def _spread(away: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Standard deviation between jurisdictions beyond chance, from z-scores whose tails were drawn in."""
    z = away / np.sqrt(variance)
    low, high = np.quantile(z, (OVERDISPERSION_TRIM, 1.0 - OVERDISPERSION_TRIM))
    drawn_in = np.clip(z, low, high)
    weights = 1.0 / variance
    excess = float((drawn_in**2).sum()) - (len(z) - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return sqrt(max(0.0, excess / scale))
