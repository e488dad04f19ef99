"""Tables and diagram of the wires, from `wiring.toml`."""

from __future__ import annotations

from typing import Final, Literal

from hardware.drawings.data import Strict, load
from hardware.drawings.pages import PageError, table

Direction = Literal["to sensor", "to board", "from board", "return"]


class Board(Strict):
    """The header's names, pin 1 first."""

    header: list[str]


class Sensor(Strict):
    """A sensor's connector and supply. Currents in mA."""

    name: str
    kind: str
    supply_v: float
    supply_range: str
    supply_pin: int
    fuse: bool
    typical_ma: float
    peak_ma: float
    current_note: str
    connector: str
    pins: list[str]


class Wire(Strict):
    """A wire of the sensor's cable: from its pin `at` to the header's pin `to`, or to the switch."""

    name: str
    at: int
    to: int | Literal["switch"]
    colour: str
    direction: Direction
    volts: float | Literal["supply"]
    typical_ma: float | Literal["sensor"]
    note: str
    constant: str | None = None
    through: str | None = None


class Control(Strict):
    """Anything else on the header. `constant` is the name in firmware/board/pins.py."""

    name: str
    to: int
    colour: str
    direction: Direction
    volts: float
    typical_ma: float
    note: str
    constant: str | None = None


class Source(Strict):
    """Where something was read."""

    what: str
    where: str


class Place(Strict):
    """A part on the hole-grid board: its middle from the board's middle, and its size, in mm."""

    name: str
    at: tuple[float, float]
    size: tuple[float, float]
    colour: str


class Wiring(Strict):
    """The file."""

    board: Board
    sensor: list[Sensor]
    wire: list[Wire]
    control: list[Control]
    place: list[Place]
    source: list[Source]

    def sensor_named(self, name: str) -> Sensor:
        """That sensor. Raises `PageError`."""
        for sensor in self.sensor:
            if sensor.name == name:
                return sensor
        raise PageError(f"hardware/wiring.toml has no sensor {name!r}")

    def label(self, pin: int) -> str:
        """What the header calls a pin."""
        return self.board.header[pin - 1]

    def gpio_constants(self) -> dict[str, int]:
        """GPIO number by the constant's name in pins.py."""
        return {
            line.constant: int(self.label(line.to).removeprefix("GP"))
            for line in [*self.wire, *self.control]
            if line.constant is not None and isinstance(line.to, int)
        }


LED_PARTS: Final = ("LED_RED", "LED_GREEN", "LED_BLUE")


def read_wiring() -> Wiring:
    """`wiring.toml`, checked: each header pin used once, ground pins for returns. Raises `PageError`."""
    wiring = load(Wiring, "wiring.toml")
    if len(wiring.board.header) != 40:
        raise PageError("hardware/wiring.toml: the header has 40 pins")
    used: dict[int, str] = {}
    for line in [*wiring.wire, *wiring.control]:
        if not isinstance(line.to, int):
            continue
        label = wiring.label(line.to)
        if (line.direction == "return") != (label == "GND"):
            raise PageError(
                f"hardware/wiring.toml: {line.name!r} is on {label}; returns go to GND, nothing else does"
            )
        if line.constant is not None and not label.startswith("GP"):
            raise PageError(f"hardware/wiring.toml: {line.name!r} is on {label}, which is no GPIO")
        if used.setdefault(line.to, line.name) != line.name:
            raise PageError(
                f"hardware/wiring.toml: pin {line.to} is both {used[line.to]!r} and {line.name!r}"
            )
    for sensor in wiring.sensor:
        if wiring.label(sensor.supply_pin) not in {"VBUS", "3V3(OUT)"}:
            raise PageError(f"hardware/wiring.toml: {sensor.name} cannot be fed from pin {sensor.supply_pin}")
    return wiring


def sensor_table(wiring: Wiring, sensor: Sensor) -> str:
    """The sensor's six wires, end to end."""
    rows: list[list[str]] = []
    for wire in sorted(wiring.wire, key=lambda wire: wire.at):
        volts = sensor.supply_v if wire.volts == "supply" else wire.volts
        if wire.typical_ma == "sensor":
            current = f"{sensor.typical_ma:g} / {sensor.peak_ma:g}"
        else:
            current = f"{wire.typical_ma:g}"
        if isinstance(wire.to, int):
            end, gpio = f"pin {wire.to}", wiring.label(wire.to)
        else:
            end, gpio = (
                "power switch, OUT",
                f"fed from pin {sensor.supply_pin}, {wiring.label(sensor.supply_pin)}",
            )
        if wire.through:
            end = f"{wire.through}, {end}"
        rows.append(
            [
                f"{wire.at}",
                f"**{sensor.pins[wire.at - 1]}**",
                wire.colour,
                end,
                gpio,
                wire.direction,
                f"{volts:g}",
                current,
                wire.note,
            ]
        )
    head = (
        "sensor's pin:",
        "its name",
        "wire",
        "goes to",
        "board's name",
        "direction",
        "V:",
        "mA typ / peak:",
        "mind",
    )
    return table(head, rows)


def control_table(wiring: Wiring) -> str:
    """Everything on the header but the sensor."""
    rows = [
        [
            f"{line.to}",
            wiring.label(line.to),
            line.name,
            line.colour,
            line.direction,
            f"{line.volts:g}",
            f"{line.typical_ma:g}",
            f"`{line.constant}`" if line.constant else "",
            line.note,
        ]
        for line in sorted(wiring.control, key=lambda line: line.to)
    ]
    return table(
        ("pin:", "board's name", "what", "wire", "direction", "V:", "mA:", "in pins.py", "mind"), rows
    )


def header_table(wiring: Wiring) -> str:
    """All forty pins as they stand on the board, USB at the top."""
    used: dict[int, str] = {}
    for line in [*wiring.wire, *wiring.control]:
        if isinstance(line.to, int):
            used[line.to] = line.name if line.to not in used else f"{used[line.to]}, {line.name}"
    for sensor in wiring.sensor:
        feeds = f"feeds the power switch ({sensor.name})"
        used[sensor.supply_pin] = (
            f"{used[sensor.supply_pin]}, {feeds}" if sensor.supply_pin in used else feeds
        )

    def what(pin: int) -> str:
        return f"**{used[pin]}**" if pin in used else ""

    rows = [
        [what(pin), wiring.label(pin), f"{pin}", f"{41 - pin}", wiring.label(41 - pin), what(41 - pin)]
        for pin in range(1, 21)
    ]
    return table(("used for", "name", "pin:", "pin:", "name", "used for"), rows)


def sensors_table(wiring: Wiring) -> str:
    """The sensors beside each other."""
    rows = [
        [
            sensor.name,
            sensor.kind,
            sensor.supply_range,
            f"{sensor.typical_ma:g} / {sensor.peak_ma:g}",
            sensor.current_note,
            sensor.connector,
        ]
        for sensor in wiring.sensor
    ]
    return table(("sensor", "", "supply", "mA typ / peak, reckoned with:", "why", "connector"), rows)


def beep_table(wiring: Wiring) -> str:
    """What a multimeter must say from one end of each wire to the other, board without power."""
    rows = [
        [f"sensor plug {wire.at}", f"pin {wire.to}, {wiring.label(wire.to)}", wire.through or "beeps"]
        for wire in wiring.wire
        if isinstance(wire.to, int)
    ]
    rows += [
        ["sensor plug 1", "switch, OUT", "beeps"],
        ["switch, ON", "pin 3, GND", "4.7 kohm"],
        ["pin 14, GP10", "pin 13, GND", "beeps with the lid switch pressed, only then"],
        ["pin 15, GP11", "pin 13, GND", "beeps with the button pressed, only then"],
        ["sensor plug 1", "sensor plug 2", "no beep; the value climbs while 47 uF charge"],
        ["pin 40, VBUS", "pin 38, GND", "no beep"],
        ["pin 36, 3V3(OUT)", "pin 38, GND", "no beep"],
        ["pin 40, VBUS", "pin 36, 3V3(OUT)", "no beep"],
    ]
    return table(("from", "to", "the meter says"), rows)


def source_list(wiring: Wiring) -> str:
    """Where it was read."""
    return "\n".join(f"- {source.what}: {source.where}." for source in wiring.source)
