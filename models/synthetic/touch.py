"""One touch of a finger on a sensor, with the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae
from models.synthetic import flaws, truth
from models.synthetic import parameters as p
from models.synthetic.looks import LOOKS
from models.synthetic.noise import smooth
from models.synthetic.placement import contact, placed

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from models.synthetic.master import Master
    from models.synthetic.placement import Placement


@dataclass(frozen=True, slots=True, eq=False)
class Touch:
    """One impression and what is true of it.

    Attributes:
        image: uint8 (height, width), dark ridges.
        minutiae: those that lie on the glass and in the window; quality in proportion to how legible the ridges
            about them are, finger_quality to all of it.
        mask: bool (height, width), where skin touches.
        placement: where the window lies on the finger.
        finger: the finger.
        look: key of `LOOKS`.
        difficulty: 0 easy to 1 hard.
    """

    image: NDArray[np.uint8]
    minutiae: Minutiae
    mask: NDArray[np.bool_]
    placement: Placement
    finger: Master
    look: str
    difficulty: float

    def orientation(self) -> NDArray[np.float32]:
        """Orientation of the ridges, float32 (height, width), radians in [0, pi), counter-clockwise."""
        rows = np.clip(np.rint(self.placement.map_y).astype(int), 0, p.HEIGHT_PX - 1)
        columns = np.clip(np.rint(self.placement.map_x).astype(int), 0, p.WIDTH_PX - 1)
        turned = self.finger.orientation[rows, columns] + np.float32(self.placement.turn)
        return (turned % np.float32(np.pi)).astype(np.float32)


def touch(
    finger: Master,
    number: int,
    *,
    window: tuple[int, int] = (384, 320),
    dpi: float = p.DPI,
    look: str | None = None,
    levels: int = 256,
    difficulty: float | None = None,
    with_truth: bool = True,
) -> Touch:
    """The `number`-th touch of a finger.

    Args:
        finger: from `master`.
        number: 0 or more; the same number with the same options is the same touch.
        window: height and width in pixels.
        dpi: resolution.
        look: key of `LOOKS`; drawn at random when None.
        levels: grey levels, 2 to 256; 16 is what the serial sensors send (0, 17, ... 255).
        difficulty: 0 easy to 1 hard: wet or dry skin, little of it, distortion, dirt; drawn when None.
        with_truth: False leaves the minutiae out (an empty record) and saves a millisecond.

    Raises ValueError for a look, a window, a resolution or a number of levels that there is not.
    """
    _check(look, window, dpi, levels)
    rng = np.random.default_rng([finger.seed, 1, number])
    drawn, any_look = float(rng.beta(*p.DIFFICULTY_BETA)), list(LOOKS)[int(rng.integers(len(LOOKS)))]
    hard = drawn if difficulty is None else float(np.clip(difficulty, 0, 1))
    kind = any_look if look is None else look
    sensor = LOOKS[kind].drawn(rng)
    scale = p.DPI / dpi
    placement = placed(rng, window, scale, hard)
    ink, clean, radius = _pressed(rng, finger, placement, sensor, hard)
    image = _levelled(_shown(rng, finger, ink, radius, sensor, scale=scale, hard=hard), levels)
    mask = radius < 1.0
    minutiae = (
        truth.visible(finger, placement, image=image, clean=clean, ink=ink, mask=mask, dpi=dpi)
        if with_truth
        else Minutiae.empty(width=window[1], height=window[0], dpi=dpi)
    )
    return Touch(image, minutiae, mask, placement, finger, kind, hard)


def _check(look: str | None, window: tuple[int, int], dpi: float, levels: int) -> None:
    if look is not None and look not in LOOKS:
        raise ValueError(f"no look is called {look!r}; there are {', '.join(LOOKS)}")
    if min(window) < p.LEAST_WINDOW_PX or max(window) > p.MOST_WINDOW_PX:
        raise ValueError(
            f"a window of {window[1]}x{window[0]} pixels; give sides of {p.LEAST_WINDOW_PX} to {p.MOST_WINDOW_PX}"
        )
    if not p.LEAST_DPI <= dpi <= p.MOST_DPI:
        raise ValueError(f"{dpi:g} dpi; give {p.LEAST_DPI:g} to {p.MOST_DPI:g}")
    if not 2 <= levels <= 256:
        raise ValueError(f"{levels} grey levels; give 2 to 256, and 16 for the serial sensors")


def _pressed(
    rng: Generator, finger: Master, placement: Placement, sensor: dict[str, float], hard: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Ink, clean ridges and radius of a touch: skin from wet to dry, unevenly so, pressed on the glass."""
    from models.synthetic import touch_kernels

    window, scale = placement.map_x.shape, placement.scale
    damp = float(np.clip(rng.normal(0.0, p.DAMP_SPREAD[0] + p.DAMP_SPREAD[1] * hard), *p.DAMP))  # wet to dry
    area = contact(rng, placement.middle, hard)
    uneven, middling, blotchy = (smooth(rng, window, max(2.0, s / scale)) for s in p.SKIN_NOISE_PX)
    blotches = np.float32(0.12 + 0.36 * hard) * uneven + np.float32(0.08 + 0.22 * hard) * middling
    blotches += np.float32(sensor["blotches"] * (0.5 + abs(damp))) * blotchy
    grain = touch_kernels.soften(rng.standard_normal(window, dtype=np.float32), np.float32(0.22))
    grain *= np.float32(2.2 * sensor["grain"] * (0.45 + 0.9 * max(damp, 0) + 0.3 * hard))
    flaws.scratch(rng, grain, scale, hard)
    flaws.gaps(rng, grain, middling + np.float32(2) * blotches, scale, hard)
    ink, clean, radius = touch_kernels.press(
        placement.map_x,
        placement.map_y,
        finger.skin,
        area,
        middling,
        blotches,
        grain,
        np.float32(p.PRESS_DAMP * damp + rng.normal(0, 0.08)),
        np.float32(sensor["sharp"]),
        np.float32(sensor["pores"] * np.clip(0.8 - damp, 0.2, 1.0)),
        np.float32(rng.uniform(*p.CREASE_DEPTH)),
    )
    ink *= np.float32(1 - 0.18 * hard) + np.float32(0.06) * uneven + np.float32(0.05) * middling
    return ink, clean, radius


def _shown(
    rng: Generator,
    finger: Master,
    ink: NDArray[np.float32],
    radius: NDArray[np.float32],
    sensor: dict[str, float],
    *,
    scale: float,
    hard: float,
) -> NDArray[np.float32]:
    """Grey levels of the ink as a sensor shows it."""
    from models.synthetic import touch_kernels

    h, w = ink.shape
    ground = np.float32(sensor["ground"]) + np.float32(sensor["clouds"]) * smooth(rng, (h, w), 60.0 / scale)
    ground += np.float32(sensor["stripes"]) * smooth(rng, (1, w), 2.0)
    down = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    tilt = rng.normal(0, 0.35, 2).astype(np.float32)
    ground -= np.float32(sensor["vignette"]) * (
        0.5 * (down**2 + across**2) + tilt[0] * down + tilt[1] * across
    )
    if rng.random() < sensor["dirt"] * (0.3 + hard):
        ground -= flaws.dirt(rng, (h, w), scale) * np.float32(p.DIRT_DEPTH * sensor["depth"])
        if rng.random() < p.LATENT_SHARE:
            ground -= flaws.latent(rng, (h, w), scale, finger) * np.float32(p.LATENT_DEPTH * sensor["depth"])
    touching = np.clip((1.05 - radius) / 0.1, 0, 1)
    light = ground - np.float32(sensor["halo"]) * touching - np.float32(sensor["depth"]) * ink
    light = touch_kernels.soften(light, np.float32(sensor["blur"]))
    # bright pixels are noisier than dark ones
    noise = np.float32(sensor["noise"] * 0.4) + np.float32(sensor["noise"] * 0.6 / sensor["ground"]) * light
    light += noise * rng.standard_normal((h, w), dtype=np.float32)
    return 128 + (light - 128) * np.float32(sensor["stretch"])


def _levelled(grey: NDArray[np.float32], levels: int) -> NDArray[np.uint8]:
    """The image in so many grey levels, spread over 0 to 255."""
    shade = np.clip(np.rint(grey), 0, 255)
    if levels != 256:
        shade = np.rint(np.floor(shade * (levels / 256.0)) * (255.0 / (levels - 1)))
    return shade.astype(np.uint8)
