"""What came of each kind of trouble, drawn: the share of images, of named errors, and of what must not be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.board_faults.judging import IMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from benchmarks.board_faults.judging import Verdict

IMAGE_COLOUR, FAILED_COLOUR = (44, 140, 60), (214, 39, 40)
ERROR_COLOURS = {
    "SensorUnplugged": (120, 170, 230),
    "BoardFault": (31, 98, 190),
    "NoFinger": (190, 190, 190),
    "SensorGarbled": (230, 160, 60),
    "SensorSilent": (150, 120, 70),
}
OTHER_COLOUR = (120, 120, 120)
INK, PAPER = (25, 25, 25), (255, 255, 255)
WIDTH_PX, LEFT_PX, RIGHT_PX, TOP_PX, ROW_PX, BOTTOM_PX = 900, 220, 60, 84, 17, 16
TITLE_PX, LABEL_PX = 16, 12
CALM = "calm"


def draw(verdicts: Sequence[Verdict], *, title: str) -> Image:
    """One bar for each kind of trouble that came alone, sorted by name, as wide as all of its runs."""
    from PIL import Image, ImageDraw, ImageFont

    kinds: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        if len(verdict.troubles) <= 1:
            outcome = "failed" if verdict.failure else verdict.outcome
            kinds.setdefault(verdict.kind, Counter())[outcome] += 1
    rows = sorted(kinds.items(), key=lambda item: (item[0] != CALM, item[0]))
    whole = Image.new("RGB", (WIDTH_PX, TOP_PX + ROW_PX * len(rows) + BOTTOM_PX), PAPER)
    pen = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=LABEL_PX)
    pen.text((16, 12), title, fill=INK, font=ImageFont.load_default(size=TITLE_PX))
    outcomes = {IMAGE: IMAGE_COLOUR, **ERROR_COLOURS, "failed": FAILED_COLOUR}
    x = 16.0
    for name, colour in outcomes.items():
        pen.rectangle((x, 46, x + 12, 58), fill=colour)
        pen.text((x + 18, 52), name, fill=INK, font=font, anchor="lm")
        x += 34 + font.getlength(name)
    room = WIDTH_PX - LEFT_PX - RIGHT_PX
    for number, (kind, counts) in enumerate(rows):
        y = TOP_PX + ROW_PX * number
        pen.text((LEFT_PX - 8, y + ROW_PX / 2), kind, fill=INK, font=font, anchor="rm")
        total = sum(counts.values())
        left = float(LEFT_PX)
        for name in [*outcomes, *(name for name in counts if name not in outcomes)]:
            right = left + room * counts[name] / total
            if counts[name]:
                pen.rectangle((left, y + 2, right, y + ROW_PX - 2), fill=outcomes.get(name, OTHER_COLOUR))
            left = right
        pen.text((WIDTH_PX - RIGHT_PX + 8, y + ROW_PX / 2), str(total), fill=INK, font=font, anchor="lm")
    return whole
