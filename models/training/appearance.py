"""How a crop looks: the skin's pressure, moisture and scars, and the sensor's optics, noise, window and levels.

Every change is local as often as not: on a real print one side is wet and the other dry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training.parameters import CROP_PX, Recipe

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Image = "NDArray[np.float32]"  # (CROP_PX, CROP_PX), grey levels, 0 to 255 or a little beyond
DEFAULT = Recipe()
_GRID_Y, _GRID_X = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)


def field(rng: Generator, knots: int) -> NDArray[np.float32]:
    """A smooth random field over the crop, of unit variance at its knots."""
    return cv2.resize(
        rng.standard_normal((knots, knots), np.float32), (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC
    )


def skin(image: NDArray[np.uint8], background: int, rng: Generator) -> NDArray[np.float32]:
    """Pressure, moisture, creases, a finger that moved, and what earlier fingers left."""
    x = image.astype(np.float32)
    if rng.random() < 0.35:
        x = _pressed(x, rng)
    draw = rng.random()
    if draw < 0.10:
        x = _wet(x, rng)
    elif draw < 0.35:
        x = _dry(x, background, rng)
    if rng.random() < 0.12:
        _creases(x, rng)
    if rng.random() < 0.12:  # dirt
        x = x - rng.uniform(10, 50) * (field(rng, 24) > 0.8)
    if rng.random() < 0.08:
        x = _ghost(x, background, rng)
    if rng.random() < 0.04:
        x = _smeared(x, rng)
    return x


def _blend(x: NDArray[np.float32], changed: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """The change over the whole crop, or over a part of it with soft borders."""
    share = np.float32(rng.uniform(0.3, 1.0))
    if rng.random() < 0.5:
        share = share / (1.0 + np.exp(-4.0 * (field(rng, 4) + np.float32(rng.uniform(-0.5, 0.8)))))
    return x + share * (changed - x)


def _pressed(x: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Ridges grow under pressure and thin under a light touch."""
    size = 3 if rng.random() < 0.8 else 4
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return _blend(x, cv2.erode(x, kernel) if rng.random() < 0.5 else cv2.dilate(x, kernel), rng)


def _wet(x: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Valleys fill: the ridges' darkness creeps over them, and contrast is lost."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    filled = cv2.GaussianBlur(cv2.erode(x, kernel), (0, 0), rng.uniform(0.6, 1.6))
    dark = np.percentile(x, 10)
    filled = dark + (filled - dark) * np.float32(rng.uniform(0.5, 1.0))
    return _blend(x, filled.astype(np.float32), rng)


def _dry(x: NDArray[np.float32], background: int, rng: Generator) -> NDArray[np.float32]:
    """Ridges print in specks, coarse or fine, and fade."""
    speck = cv2.GaussianBlur(rng.standard_normal(x.shape, np.float32), (0, 0), rng.uniform(0.7, 1.8))
    missing = speck > rng.uniform(0.3, 1.8) * speck.std()
    bright = max(float(background), float(np.percentile(x, 95)))
    return _blend(x, np.where(missing, x + rng.uniform(0.4, 1.0) * (bright - x), x), rng)


def _creases(x: NDArray[np.float32], rng: Generator) -> None:
    for _ in range(int(rng.integers(1, 6))):
        (ax, ay), turn, length = rng.uniform(0, CROP_PX, 2), rng.uniform(0, 2 * np.pi), rng.uniform(20, 200)
        along = np.linspace(0.0, length, 12)
        bend = rng.normal(0.0, 0.002) * along**2
        points = np.stack(
            [
                ax + np.cos(turn) * along - np.sin(turn) * bend,
                ay + np.sin(turn) * along + np.cos(turn) * bend,
            ],
            1,
        )
        grey = float(rng.uniform(160, 255))
        cv2.polylines(
            x, [np.rint(points).astype(np.int32)], False, grey, int(rng.integers(1, 4)), cv2.LINE_AA
        )


def _ghost(x: NDArray[np.float32], background: int, rng: Generator) -> NDArray[np.float32]:
    """What the finger before left on the glass: a faint print, turned and shifted, under this one."""
    matrix = cv2.getRotationMatrix2D((CROP_PX / 2, CROP_PX / 2), rng.uniform(0, 360), 1.0)
    matrix[:, 2] += rng.uniform(-60, 60, 2)
    other = cv2.warpAffine(x, matrix, (CROP_PX, CROP_PX), borderValue=float(background))
    return x - np.float32(rng.uniform(0.1, 0.35)) * np.maximum(0.0, background - other)


def _smeared(x: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """The finger moved by up to about a ridge while it was read."""
    steps, turn = int(rng.integers(2, 7)), rng.uniform(0, np.pi)
    kernel = np.zeros((9, 9), np.float32)
    along = np.linspace(-0.5, 0.5, 16) * steps
    kernel[np.rint(4 + along * np.sin(turn)).astype(int), np.rint(4 + along * np.cos(turn)).astype(int)] = 1.0
    return cv2.filter2D(x, -1, kernel / kernel.sum())


def sensor(
    image: NDArray[np.float32], background: int, rng: Generator, recipe: Recipe = DEFAULT
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Sharpness, light, noise, window and levels. Also the mask of pixels that the window leaves."""
    x = image
    if not recipe.sensor:
        return _in_levels(x, rng, recipe), np.ones(x.shape, np.bool_)
    if rng.random() < 0.15:  # a coarser sensor
        share = rng.uniform(0.55, 0.9)
        small = cv2.resize(x, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        x = cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
    draw = rng.random()
    if draw < 0.3:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.5))
    elif draw < 0.45:
        x = x + rng.uniform(0.3, 1.2) * (x - cv2.GaussianBlur(x, (0, 0), 1.5))
    if rng.random() < 0.75:  # contrast, brightness, gamma
        x = 255.0 * np.power(np.clip(x / 255.0, 0.0, 1.0), 2.0 ** rng.uniform(-0.9, 0.9))
        x = (x - 128.0) * 2.0 ** rng.uniform(-1.5, 0.7) + 128.0 + rng.uniform(-50, 50)
    if rng.random() < 0.3:  # uneven light or pressure
        x = (x - 160.0) * (1.0 + 0.3 * field(rng, 4)) + 160.0 + rng.uniform(0, 25) * field(rng, 4)
    if rng.random() < 0.5:
        x = x + rng.uniform(1, 18) * rng.standard_normal(x.shape, np.float32)
    if rng.random() < 0.1:  # capacitive rows and columns
        x = x + rng.uniform(2, 12) * rng.standard_normal((CROP_PX, 1), np.float32)
        x = x + rng.uniform(2, 12) * rng.standard_normal((1, CROP_PX), np.float32)
    if rng.random() < 0.05:
        x = np.where(rng.random(x.shape) < 0.03, rng.uniform(0, 255), x)
    seen = np.ones(x.shape, np.bool_)
    if rng.random() < 0.3:  # the edge of the sensor's window, straight or round
        at = int(rng.integers(8, CROP_PX // 2))
        side = rng.integers(5)
        if side == 4:
            radius = rng.uniform(0.35, 0.75) * CROP_PX
            seen = radius**2 > (_GRID_X - CROP_PX / 2) ** 2 + (_GRID_Y - CROP_PX / 2) ** 2
        elif side % 2:
            (seen[:at] if side == 1 else seen[-at:])[:] = False
        else:
            (seen[:, :at] if side == 0 else seen[:, -at:])[:] = False
        x = np.where(seen, x, rng.choice([255.0, float(background), rng.uniform(0, 255)]))
    return _in_levels(x, rng, recipe), seen


def _in_levels(x: NDArray[np.float32], rng: Generator, recipe: Recipe) -> NDArray[np.uint8]:
    """Grey levels as bytes; some of them 16 only, as the serial sensors send them."""
    out = np.clip(np.rint(x), 0, 255).astype(np.uint8)
    return (out >> 4) * np.uint8(17) if rng.random() < recipe.levels else out
