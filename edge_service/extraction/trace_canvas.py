"""What the pictures of a trace are drawn with: a print enlarged, marks on it, a title and a legend round it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]

SCALE, SCALE_OF_LARGE, LARGE_PX = 2, 1, 900  # pixels of the picture a pixel at 500 dpi
OVERSAMPLE = 2  # drawn larger and shrunk, so that lines are smooth
MARGIN_PX, TITLE_PX, LEGEND_PX = 16, 42, 40
TITLE_SIZE_PX, LEGEND_SIZE_PX = 20, 15
INK, FAINT, PAPER, HAIRLINE = (28, 30, 34), (110, 114, 122), (255, 255, 255), (222, 224, 228)
DARK_AND_BRIGHT, LEAST_CONTRAST = (2.0, 90.0), 40.0  # percentiles shown black and white; grey levels
HATCH_STEP_PX = 7
TICK = 2.6  # length of a minutia's tick, in its radius


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: a mark, and what it means.

    Attributes:
        mark: line, block, frame, hatch, dot, ring, square, scale or wheel.
        colour: of the mark.
        means: in a few words.
        colours: of a scale, from low to high, or of a wheel, counter-clockwise.
    """

    mark: str
    colour: Colour
    means: str
    colours: Sequence[Colour] = ()


def pale(grey: NDArray[np.uint8], veil: float) -> NDArray[np.float32]:
    """The print as colours, float32 (height, width, 3): stretched to full contrast, with `veil` (0 to 1) of white."""
    dark, bright = (float(level) for level in np.percentile(grey, DARK_AND_BRIGHT))
    factor = np.float32(255.0 / max(bright - dark, LEAST_CONTRAST))
    stretched = (grey.astype(np.float32) - np.float32(dark)) * factor
    faded = stretched.clip(0.0, 255.0) * np.float32(1.0 - veil) + np.float32(255.0 * veil)
    return np.repeat(faded[:, :, None], 3, axis=2)


def blended(
    ground: NDArray[np.float32], colour: Colour | NDArray[np.float32], share: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Colour laid over the ground, as much of it at each pixel as `share` (height, width) says."""
    part = np.asarray(share, np.float32)[:, :, None]
    over = np.asarray(colour, np.float32) * part
    return (ground * (1.0 - part) + over).astype(np.float32)


def gradient(values: NDArray[np.floating], stops: Sequence[Colour]) -> NDArray[np.float32]:
    """Colours of values from 0 to 1 on a scale of stops an equal distance apart, shape (..., 3)."""
    at = np.linspace(0.0, 1.0, len(stops))
    channels = [np.interp(values, at, [stop[c] for stop in stops]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def enlarged(grey: NDArray[np.uint8], scale: int) -> Image:
    """The image by itself, RGB."""
    from PIL import Image

    size = (grey.shape[1] * scale, grey.shape[0] * scale)
    return Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC).convert("RGB")


class Canvas:
    """Marks on a print. Places are in pixels at 500 dpi, the centre of the top left pixel being (0, 0)."""

    def __init__(self, colours: NDArray[np.float32]) -> None:
        """`colours` is float32 (height, width, 3)."""
        from PIL import Image, ImageDraw

        height, width = colours.shape[:2]
        scale = SCALE if max(height, width) <= LARGE_PX else SCALE_OF_LARGE
        self._unit = scale * OVERSAMPLE
        self._size = (width * scale, height * scale)
        print_ = Image.fromarray(np.rint(colours).clip(0, 255).astype(np.uint8))
        self._paper = print_.resize((width * self._unit, height * self._unit), Image.Resampling.BICUBIC)
        self._draw = ImageDraw.Draw(self._paper)

    @property
    def image(self) -> Image:
        """What was drawn, RGB."""
        from PIL import Image

        return self._paper.resize(self._size, Image.Resampling.LANCZOS)

    def box(self, corners: tuple[float, float, float, float], colour: Colour) -> None:
        """A frame: left, top, right and bottom edge."""
        unit = self._unit
        left, top, right, bottom = (unit * c for c in corners)
        self._draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=round(1.5 * unit))

    def hatch(self, where: NDArray[np.bool_]) -> None:
        """Slanted lines over the pixels of `where` (height, width)."""
        from PIL import Image, ImageDraw

        lines = Image.new("L", self._paper.size, 0)
        draw = ImageDraw.Draw(lines)
        width, height = lines.size
        for start in range(-height, width, HATCH_STEP_PX * self._unit):
            draw.line([(start, height), (start + height, 0)], fill=150, width=max(1, self._unit // 3))
        mask = Image.fromarray(np.where(where, 255, 0).astype(np.uint8)).resize(
            lines.size, Image.Resampling.NEAREST
        )
        shown = Image.fromarray(np.minimum(np.asarray(lines), np.asarray(mask)))
        self._paper.paste(FAINT, (0, 0), shown)

    def contour(self, inside: NDArray[np.bool_], colour: Colour) -> None:
        """The edge of a region, bool (height, width)."""
        from PIL import Image, ImageFilter

        region = Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))
        smooth = np.asarray(region.resize(self._paper.size, Image.Resampling.BICUBIC))
        large = Image.fromarray(np.where(smooth >= 128, 255, 0).astype(np.uint8))
        reach = 2 * (self._unit // 2) + 1
        edge = np.asarray(large.filter(ImageFilter.MaxFilter(reach))) != np.asarray(
            large.filter(ImageFilter.MinFilter(reach))
        )
        self._paper.paste(colour, (0, 0), Image.fromarray(np.where(edge, 255, 0).astype(np.uint8)))

    def dot(self, at: tuple[float, float], radius: float, colour: Colour) -> None:
        """A filled circle with a light rim."""
        (x, y), r = self._place(at), radius * self._unit / 1.6
        self._draw.ellipse(
            (x - r, y - r, x + r, y + r), fill=colour, outline=PAPER, width=max(1, self._unit // 3)
        )

    def needle(self, at: tuple[float, float], angle: float, *, length: float, colour: Colour) -> None:
        """A line from a place into a direction, radians counter-clockwise, `length` pixels at 500 dpi long."""
        (x, y), reach = self._place(at), length * self._unit
        tip = (x + reach * math.cos(angle), y - reach * math.sin(angle))
        self._draw.line((x, y, *tip), fill=colour, width=max(1, round(0.45 * self._unit)))
        r = 0.55 * self._unit
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def minutia(
        self, at: tuple[float, float], angle: float, *, size: float, colour: Colour, square: bool
    ) -> None:
        """A minutia of radius `size` and angle in radians, counter-clockwise: a ring or a square, and its tick."""
        (x, y), r = self._place(at), size * self._unit
        reach = r + TICK * r
        for ink, width in ((PAPER, 2.3), (colour, 1.2)):  # a light rim, so that marks stand out on ridges
            stroke = max(1, round(width * self._unit))
            start = (x + r * math.cos(angle), y - r * math.sin(angle))
            tip = (x + reach * math.cos(angle), y - reach * math.sin(angle))
            self._draw.line((*start, *tip), fill=ink, width=stroke)
            grown = r + stroke / 2
            box = (x - grown, y - grown, x + grown, y + grown)
            if square:
                self._draw.rectangle(box, outline=ink, width=stroke)
            else:
                self._draw.ellipse(box, outline=ink, width=stroke)

    def _place(self, at: tuple[float, float]) -> tuple[float, float]:
        return (float(at[0]) + 0.5) * self._unit, (float(at[1]) + 0.5) * self._unit


def framed(image: Image, title: str, keys: Sequence[Key]) -> Image:
    """The picture below its title and above its legend."""
    from PIL import Image, ImageDraw, ImageFont

    big, small = ImageFont.load_default(size=TITLE_SIZE_PX), ImageFont.load_default(size=LEGEND_SIZE_PX)
    legend_px = sum(_key_width(key, small) for key in keys)
    width = max(image.width, legend_px, int(big.getlength(title))) + 2 * MARGIN_PX
    paper = Image.new("RGB", (width, TITLE_PX + image.height + LEGEND_PX), PAPER)
    left = (width - image.width) // 2
    paper.paste(image, (left, TITLE_PX))
    draw = ImageDraw.Draw(paper)
    draw.rectangle((left - 1, TITLE_PX - 1, left + image.width, TITLE_PX + image.height), outline=HAIRLINE)
    draw.text((left, TITLE_PX / 2), title, fill=INK, font=big, anchor="lm")
    x, y = left, TITLE_PX + image.height + LEGEND_PX // 2
    for key in keys:
        _draw_key(draw, key, x, y)
        draw.text((x + _mark_width(key) + 7, y), key.means, fill=INK, font=small, anchor="lm")
        x += _key_width(key, small)
    return paper


def _mark_width(key: Key) -> int:
    return {"scale": 112, "wheel": 30, "hatch": 24, "block": 24, "frame": 24, "line": 24}.get(key.mark, 14)


def _key_width(key: Key, font: object) -> int:
    length: float = font.getlength(key.means)  # pyright: ignore[reportAttributeAccessIssue]
    return _mark_width(key) + 7 + int(length) + 22


def _draw_key(draw: ImageDraw, key: Key, x: int, y: int) -> None:  # noqa: C901 - a branch a mark
    right = x + _mark_width(key)
    if key.mark == "scale":
        colours = gradient(np.linspace(0.0, 1.0, right - x), key.colours)
        for k, (r, g, b) in enumerate(colours.tolist()):
            draw.line((x + k, y - 7, x + k, y + 7), fill=(int(r), int(g), int(b)))
    elif key.mark == "wheel":
        step = 360.0 / len(key.colours)
        for k, colour in enumerate(key.colours):  # Pillow's angles run clockwise
            draw.pieslice((x, y - 15, x + 30, y + 15), -(k + 0.5) * step, -(k - 0.5) * step, fill=colour)
        draw.ellipse((x + 9, y - 6, x + 21, y + 6), fill=PAPER)
    elif key.mark == "hatch":
        draw.rectangle((x, y - 7, right, y + 7), outline=key.colour)
        for k in range(x + 4, right, 6):
            draw.line((k - 4, y + 6, k + 4, y - 6), fill=key.colour)
    elif key.mark == "block":
        draw.rectangle((x, y - 7, right, y + 7), fill=key.colour)
    elif key.mark == "frame":
        draw.rectangle((x, y - 7, right, y + 7), outline=key.colour, width=3)
    elif key.mark == "line":
        draw.line((x, y, right, y), fill=key.colour, width=4)
    elif key.mark == "dot":
        draw.ellipse((x + 1, y - 6, x + 13, y + 6), fill=key.colour)
    elif key.mark == "ring":
        draw.ellipse((x + 1, y - 6, x + 13, y + 6), outline=key.colour, width=2)
    else:
        draw.rectangle((x + 1, y - 6, x + 13, y + 6), outline=key.colour, width=2)
