"""Angles and soft steps, as the kernels need them."""

from __future__ import annotations

import math

from matcher_service.search.compiled import kernel

TWO_PI = 2.0 * math.pi


@kernel
def turn_between(a: float, b: float) -> float:
    """Signed angle from b to a, radians in [-pi, pi); for any a and b."""
    d = a - b
    return d - TWO_PI * math.floor(d / TWO_PI + 0.5)


@kernel
def falling(value: float, middle: float, slope: float) -> float:
    """1 for a small value, 0 for a large one: the sigmoid of MCC, eq. 20, falling."""
    return 1.0 / (1.0 + math.exp(slope * (value - middle)))
