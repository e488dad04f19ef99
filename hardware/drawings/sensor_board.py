"""Where the parts go on the sensor board: the hole-grid board from above, to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.drawings.svg import INK, PAPER, SOFT, Drawing, wrapped

if TYPE_CHECKING:
    from hardware.drawings.wiring import Wiring

BOARD_MM: Final = (70.0, 50.0)
SCREWS_MM: Final = (64.0, 44.0)
HOLES: Final = (24, 18)
_PITCH_MM: Final = 2.54
_SCALE: Final = 10.0
_LEFT: Final = 150.0
_TOP: Final = 100.0


def sensor_board(wiring: Wiring) -> str:
    """The picture, as SVG."""
    width, high = BOARD_MM[0] * _SCALE, BOARD_MM[1] * _SCALE
    drawing = Drawing(_LEFT + width + 60, _TOP + high + 70, title="Where the parts go on the sensor board")
    drawing.text(30, 40, "The sensor board from above", size=20, bold=True)
    drawing.text(
        30,
        62,
        "hole-grid board 70 x 50 mm, 24 x 18 holes; wires run below, as in the wiring diagram",
        fill=SOFT,
    )
    drawing.rect(_LEFT, _TOP, width, high, fill="#e3c48f", round_by=14)
    for column in range(HOLES[0]):
        for row in range(HOLES[1]):
            x = (column - (HOLES[0] - 1) / 2) * _PITCH_MM
            y = (row - (HOLES[1] - 1) / 2) * _PITCH_MM
            drawing.circle(*_at(x, y), 3, fill="#b98a4a", line=0)
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            drawing.circle(*_at(sign_x * SCREWS_MM[0] / 2, sign_y * SCREWS_MM[1] / 2), 16, fill=PAPER)
    for place in wiring.place:
        wide, deep = place.size[0] * _SCALE, place.size[1] * _SCALE
        x, y = _at(*place.at)
        drawing.rect(x - wide / 2, y - deep / 2, wide, deep, fill=place.colour, round_by=4)
    _pico(drawing, wiring)
    for place in wiring.place:
        _label(drawing, place.name, place.at, place.size)
    drawing.text(
        _LEFT + width / 2,
        _TOP + high + 30,
        "front: wires to sensor and lid switch",
        anchor="middle",
        fill=SOFT,
    )
    return drawing.written()


def _at(x_mm: float, y_mm: float) -> tuple[float, float]:
    return _LEFT + (x_mm + BOARD_MM[0] / 2) * _SCALE, _TOP + (BOARD_MM[1] / 2 - y_mm) * _SCALE


def _pico(drawing: Drawing, wiring: Wiring) -> None:
    """Pin 1 is at the front when USB looks left: the pins run to the right along the front, and back behind."""
    pico = next(place for place in wiring.place if place.name.startswith("Pico"))
    x, y = pico.at
    left, top = _at(x - pico.size[0] / 2 - 1.3, y + 4)
    drawing.rect(left, top, 76, 80, fill="#c8ccd0", round_by=4)
    drawing.text(left + 38, top + 45, "USB", anchor="middle", bold=True)
    drawing.path([(left - 90, top + 40), (left, top + 40)], line=9)
    drawing.text(left - 88, top + 22, "to the Pi", size=12)
    for pin in range(1, 41):
        along = (pin if pin <= 20 else 41 - pin) - 10.5
        hole = _at(x + along * _PITCH_MM, y + (-8.89 if pin <= 20 else 8.89))
        drawing.circle(*hole, 6, fill="#f2c14e", line=1)
        if pin in {1, 5, 10, 15, 20, 21, 25, 30, 35, 36, 40}:
            drawing.text(
                hole[0],
                hole[1] + (-10 if pin <= 20 else 20),
                str(pin),
                size=11,
                anchor="middle",
                fill="#ffffff",
            )


def _label(drawing: Drawing, name: str, at: tuple[float, float], size: tuple[float, float]) -> None:
    x, y = _at(*at)
    lines = wrapped(name, width=max(60.0, size[0] * _SCALE - 8), size=12)
    dark = name.startswith("Pico")
    if size[0] * _SCALE < 70:
        # too small to write into: beside it
        drawing.text(x, y + size[1] * _SCALE / 2 + 15, name, size=12, anchor="middle", bold=True)
        return
    start = y - 8 * (len(lines) - 1) + 4
    for number, line in enumerate(lines):
        drawing.text(
            x, start + 16 * number, line, size=12, anchor="middle", fill=PAPER if dark else INK, bold=dark
        )
