"""The bill of materials, from `bill-of-materials.toml`."""

from __future__ import annotations

from hardware.drawings.data import Strict, load
from hardware.drawings.pages import PageError, table


class Build(Strict):
    """A kiosk that somebody may want to build."""

    id: str
    name: str


class Option(Strict):
    """A part that will do. `usd`: estimate for one piece; `builds`: those that take this one."""

    part: str
    usd: float
    builds: list[str]
    note: str = ""


class Line(Strict):
    """A place in the kiosk, and what can fill it."""

    id: str
    group: str
    quantity: int
    option: list[Option]

    def option_for(self, build: Build) -> Option | None:
        """The part that this build takes, if any."""
        return next((option for option in self.option if build.id in option.builds), None)


class Bill(Strict):
    """The file."""

    dated: str
    uncertainty: float
    build: list[Build]
    line: list[Line]


def read_bill() -> Bill:
    """`bill-of-materials.toml`, checked: a build takes at most one option of a line. Raises `PageError`."""
    bill = load(Bill, "bill-of-materials.toml")
    known = {build.id for build in bill.build}
    for line in bill.line:
        taken = [build for option in line.option for build in option.builds]
        if len(set(taken)) != len(taken) or not set(taken) <= known:
            raise PageError(
                f"hardware/bill-of-materials.toml, {line.id}: each build once, and only known ones: {taken}"
            )
    return bill


def total_usd(bill: Bill, build: Build) -> float:
    """Estimated price of everything in a build, USD."""
    return sum(
        option.usd * line.quantity for line in bill.line if (option := line.option_for(build)) is not None
    )


def totals_table(bill: Bill) -> str:
    """What each build costs, and what of it each group is."""
    groups = list(dict.fromkeys(line.group for line in bill.line))
    rows: list[list[str]] = []
    for build in bill.build:
        parts = [
            sum(
                option.usd * line.quantity
                for line in bill.line
                if line.group == group and (option := line.option_for(build)) is not None
            )
            for group in groups
        ]
        total = total_usd(bill, build)
        low, high = total * (1 - bill.uncertainty), total * (1 + bill.uncertainty)
        rows.append(
            [build.name, *(f"{part:.0f}" for part in parts), f"**{total:.0f}**", f"{low:.0f} to {high:.0f}"]
        )
    return table(("build", *(f"{group}:" for group in groups), "total USD:", "say:"), rows)


def lines_table(bill: Bill, group: str) -> str:
    """The lines of a group: first the option of the reference build, then the alternatives."""
    letters = {build.id: chr(ord("A") + index) for index, build in enumerate(bill.build)}
    rows: list[list[str]] = []
    for line in (line for line in bill.line if line.group == group):
        for index, option in enumerate(line.option):
            used = "".join(letters[build] for build in letters if build in option.builds) or "-"
            part = option.part if index == 0 else f"*or* {option.part}"
            rows.append([part, f"{line.quantity}", f"{option.usd:.2f}", used, option.note])
    return table(("part", "pieces:", "USD each:", "build", "mind"), rows)


def builds_list(bill: Bill) -> str:
    """The letters of the tables."""
    return "\n".join(f"- **{chr(ord('A') + index)}** {build.name}" for index, build in enumerate(bill.build))
