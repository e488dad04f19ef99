"""Under-voltage on a Raspberry Pi: the commonest cause of what looks like a bad card or a bad sensor."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from pathlib import Path

    from edge_service.ops.patient import Patient

NOW_LOW, NOW_SLOWED, NOW_HOT = 1 << 0, 1 << 1 | 1 << 2, 1 << 3
WAS_LOW, WAS_SLOWED, WAS_HOT = 1 << 16, 1 << 17 | 1 << 18, 1 << 19
SUPPLY = (
    "Use the Pi's own supply (5.1 V, 3 A or more) and a short, thick cable; nothing else on its USB ports."
)
COOLING = "Free the kiosk's vents; see the enclosure's pages."


def check(patient: Patient) -> Finding:  # noqa: PLR0911 - one return for each thing it can be
    """Supply and temperature, now and since the Pi was started."""
    model = _text(patient.root / "proc/device-tree/model").rstrip("\0")
    if "Raspberry Pi" not in model:
        return Finding("power", Level.NOTE, "not a Raspberry Pi: it does not say")
    bits = _throttled(patient.root)
    if bits is None:
        return Finding("power", Level.NOTE, "this Pi does not say", "Install vcgencmd (raspi-utils) to know.")
    facts = {"throttled": f"0x{bits:x}"}

    def found(level: Level, what: str, remedy: str = "") -> Finding:
        return Finding("power", level, what, remedy, facts)

    if bits & NOW_LOW:
        return found(Level.PROBLEM, "the voltage is too low now", SUPPLY)
    if bits & NOW_HOT:
        return found(Level.WARNING, "too hot now: the Pi slows itself down", COOLING)
    if bits & WAS_LOW:
        return found(Level.WARNING, "the voltage was too low since the Pi was started", SUPPLY)
    if bits & (WAS_HOT | WAS_SLOWED | NOW_SLOWED):
        return found(Level.WARNING, "the Pi was slowed down since it was started", COOLING)
    return found(Level.OK, "voltage and temperature are good")


def _throttled(root: Path) -> int | None:
    """The firmware's word, from the kernel's file, from its hardware monitor, or from vcgencmd."""
    said = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled").strip()
    if said:
        return int(said, 16)
    for monitor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(monitor / "name").strip() == "rpi_volt":
            return NOW_LOW if _text(monitor / "in0_lcrit_alarm").strip() == "1" else 0
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"],  # noqa: S607 - wherever Raspberry Pi OS puts it
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return int(done.stdout.strip().partition("=")[2], 16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
