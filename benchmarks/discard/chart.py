"""Error versus discard, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from PIL.Image import Image

COLOURS = {"Whorl": (31, 98, 190), "NFIQ 2": (214, 39, 40), "by chance": (150, 150, 150)}
INK, FAINT, PAPER = (25, 25, 25), (222, 222, 222), (255, 255, 255)
WIDTH_PX, HEIGHT_PX, LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 620, 420, 64, 48, 24, 52
TITLE_PX, LABEL_PX = 16, 13


def draw(panels: Mapping[str, Mapping[str, NDArray[np.float64]]], shares: NDArray[np.float64]) -> Image:
    """One panel a start, side by side: FNMR in percent over the share discarded, a line a measure."""
    from PIL import Image

    whole = Image.new("RGB", (WIDTH_PX * len(panels), HEIGHT_PX), PAPER)
    for number, (title, curves) in enumerate(panels.items()):
        whole.paste(_panel(title, curves, shares), (number * WIDTH_PX, 0))
    return whole


def _panel(title: str, curves: Mapping[str, NDArray[np.float64]], shares: NDArray[np.float64]) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    panel = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(panel)
    font = ImageFont.load_default(size=LABEL_PX)
    width, height = WIDTH_PX - LEFT_PX - RIGHT_PX, HEIGHT_PX - TOP_PX - BOTTOM_PX
    highest = 100.0 * max(float(c.max()) for c in curves.values()) * 1.05 or 1.0

    def place(share: float, percent: float) -> tuple[float, float]:
        return LEFT_PX + width * share / float(shares[-1]), TOP_PX + height * (1.0 - percent / highest)

    pen.text((LEFT_PX, 12), title, fill=INK, font=ImageFont.load_default(size=TITLE_PX))
    for share in np.linspace(0.0, float(shares[-1]), 7):
        x, bottom = place(float(share), 0.0)
        pen.line([(x, TOP_PX), (x, bottom)], fill=FAINT)
        pen.text((x, bottom + 6), f"{100 * share:.0f}", fill=INK, font=font, anchor="ma")
    for percent in np.linspace(0.0, highest, 6):
        left, y = place(0.0, float(percent))
        pen.line([(left, y), (LEFT_PX + width, y)], fill=FAINT)
        pen.text((left - 6, y), f"{percent:.2g}", fill=INK, font=font, anchor="rm")
    pen.text((LEFT_PX + width / 2, HEIGHT_PX - 22), "pairs discarded, %", fill=INK, font=font, anchor="ma")
    pen.text((6, TOP_PX - 20), "FNMR of the rest, %", fill=INK, font=font)
    for row, (name, curve) in enumerate(curves.items()):
        points = [place(float(s), 100.0 * float(v)) for s, v in zip(shares, curve, strict=True)]
        pen.line(points, fill=COLOURS[name], width=3)
        y = HEIGHT_PX - BOTTOM_PX - 18 * (len(curves) - row)
        pen.line([(LEFT_PX + 12, y), (LEFT_PX + 36, y)], fill=COLOURS[name], width=3)
        pen.text((LEFT_PX + 42, y), name, fill=INK, font=font, anchor="lm")
    return panel
