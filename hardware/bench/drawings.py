"""Draws the bench's pictures: ``python -m hardware.bench.drawings`` writes hardware/bench/pictures/*.svg."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardware.drawings.svg import INK, SOFT, Drawing

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES: Final = Path(__file__).with_name("pictures")

_PRODUCT = "#dcebf7"
_PLAYED = "#fdf0d5"
_BENCH = "#eceff1"
_POWER = "#c62828"
_DATA = "#1565c0"
_TEXT_PX = 12.0


@dataclass(frozen=True, slots=True)
class Box:
    """A thing on the bench: its place, size, name, and what is to be said of it."""

    x: float
    y: float
    width: float
    height: float
    name: str
    about: str = ""
    fill: str = _BENCH

    def draw(self, on: Drawing) -> None:
        """Put it on the paper."""
        on.rect(self.x, self.y, self.width, self.height, fill=self.fill, round_by=6)
        on.text(self.x + 10, self.y + 20, self.name, bold=True)
        on.paragraph(
            self.x + 10, self.y + 38, self.about, width=self.width - 20, size=_TEXT_PX - 1, fill=SOFT
        )

    def edge(self, side: str, *, at: float = 0.5) -> tuple[float, float]:
        """A point on its edge: `at` from the top or the left."""
        return {
            "left": (self.x, self.y + at * self.height),
            "right": (self.x + self.width, self.y + at * self.height),
            "top": (self.x + at * self.width, self.y),
            "bottom": (self.x + at * self.width, self.y + self.height),
        }[side]


def _cable(
    on: Drawing, points: list[tuple[float, float]], said: str, *, color: str = _DATA, dash: str | None = None
) -> None:
    """A line with its name above its first stretch that is level."""
    on.path(points, stroke=color, line=2.5, dash=dash)
    for (x1, y1), (x2, y2) in pairwise(points):
        if y1 == y2:
            on.text((x1 + x2) / 2, y1 - 6, said, size=_TEXT_PX - 1, anchor="middle", fill=color)
            return


def _key(on: Drawing, y: float, entries: list[tuple[str, str]]) -> None:
    x = 20.0
    for fill, said in entries:
        on.rect(x, y, 16, 16, fill=fill, round_by=3)
        on.text(x + 24, y + 12.5, said, size=_TEXT_PX)
        x += 60 + len(said) * 6.6


def virtual() -> str:
    """The bench without hardware."""
    on = Drawing(900, 290, title="The virtual bench")
    tests = Box(
        20, 30, 150, 190, "tests/hil", "the same files on every bench; labgrid brings the kiosk into a state"
    )
    edge = Box(215, 30, 150, 90, "edge service", "its own driver of the board, as shipped", _PRODUCT)
    wire = Box(410, 30, 120, 90, "wire", "passes bytes on, keeps them for the report")
    board = Box(575, 30, 150, 90, "firmware", "as shipped, in MicroPython with 264 KB", _PRODUCT)
    sensor = Box(770, 30, 110, 90, "emulator", "plays the sensor", _PLAYED)
    hands = Box(410, 160, 315, 60, "hands", "power, reset, lid, button: asked for by the tests", _PLAYED)
    finger = Box(770, 160, 110, 60, "finger", "made-up prints", _PLAYED)
    for box in (tests, edge, wire, board, sensor, hands, finger):
        box.draw(on)
    _cable(on, [tests.edge("right", at=0.24), edge.edge("left")], "")
    _cable(on, [edge.edge("right"), wire.edge("left")], "pty")
    _cable(on, [wire.edge("right"), board.edge("left")], "pty")
    _cable(on, [board.edge("right"), sensor.edge("left")], "pty")
    _cable(on, [tests.edge("right", at=0.84), hands.edge("left")], "", color=SOFT, dash="6 4")
    on.path([hands.edge("top", at=0.76), board.edge("bottom")], stroke=SOFT, dash="6 4", arrow=True)
    on.path([finger.edge("top"), sensor.edge("bottom")], stroke=SOFT, dash="6 4", arrow=True)
    _key(on, 250, [(_PRODUCT, "what is tested"), (_PLAYED, "played"), (_BENCH, "the bench")])
    return on.written()


def attended() -> str:
    """The bench with a person."""
    on = Drawing(900, 400, title="The bench with a person")
    pc = Box(
        20, 40, 170, 250, "bench computer", "Linux, this checkout, make hil; asks the person on its screen"
    )
    hub = Box(290, 40, 150, 110, "USB hub", "switches each socket's supply by itself: uhubctl")
    board = Box(560, 40, 150, 110, "sensor board", "Pico with its parts, hardware/wiring.md", _PRODUCT)
    sensor = Box(790, 40, 90, 110, "sensor", "R307 or R503", _PRODUCT)
    adapter = Box(560, 200, 150, 90, "serial adapter", "3.3 V; sets the sensor's rate")
    person = Box(
        290,
        310,
        590,
        60,
        "person",
        "presses fingers, opens the lid's switch, holds the button, moves the sensor's plug",
        _PLAYED,
    )
    for box in (pc, hub, board, sensor, adapter, person):
        box.draw(on)
    _cable(on, [pc.edge("right", at=0.22), hub.edge("left")], "USB")
    _cable(on, [hub.edge("right"), board.edge("left")], "USB, socket 1")
    _cable(on, [board.edge("right"), sensor.edge("left")], "6 wires")
    _cable(on, [pc.edge("right", at=0.82), adapter.edge("left")], "USB, not through the switched hub")
    _cable(on, [adapter.edge("right"), (835, 245), sensor.edge("bottom")], "instead of the board", dash="7 5")
    return on.written()


def unattended() -> str:
    """The bench with relays."""
    on = Drawing(900, 480, title="The bench without a person")
    pc = Box(20, 30, 160, 250, "bench computer", "Linux, this checkout, make hil")
    card = Box(270, 130, 200, 230, "USB relay card", "four channels, each with COM, NO and NC")
    board = Box(600, 30, 280, 230, "sensor board", "", _PRODUCT)
    sensor = Box(600, 330, 120, 70, "sensor", "R307 or R503", _PRODUCT)
    stamp = Box(760, 330, 120, 70, "stamp", "silicone, on a 12 V solenoid", _PLAYED)
    for box in (pc, card, board, sensor, stamp):
        box.draw(on)
    _cable(on, [pc.edge("right", at=0.08), (600, 50)], "USB data: D+, D-, ground")
    _cable(on, [pc.edge("right", at=0.76), (270, 220)], "USB")
    rows = [
        (1, "NC", "supply", "USB 5 V", 100.0, _POWER),
        (2, "NC", "lid", "GP10 and ground", 150.0, INK),
        (3, "NO", "button", "GP11 and ground", 200.0, INK),
    ]
    for channel, contact, what, where, y, color in rows:
        from_y = 170.0 + channel * 38
        on.text(282, from_y + 4, f"{channel}  {contact}  {what}", size=_TEXT_PX)
        on.path(
            [(470, from_y), (500 + channel * 22, from_y), (500 + channel * 22, y), (600, y)],
            stroke=color,
            line=2.5,
        )
        on.text(612, y + 4, where, size=_TEXT_PX, fill=color)
    on.text(282, 326, "4  NO  stamp", size=_TEXT_PX)
    on.path([(470, 322), (520, 322), (520, 430), (820, 430), (820, 400)], stroke=_POWER, line=2.5)
    on.text(
        640, 424, "12 V, with a diode across the solenoid", size=_TEXT_PX - 1, anchor="middle", fill=_POWER
    )
    on.path([(660, 260), (660, 330)], stroke=_DATA, line=2.5)
    on.text(668, 300, "6 wires", size=_TEXT_PX - 1, fill=_DATA)
    on.path([(760, 365), (724, 365)], stroke=SOFT, dash="6 4", arrow=True)
    on.text(
        20,
        466,
        "NC: closed while the relay is off, so a bench computer that is off leaves the board on and its lid shut.",
        size=_TEXT_PX,
        fill=SOFT,
    )
    return on.written()


ALL: Final[dict[str, Callable[[], str]]] = {
    "virtual.svg": virtual,
    "attended.svg": attended,
    "unattended.svg": unattended,
}


def main() -> None:
    """Write what changed, and say what."""
    PICTURES.mkdir(exist_ok=True)
    for name, draw in ALL.items():
        path, written = PICTURES / name, draw()
        if not path.exists() or path.read_text("utf-8") != written:
            path.write_text(written, "utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
