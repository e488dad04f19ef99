"""Pictures that look like a print and are nobody's: ridges as a wave whose phase has spirals in it.

A ridge that ends or forks is a spiral in the phase of the ridges' wave (Larkin and Fletcher 2007, "A coherent
framework for fingerprint analysis: are fingerprints holograms?", section 3). Good enough to look at and to
compare by hash; for recognition there is `models.synthetic`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERIOD_PX = 9.0
"""Distance of ridges at 500 dpi: about 0.45 mm."""
_MINUTIAE = 24


def made_up_print(number: int, *, width: int = 256, height: int = 288) -> NDArray[np.uint8]:
    """Print `number` as uint8 (height, width), ridges dark; the same for the same number."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    centre_y, centre_x = height * random.uniform(0.4, 0.6), width * random.uniform(0.4, 0.6)
    across, along = x - centre_x, (y - centre_y) * random.uniform(0.6, 0.9)
    radius = np.hypot(across, along)
    bend = random.uniform(6, 14) * np.sin(np.arctan2(along, across) * 2 + random.uniform(0, 6.3))
    phase = 2 * np.pi * (radius + bend * np.minimum(radius / 60, 1)) / _PERIOD_PX
    for _ in range(_MINUTIAE):
        at_y, at_x = random.uniform(20, height - 20), random.uniform(20, width - 20)
        phase += random.choice([-1, 1]) * np.arctan2(y - at_y, x - at_x)
    ridges = 128 + 90 * np.cos(phase) + random.normal(0, 10, (height, width))
    outside = ((y - height / 2) / (height * 0.48)) ** 2 + ((x - width / 2) / (width * 0.46)) ** 2
    fade = np.clip((outside - 0.85) / 0.15, 0, 1)
    return np.clip(ridges * (1 - fade) + 235 * fade, 0, 255).astype(np.uint8)
