"""Angles, as the kernels need them."""

from __future__ import annotations

import math

from matcher_service.search.compiled import kernel

TWO_PI = 2.0 * math.pi


@kernel
def turn_between(a: float, b: float) -> float:
    """Signed angle from b to a, radians in [-pi, pi); for any a and b."""
    d = a - b
    return d - TWO_PI * math.floor(d / TWO_PI + 0.5)
