"""What goes wrong between a finger and the glass: each fault laid over a good impression, from a seed.

For the pictures, the tests of the advice, and the fit of the quality, which should also have seen what a county
jail's sensor sees on a bad day. Dark ridges on a bright ground, 500 dpi; shapes stay as they are. A `strength` above
1 makes it worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.quality.textures import smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Field = NDArray[np.float64]
    Fault = Callable[..., Grey]  # (rng, image, *, strength)


SURROUNDINGS_PX = 9.0  # standard deviation: a ridge period
DARKEST_GREY = 25.0


def dry(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Skin that touches only here and there: ridges thin, pale and broken into specks."""
    grain = _blurred(rng.normal(size=image.shape), rng.uniform(1.2, 2.0))
    touching = grain / grain.std() > rng.uniform(-0.4, 0.2) + 0.6 * (strength - 1.0)
    return _grey(
        _pressed(
            image, -rng.uniform(0.2, 0.6), ink=np.where(touching, 0.9, max(0.0, 0.15 * (2.0 - strength)))
        )
    )


def wet(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Sweat in the valleys: ridges run together in dark patches."""
    pools = smooth(rng, image.shape, int(rng.integers(5, 10)))
    full = pools + rng.uniform(-0.4, 0.4) + 0.8 * (strength - 1.0)
    bias = rng.uniform(0.3, 0.7) + 1.2 * strength / (1.0 + np.exp(-4.0 * full))
    return _grey(_blurred(_pressed(image, bias), rng.uniform(0.8, 1.4) * strength))


def light(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Hardly pressed: thin pale ridges, unbroken, on a smaller spot."""
    pale = _pressed(image, -rng.uniform(0.5, 0.8) * strength, ink=rng.uniform(0.3, 0.5) / strength)
    ground = _ground(image)
    return _grey(ground - _spot(image, rng.uniform(0.4, 0.55), (0.0, 0.0)) * (ground - pale))


def hard(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Pressed too hard: broad dark ridges, hairlines for valleys."""
    return _grey(_pressed(image, rng.uniform(0.7, 0.95) * strength))


def moved(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Slid while it lay there: the print twice, or smeared along its way."""
    way = rng.uniform(0, 2 * np.pi)
    step = np.array([np.sin(way), np.cos(way)])
    if rng.random() < 0.5:
        far = rng.uniform(9, 16) * strength
        again = _shifted(image, step * far)
        return _grey(0.5 * image + 0.5 * again)
    run = np.linspace(0.0, rng.uniform(12, 20) * strength, 12)
    return _grey(np.mean([_shifted(image, step * r) for r in run], axis=0))


def small(rng: Generator, image: Grey, *, strength: float = 1.0) -> Grey:
    """Only the tip touched."""
    ground = _ground(image)
    spot = _spot(image, rng.uniform(0.28, 0.38) / strength, tuple(rng.uniform(-0.1, 0.1, 2)))
    return _grey(ground - spot * (ground - image))


def aside(rng: Generator, image: Grey, side: str = "", *, strength: float = 1.0) -> Grey:
    """The finger lay over one edge of the window: `side` is left, right, top or bottom; empty draws one."""
    side = side or str(rng.choice(["left", "right", "top", "bottom"]))
    share = min(0.75, rng.uniform(0.4, 0.55) * strength)
    off = {"left": (0.0, -share), "right": (0.0, share), "top": (-share, 0.0), "bottom": (share, 0.0)}[side]
    ground = _ground(image)
    tip = ground - _spot(image, 0.62, (0.0, 0.0)) * (ground - image)
    return _grey(_shifted(_grey(tip), np.array(off) * image.shape))


FAULTS: dict[str, Fault] = {
    "dry": dry,
    "wet": wet,
    "light": light,
    "hard": hard,
    "moved": moved,
    "small": small,
    "aside": aside,
}


def _ground(image: Grey) -> float:
    return float(np.percentile(image, 97))


def _pressed(image: Grey, bias: Field | float, *, ink: Field | float = 1.0) -> Field:
    """The print drawn anew with other ridges: `bias` above 0 broadens them, below 0 thins them; about -1 to 1.5.

    Ridge and valley are told apart by the grey level against its surroundings.
    """
    grey = image.astype(np.float64)
    mean = _blurred(grey, SURROUNDINGS_PX)
    spread = np.sqrt(np.maximum(_blurred((grey - mean) ** 2, SURROUNDINGS_PX), 1.0))
    touch = 1.0 / (1.0 + np.exp(-12.0 * (spread / np.percentile(spread, 95) - 0.35)))
    height = _blurred((grey - mean) / spread, 0.7)
    ridges = 1.0 / (1.0 + np.exp(-4.0 * (np.asarray(bias) - height)))
    ground = _ground(image)
    return ground - touch * ridges * ink * (ground - DARKEST_GREY)


def _blurred(field: Field, sigma_px: float) -> Field:
    """Gaussian blur by its spectrum, the borders repeated outwards."""
    margin = round(3 * sigma_px) + 1
    wide = np.pad(field, margin, mode="edge")
    fy, fx = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None, :]
    soft = np.exp(-2.0 * (np.pi * sigma_px) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(wide) * soft, s=wide.shape)[margin:-margin, margin:-margin]


def _shifted(image: Grey, by_px: NDArray[np.float64]) -> Field:
    """The image moved down and right by whole pixels, the ground where it came from."""
    dy, dx = (round(float(b)) for b in by_px)
    height, width = image.shape
    moved_image = np.full(image.shape, _ground(image))
    moved_image[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)] = image[
        max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)
    ]
    return moved_image


def _spot(image: Grey, reach: float, off: tuple[float, ...]) -> Field:
    """Where a round spot touches: 0 to 1; `reach` and `off` in shares of the shorter side and of the sides."""
    y, x = np.indices(image.shape)
    height, width = image.shape
    radius = np.hypot(y - height * (0.5 + off[0]), x - width * (0.5 + off[1])) / (reach * min(height, width))
    return 1.0 / (1.0 + np.exp((radius - 1.0) * 20.0))


def _grey(field: Field) -> Grey:
    return np.clip(np.rint(field), 0, 255).astype(np.uint8)
