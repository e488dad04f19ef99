"""A level from convictions by a table: pure, and with a word on why. A charge is no conviction, and gives none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.cases.tables import OffenceClass, offences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher_service.cases.tables import LevelTable, OffenceTable, Rule


@dataclass(frozen=True, slots=True)
class Convicted:
    """A conviction that counts: it was recorded, and not vacated since."""

    code: str
    offence_class: OffenceClass
    sentence_days: int | None = None


@dataclass(frozen=True, slots=True)
class Levelled:
    """A level, None without one, and why."""

    level: int | None
    because: str


def level_of(
    convictions: Sequence[Convicted], table: LevelTable, *, known: OffenceTable | None = None
) -> Levelled:
    """The gravest level of `table` that the convictions give."""
    if not convictions:
        return Levelled(None, "no conviction is recorded")
    groups = {one.code: one.group for one in (known or offences()).offences}
    for level in table.levels:
        for rule in level.any_of:
            counted = sum(_counts(rule, one, groups.get(one.code, "")) for one in convictions)
            if counted >= rule.at_least:
                return Levelled(level.level, f"{level.words} ({counted} of {len(convictions)} convictions)")
    return Levelled(None, f"none of {len(convictions)} convictions counts in this table")


def _counts(rule: Rule, one: Convicted, group: str) -> bool:
    return (
        one.offence_class in rule.classes
        and (not rule.groups or group in rule.groups)
        and (not rule.codes or one.code in rule.codes)
        and (
            rule.sentence_days_over is None
            or (one.sentence_days is not None and one.sentence_days > rule.sentence_days_over)
        )
    )
