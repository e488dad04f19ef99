"""From a file to the pixels that every system is given: load, resample, crop round the print, quantise.

The conditions imitate a serial sensor: ``--window 256x288 --levels 16`` is what an R307 sends, 13.0 x
14.6 mm at 500 dpi and the top four bits of each pixel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.errors import BenchmarkError, ImageError
from benchmarks.accuracy.parameters import (
    ACTIVITY_BOX_PX,
    ACTIVITY_FLOOR_GREY,
    ACTIVITY_SHARE,
    BACKGROUND_SHARE,
    WORKING_DPI,
)
from edge_service.extraction import ImageRefused, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a sensor would do to a print.

    Attributes:
        window: (width, height) in pixels at 500 dpi, or None for the whole image.
        levels: number of grey levels, a power of two of 2 to 256, or None for all 256.
    """

    window: tuple[int, int] | None = None
    levels: int | None = None

    def __post_init__(self) -> None:
        if self.window is not None and not all(16 <= side <= 4096 for side in self.window):
            raise BenchmarkError(f"--window {self}: each side should be 16 to 4096 pixels")
        if self.levels is not None and self.levels not in (2, 4, 8, 16, 32, 64, 128, 256):
            raise BenchmarkError(f"--levels {self.levels}: a sensor has 2, 4, 8, 16, 32, 64, 128 or 256")

    def __str__(self) -> str:
        size = "whole image" if self.window is None else "{}x{}".format(*self.window)
        return size if self.levels is None else f"{size}, {self.levels} grey levels"

    def apply(self, image: NDArray[np.uint8], dpi: float) -> NDArray[np.uint8]:
        """The print as the sensor would send it: uint8 (height, width) at 500 dpi."""
        seen = resample(image, dpi)
        if self.window is not None:
            seen = crop_window(seen, *self.window)
        if self.levels is not None:
            seen = quantise(seen, self.levels)
        return seen


def parse_window(text: str) -> tuple[int, int]:
    """Width and height from ``256x288``."""
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if match is None:
        raise BenchmarkError(f"--window {text}: expected WIDTHxHEIGHT in pixels, for example 256x288")
    return int(match[1]), int(match[2])


def load_grey(path: Path) -> NDArray[np.uint8]:
    """The image as uint8 (height, width), row 0 at the top, dark ridges as the file has them.

    Grey stored as colour (all channels alike) is taken; real colour, 16 bits a pixel, bilevel images and
    broken files are refused with ImageError: a benchmark does not guess how they should become grey.
    """
    try:
        return read_image(path, exact=True)
    except ImageRefused as error:
        raise ImageError(path, f"{error.fault}; {error.remedy}") from error


def resample(image: NDArray[np.uint8], dpi: float) -> NDArray[np.uint8]:
    """The image at 500 dpi: bicubic, with the filter widened when shrinking so that nothing aliases."""
    if abs(dpi - WORKING_DPI) < 0.5:
        return image
    from PIL import Image

    height, width = image.shape
    size = (max(1, round(width * WORKING_DPI / dpi)), max(1, round(height * WORKING_DPI / dpi)))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), np.uint8)


def quantise(image: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Keep the top bits, as the sensor does, spread over 0 to 255 again: 16 levels are ``(v >> 4) * 17``."""
    bits = levels.bit_length() - 1
    table = (np.arange(256) >> (8 - bits)) * 255.0 / (levels - 1)
    return np.round(table).astype(np.uint8)[image]


def crop_window(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A window of the size asked for, with its centre where the print's is.

    The window stays inside the image as far as it can; where the image is smaller, it is centred and
    padded with the background's grey.
    """
    mask = print_mask(image)
    rows, columns = image.shape
    y, x = (rows - 1) / 2.0, (columns - 1) / 2.0
    if mask.any():
        # the median, because a scanner's frame line at an edge hardly moves it
        y, x = (float(np.median(c)) for c in np.nonzero(mask))
    top, bottom = _span(y, height, rows)
    left, right = _span(x, width, columns)
    crop = image[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    padding = ((max(-top, 0), max(bottom - rows, 0)), (max(-left, 0), max(right - columns, 0)))
    return np.pad(crop, padding, constant_values=background_grey(image, mask))


def _span(centre: float, size: int, length: int) -> tuple[int, int]:
    if size >= length:
        start = -((size - length) // 2)
    else:
        start = int(np.clip(round(centre - (size - 1) / 2.0), 0, length - size))
    return start, start + size


def print_mask(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where there is print: where the grey values within a box of two ridge periods vary."""
    grey = image.astype(np.float64)
    mean = _box_mean(grey)
    activity = np.sqrt(np.maximum(_box_mean(grey * grey) - mean * mean, 0.0))
    strong = float(np.percentile(activity, 95))
    if strong < ACTIVITY_FLOOR_GREY:
        return np.zeros(image.shape, np.bool_)
    return activity > ACTIVITY_SHARE * strong


def background_grey(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Median grey outside of the print; the 95th percentile where the print fills the image."""
    outside = image[~mask]
    if outside.size >= BACKGROUND_SHARE * image.size:
        return int(np.median(outside))
    return int(np.percentile(image, 95))


def _box_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over a box around each pixel, edges repeated outwards."""
    half = ACTIVITY_BOX_PX // 2
    padded = np.pad(values, half, mode="edge")
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    n = ACTIVITY_BOX_PX
    return (sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / (n * n)
