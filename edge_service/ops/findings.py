"""What the doctor finds: how bad it is, what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """How bad; the doctor's exit code is the worst of them, and a note does not count."""

    OK = 0
    NOTE = -1
    WARNING = 1
    PROBLEM = 2


SYMBOLS = {Level.OK: "✔", Level.NOTE: "·", Level.WARNING: "▲", Level.PROBLEM: "✘"}
WORDS = {Level.OK: "good", Level.NOTE: "not looked at", Level.WARNING: "look at it", Level.PROBLEM: "wrong"}
COLOURS = {Level.OK: "green", Level.NOTE: "dim", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. No personal data, no prints, no key, no number of a booking, in any of it.

    Attributes:
        check: name of the check that found it.
        level: how bad it is.
        what: what is, or what is wrong.
        remedy: what the person does next; "" where there is nothing to do.
        facts: numbers and flags for programs.
    """

    check: str
    level: Level
    what: str
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the support bundle."""
        return {
            "check": self.check,
            "level": self.level.name.lower(),
            "what": self.what,
            "remedy": self.remedy,
            "facts": self.facts,
        }


def worst(findings: list[Finding]) -> Level:
    """The worst level, OK where nothing is wrong."""
    return max([Level.OK, *(finding.level for finding in findings)])
