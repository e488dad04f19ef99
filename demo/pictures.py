"""Pictures of prints: one with its minutiae, and two side by side with the paired minutiae joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from interchange import Minutiae, MinutiaType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SCALE = 2  # pictures are drawn at twice the print's size, so that marks do not hide ridges
MARGIN_PX, CAPTION_PX = 16, 64
ENDING, BIFURCATION, UNPAIRED = (214, 39, 40), (31, 98, 190), (150, 150, 150)
JOIN = ((230, 120, 0), (0, 140, 120), (150, 60, 180), (200, 30, 90), (60, 130, 20), (40, 90, 200))
INK, PAPER = (25, 25, 25), (255, 255, 255)
TICK_PX, RADIUS_PX = 14, 5


def with_minutiae(image: NDArray[np.uint8], minutiae: Minutiae, caption: str) -> Image.Image:
    """The print with its minutiae: endings as red circles, bifurcations as blue squares, ticks along the ridge."""
    canvas, draw = _canvas([image], caption, "red circle: ridge ending   blue square: bifurcation")
    for k in range(len(minutiae)):
        colour = ENDING if minutiae.type[k] == MinutiaType.ENDING else BIFURCATION
        _mark(draw, minutiae, k, (MARGIN_PX, CAPTION_PX), colour)
    return canvas


def side_by_side(
    probe: tuple[NDArray[np.uint8], Minutiae],
    candidate: tuple[NDArray[np.uint8], Minutiae],
    pairs: Sequence[tuple[int, int]] | NDArray[np.int64],
    caption: str,
) -> Image.Image:
    """Probe on the left, candidate on the right, paired minutiae joined, the others grey."""
    canvas, draw = _canvas([probe[0], candidate[0]], caption, "left: probe   right: candidate")
    corners = (MARGIN_PX, CAPTION_PX), (2 * MARGIN_PX + SCALE * probe[0].shape[1], CAPTION_PX)
    paired = {int(i) for i, _ in pairs}, {int(j) for _, j in pairs}
    for (_, minutiae), corner, used in zip((probe, candidate), corners, paired, strict=True):
        for k in range(len(minutiae)):
            if k not in used:
                _mark(draw, minutiae, k, corner, UNPAIRED)
    for number, (i, j) in enumerate(pairs):
        colour = JOIN[number % len(JOIN)]
        ends = [
            _at(m, k, corner)
            for (_, m), k, corner in zip((probe, candidate), (int(i), int(j)), corners, strict=True)
        ]
        draw.line([ends[0], ends[1]], fill=colour, width=1)
        _mark(draw, probe[1], int(i), corners[0], colour)
        _mark(draw, candidate[1], int(j), corners[1], colour)
    return canvas


def _canvas(
    images: list[NDArray[np.uint8]], caption: str, legend: str
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    width = MARGIN_PX + sum(SCALE * i.shape[1] + MARGIN_PX for i in images)
    height = CAPTION_PX + max(SCALE * i.shape[0] for i in images) + MARGIN_PX
    canvas = Image.new("RGB", (width, height), PAPER)
    left = MARGIN_PX
    for image in images:
        pale = (128 + image // 2).astype(np.uint8)  # marks stand out on a pale print
        big = Image.fromarray(pale).resize(
            (SCALE * image.shape[1], SCALE * image.shape[0]), Image.Resampling.BICUBIC
        )
        canvas.paste(big.convert("RGB"), (left, CAPTION_PX))
        left += SCALE * image.shape[1] + MARGIN_PX
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN_PX, 10), caption, fill=INK, font=ImageFont.load_default(size=18))
    draw.text((MARGIN_PX, 38), legend, fill=(110, 110, 110), font=ImageFont.load_default(size=13))
    return canvas, draw


def _at(minutiae: Minutiae, k: int, corner: tuple[int, int]) -> tuple[float, float]:
    return (
        corner[0] + SCALE * (float(minutiae.x[k]) + 0.5),
        corner[1] + SCALE * (float(minutiae.y[k]) + 0.5),
    )


def _mark(
    draw: ImageDraw.ImageDraw,
    minutiae: Minutiae,
    k: int,
    corner: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    x, y = _at(minutiae, k, corner)
    angle = float(minutiae.angle[k])
    draw.line([(x, y), (x + TICK_PX * np.cos(angle), y - TICK_PX * np.sin(angle))], fill=colour, width=2)
    box = [x - RADIUS_PX, y - RADIUS_PX, x + RADIUS_PX, y + RADIUS_PX]
    if minutiae.type[k] == MinutiaType.BIFURCATION:
        draw.rectangle(box, outline=colour, width=2)
    else:
        draw.ellipse(box, outline=colour, width=2)
