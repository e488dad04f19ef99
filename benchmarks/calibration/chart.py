"""Predicted against observed false match rate, on logarithmic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

INK, FAINT, BAND, LINE, PAPER = (25, 25, 25), (222, 222, 222), (236, 240, 232), (31, 98, 190), (255, 255, 255)
SIDE_PX, LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 480, 70, 60, 24, 56
TITLE_PX, LABEL_PX = 15, 13
DECADES = 6


def draw(path: Path, log10_fmr: NDArray[np.float64], *, title: str, fitted_to: int) -> None:
    """Draw the share of strangers' pairs that reach each predicted rate; a factor of two on either side is shaded."""
    from PIL import Image, ImageDraw, ImageFont

    whole = Image.new("RGB", (LEFT_PX + SIDE_PX + RIGHT_PX, TOP_PX + SIDE_PX + BOTTOM_PX), PAPER)
    pen = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=LABEL_PX)

    def place(predicted: float, observed: float) -> tuple[float, float]:
        across, up = 1.0 + predicted / DECADES, -observed / DECADES
        return LEFT_PX + SIDE_PX * across, TOP_PX + SIDE_PX * up

    two = float(np.log10(2.0))
    corners = [(-DECADES, two - DECADES), (-two, 0.0), (0.0, 0.0), (0.0, -two), (two - DECADES, -DECADES)]
    pen.polygon([place(*c) for c in [*corners, (-DECADES, -DECADES)]], fill=BAND)
    for decade in range(-DECADES, 1):
        pen.line([place(decade, -DECADES), place(decade, 0)], fill=FAINT)
        pen.line([place(-DECADES, decade), place(0, decade)], fill=FAINT)
        x, bottom = place(decade, -DECADES)
        pen.text((x, bottom + 6), f"1e{decade}", fill=INK, font=font, anchor="ma")
        left, y = place(-DECADES, decade)
        pen.text((left - 6, y), f"1e{decade}", fill=INK, font=font, anchor="rm")
    pen.line([place(-DECADES, -DECADES), place(0, 0)], fill=(150, 150, 150))
    pen.line(
        [place(p, o) for p, o in _curve(log10_fmr) if min(p, o) >= -DECADES],
        fill=LINE,
        width=3,
        joint="curve",
    )
    pen.text((LEFT_PX, 10), title, fill=INK, font=ImageFont.load_default(size=TITLE_PX))
    words = (
        f"{len(log10_fmr):,} pairs of strangers; fitted to {fitted_to:,} others; shaded: within a factor of 2"
    )
    pen.text((LEFT_PX, 34), words, fill=INK, font=font)
    middle = LEFT_PX + SIDE_PX / 2
    pen.text(
        (middle, TOP_PX + SIDE_PX + 32), "predicted FMR (observed: upwards)", fill=INK, font=font, anchor="ma"
    )
    whole.save(path)


def _curve(log10_fmr: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Points (predicted, observed), at most a few hundred, rarest first."""
    ordered = np.sort(log10_fmr)
    ranks = np.unique(np.geomspace(1, len(ordered), 300).astype(np.int64))
    observed = np.log10(ranks / len(ordered))
    return list(zip(ordered[ranks - 1].tolist(), observed.tolist(), strict=True))
