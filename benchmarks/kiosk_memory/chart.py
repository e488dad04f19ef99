"""Resident memory by booking, drawn; the bar above it, and the part over which nothing may grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.kiosk_memory.report import BAR_BYTES, LAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

SERIES = {"rss": (31, 98, 190), "anonymous": (230, 140, 40)}
BAR_COLOUR, TAIL_COLOUR, GRID_COLOUR = (214, 39, 40), (238, 243, 250), (215, 215, 215)
INK, PAPER = (25, 25, 25), (255, 255, 255)
WIDTH_PX, HEIGHT_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 900, 380, 64, 20, 56, 44
TITLE_PX, LABEL_PX = 16, 12
STEP_MB, TOP_MB = 50, 275


def draw(samples: Sequence[dict[str, float]], *, title: str) -> Image:
    """Megabytes of 1,000,000 bytes over bookings."""
    from PIL import Image, ImageDraw, ImageFont

    whole = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=LABEL_PX)
    most = max(1.0, samples[-1]["booking"])
    top = max(TOP_MB, *(sample["rss"] / 1e6 * 1.05 for sample in samples))

    def x_of(booking: float) -> float:
        return LEFT_PX + (WIDTH_PX - LEFT_PX - RIGHT_PX) * booking / most

    def y_of(megabytes: float) -> float:
        return HEIGHT_PX - BOTTOM_PX - (HEIGHT_PX - TOP_PX - BOTTOM_PX) * megabytes / top

    if most > LAST:
        pen.rectangle((x_of(most - LAST), y_of(top), x_of(most), y_of(0)), fill=TAIL_COLOUR)
    for megabytes in range(0, int(top) + 1, STEP_MB):
        y = y_of(megabytes)
        pen.line((LEFT_PX, y, WIDTH_PX - RIGHT_PX, y), fill=GRID_COLOUR)
        pen.text((LEFT_PX - 8, y), f"{megabytes} MB", fill=INK, font=font, anchor="rm")
    for part in range(5):
        booking = most * part / 4
        pen.text(
            (x_of(booking), HEIGHT_PX - BOTTOM_PX + 8), f"{booking:.0f}", fill=INK, font=font, anchor="mt"
        )
    pen.text((x_of(most / 2), HEIGHT_PX - 16), "bookings of four fingers", fill=INK, font=font, anchor="mt")
    bar = y_of(BAR_BYTES / 1e6)
    pen.line((LEFT_PX, bar, WIDTH_PX - RIGHT_PX, bar), fill=BAR_COLOUR, width=2)
    for name, colour in SERIES.items():
        points = [(x_of(sample["booking"]), y_of(sample[name] / 1e6)) for sample in samples]
        if len(points) > 1:
            pen.line(points, fill=colour, width=2)
    pen.text((16, 10), title, fill=INK, font=ImageFont.load_default(size=TITLE_PX))
    x = 16.0
    for name, colour in {**SERIES, "bar, 250 MB": BAR_COLOUR}.items():
        words = {"rss": "resident", "anonymous": "of it, heap and stacks"}.get(name, name)
        pen.line((x, 42, x + 20, 42), fill=colour, width=3)
        pen.text((x + 26, 42), words, fill=INK, font=font, anchor="lm")
        x += 50 + font.getlength(words)
    return whole
