"""The power budget, from `power-budget.toml` and the sensors' currents in `wiring.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from hardware.drawings.data import Strict, load
from hardware.drawings.pages import PageError, table
from hardware.drawings.svg import INK, SOFT, Drawing

if TYPE_CHECKING:
    from hardware.drawings.wiring import Wiring


class Rail(Strict):
    """A supply: what it can give in mA at `volts`, and the rail that feeds it (None: the Pi's supply)."""

    id: str
    name: str
    volts: float
    limit_ma: float
    fed_by: str | None = None
    efficiency: float | None = None
    note: str = ""


class Load(Strict):
    """What draws current, in mA at its rail's voltage."""

    id: str
    name: str
    typical_ma: float
    peak_ma: float
    basis: str


class Configuration(BaseModel):
    """A kiosk: the remaining keys are rails, each with the ids of its loads."""

    model_config = ConfigDict(extra="allow", frozen=True)
    id: str
    name: str
    supply: str

    @property
    def loads(self) -> dict[str, list[str]]:
        """Loads by rail."""
        return {rail: list(loads) for rail, loads in (self.model_extra or {}).items()}


class Budget(Strict):
    """The file."""

    least_margin: float
    rail: list[Rail]
    load: list[Load]
    configuration: list[Configuration]


@dataclass(frozen=True, slots=True)
class Used:
    """A rail in use: its loads, and the currents it gives, in mA at its own voltage."""

    rail: Rail
    loads: tuple[Load, ...]
    typical_ma: float
    peak_ma: float

    @property
    def margin(self) -> float:
        """The share that is free at the peak."""
        return 1 - self.peak_ma / self.rail.limit_ma


def read_budget() -> Budget:
    """`power-budget.toml`. Raises `PageError`."""
    return load(Budget, "power-budget.toml")


def rails_of(configuration: Configuration, budget: Budget, wiring: Wiring) -> list[Used]:
    """Every rail that carries something, the Pi's supply first. Raises `PageError`.

    A rail's current is the sum of its own loads and of the rails it feeds; between voltages it is converted, with the
    converter's efficiency. What a USB port feeds is drawn from the Pi's supply at the same current.
    """
    rails = {rail.id: rail for rail in budget.rail}
    loads = {one.id: one for one in budget.load}
    for sensor in wiring.sensor:
        name = f"sensor:{sensor.name}"
        loads[name] = Load(
            id=name,
            name=f"sensor {sensor.name}",
            typical_ma=sensor.typical_ma,
            peak_ma=sensor.peak_ma,
            basis=f"wiring.md; {sensor.current_note}",
        )
    placed = configuration.loads
    if unknown := (placed.keys() - rails.keys()) | (
        {one for many in placed.values() for one in many} - loads.keys()
    ):
        raise PageError(
            f"hardware/power-budget.toml, {configuration.id}: no such rail or load: {sorted(unknown)}"
        )

    used: dict[str, Used] = {}

    def total(rail: Rail) -> Used:
        own = tuple(loads[one] for one in placed.get(rail.id, []))
        typical, peak = sum(one.typical_ma for one in own), sum(one.peak_ma for one in own)
        fed = [
            other
            for other in budget.rail
            if (other.fed_by or configuration.supply) == rail.id and other.id != rail.id
        ]
        for other in fed:
            if other.id.startswith("supply-"):
                continue
            below = total(other)
            share = other.volts / rail.volts / other.efficiency if other.efficiency else 1.0
            typical += below.typical_ma * share
            peak += below.peak_ma * share
        used[rail.id] = Used(rail, own, typical, peak)
        return used[rail.id]

    total(rails[configuration.supply])
    return [used[rail.id] for rail in budget.rail if rail.id in used and used[rail.id].peak_ma > 0]


def rail_table(configuration: Configuration, budget: Budget, wiring: Wiring) -> str:
    """Rails of one kiosk, with what is on them."""
    rows: list[list[str]] = []
    for used in rails_of(configuration, budget, wiring):
        fed = [
            other.rail.name
            for other in rails_of(configuration, budget, wiring)
            if (other.rail.fed_by or configuration.supply) == used.rail.id and other.rail.id != used.rail.id
        ]
        what = [f"{one.name} {one.typical_ma:g} / {one.peak_ma:g}" for one in used.loads] + [
            f"*{name}*" for name in fed
        ]
        margin = f"{used.margin:.0%}"
        rows.append(
            [
                used.rail.name,
                f"{used.rail.volts:g}",
                "; ".join(what),
                f"{used.typical_ma:.0f}",
                f"{used.peak_ma:.0f}",
                f"{used.rail.limit_ma:.0f}",
                margin,
            ]
        )
    return table(
        (
            "rail",
            "V:",
            "what is on it, mA typical / peak (*italic*: another rail)",
            "typical mA:",
            "peak mA:",
            "can give mA:",
            "free at peak:",
        ),
        rows,
    )


def load_table(budget: Budget, wiring: Wiring) -> str:
    """Every load with the reason for its number."""
    rows = [[one.name, f"{one.typical_ma:g}", f"{one.peak_ma:g}", one.basis] for one in budget.load]
    rows += [
        [f"sensor {sensor.name}", f"{sensor.typical_ma:g}", f"{sensor.peak_ma:g}", sensor.current_note]
        for sensor in wiring.sensor
    ]
    return table(("load", "typical mA:", "peak mA:", "where the number comes from"), rows)


_COLOURS: Final = ("#2b68c9", "#25954a", "#e07b1f", "#8a4fc0", "#d43b33", "#d9a400")


def power_picture(budget: Budget, wiring: Wiring) -> str:
    """A bar for every rail of every kiosk: typical, peak, and the line that the peak ought not to pass."""
    groups = [(one, rails_of(one, budget, wiring)) for one in budget.configuration]
    high = 96 + sum(44 + 30 * len(rails) for _, rails in groups)
    drawing = Drawing(980, high, title="Power budget: share of what each rail can give")
    drawing.text(30, 38, "Power: how much of each rail is used", size=20, bold=True)
    drawing.text(
        30, 60, "dark: typical; light: peak, everything at once; the line: a fifth must stay free", fill=SOFT
    )
    left, wide, y = 330.0, 480.0, 92.0
    top = y - 12
    for number, (configuration, rails) in enumerate(groups):
        colour = _COLOURS[number % len(_COLOURS)]
        drawing.text(30, y + 10, configuration.name, size=14, bold=True)
        y += 22
        for used in rails:
            drawing.text(left - 12, y + 15, used.rail.name, size=12, anchor="end")
            drawing.rect(left, y, wide, 20, fill="#eef1f4", line=0)
            drawing.rect(left, y, wide * used.peak_ma / used.rail.limit_ma, 20, fill=colour + "66", line=0)
            drawing.rect(left, y, wide * used.typical_ma / used.rail.limit_ma, 20, fill=colour, line=0)
            drawing.text(
                left + wide + 12, y + 15, f"{used.peak_ma:.0f} of {used.rail.limit_ma:.0f} mA", size=12
            )
            y += 30
        y += 22
    limit = left + wide * (1 - budget.least_margin)
    drawing.path([(limit, top), (limit, y - 18)], stroke=INK, line=1.2, dash="4 4")
    return drawing.written()
