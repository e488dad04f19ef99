"""A small SVG writer: shapes in, text out, the same text every time."""

from __future__ import annotations

import textwrap
from typing import Final
from xml.sax.saxutils import escape, quoteattr

FONT: Final = "'DejaVu Sans', Verdana, Arial, sans-serif"
INK: Final = "#1d2733"
SOFT: Final = "#5b6875"
PAPER: Final = "#ffffff"

# Mean width of a letter over its size, in DejaVu Sans and the like: for guessing how long a line becomes.
_LETTER: Final = 0.56


class Drawing:
    """A picture of `width` x `height` units on white paper, which also shows on a dark page."""

    def __init__(self, width: float, height: float, *, title: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._lines: list[str] = []

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        stroke: str = INK,
        line: float = 1.5,
        round_by: float = 0,
    ) -> None:
        """A box by its upper left corner."""
        self._add(
            "rect",
            x=x,
            y=y,
            width=width,
            height=height,
            rx=round_by or None,
            fill=fill,
            stroke=stroke if line else "none",
            stroke_width=line or None,
        )

    def circle(
        self, x: float, y: float, r: float, *, fill: str = "none", stroke: str = INK, line: float = 1.5
    ) -> None:
        """A disc or ring by its middle."""
        self._add(
            "circle", cx=x, cy=y, r=r, fill=fill, stroke=stroke if line else "none", stroke_width=line or None
        )

    def path(
        self,
        points: list[tuple[float, float]],
        *,
        stroke: str = INK,
        line: float = 1.5,
        fill: str = "none",
        dash: str | None = None,
        arrow: bool = False,
    ) -> None:
        """A line through the points, with a head at its end if `arrow`."""
        said = "M" + " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self._add(
            "path",
            d=said,
            fill=fill,
            stroke=stroke,
            stroke_width=line,
            stroke_linejoin="round",
            stroke_linecap="round",
            stroke_dasharray=dash,
        )
        if arrow:
            self.arrow_head(points[-2], points[-1], fill=stroke)

    def arrow_head(
        self, start: tuple[float, float], end: tuple[float, float], *, fill: str, size: float = 8
    ) -> None:
        """A triangle at `end`, pointing away from `start`."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        long = (dx * dx + dy * dy) ** 0.5 or 1.0
        dx, dy = dx / long * size, dy / long * size
        back = (end[0] - dx, end[1] - dy)
        corners = [end, (back[0] - dy / 2, back[1] + dx / 2), (back[0] + dy / 2, back[1] - dx / 2)]
        self._add("polygon", points=" ".join(f"{_number(x)},{_number(y)}" for x, y in corners), fill=fill)

    def text(
        self,
        x: float,
        y: float,
        said: str,
        *,
        size: float = 13,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
    ) -> None:
        """One line of text; `y` is its base line."""
        self._lines.append(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" text-anchor="{anchor}" '
            f'fill="{fill}"{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}>{escape(said)}</text>'
        )

    def paragraph(
        self,
        x: float,
        y: float,
        said: str,
        *,
        width: float,
        size: float = 13,
        fill: str = INK,
        bold: bool = False,
    ) -> float:
        """Text broken into lines of about `width`; gives the y below it."""
        for line in wrapped(said, width=width, size=size):
            self.text(x, y, line, size=size, fill=fill, bold=bold)
            y += size * 1.35
        return y

    def raw(self, said: str) -> None:
        """SVG as it is, for what has no method here."""
        self._lines.append(said)

    def written(self) -> str:
        """The file."""
        size = f'width="{_number(self.width)}" height="{_number(self.height)}"'
        box = f'viewBox="0 0 {_number(self.width)} {_number(self.height)}"'
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family={quoteattr(FONT)}>',
            f"<title>{escape(self._title)}</title>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        ]
        return "\n".join([*head, *self._lines, "</svg>", ""])

    def _add(self, tag: str, **attributes: str | float | None) -> None:
        said = " ".join(
            f'{name.replace("_", "-")}="{value if isinstance(value, str) else _number(value)}"'
            for name, value in attributes.items()
            if value is not None
        )
        self._lines.append(f"<{tag} {said}/>")


def wrapped(said: str, *, width: float, size: float = 13) -> list[str]:
    """`said` in lines that are about `width` long at that letter size."""
    return textwrap.wrap(said, max(8, int(width / (size * _LETTER)))) or [""]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
