"""`python -m hardware.drawings`: write every table and picture of the hardware folder anew from its data files.

    python -m hardware.drawings            write what changed, and say what
    python -m hardware.drawings --check    write nothing; exit code 1 when something is out of date

Data: hardware/wiring.toml, power-budget.toml, bill-of-materials.toml, fault-tree.toml. The pages are a person's,
but for the blocks between `<!-- made: ... -->` and `<!-- end -->`. Pictures of the enclosure are rendered by
OpenSCAD: `python -m hardware.enclosure`.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from hardware.drawings import bill, faults, faults_chart, power, sensor_board, wiring, wiring_diagram
from hardware.drawings.data import HARDWARE
from hardware.drawings.pages import PageError, filled

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = (
    "README.md",
    "wiring.md",
    "power-budget.md",
    "bill-of-materials.md",
    "fault-tree.md",
    "assembly.md",
)


def blocks() -> dict[str, str]:
    """Every block a page may ask for, by name. Raises `PageError`."""
    wires, budget, parts, tree = (
        wiring.read_wiring(),
        power.read_budget(),
        bill.read_bill(),
        faults.read_tree(),
    )
    made = {
        "sensors": wiring.sensors_table(wires),
        "controls": wiring.control_table(wires),
        "header": wiring.header_table(wires),
        "beeps": wiring.beep_table(wires),
        "sources": wiring.source_list(wires),
        "loads": power.load_table(budget, wires),
        "builds": bill.builds_list(parts),
        "totals": bill.totals_table(parts),
        "dated": f"Estimates of {parts.dated}, good to about {parts.uncertainty:.0%}.",
        "light": faults.light_table(tree),
        "groups": faults.group_table(tree),
        "questions": faults.question_list(tree),
        "technician": faults.technician_table(tree),
    }
    for sensor in wires.sensor:
        made[f"wiring {sensor.name}"] = wiring.sensor_table(wires, sensor)
    for configuration in budget.configuration:
        made[f"power {configuration.id}"] = power.rail_table(configuration, budget, wires)
    for group in dict.fromkeys(line.group for line in parts.line):
        made[f"parts {group}"] = bill.lines_table(parts, group)
    return made


def pictures() -> dict[str, str]:
    """Every picture, SVG by its path under hardware/. Raises `PageError`."""
    wires, tree = wiring.read_wiring(), faults.read_tree()
    made = {
        f"pictures/wiring-{sensor.name.lower()}.svg": wiring_diagram.wiring_diagram(wires, sensor)
        for sensor in wires.sensor
    }
    made["pictures/sensor-board.svg"] = sensor_board.sensor_board(wires)
    made["pictures/power-budget.svg"] = power.power_picture(power.read_budget(), wires)
    made["pictures/fault-tree.svg"] = faults_chart.chart(tree)
    made["pictures/light.svg"] = faults_chart.light_picture(tree)
    return made


def out_of_date() -> dict[Path, str]:
    """The files that are not what the data says, with what they should be. Raises `PageError`."""
    wanted = {HARDWARE / name: picture for name, picture in pictures().items()}
    made = blocks()
    for name in PAGES:
        try:
            page = (HARDWARE / name).read_text("utf-8")
        except OSError as error:
            raise PageError(f"hardware/{name}: {error.strerror}") from error
        wanted[HARDWARE / name] = filled(page, made)
    return {
        path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hardware.drawings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing, only say what is out of date")
    given = parser.parse_args()
    try:
        changed = out_of_date()
    except PageError as error:
        sys.exit(f"error: {error}")
    for path, text in changed.items():
        sys.stdout.write(
            f"{'out of date' if given.check else 'written'}: {path.relative_to(HARDWARE.parent)}\n"
        )
        if not given.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if given.check and changed:
        sys.exit("Run `python -m hardware.drawings` and commit what it writes.")


if __name__ == "__main__":
    main()
