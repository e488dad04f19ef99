"""The picture of a comparison, as SVG: probe, candidate, and both laid over each other, with what it means.

    svg = draw(explain(probe, candidate))

The probe is drawn as it lies when it is laid over the candidate, so that a minutia and its partner stand at the same
place of their panels. The picture shows a person's minutiae: keep it, or delete it, as you would the prints.

For an examiner it is drawn `blind`: the prints and their pairs, and nothing of what the comparison made of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interchange.fingers import finger_name
from matcher_service.explaining import parameters as p
from matcher_service.explaining.explanation import Standing
from matcher_service.explaining.marks import mark
from matcher_service.explaining.meaning import CAUTION
from matcher_service.explaining.page import foot, foot_height, head, legend, legend_height, words
from matcher_service.explaining.svg import Paper, number, shortened
from matcher_service.explaining.view import View, views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.explaining.explanation import Explanation, Side

PANEL_WIDTH = (p.PAGE_WIDTH - 2 * p.MARGIN - 2 * p.GAP) / 3


def draw(explanation: Explanation, *, blind: bool = False) -> str:
    """The whole page, well-formed XML without script or reference to anything outside of it.

    `blind`: without the score, its meaning and its parts.
    """
    probe_view, candidate_view = views(explanation, width=PANEL_WIDTH)
    top = (p.MARGIN if blind else p.HEAD_HEIGHT) + p.CAPTION_HEIGHT
    below = top + probe_view.height + p.GAP
    about = f"score {explanation.score:.1f}, {explanation.meaning.headline}"
    pairs = f"{len(explanation.pairs)} pairs of minutiae."
    paper = Paper(
        p.PAGE_WIDTH,
        below + (legend_height() if blind else foot_height(explanation)) + p.MARGIN,
        title="Two prints beside each other" if blind else f"Two prints compared: {about}",
        description=pairs if blind else f"{explanation.meaning.sentence} {pairs} {CAUTION}",
    )
    with paper.within("g", font_family=p.FONT, font_size=14, fill=p.INK):
        paper.add("rect", width="100%", height="100%", fill=p.PAPER)
        if not blind:
            head(paper, explanation)
        lefts = [p.MARGIN + k * (PANEL_WIDTH + p.GAP) for k in range(3)]
        _panel(paper, explanation, explanation.probe, probe_view, left=lefts[0], top=top)
        _panel(paper, explanation, explanation.candidate, candidate_view, left=lefts[1], top=top)
        _laid_over(paper, explanation, candidate_view, lefts[2], top)
        _joins(paper, explanation, candidate_view, lefts, top)
        if blind:
            legend(paper, p.MARGIN, below)
        else:
            foot(paper, explanation, below)
    return paper.finish()


def _panel(
    paper: Paper, explanation: Explanation, side: Side, view: View, *, left: float, top: float
) -> None:
    role = "Probe" if side is explanation.probe else "Candidate"
    lines = [_about(side), _how_it_lies(explanation, side)]
    named = "" if side.name == role.lower() else f": {shortened(side.name, p.MOST_NAME_CHARACTERS)}"
    _caption(paper, role + named, lines, left, top)
    with paper.within("g", transform=f"translate({number(left)} {number(top)})"):
        _frame(paper, view)
        _common(paper, explanation, view)
        for x, y in view.place(side.aside):
            paper.add("circle", cx=x, cy=y, r=p.LEFT_ASIDE_RADIUS, fill=p.FAINT_INK)
        _marks(paper, side, view)
        _numbers(paper, explanation, side, view)
        _scale_bar(paper, view)


def _laid_over(paper: Paper, explanation: Explanation, view: View, left: float, top: float) -> None:
    aligned = len(explanation.pairs) > 0
    lines = ["Probe hollow, candidate filled; a line joins each pair"] if aligned else []
    _caption(paper, "Laid over each other", lines, left, top)
    with paper.within("g", transform=f"translate({number(left)} {number(top)})"):
        _frame(paper, view)
        if not aligned:
            for k, line in enumerate(("The comparison found no way", "to lay one print over the other.")):
                y = view.height / 2 + 20 * k
                words(paper, line, view.width / 2, y, size=14, fill=p.SOFT_INK, text_anchor="middle")
            return
        _common(paper, explanation, view)
        _marks(paper, explanation.candidate, view)
        _marks(paper, explanation.probe, view, hollow=True)
        ends = _ends(explanation, view)
        path = "".join(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" for (x1, y1), (x2, y2) in ends)
        paper.add("path", d=path, stroke=p.INK, stroke_width=1.3, fill="none")
        _scale_bar(paper, view)


def _caption(paper: Paper, title: str, lines: list[str], left: float, top: float) -> None:
    words(paper, title, left, top - 42, size=16, font_weight="bold")
    for k, line in enumerate(line for line in lines if line):
        words(paper, line, left, top - 25 + 16 * k, size=12.5, fill=p.SOFT_INK)


def _about(side: Side) -> str:
    total = len(side.minutiae) + len(side.aside)
    told = [finger_name(side.position), f"{total} minutiae"]
    if len(side.aside):
        told[-1] += f" (the best {len(side.minutiae)} compared)"
    if side.minutiae.finger_quality:
        told.append(f"quality {side.minutiae.finger_quality} of 100")
    return ", ".join(told)


def _how_it_lies(explanation: Explanation, side: Side) -> str:
    if side is not explanation.probe or not len(explanation.pairs):
        return ""
    degrees = round(math.degrees(explanation.turn))
    if degrees == 0:
        return "lies as the candidate does, not turned"
    return f"turned {abs(degrees)}° {'to the left' if degrees > 0 else 'to the right'}, as the candidate lies"


def _frame(paper: Paper, view: View) -> None:
    paper.add("rect", width=view.width, height=view.height, rx=6, fill=p.PANEL, stroke=p.FRAME)


def _common(paper: Paper, explanation: Explanation, view: View) -> None:
    if not len(explanation.common):
        return
    corners = " ".join(f"{number(x)},{number(y)}" for x, y in view.place(explanation.common))
    paper.add(
        "polygon",
        points=corners,
        fill=p.COMMON,
        fill_opacity=0.07,
        stroke=p.COMMON,
        stroke_width=1.4,
        stroke_dasharray="7 4",
        stroke_linejoin="round",
    )


def _marks(paper: Paper, side: Side, view: View, *, hollow: bool = False) -> None:
    size = p.CROWDED_SHRINK if len(side.minutiae) > p.CROWDED_AT else 1.0
    places = view.place(side.places)
    # What is paired is drawn last, on top.
    for k in np.argsort(-side.standing.astype(np.int64), kind="stable"):
        standing = Standing(int(side.standing[k]))
        mark(
            paper,
            float(places[k, 0]),
            float(places[k, 1]),
            float(side.angles[k]),
            kind=int(side.minutiae.type[k]),
            standing=standing,
            quality=float(side.minutiae.quality[k]),
            size=size * (1.35 if hollow and standing is Standing.PAIRED else 1.0),
            filled=False if hollow else None,
        )


def _numbers(paper: Paper, explanation: Explanation, side: Side, view: View) -> None:
    if not 0 < len(explanation.pairs) <= p.NUMBERED_AT_MOST:
        return
    column = 0 if side is explanation.probe else 1
    with paper.within(
        "g",
        font_size=p.NUMBER_SIZE,
        text_anchor="middle",
        fill=p.INK,
        stroke=p.PANEL,
        stroke_width=2.4,
        paint_order="stroke",
        stroke_linejoin="round",
    ):
        places = view.place(side.places)
        tips = places + p.TICK * np.stack([np.cos(side.angles), -np.sin(side.angles)], axis=1)
        taken = np.concatenate([places, (places + tips) / 2, tips])
        for name, k in enumerate(explanation.pairs[:, column], start=1):
            x, y = _free_spot(places[k], taken)
            taken = np.concatenate([taken, [[x, y]]])
            paper.add("text", str(name), x=x, y=y + 3.4)


def _free_spot(place: NDArray[np.float64], taken: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the spots around a mark, the one that is farthest from everything else."""
    turn = np.arange(p.NUMBER_SPOTS) * (2 * np.pi / p.NUMBER_SPOTS)
    spots = place + p.NUMBER_DISTANCE * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    gaps = np.hypot(*(spots[:, None] - taken).transpose(2, 0, 1)).min(axis=1)
    return spots[int(np.argmax(gaps))]


def _ends(explanation: Explanation, view: View) -> NDArray[np.float64]:
    """Where the two of each pair stand, (k, 2, 2), in a panel with both prints."""
    first = view.place(explanation.probe.places[explanation.pairs[:, 0]])
    second = view.place(explanation.candidate.places[explanation.pairs[:, 1]])
    return np.stack([first, second], axis=1)


def _joins(paper: Paper, explanation: Explanation, view: View, lefts: list[float], top: float) -> None:
    if not len(explanation.pairs):
        return
    ends = _ends(explanation, view) + np.array([[lefts[0], top], [lefts[1], top]])
    path = "".join(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" for (x1, y1), (x2, y2) in ends)
    paper.add("path", d=path, stroke=p.JOIN, stroke_width=0.8, stroke_opacity=0.3, fill="none")


def _scale_bar(paper: Paper, view: View) -> None:
    longest = next((mm for mm in p.SCALE_BAR_MM if mm * view.per_mm <= view.width / 3), p.SCALE_BAR_MM[-1])
    length = longest * view.per_mm
    x, y = 14.0, view.height - 14.0
    bar = f"M{number(x)} {number(y - 4)}v8m0 -4h{number(length)}m0 -4v8"
    paper.add("path", d=bar, stroke=p.INK, stroke_width=1.4, fill="none")
    words(paper, f"{longest:g} mm", x + length / 2, y - 7, size=11, fill=p.SOFT_INK, text_anchor="middle")
