"""How much of each state shares with each repository: rules in force now, of all jurisdictions it has."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.oversight.figures import Coverage
from matcher_service.repositories.schema import Base
from matcher_service.routing.snapshot import current

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
    """By state and repository: jurisdictions for which a rule is in force, their own or their state's.

    Counties that are not in the register go by their state's rule.
    """
    snapshot = current(session)
    repository = Base.metadata.tables["repository"]
    names = {row.id: row.name for row in session.execute(select(repository.c.id, repository.c.name))}
    inside: defaultdict[str, list[int]] = defaultdict(list)
    whole: dict[str, int] = {}
    for place in snapshot.places.values():
        state = state_of(place.code)
        if place.code == f"US-{state}":
            whole[state] = place.id
        else:
            inside[state].append(place.id)

    def opened(place: int | None, repository_id: int) -> bool:
        found = snapshot.deciding(place, repository_id, now)
        return found is not None and found[1].opens(now)

    found: list[Coverage] = []
    for number in sorted({of for _, of in snapshot.rules}, key=names.__getitem__):
        for one in states().values():
            counties = inside[one.code]
            active = sum(opened(county, number) for county in counties)
            if opened(whole.get(one.code), number):
                active += max(0, one.counties - len(counties))
            if active:
                found.append(Coverage(one.code, names[number], active, max(one.counties, len(counties))))
    return found
