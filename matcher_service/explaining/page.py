"""What stands around the prints: the score and what it means above, its parts and the legend below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interchange.minutiae import MinutiaType
from matcher_service.explaining import parameters as p
from matcher_service.explaining.explanation import Standing
from matcher_service.explaining.marks import mark
from matcher_service.explaining.meaning import CAUTION

if TYPE_CHECKING:
    from matcher_service.explaining.explanation import Explanation
    from matcher_service.explaining.parts import Part
    from matcher_service.explaining.svg import Paper, Value

TABLE_WIDTH = (p.PAGE_WIDTH - 2 * p.MARGIN) * 0.66 - p.GAP
BAR_WIDTH = 150.0
_PAIRED, _UNPAIRED, _OUTSIDE = Standing.PAIRED, Standing.UNPAIRED, Standing.OUTSIDE
_LEGEND: tuple[tuple[Standing | None, int, float, str], ...] = (
    (None, MinutiaType.ENDING, 1.0, "circle: ridge ending, pointing along the tick"),
    (None, MinutiaType.BIFURCATION, 1.0, "square: bifurcation"),
    (None, MinutiaType.OTHER, 1.0, "diamond: another type, or not known"),
    (_PAIRED, MinutiaType.ENDING, 1.0, "filled: paired; the same number in both prints"),
    (_UNPAIRED, MinutiaType.ENDING, 1.0, "struck through: in common, but without a partner"),
    (_OUTSIDE, MinutiaType.ENDING, 1.0, "small: outside of what both prints show; says nothing"),
    (_PAIRED, MinutiaType.ENDING, 0.01, "pale: of low quality"),
)


def words(paper: Paper, text: str, x: float, y: float, *, size: float, **styled: Value) -> None:
    """A line of text; `y` is its base line."""
    paper.add("text", text, x=x, y=y, font_size=size, **styled)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of about that width."""
    characters = max(10, int(width / (size * p.LETTER_WIDTH)))
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= characters:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def head(paper: Paper, explanation: Explanation) -> None:
    """The score, what it means, and what it does not."""
    meaning = explanation.meaning
    score = f"{explanation.score:.1f}"
    words(paper, "score", p.MARGIN, 40, size=13, fill=p.SOFT_INK)
    words(paper, score, p.MARGIN, 74, size=36, font_weight="bold")
    left = p.MARGIN + max(110.0, 23.0 * len(score) + 22)
    paper.add("path", d=f"M{left - 16:.1f} 28v50", stroke=p.FRAME)
    words(paper, meaning.headline[:1].upper() + meaning.headline[1:], left, 46, size=21, font_weight="bold")
    words(paper, meaning.sentence, left, 72, size=15)
    words(paper, CAUTION, p.MARGIN, 104, size=14, fill=p.SOFT_INK, font_style="italic")


def _that_count(explanation: Explanation) -> list[Part]:
    """The parts that moved the score, the weightiest first; all of them where that is not known, or nothing did."""
    counting = [part for part in explanation.parts if abs(part.contribution or 0.0) >= p.LEAST_CONTRIBUTION]
    return sorted(counting, key=lambda part: -abs(part.contribution or 0.0)) or list(explanation.parts)


def foot_height(explanation: Explanation) -> float:
    """How much the table and the legend take."""
    table = 36 + p.ROW_HEIGHT * len(_that_count(explanation))
    return max(table, legend_height())


def legend_height() -> float:
    """How much the legend takes."""
    return 36 + p.LEGEND_ROW_HEIGHT * (len(_LEGEND) + 1)


def foot(paper: Paper, explanation: Explanation, top: float) -> None:
    """The table of parts on the left, the legend on the right."""
    words(paper, "What the score is made of", p.MARGIN, top + 18, size=16, font_weight="bold")
    if any(part.contribution is not None for part in explanation.parts):
        middle = p.MARGIN + TABLE_WIDTH - BAR_WIDTH / 2 - 8
        words(paper, "against", middle - 8, top + 18, size=12, fill=p.UNPAIRED, text_anchor="end")
        words(paper, "for", middle + 8, top + 18, size=12, fill=p.PAIRED)
    largest = max((abs(part.contribution or 0.0) for part in explanation.parts), default=0.0)
    for row, part in enumerate(_that_count(explanation)):
        _row(paper, part, top + 30 + row * p.ROW_HEIGHT, shaded=row % 2 == 0, largest=largest)
    legend(paper, p.MARGIN + TABLE_WIDTH + 2 * p.GAP, top)


def _row(paper: Paper, part: Part, top: float, *, shaded: bool, largest: float) -> None:
    if shaded:
        paper.add("rect", x=p.MARGIN, y=top, width=TABLE_WIDTH, height=p.ROW_HEIGHT, rx=4, fill=p.BAND)
    _lines(paper, part.label, p.MARGIN + 10, top, width=185, size=13.5, font_weight="bold")
    words(paper, part.shown, p.MARGIN + 255, top + 23, size=13.5, text_anchor="end")
    room = TABLE_WIDTH - 275 - (0 if part.contribution is None else BAR_WIDTH + 20)
    _lines(paper, part.sentence, p.MARGIN + 275, top, width=room, size=12, fill=p.SOFT_INK)
    if part.contribution is not None and math.isfinite(part.contribution):
        _bar(paper, part.contribution, top, largest)


def _lines(
    paper: Paper, text: str, x: float, top: float, *, width: float, size: float, **styled: Value
) -> None:
    """One line, or two, in the middle of a row."""
    lines = wrapped(text, width, size)[:2]
    for k, line in enumerate(lines):
        words(paper, line, x, top + 23 if len(lines) == 1 else top + 15 + 14 * k, size=size, **styled)


def _bar(paper: Paper, contribution: float, top: float, largest: float) -> None:
    middle = p.MARGIN + TABLE_WIDTH - BAR_WIDTH / 2 - 8
    length = abs(contribution) / largest * (BAR_WIDTH / 2 - 34) if largest > 0 else 0.0
    paper.add("path", d=f"M{middle:.1f} {top + 8:.1f}v{p.ROW_HEIGHT - 16:.1f}", stroke=p.FAINT_INK)
    start = middle if contribution >= 0 else middle - length
    colour = p.PAIRED if contribution >= 0 else p.UNPAIRED
    paper.add("rect", x=start, y=top + 11, width=length, height=p.ROW_HEIGHT - 22, fill=colour)
    end = middle + length + 5 if contribution >= 0 else middle - length - 5
    anchor = "start" if contribution >= 0 else "end"
    words(paper, f"{contribution:+.1f}", end, top + 22, size=11.5, text_anchor=anchor)


def legend(paper: Paper, left: float, top: float) -> None:
    """What the marks are."""
    words(paper, "Legend", left, top + 18, size=16, font_weight="bold")
    for row, (standing, kind, quality, text) in enumerate(_LEGEND):
        y = top + 46 + row * p.LEGEND_ROW_HEIGHT
        if standing is None:
            mark(paper, left + 9, y, 0.0, kind=kind, standing=_PAIRED)
        else:
            mark(paper, left + 9, y, 0.0, kind=kind, standing=standing, quality=quality)
        words(paper, text, left + 32, y + 4.5, size=13)
    y = top + 46 + len(_LEGEND) * p.LEGEND_ROW_HEIGHT
    paper.add(
        "rect",
        x=left,
        y=y - 7,
        width=20,
        height=14,
        fill=p.COMMON,
        fill_opacity=0.07,
        stroke=p.COMMON,
        stroke_dasharray="4 3",
    )
    words(paper, "dashed: the area that both prints show", left + 32, y + 4.5, size=13)
