"""Jurisdictions and agencies as they are entered, within a caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.repositories.routing_tables import Agency, Jurisdiction
from matcher_service.routing.entering import turn_clock
from matcher_service.routing.entries import checked_agency, checked_jurisdiction
from matcher_service.routing.errors import RegisterRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing.entries import AgencyEntry, JurisdictionEntry


@dataclass(frozen=True, slots=True)
class Placed:
    """How many were added, and how many were changed."""

    added: int
    changed: int


def enter_jurisdictions(session: Session, entries: Sequence[JurisdictionEntry], *, now: datetime) -> Placed:
    """Add jurisdictions, or correct their names. Raises RegisterRefused where one would become another."""
    turn_clock(session)
    known = {row.code: row for row in session.scalars(select(Jurisdiction))}
    added = changed = 0
    # States first: counties lie in them.
    for entry in sorted(entries, key=lambda one: len(one.code)):
        checked_jurisdiction(entry)
        parent = known.get(entry.parent)
        if entry.parent and parent is None:
            raise RegisterRefused(
                "parent",
                f"{entry.parent} is not in the register and not in this file; add the state too",
                line=entry.line,
                column="parent",
            )
        row = known.get(entry.code)
        if row is None:
            row = Jurisdiction(
                code=entry.code,
                kind=entry.kind,
                fips=entry.fips,
                name=entry.name,
                parent_id=None if parent is None else parent.id,
                created_at=now,
            )
            session.add(row)
            if not entry.parent:
                session.flush()  # its counties need its number
            known[entry.code] = row
            added += 1
        elif (row.kind, row.fips) != (entry.kind, entry.fips):
            raise RegisterRefused(
                "fips",
                f"{entry.code} is a {row.kind} with FIPS code {row.fips} in the register; that does not change",
                line=entry.line,
                column="fips",
            )
        elif row.name != entry.name:
            row.name = entry.name
            changed += 1
    session.flush()
    return Placed(added, changed)


def enter_agencies(session: Session, entries: Sequence[AgencyEntry]) -> Placed:
    """Add agencies, correct their names, close them or open them again. Raises RegisterRefused for one that moves."""
    turn_clock(session)
    places = {row[0]: row[1] for row in session.execute(select(Jurisdiction.code, Jurisdiction.id))}
    known = {row.ori: row for row in session.scalars(select(Agency))}
    added = changed = 0
    for entry in entries:
        checked_agency(entry)
        place = places.get(entry.jurisdiction)
        if place is None:
            raise RegisterRefused(
                "jurisdiction",
                f"{entry.jurisdiction} is not in the register; add it first",
                line=entry.line,
                column="jurisdiction",
            )
        row = known.get(entry.ori)
        if row is None:
            row = Agency(ori=entry.ori, name=entry.name, jurisdiction_id=place, active=entry.active)
            session.add(row)
            known[entry.ori] = row
            added += 1
        elif row.jurisdiction_id != place:
            raise RegisterRefused(
                "jurisdiction",
                f"{entry.ori} belongs to another jurisdiction in the register, and an agency does not move: it would"
                " come under other rules unnoticed. Close it (active: no) and enter it under its new ORI",
                line=entry.line,
                column="jurisdiction",
            )
        elif (row.name, row.active) != (entry.name, entry.active):
            row.name, row.active = entry.name, entry.active
            changed += 1
    session.flush()
    return Placed(added, changed)
