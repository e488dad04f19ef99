"""Two pictures of the fault tree: the light's language, which moves, and the chart for the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardware.drawings.faults import Action, FaultTree, Question
from hardware.drawings.svg import PAPER, SOFT, Drawing, wrapped

if TYPE_CHECKING:
    from hardware.drawings.faults import Light

COLOURS: Final = {
    "off": "#39424b",
    "white": "#f4f6f8",
    "yellow": "#f0b400",
    "green": "#23b45d",
    "blue": "#2b72e0",
    "red": "#e0352b",
}

_STRIP_MS: Final = 4000

# The chart's columns: x and width.
_LIGHT: Final = (24.0, 168.0)
_FIRST: Final = (216.0, 214.0)
_SECOND: Final = (568.0, 214.0)
_ACTION: Final = (926.0, 400.0)
_TEXT: Final = 12.0
_ROW_GAP: Final = 12.0


def light_picture(tree: FaultTree) -> str:
    """Each pattern as a lamp that moves, and as a strip of four seconds for paper."""
    drawing = Drawing(980, 92 + 62 * len(tree.light), title="What the light says")
    drawing.text(30, 40, "What the light says", size=22, bold=True)
    drawing.text(
        30, 64, "the lamps move where the page allows it; the strips are four seconds long", fill=SOFT
    )
    y = 84.0
    for light in tree.light:
        drawing.rect(24, y, 932, 54, fill="#f4f6f8", line=0, round_by=8)
        lamp(drawing, light, 60, y + 27, 17)
        drawing.text(96, y + 23, light.shows, size=15, bold=True)
        drawing.text(96, y + 43, light.means, size=13, fill=SOFT)
        _strip(drawing, light, 640, y + 15)
        y += 62
    return drawing.written()


def lamp(drawing: Drawing, light: Light, x: float, y: float, r: float) -> None:
    """A lamp that goes through the pattern for ever."""
    colours = list(dict.fromkeys(span.colour for span in light.cycle if span.colour != "off")) or ["off"]
    total = light.cycle_ms
    drawing.circle(x, y, r + 4, fill="#20262c", line=0)
    still = colours[0]
    if len(colours) > 1:
        # in two halves, so that paper shows both; nothing moves here, the strip tells the rest
        for colour, sweep in zip(colours, (0, 1), strict=False):
            drawing.raw(
                f'<path d="M{x:g} {y - r:g} A{r:g} {r:g} 0 0 {sweep} {x:g} {y + r:g} Z" fill="{COLOURS[colour]}"/>'
            )
        return
    drawing.raw(f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{COLOURS[still]}">')
    if len(light.cycle) == 1 and light.cycle[0].fade:
        drawing.raw(
            f'<animate attributeName="opacity" values="0.15;1;0.15" dur="{total}ms" repeatCount="indefinite"/>'
        )
    elif len(light.cycle) > 1:
        values, times, at = [], [], 0
        for span in light.cycle:
            values.append(COLOURS[span.colour])
            times.append(f"{at / total:.4f}".rstrip("0").rstrip("."))
            at += span.ms
        drawing.raw(
            f'<animate attributeName="fill" calcMode="discrete" values="{";".join(values)}" '
            f'keyTimes="{";".join(times)}" dur="{total}ms" repeatCount="indefinite"/>'
        )
    drawing.raw("</circle>")


def _strip(drawing: Drawing, light: Light, x: float, y: float) -> None:
    width, high = 296.0, 24.0
    drawing.rect(x, y, width, high, fill=COLOURS["off"], line=0)
    at = 0
    while at < _STRIP_MS:
        for span in light.cycle:
            end = min(at + span.ms, _STRIP_MS)
            if span.colour != "off" and end > at:
                left, wide = x + width * at / _STRIP_MS, width * (end - at) / _STRIP_MS
                if span.fade:
                    _fading(drawing, span.colour, (left, y), (wide, high))
                else:
                    drawing.rect(left, y, wide, high, fill=COLOURS[span.colour], line=0)
            at = end
    drawing.rect(x, y, width, high, line=1)


def _fading(drawing: Drawing, colour: str, at: tuple[float, float], size: tuple[float, float]) -> None:
    (x, y), (width, high) = at, size
    steps = 24
    for step in range(steps):
        share = 1 - abs(2 * (step + 0.5) / steps - 1)
        alpha = f"{round(255 * share):02x}"
        drawing.rect(
            x + width * step / steps, y, width / steps + 0.3, high, fill=COLOURS[colour] + alpha, line=0
        )


@dataclass(slots=True)
class _Placed:
    """A node of the chart with its place: `y` is its middle."""

    node: Question | Action
    column: tuple[float, float]
    say: str
    below: list[_Placed]
    y: float = 0.0

    @property
    def lines(self) -> list[str]:
        said = self.node.do if isinstance(self.node, Action) else self.node.ask
        return wrapped(said.replace("`", ""), width=self.column[1] - 20, size=_TEXT)

    @property
    def high(self) -> float:
        return 16 + 16 * len(self.lines) + (14 if isinstance(self.node, Action) else 0)


def chart(tree: FaultTree) -> str:
    """The whole tree, from the light at the left to one action at the right, as SVG."""
    bands: list[tuple[Light, _Placed, float, float]] = []
    y = 104.0
    for light in tree.light:
        root = _place(tree, light.first, "", 0)
        end = max(_lay(root, y + 10), y + 116)
        if end - y > 116 and root.y < y + 58:
            root.y = y + 58
        elif end == y + 116:
            _shift(root, (y + end) / 2 - root.y)
        bands.append((light, root, y, end))
        y = end + 14
    drawing = Drawing(_ACTION[0] + _ACTION[1] + 24, y + 10, title="Fault tree of the kiosk")
    drawing.text(24, 42, "What does the light show?", size=26, bold=True)
    drawing.text(24, 70, "Ask from left to right. Every way ends in one thing to do.", size=15, fill=SOFT)
    for x, said, fill in (
        (_ACTION[0] - 40, "now, by the officer", "#dff3e6"),
        (_ACTION[0] + 150, "by a technician, on a visit", "#fde9d2"),
    ):
        drawing.rect(x, 56, 18, 18, fill=fill, line=1, round_by=3)
        drawing.text(x + 26, 70, said)
    for light, root, top, end in bands:
        drawing.rect(12, top, drawing.width - 24, end - top, fill="#f4f6f8", line=0, round_by=10)
        middle = root.y
        drawing.path([(_LIGHT[0] + _LIGHT[1], middle), (_FIRST[0], middle)], line=1.4)
        lamp(drawing, light, _LIGHT[0] + 34, middle - 26, 18)
        _said(drawing, light, middle + 14)
        _draw(drawing, root)
    return drawing.written()


def _said(drawing: Drawing, light: Light, y: float) -> None:
    y = drawing.paragraph(_LIGHT[0], y, light.shows, width=_LIGHT[1], size=14, bold=True)
    drawing.paragraph(_LIGHT[0], y, light.means, width=_LIGHT[1], size=11, fill=SOFT)


def _place(tree: FaultTree, name: str, say: str, depth: int) -> _Placed:
    node = tree.node(name)
    if isinstance(node, Action):
        return _Placed(node, _ACTION, say, [])
    below = [_place(tree, answer.to, answer.say, depth + 1) for answer in node.answers]
    return _Placed(node, _FIRST if depth == 0 else _SECOND, say, below)


def _lay(placed: _Placed, top: float) -> float:
    """Give the node and all below it their y, from `top` down; gives where the next may begin."""
    if not placed.below:
        placed.y = top + placed.high / 2
        return top + placed.high + _ROW_GAP
    end = top
    for child in placed.below:
        end = _lay(child, end)
    placed.y = (placed.below[0].y + placed.below[-1].y) / 2
    if placed.y - placed.high / 2 < top:
        _shift(placed, top - (placed.y - placed.high / 2))
        end = max(end, top + placed.high + _ROW_GAP)
    return end


def _shift(placed: _Placed, by: float) -> None:
    placed.y += by
    for child in placed.below:
        _shift(child, by)


def _draw(drawing: Drawing, placed: _Placed) -> None:
    x, width = placed.column
    elbow = x + width + 14
    for child in placed.below:
        points = [(x + width, placed.y), (elbow, placed.y), (elbow, child.y), (child.column[0], child.y)]
        drawing.path(points, line=1.4, arrow=True)
        lines = wrapped(child.say, width=112, size=11)
        for number, line in enumerate(lines):
            low = child.y - 5 - 13 * (len(lines) - 1 - number)
            drawing.text(elbow + 6, low, line, size=11, bold=True)
        _draw(drawing, child)
    fill = PAPER
    if isinstance(placed.node, Action):
        fill = "#dff3e6" if placed.node.who == "officer" else "#fde9d2"
    top = placed.y - placed.high / 2
    drawing.rect(x, top, width, placed.high, fill=fill, line=1.3, round_by=6)
    y = top + 20
    for line in placed.lines:
        drawing.text(x + 10, y, line, size=_TEXT)
        y += 16
    if isinstance(placed.node, Action):
        drawing.text(x + width - 8, top + placed.high - 6, placed.node.who, size=9, anchor="end", fill=SOFT)
