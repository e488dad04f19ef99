"""How much of each state shares with each repository: activations in force now, of all jurisdictions it has."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from matcher_service.oversight.figures import Coverage
from matcher_service.repositories.schema import Base

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class State:
    """A state of the United States, or the District of Columbia.

    Attributes:
        code: two letters.
        name: in full.
        fips: two digits (ANSI INCITS 38).
        counties: counties and their equivalents at the census of 2020.
        row: its tile on the map, from the top.
        column: from the left.
    """

    code: str
    name: str
    fips: str
    counties: int
    row: int
    column: int


@cache
def states() -> dict[str, State]:
    """All of them, by code."""
    text = (resources.files("matcher_service.oversight") / "data" / "states.csv").read_text(encoding="utf-8")
    return {
        row["code"]: State(
            row["code"],
            row["name"],
            row["fips"],
            int(row["counties"]),
            int(row["row"]),
            int(row["column"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def state_of(jurisdiction: str) -> str:
    """The state's two letters in the code of a jurisdiction, "US-MO" or "US-MO-019"; empty if there is none."""
    parts = jurisdiction.split("-")
    return parts[1] if len(parts) in (2, 3) and parts[0] == "US" and parts[1] in states() else ""


def coverage(session: Session, *, now: datetime) -> list[Coverage]:
    """By state and repository: jurisdictions with an activation in force, their own or their state's."""
    tables = Base.metadata.tables
    activation, version = tables["activation"], tables["activation_version"]
    jurisdiction, repository = tables["jurisdiction"], tables["repository"]
    each = version.alias()
    newest = select(func.max(each.c.version)).where(each.c.activation_id == activation.c.id)
    query = (
        select(jurisdiction.c.code, repository.c.name)
        .select_from(
            activation.join(version, version.c.activation_id == activation.c.id)
            .join(jurisdiction, jurisdiction.c.id == activation.c.jurisdiction_id)
            .join(repository, repository.c.id == activation.c.repository_id)
        )
        .where(
            version.c.version == newest.scalar_subquery(),
            version.c.state == "active",
            version.c.from_at <= now,
            or_(version.c.until_at.is_(None), version.c.until_at > now),
        )
        .distinct()
    )
    active: defaultdict[str, set[str]] = defaultdict(set)
    for code, name in session.execute(query):
        active[name].add(code)
    registered = Counter(
        state_of(code)
        for code in session.scalars(select(jurisdiction.c.code).where(jurisdiction.c.kind == "county"))
    )
    return [
        Coverage(state.code, name, _active_in(state, codes), max(state.counties, registered[state.code]))
        for name, codes in sorted(active.items())
        for state in states().values()
        if any(state_of(code) == state.code for code in codes)
    ]


def _active_in(state: State, codes: set[str]) -> int:
    if f"US-{state.code}" in codes:
        return state.counties
    return sum(state_of(code) == state.code for code in codes)
