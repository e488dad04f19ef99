"""Images that are no fingerprints: stripes, rings, text, faces and the like, drawn from seeds.

For the test that nothing of the kind gets through the extractor, and as negatives for the network's training.
The kinds in `HELD_OUT` are drawn only when they are asked for by name: neither the network nor the rule that
refuses non-prints has been tuned on them, so the figure that they give is a fair one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.quality import drawings, textures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Draw = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]

SIZES_PX = ((192, 192), (288, 256), (500, 500))
"""Heights and widths of the test set: R503, R307, and a desktop scanner."""

_DRAW: dict[str, Draw] = {
    "blank": textures.blank,
    "noise": textures.noise,
    "clouds": textures.clouds,
    "stripes": textures.stripes,
    "waves": textures.waves,
    "rings": textures.rings,
    "spiral": textures.spiral,
    "checkerboard": textures.checkerboard,
    "moire": textures.moire,
    "wood": textures.wood,
    "leaves": textures.leaves,
    "glove": textures.glove,
    "text": drawings.text,
    "face": drawings.face,
    "barcode": drawings.barcode,
    "bricks": drawings.bricks,
    "scratches": drawings.scratches,
    "fan": textures.fan,
    "zebra": textures.zebra,
    "weave": textures.weave,
    "foam": textures.foam,
    "qr code": drawings.qr_code,
    "keys": drawings.keys,
}
HELD_OUT = ("fan", "zebra", "weave", "foam", "qr code", "keys")
KINDS = tuple(kind for kind in _DRAW if kind not in HELD_OUT)


def nonprint(rng: Generator, size: tuple[int, int], kind: str | None = None) -> NDArray[np.uint8]:
    """One image that is no fingerprint.

    Args:
        rng: what everything is drawn from; the same state gives the same image.
        size: (height, width) in pixels.
        kind: one of `KINDS` or `HELD_OUT`; None draws one of `KINDS`.

    Returns:
        uint8 (height, width), in grey, of 16 levels as from a serial sensor in half of the cases.
    """
    if kind is None:
        kind = KINDS[int(rng.integers(len(KINDS)))]
    light = _DRAW[kind](rng, size)
    return _as_sensed(rng, light)


def example(kind: str, seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The `seed`-th image of a kind, uint8 (height, width): the same on every machine."""
    number = tuple(_DRAW).index(kind)
    return nonprint(np.random.default_rng([seed, number, *size]), size, kind)


def _as_sensed(rng: Generator, light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What a sensor makes of a scene of 0 (black) to 1 (white): contrast, contact, noise, grey levels."""
    dark, bright = rng.uniform(0, 90), rng.uniform(160, 255)
    if rng.random() < 0.3:
        light = 1.0 - light
    if rng.random() < 0.3:  # seen only where a round thing touches the glass
        touch = textures.touch(rng, light.shape)
        light = 1.0 - touch * (1.0 - light)
    grey = dark + (bright - dark) * np.clip(light, 0.0, 1.0)
    grey = np.clip(grey + rng.normal(0, rng.choice([0.0, 2.0, 6.0, 12.0]), light.shape), 0, 255)
    seen = np.rint(grey).astype(np.uint8)
    return (seen // 16 * 17).astype(np.uint8) if rng.random() < 0.5 else seen
