"""A print drawn with its minutiae: endings as red circles, bifurcations as blue squares, ticks along the ridge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae, MinutiaType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]

SCALE = 2  # pictures are drawn at twice the print's size, so that marks do not hide ridges
MARGIN_PX, CAPTION_PX = 16, 64
CAPTION_SIZE_PX, LEGEND_SIZE_PX = 18, 13
ENDING, BIFURCATION = (214, 39, 40), (31, 98, 190)
INK, FAINT_INK, PAPER = (25, 25, 25), (110, 110, 110), (255, 255, 255)
TICK_PX, RADIUS_PX, STROKE_PX = 14, 5, 2


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture in the making: prints beside each other below a caption.

    Attributes:
        image: the picture, RGB.
        draw: draws on it.
        corners: top left corner of each print, in the picture's pixels.
    """

    image: Image
    draw: ImageDraw
    corners: tuple[tuple[int, int], ...]

    def place(self, minutiae: Minutiae, k: int, *, of: int = 0) -> tuple[float, float]:
        """Where minutia `k` of print number `of` stands in the picture."""
        left, top = self.corners[of]
        return left + SCALE * (float(minutiae.x[k]) + 0.5), top + SCALE * (float(minutiae.y[k]) + 0.5)

    def mark(self, minutiae: Minutiae, k: int, colour: Colour, *, of: int = 0) -> None:
        """Draw minutia `k` of print number `of`."""
        x, y = self.place(minutiae, k, of=of)
        angle = float(minutiae.angle[k])
        tip = (x + TICK_PX * math.cos(angle), y - TICK_PX * math.sin(angle))
        self.draw.line([(x, y), tip], fill=colour, width=STROKE_PX)
        box = [x - RADIUS_PX, y - RADIUS_PX, x + RADIUS_PX, y + RADIUS_PX]
        if minutiae.type[k] == MinutiaType.BIFURCATION:
            self.draw.rectangle(box, outline=colour, width=STROKE_PX)
        else:
            self.draw.ellipse(box, outline=colour, width=STROKE_PX)

    def join(
        self,
        prints: tuple[Minutiae, Minutiae],
        pairs: Sequence[tuple[Sequence[int], Colour]],
        unpaired: Colour,
    ) -> None:
        """Join the pairs (i, j) of the first two prints, each in its colour; mark the others `unpaired`."""
        for side, minutiae in enumerate(prints):
            for k in sorted(set(range(len(minutiae))) - {int(pair[side]) for pair, _ in pairs}):
                self.mark(minutiae, k, unpaired, of=side)
        for pair, colour in pairs:
            ends = [
                self.place(m, int(k), of=side) for side, (m, k) in enumerate(zip(prints, pair, strict=True))
            ]
            self.draw.line(ends, fill=colour, width=1)
            for side, (minutiae, k) in enumerate(zip(prints, pair, strict=True)):
                self.mark(minutiae, int(k), colour, of=side)


def sheet(images: Sequence[NDArray[np.uint8]], *, caption: str, legend: str) -> Sheet:
    """Prints beside each other, pale, so that marks stand out; uint8 (height, width) each."""
    from PIL import Image, ImageDraw, ImageFont

    width = MARGIN_PX + sum(SCALE * i.shape[1] + MARGIN_PX for i in images)
    height = CAPTION_PX + max(SCALE * i.shape[0] for i in images) + MARGIN_PX
    paper = Image.new("RGB", (width, height), PAPER)
    corners: list[tuple[int, int]] = []
    left = MARGIN_PX
    for image in images:
        pale = Image.fromarray((128 + image // 2).astype(np.uint8))
        large = pale.resize((SCALE * image.shape[1], SCALE * image.shape[0]), Image.Resampling.BICUBIC)
        paper.paste(large.convert("RGB"), (left, CAPTION_PX))
        corners.append((left, CAPTION_PX))
        left += large.width + MARGIN_PX
    draw = ImageDraw.Draw(paper)
    draw.text((MARGIN_PX, 10), caption, fill=INK, font=ImageFont.load_default(size=CAPTION_SIZE_PX))
    draw.text((MARGIN_PX, 38), legend, fill=FAINT_INK, font=ImageFont.load_default(size=LEGEND_SIZE_PX))
    return Sheet(paper, draw, tuple(corners))


def with_minutiae(image: NDArray[np.uint8], minutiae: Minutiae, caption: str) -> Image:
    """The print with its minutiae, RGB. `image` is uint8 (height, width), `minutiae` are in its pixels."""
    drawn = sheet([image], caption=caption, legend="red circle: ridge ending   blue square: bifurcation")
    for k in range(len(minutiae)):
        drawn.mark(minutiae, k, ENDING if minutiae.type[k] == MinutiaType.ENDING else BIFURCATION)
    return drawn.image
