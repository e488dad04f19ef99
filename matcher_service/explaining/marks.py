"""Minutiae as marks on the page: the shape tells the type, fill and colour what became of them, opacity the quality.

An ending is a circle, a bifurcation a square, another kind or an unknown one a diamond; the tick points as the
minutia does. Paired ones are filled, unpaired ones are hollow with a stroke across, those outside the common area
are small and hollow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interchange.minutiae import MinutiaType
from matcher_service.explaining import parameters as p
from matcher_service.explaining.explanation import Standing
from matcher_service.explaining.svg import number

if TYPE_CHECKING:
    from matcher_service.explaining.svg import Paper, Value

_COLOUR = {Standing.PAIRED: p.PAIRED, Standing.UNPAIRED: p.UNPAIRED, Standing.OUTSIDE: p.OUTSIDE}
_SIZE = {Standing.PAIRED: 1.0, Standing.UNPAIRED: 1.0, Standing.OUTSIDE: 0.72}


def opacity(quality: float) -> float:
    """Of a mark; a quality that was not reported (0) is not held against the minutia."""
    return 1.0 if quality <= 0 else p.OPACITY_LEAST + (1.0 - p.OPACITY_LEAST) * min(1.0, quality)


def mark(
    paper: Paper,
    x: float,
    y: float,
    angle: float,
    *,
    kind: int,
    standing: Standing,
    quality: float = 0.0,
    size: float = 1.0,
    filled: bool | None = None,
) -> None:
    """Draw one minutia at a place of the page. `filled` overrules what the standing says."""
    radius = p.RADIUS * size * _SIZE[standing]
    reach = p.TICK * size * _SIZE[standing]
    cos, sin = math.cos(angle), -math.sin(angle)
    path = _shape(kind, x, y, radius)
    if standing is Standing.UNPAIRED:
        path += _line(x - radius * 0.7, y + radius * 0.7, x + radius * 0.7, y - radius * 0.7)
    path += _line(x + cos * radius, y + sin * radius, x + cos * reach, y + sin * reach)
    colour = _COLOUR[standing]
    solid = standing is Standing.PAIRED if filled is None else filled
    styled: dict[str, Value] = {"fill": colour if solid else p.PAPER, "stroke": colour}
    if not solid:
        styled["fill_opacity"] = 0.6
    if (seen := opacity(quality)) < 1.0:
        styled["opacity"] = seen
    paper.add("path", d=path, stroke_width=p.STROKE * size, **styled)


def _shape(kind: int, x: float, y: float, r: float) -> str:
    if kind == MinutiaType.ENDING:
        left = f"{number(x - r)} {number(y)}"
        arc = f"a{number(r)} {number(r)} 0 1 0"
        return f"M{left}{arc} {number(2 * r)} 0{arc} {number(-2 * r)} 0z"
    if kind == MinutiaType.BIFURCATION:
        s = 0.9 * r
        return f"M{number(x - s)} {number(y - s)}h{number(2 * s)}v{number(2 * s)}h{number(-2 * s)}z"
    d = 1.25 * r
    return f"M{number(x - d)} {number(y)}l{number(d)} {number(-d)}l{number(d)} {number(d)}l{number(-d)} {number(d)}z"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"
