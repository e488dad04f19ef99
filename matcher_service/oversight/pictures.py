"""The report's pictures, as SVG: the map, lines by month, bars, and the funnel. Colours are never all that says it."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from matcher_service.explaining.svg import Paper
from matcher_service.oversight.coverage import states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matcher_service.oversight.figures import Coverage
    from matcher_service.oversight.outliers import Funnel

FONT = "system-ui, sans-serif"
INK, FAINT, PALE = "#1b2733", "#8895a3", "#eef1f4"
# Six colours that stay apart for colour-blind readers (Okabe and Ito, 2008); lines are named at their ends too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
# From nothing to all, light to dark, one hue: readable in grey as well.
STEPS = ("#ffffff", "#d6e4f2", "#9fc2e0", "#5e9bc9", "#2a6fa8", "#08306b")
TILE = 52.0


def coverage_map(coverage: Sequence[Coverage], repository: str) -> str:
    """A tile for each state, darker the more of its jurisdictions share with `repository`."""
    here = {one.state: one for one in coverage if one.repository == repository}
    total = sum(one.active for one in here.values())
    width, height = 11 * TILE + 40, 8 * TILE + 74
    paper = Paper(
        width,
        height,
        title=f"Jurisdictions that share with {repository}",
        description=f"{total} jurisdictions in {len(here)} states. One tile stands for each state.",
    )
    with paper.within("g", font_family=FONT, text_anchor="middle"):
        for state in states().values():
            one = here.get(state.code)
            share = one.share if one else 0.0
            x, y = 20 + state.column * TILE, 14 + state.row * TILE
            step = 0 if not share else 1 + min(int(share * (len(STEPS) - 1)), len(STEPS) - 2)
            dark = step >= 3
            paper.add(
                "rect", x=x, y=y, width=TILE - 4, height=TILE - 4, rx=4, fill=STEPS[step],
                stroke=FAINT if one else "#c9d1d9", stroke_width=1,
            )  # fmt: skip
            ink = "#ffffff" if dark else INK if one else FAINT
            middle = x + (TILE - 4) / 2
            paper.add("text", state.code, x=middle, y=y + 21, font_size=14, font_weight="600", fill=ink)
            if one:
                paper.add(
                    "text", f"{one.active}/{one.jurisdictions}", x=middle, y=y + 38, font_size=11, fill=ink
                )
        _legend(paper, height - 44)
    return paper.finish()


def _legend(paper: Paper, y: float) -> None:
    words = ("none", *(f"up to {round(100 * n / (len(STEPS) - 1))} %" for n in range(1, len(STEPS))))
    for number, (colour, word) in enumerate(zip(STEPS, words, strict=True)):
        x = 24 + number * 96
        paper.add("rect", x=x, y=y, width=18, height=18, fill=colour, stroke=FAINT)
        paper.add("text", word, x=x + 25, y=y + 14, font_size=12, fill=INK, text_anchor="start")


def lines_by_month(months: Sequence[str], series: Mapping[str, Sequence[int | None]], *, title: str) -> str:
    """Counts by month, a line for each of up to six series, named at its end; broken where a count is hidden (None)."""
    width, height, left, right, top, bottom = 760.0, 300.0, 60.0, 190.0, 20.0, 40.0
    known = {name: [(i, v) for i, v in enumerate(values) if v is not None] for name, values in series.items()}
    most = max((value for values in known.values() for _, value in values), default=0) or 1
    paper = Paper(width, height, title=title, description="; ".join(
        f"{name}: {', '.join(f'{months[i]} {value}' for i, value in known[name])}"
        for name in series
    )[:4000])  # fmt: skip
    across = (width - left - right) / max(len(months) - 1, 1)

    def place(value: float) -> float:
        return height - bottom - (height - top - bottom) * value / most

    with paper.within("g", font_family=FONT, font_size=12, fill=INK):
        for share in (0.0, 0.5, 1.0):
            y = place(most * share)
            paper.add("line", x1=left, y1=y, x2=width - right, y2=y, stroke="#d5dbe1")
            paper.add("text", f"{round(most * share):,}", x=left - 8, y=y + 4, text_anchor="end")
        every = max(1, ceil(len(months) / 8))
        for number in range(0, len(months), every):
            x = left + number * across
            paper.add("text", months[number], x=x, y=height - bottom + 20, text_anchor="middle")
        drawn = {name: values for name, values in known.items() if values}
        ends = _spread_labels([place(values[-1][1]) for values in drawn.values()])
        colours = dict(zip(series, COLOURS, strict=False))
        for (name, values), end in zip(drawn.items(), ends, strict=True):
            for run in _runs(values):
                points = " ".join(f"{left + i * across:.1f},{place(v):.1f}" for i, v in run)
                paper.add("polyline", points=points, fill="none", stroke=colours[name], stroke_width=2.5)
            for number, value in values:
                paper.add("circle", cx=left + number * across, cy=place(value), r=2.5, fill=colours[name])
            x = width - right + 12
            paper.add("text", name, x=x, y=end + 4, fill=colours[name], font_weight="600")
    return paper.finish()


def _runs(values: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Parted where a month is missing."""
    runs: list[list[tuple[int, int]]] = []
    for number, value in values:
        if runs and runs[-1][-1][0] == number - 1:
            runs[-1].append((number, value))
        else:
            runs.append([(number, value)])
    return runs


def _spread_labels(wanted: Sequence[float], gap: float = 16.0) -> list[float]:
    """The same places, moved apart so that no two labels lie on each other."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = list(wanted)
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    over = max((placed[i] for i in order), default=0.0) - max(wanted, default=0.0)
    return [y - over / 2 for y in placed] if over > 0 else placed


def bars(rows: Sequence[tuple[str, int, str]], *, title: str) -> str:
    """A bar for each (name, length, what is written at its end)."""
    left, right, step = 250.0, 120.0, 28.0
    width, height = 760.0, max(len(rows), 1) * step + 16
    most = max((count for _, count, _ in rows), default=0) or 1
    words = "; ".join(f"{name}: {written}" for name, _, written in rows)
    paper = Paper(width, height, title=title, description=words[:4000])
    with paper.within("g", font_family=FONT, font_size=13, fill=INK):
        for number, (name, count, written) in enumerate(rows):
            y = 8 + number * step
            length = (width - left - right) * count / most
            paper.add("text", name, x=left - 10, y=y + 15, text_anchor="end")
            paper.add("rect", x=left, y=y + 2, width=max(length, 1.5), height=step - 10, fill=COLOURS[0])
            paper.add("text", written, x=left + length + 8, y=y + 15)
    return paper.finish()


def funnel_plot(counts: Mapping[str, tuple[int, int]], funnel: Funnel, *, title: str) -> str:
    """The rate of each of `counts` over its number of cases, between the limits of chance; its outliers are named."""
    width, height, left, bottom, top = 760.0, 340.0, 60.0, 46.0, 20.0
    outliers = {one.jurisdiction for one in funnel.outliers} & counts.keys()
    shown = {name: pair for name, pair in counts.items() if pair[1]}
    most = max((trials for _, trials in shown.values()), default=1)
    sizes = [max(1, round(most * (n / 40) ** 2)) for n in range(1, 41)]
    highest = max([e / t for e, t in shown.values()] + [funnel.limits(sizes[4])[1], funnel.rate], default=1.0)
    highest = min(1.0, highest * 1.08) or 1.0

    def across(trials: float) -> float:
        return left + (width - left - 30) * (trials / most) ** 0.5

    def place(rate: float) -> float:
        return height - bottom - (height - bottom - top) * min(rate, highest) / highest

    words = f"{funnel.tested} jurisdictions were tested; outside: {', '.join(sorted(outliers)) or 'none'}"
    paper = Paper(width, height, title=title, description=words[:4000])
    with paper.within("g", font_family=FONT, font_size=12, fill=INK):
        for side in (0, 1):
            points = " ".join(f"{across(n):.1f},{place(funnel.limits(n)[side]):.1f}" for n in sizes)
            paper.add("polyline", points=points, fill="none", stroke=FAINT, stroke_dasharray="5 4")
        paper.add("line", x1=left, y1=place(funnel.rate), x2=width - 30, y2=place(funnel.rate), stroke=FAINT)
        for share in (0.0, 0.5, 1.0):
            y = place(highest * share)
            paper.add("text", f"{100 * highest * share:.1f} %", x=left - 8, y=y + 4, text_anchor="end")
        for trials in (most // 16, most // 4, most):
            paper.add("text", f"{trials:,}", x=across(trials), y=height - bottom + 20, text_anchor="middle")
        paper.add("text", "cases of the jurisdiction", x=width / 2, y=height - 6, text_anchor="middle")
        for name, (events, trials) in shown.items():
            outside = name in outliers
            x, y = across(trials), place(events / trials)
            if outside:
                diamond = f"{x},{y - 7} {x + 7},{y} {x},{y + 7} {x - 7},{y}"
                paper.add("polygon", points=diamond, fill=COLOURS[1])
                paper.add("text", name, x=min(x + 10, width - 90), y=y - 6, font_weight="600")
            else:
                paper.add("circle", cx=x, cy=y, r=3, fill=COLOURS[0], fill_opacity="0.6")
    return paper.finish()
