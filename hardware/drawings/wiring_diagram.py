"""The wiring diagram: sensor and its switch on the left, the board on the right, every wire in its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.drawings.svg import INK, PAPER, SOFT, Drawing

if TYPE_CHECKING:
    from hardware.drawings.wiring import Sensor, Wiring

COLOURS: Final = {
    "red": "#d43b33",
    "black": "#20262c",
    "yellow": "#d9a400",
    "green": "#25954a",
    "blue": "#2b68c9",
    "white": "#b9c2cb",
    "violet": "#8a4fc0",
    "orange": "#e07b1f",
    "grey": "#808a94",
}

_PITCH: Final = 32.0
_BOARD_X: Final = 860.0
_BOARD_Y: Final = 178.0
_BOARD_WIDTH: Final = 190.0
_SENSOR_X: Final = 40.0
_SENSOR_Y: Final = 196.0
_SENSOR_WIDTH: Final = 190.0
_SWITCH: Final = (430.0, 92.0, 200.0, 62.0)  # x, y, width, height

# Where each sensor wire runs down or up between the connector and the board: no two on one line.
_LANES: Final = {2: 700.0, 3: 660.0, 4: 620.0, 5: 580.0, 6: 300.0}
_SWITCH_LANE: Final = 780.0
_RIGHT_LANES: Final = {"supply": 1108.0, "touch": 1136.0}


def wiring_diagram(wiring: Wiring, sensor: Sensor) -> str:
    """The picture for one sensor, as SVG."""
    drawing = Drawing(1240, 940, title=f"Wiring of the sensor board with the {sensor.name}")
    drawing.text(40, 40, f"Sensor board with the {sensor.name}", size=24, bold=True)
    drawing.text(
        40,
        62,
        f"{sensor.kind}. Seen from above, USB at the top; the same pins on a Pico and a Pico 2.",
        fill=SOFT,
    )
    _switch_supply(drawing, wiring, sensor)
    _sensor_wires(drawing, sensor, wiring)
    _controls(drawing, wiring)
    _board(drawing, wiring, sensor)
    _sensor(drawing, sensor)
    _switch(drawing)
    _legend(drawing)
    return drawing.written()


def _left(pin: int) -> tuple[float, float]:
    return _BOARD_X, _BOARD_Y + _PITCH * (pin - 0.5)


def _right(pin: int) -> tuple[float, float]:
    return _BOARD_X + _BOARD_WIDTH, _BOARD_Y + _PITCH * (40 - pin + 0.5)


def _at_sensor(pin: int) -> tuple[float, float]:
    return _SENSOR_X + _SENSOR_WIDTH, _SENSOR_Y + 40 + 36 * (pin - 1)


def _wire(drawing: Drawing, points: list[tuple[float, float]], colour: str) -> None:
    """A wire on a paper-coloured bed, so that crossings read as crossings."""
    drawing.path(points, stroke=PAPER, line=7)
    drawing.path(points, stroke=COLOURS[colour], line=3)


def _board(drawing: Drawing, wiring: Wiring, sensor: Sensor) -> None:
    high = 20 * _PITCH
    drawing.rect(_BOARD_X, _BOARD_Y - 14, _BOARD_WIDTH, high + 28, fill="#1f7a45", round_by=10)
    middle = _BOARD_X + _BOARD_WIDTH / 2
    drawing.rect(middle - 34, _BOARD_Y - 34, 68, 46, fill="#c8ccd0", round_by=4)
    drawing.text(middle, _BOARD_Y - 8, "USB", anchor="middle", size=13, bold=True)
    drawing.path([(middle, _BOARD_Y - 34), (middle, 66), (1060, 66)], stroke=INK, line=5)
    drawing.rect(1060, 40, 140, 52, fill="#eef1f4", round_by=6)
    drawing.text(1130, 62, "Raspberry Pi", anchor="middle", bold=True)
    drawing.text(1130, 80, "any USB-A port", anchor="middle", size=11, fill=SOFT)
    drawing.rect(middle - 32, _BOARD_Y + 270, 64, 64, fill="#20262c", round_by=3)
    drawing.text(middle, _BOARD_Y + 298, "RP2040", anchor="middle", size=12, fill="#ffffff")
    drawing.text(middle, _BOARD_Y + 316, "RP2350", anchor="middle", size=12, fill="#ffffff")
    used = {line.to for line in [*wiring.wire, *wiring.control]} | {sensor.supply_pin}
    for pin in range(1, 41):
        left = pin <= 20
        x, y = _left(pin) if left else _right(pin)
        inside = 1 if left else -1
        drawing.circle(x, y, 6, fill="#f2c14e" if pin in used else "#6d9a7f", line=1)
        anchor = "start" if left else "end"
        drawing.text(
            x + 12 * inside,
            y + 4.5,
            wiring.label(pin),
            size=12,
            anchor=anchor,
            fill="#ffffff",
            bold=pin in used,
        )
        drawing.text(x - 12 * inside, y - 8, str(pin), size=10, anchor="end" if left else "start", fill=SOFT)


def _sensor(drawing: Drawing, sensor: Sensor) -> None:
    drawing.rect(_SENSOR_X, _SENSOR_Y, _SENSOR_WIDTH, 258, fill="#2a3138", round_by=10)
    if sensor.name == "R503":
        drawing.circle(_SENSOR_X + 66, _SENSOR_Y + 130, 48, fill="#c8ccd0")
        drawing.circle(_SENSOR_X + 66, _SENSOR_Y + 130, 36, fill="#14181c")
    else:
        drawing.rect(_SENSOR_X + 24, _SENSOR_Y + 84, 84, 96, fill="#4f7fd9", round_by=4)
    drawing.text(_SENSOR_X + 20, _SENSOR_Y + 26, sensor.name, size=17, fill="#ffffff", bold=True)
    for pin, name in enumerate(sensor.pins, start=1):
        x, y = _at_sensor(pin)
        drawing.circle(x, y, 6, fill="#f2c14e", line=1)
        drawing.text(x - 12, y + 4.5, name, size=12, anchor="end", fill="#ffffff", bold=True)
        drawing.text(x + 10, y - 6, str(pin), size=10, fill=SOFT)


def _switch_supply(drawing: Drawing, wiring: Wiring, sensor: Sensor) -> None:
    x, y, width, high = _SWITCH
    lane = _RIGHT_LANES["supply"]
    start = _right(sensor.supply_pin)
    middle = y + high / 2
    _wire(drawing, [start, (lane, start[1]), (lane, middle), (x + width, middle)], "red")
    drawing.arrow_head((x + width + 30, middle), (x + width, middle), fill=COLOURS["red"], size=11)
    if sensor.fuse:
        drawing.rect(690, middle - 10, 74, 20, fill=PAPER, stroke=COLOURS["red"])
        drawing.text(727, middle + 4, "0.5 A", size=11, anchor="middle")
        drawing.text(727, middle - 16, "resettable fuse", size=11, anchor="middle", fill=SOFT)
    drawing.text(lane + 8, start[1] - 8, f"{sensor.supply_v:g} V", size=12, fill=COLOURS["red"], bold=True)
    # out of the switch, to the sensor's pin 1
    end = _at_sensor(1)
    _wire(drawing, [(x, middle), (300, middle), (300, end[1]), end], "red")
    drawing.arrow_head((end[0] + 30, end[1]), (end[0] + 7, end[1]), fill=COLOURS["red"], size=11)
    drawing.text(
        312, middle - 10, f"{sensor.supply_v:g} V, switched", size=12, fill=COLOURS["red"], bold=True
    )
    _to_ground(drawing, 372, middle, "47 uF")
    _to_ground(drawing, 330, middle, "TVS")
    # the touch supply, round the board
    touch = next(wire for wire in wiring.wire if wire.name == "finger's supply")
    assert isinstance(touch.to, int)
    start, end = _right(touch.to), _at_sensor(touch.at)
    lane, low = _RIGHT_LANES["touch"], 890.0
    _wire(
        drawing,
        [start, (lane, start[1]), (lane, low), (_LANES[6], low), (_LANES[6], end[1]), end],
        touch.colour,
    )
    if sensor.supply_pin == touch.to:
        drawing.circle(_RIGHT_LANES["supply"], start[1], 5, fill=COLOURS["red"], line=0)
    drawing.arrow_head((end[0] + 30, end[1]), (end[0] + 7, end[1]), fill=COLOURS["white"], size=11)
    drawing.text(
        _LANES[6] + 14,
        low - 10,
        "3.3 V, always on: feels the finger while the sensor is off",
        size=12,
        fill=SOFT,
    )


def _to_ground(drawing: Drawing, x: float, y: float, name: str) -> None:
    drawing.circle(x, y, 3.5, fill=INK, line=0)
    drawing.path([(x, y), (x, y + 18)])
    drawing.rect(x - 17, y + 18, 34, 16, fill=PAPER)
    drawing.text(x, y + 30, name, size=10, anchor="middle")
    drawing.path([(x, y + 34), (x, y + 46)])
    drawing.path([(x - 9, y + 46), (x + 9, y + 46)], line=2.5)


def _switch(drawing: Drawing) -> None:
    x, y, width, high = _SWITCH
    drawing.rect(x, y, width, high, fill="#f3e9d8", round_by=6)
    drawing.text(x + width / 2, y + 26, "power switch", anchor="middle", bold=True)
    drawing.text(x + width / 2, y + 44, "TPS22918", anchor="middle", size=12, fill=SOFT)
    drawing.text(x + 8, y + 35, "OUT", size=11)
    drawing.text(x + width - 8, y + 35, "IN", size=11, anchor="end")
    drawing.text(x + width - 44, y + high - 6, "ON", size=11, anchor="middle")


def _sensor_wires(drawing: Drawing, sensor: Sensor, wiring: Wiring) -> None:
    for wire in wiring.wire:
        if wire.to == "switch" or wire.name == "finger's supply":
            continue
        start, end = _at_sensor(wire.at), _left(wire.to)
        lane = _LANES[wire.at]
        _wire(drawing, [start, (lane, start[1]), (lane, end[1]), end], wire.colour)
        if wire.direction == "to sensor":
            drawing.arrow_head(
                (start[0] + 30, start[1]), (start[0] + 7, start[1]), fill=COLOURS[wire.colour], size=11
            )
        elif wire.direction == "to board":
            drawing.arrow_head(
                (end[0] - 30, end[1]), (end[0] - 7, end[1]), fill=COLOURS[wire.colour], size=11
            )
        if wire.through:
            drawing.rect(440, start[1] - 9, 64, 18, fill=PAPER, stroke=COLOURS[wire.colour])
            drawing.text(472, start[1] + 4, wire.through, size=11, anchor="middle")
        drawing.text(330, start[1] - 5, _said_of(wire.name, sensor), size=11, fill=SOFT)


def _said_of(name: str, sensor: Sensor) -> str:
    return {"ground": f"{sensor.supply_v:g} V's return"}.get(name, name)


def _controls(drawing: Drawing, wiring: Wiring) -> None:
    at = {control.constant or control.name: control for control in wiring.control}
    x, y, width, high = _SWITCH
    power = at["SENSOR_POWER"]
    end = _left(power.to)
    foot = (x + width - 44, y + high)
    _wire(
        drawing,
        [end, (_SWITCH_LANE, end[1]), (_SWITCH_LANE, y + high + 22), (foot[0], y + high + 22), foot],
        power.colour,
    )
    drawing.arrow_head((foot[0], foot[1] + 30), foot, fill=COLOURS[power.colour], size=11)
    # held off while the board resets
    level = y + high + 22
    drawing.circle(foot[0], level, 3.5, fill=INK, line=0)
    drawing.path([foot_left := (foot[0] - 100, level), (foot[0], level)])
    drawing.path([(foot_left[0], level - 9), (foot_left[0], level + 9)], line=2.5)
    drawing.rect(foot[0] - 78, level - 9, 58, 18, fill=PAPER)
    drawing.text(foot[0] - 49, level + 4, "4.7 kohm", size=10, anchor="middle")
    # the light
    for constant, glow in (("LED_RED", "330"), ("LED_GREEN", "100"), ("LED_BLUE", "100")):
        _straight(drawing, at[constant].to, at[constant].colour, glow)
    ground = at["light, ground"]
    _straight(drawing, ground.to, ground.colour, None)
    _box(drawing, 402, 132, name="light", said="RGB, common cathode")
    for index, name in enumerate(("red", "green", "blue")):
        drawing.circle(450 + 34 * index, 488, 13, fill=COLOURS[name], line=1)
    for name in ("ground of switch and button", "TAMPER", "BUTTON"):
        _straight(drawing, at[name].to, at[name].colour, None)
    _box(drawing, 556, 112, name="lid", said="")
    for name, said in (("TAMPER", "switch, closed by the lid"), ("BUTTON", "button, under the cover")):
        drawing.text(580, _left(at[name].to)[1] + 4, said, size=11, anchor="end", fill=SOFT)


def _box(drawing: Drawing, y: float, high: float, *, name: str, said: str) -> None:
    x = 400.0
    drawing.rect(x, y, 190, high, fill="#f7f8fa", round_by=6)
    drawing.text(x + 16, y + 22, name, bold=True)
    drawing.text(x + 16, y + 40, said, size=11, fill=SOFT)


def _straight(drawing: Drawing, pin: int, colour: str, ohms: str | None) -> None:
    end = _left(pin)
    _wire(drawing, [(590, end[1]), end], colour)
    if ohms:
        drawing.rect(640, end[1] - 9, 54, 18, fill=PAPER, stroke=COLOURS[colour])
        drawing.text(667, end[1] + 4, f"{ohms} ohm", size=10, anchor="middle")


def _legend(drawing: Drawing) -> None:
    drawing.text(40, 520, "Arrows: who drives the wire.", size=12, fill=SOFT)
    drawing.text(40, 538, "Yellow pins are used.", size=12, fill=SOFT)
    drawing.text(40, 556, "Crossings do not connect.", size=12, fill=SOFT)
    drawing.text(40, 592, "With the sensor off, the", size=12, bold=True)
    drawing.text(40, 610, "green wire must be low:", size=12, bold=True)
    drawing.text(40, 628, "high, it feeds the sensor", size=12, bold=True)
    drawing.text(40, 646, "through its input.", size=12, bold=True)
