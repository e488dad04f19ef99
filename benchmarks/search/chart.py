"""How times grow with the gallery, drawn on logarithmic axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

Point = tuple[float, float]

COLOURS = ((31, 98, 190), (120, 170, 230), (214, 39, 40), (150, 150, 150), (44, 140, 60))
INK, FAINT, PAPER = (25, 25, 25), (222, 222, 222), (255, 255, 255)
WIDTH_PX, HEIGHT_PX, LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 820, 560, 84, 52, 28, 60
TITLE_PX, LABEL_PX = 16, 13
ROOM = 1.6  # beyond the outermost points, as a factor


def draw(curves: Mapping[str, Sequence[Point]], *, title: str, across: str, up: str) -> Image:
    """Lines through points (x, y), all above 0, over decades. Raises ValueError where there is nothing to draw."""
    from PIL import Image, ImageDraw, ImageFont

    points = [point for curve in curves.values() for point in curve]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError("a logarithmic chart needs points, all of them above 0")
    low = [math.log10(min(p[axis] for p in points) / ROOM) for axis in (0, 1)]
    high = [math.log10(max(p[axis] for p in points) * ROOM) for axis in (0, 1)]
    whole = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=LABEL_PX)
    right, bottom = WIDTH_PX - RIGHT_PX, HEIGHT_PX - BOTTOM_PX

    def place(x: float, y: float) -> Point:
        along, above = (math.log10(v) - a for v, a in zip((x, y), low, strict=True))
        return (
            LEFT_PX + (right - LEFT_PX) * along / (high[0] - low[0]),
            bottom - (bottom - TOP_PX) * above / (high[1] - low[1]),
        )

    pen.text((LEFT_PX, 12), title, fill=INK, font=ImageFont.load_default(size=TITLE_PX))
    for power in range(math.ceil(low[0]), math.floor(high[0]) + 1):
        x, _ = place(10.0**power, 10.0 ** low[1])
        pen.line([(x, TOP_PX), (x, bottom)], fill=FAINT)
        pen.text((x, bottom + 6), f"{10**power:,}", fill=INK, font=font, anchor="ma")
    for power in range(math.ceil(low[1]), math.floor(high[1]) + 1):
        _, y = place(10.0 ** low[0], 10.0**power)
        pen.line([(LEFT_PX, y), (right, y)], fill=FAINT)
        pen.text((LEFT_PX - 8, y), f"{10.0**power:,g}", fill=INK, font=font, anchor="rm")
    pen.text(((LEFT_PX + right) / 2, HEIGHT_PX - 26), across, fill=INK, font=font, anchor="ma")
    pen.text((8, TOP_PX - 18), up, fill=INK, font=font)
    for row, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[row % len(COLOURS)]
        drawn = [place(*point) for point in curve]
        pen.line(drawn, fill=colour, width=3)
        for x, y in drawn:
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        y = TOP_PX + 10 + 20 * row
        pen.line([(LEFT_PX + 12, y), (LEFT_PX + 40, y)], fill=colour, width=3)
        pen.text((LEFT_PX + 48, y), name, fill=INK, font=font, anchor="lm")
    return whole
