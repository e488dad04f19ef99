"""The rules in memory: each version of each activation, and which of them governs at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from matcher_service.routing.conditions import decode_conditions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from matcher_service.routing.conditions import Conditions


class RuleState(StrEnum):
    """What a version of an activation says."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Mode(StrEnum):
    """Whether the rules are in force. "everything" is for one machine without a register: demo, bench, tests."""

    RULES = "rules"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of an activation. `known_at` is the register's clock when it was entered."""

    activation: int
    version: int
    state: RuleState
    from_at: datetime
    until_at: datetime | None
    conditions_text: str
    signed_by: str
    known_at: int

    def opens(self, at: datetime) -> bool:
        """Whether it opens anything to anybody at `at`."""
        return self.state is RuleState.ACTIVE and (self.until_at is None or self.until_at > at)

    @property
    def conditions(self) -> Conditions:
        """What it asks and grants."""
        return decode_conditions(self.conditions_text)


@dataclass(frozen=True, slots=True)
class Place:
    """A jurisdiction."""

    id: int
    code: str
    name: str
    parent: int | None

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.name} ({self.code})"


def governing(versions: Sequence[Rule], at: datetime) -> Rule | None:
    """The version that governs at `at`, of those of one activation in their order; None before the first begins.

    The newest that has begun. One that suspends or ends has always begun: off is off as soon as it is entered, also
    for a clock that was put back.
    """
    for rule in reversed(versions):
        if rule.state is not RuleState.ACTIVE or rule.from_at <= at:
            return rule
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The register at one turn of its clock; never changed. Versions stand in the order of their numbers."""

    version: int
    mode: Mode
    places: dict[int, Place]
    rules: dict[tuple[int, int], tuple[Rule, ...]]

    def chain(self, jurisdiction: int | None) -> list[Place]:
        """The jurisdiction and those that it lies in, from the nearest."""
        found: list[Place] = []
        while jurisdiction is not None and (place := self.places.get(jurisdiction)) is not None:
            if place in found:
                break
            found.append(place)
            jurisdiction = place.parent
        return found

    def deciding(
        self, jurisdiction: int | None, repository_id: int, at: datetime
    ) -> tuple[Place, Rule] | None:
        """The rule that decides for a jurisdiction, and whose it is; None where none has begun.

        The nearest decides; but what is suspended for a state is suspended for all that lies in it.
        """
        decided: tuple[Place, Rule] | None = None
        for place in self.chain(jurisdiction):
            rule = governing(self.rules.get((place.id, repository_id), ()), at)
            if rule is not None and (decided is None or rule.state is RuleState.SUSPENDED):
                decided = place, rule
        return decided
