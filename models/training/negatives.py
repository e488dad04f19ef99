"""Crops that are no fingerprint, so that the network learns to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.quality.nonprints import nonprint
from models.training.appearance import field, sensor
from models.training.augment import CELLS, targets
from models.training.parameters import CROP_PX

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


def negative(rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """A crop without a print: a made-up picture, noise, clouds or a gradient, as a sensor might give it."""
    kind = rng.random()
    if kind < 0.7:
        x = nonprint(rng, (CROP_PX, CROP_PX)).astype(np.float32)
    elif kind < 0.8:
        x = rng.uniform(0, 255) + rng.uniform(0, 80) * rng.standard_normal((CROP_PX, CROP_PX), np.float32)
    elif kind < 0.9:
        x = 128 + 60 * field(rng, int(rng.integers(3, 60)))
    else:
        x = np.full((CROP_PX, CROP_PX), rng.uniform(0, 255), np.float32)
        x += rng.uniform(0, 1.5) * np.arange(CROP_PX, dtype=np.float32)
    image, _ = sensor(x.astype(np.float32), int(rng.integers(256)), rng)
    return image, targets(np.zeros((0, 5), np.float32), np.zeros((CELLS, CELLS), np.bool_))
