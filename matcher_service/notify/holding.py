"""Whether a hit may be told now: asked when it is confirmed, when something changes, and right before each sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.charges import CLEARED
from matcher_service.notify.errors import UnknownNotice
from matcher_service.notify.words import Held, IdentificationState
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.schema import Repository
from matcher_service.routing import Mode, Verdict, judge, latest, read_facts
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing import Conditions, Facts


def held_because(session: Session, identification_id: int, *, now: datetime) -> Held | None:
    """Why nobody may be told of it now; None if they may. Raises UnknownNotice.

    Asked are the rules as they were when it was searched, and as they are now: both have to allow it.
    """
    found = session.get(Identification, identification_id)
    if found is None:
        raise UnknownNotice("identification", identification_id)
    if found.state != IdentificationState.CONFIRMED:
        frozen = found.state == IdentificationState.FROZEN
        return Held.CHALLENGE_OPEN if frozen else Held.RETRACTED
    if found.identity_id is None:
        return Held.RECORD_GONE
    return _by_the_rules(session, found, now)


def _by_the_rules(session: Session, found: Identification, now: datetime) -> Held | None:
    repository = session.get_one(Repository, found.repository_id)
    facts = read_facts(session, found.submission_id)
    snapshot = current(session)
    now_in_force = judge(facts, snapshot, repository_id=repository.id, repository=repository.name, at=now)
    if facts.disposition in CLEARED or now_in_force.verdict is not Verdict.SEARCH:
        return Held.NOT_ALLOWED
    if snapshot.mode is Mode.EVERYTHING:
        return None
    as_searched = next(
        (one for one in latest(session, found.submission_id) if one.repository_id == repository.id), None
    )
    if as_searched is None or as_searched.verdict is not Verdict.SEARCH:
        return Held.NOT_ALLOWED
    # Whatever the rule asks: of a booking without its charge or disposition nobody is ever told.
    if facts.charge_class is None:
        return Held.CHARGE_AWAITED
    if facts.disposition is None:
        return Held.DISPOSITION_AWAITED
    # Where the rules were not in force when it was searched, there are none of then to ask.
    held = (_by(one.conditions, facts) for one in (as_searched, now_in_force) if one.conditions is not None)
    return next((one for one in held if one is not None), None)


def _by(conditions: Conditions, facts: Facts) -> Held | None:
    if conditions.notify_charge_classes and facts.charge_class not in conditions.notify_charge_classes:
        return Held.CHARGE_CLASS
    if conditions.notify_dispositions and facts.disposition not in conditions.notify_dispositions:
        return Held.DISPOSITION_AWAITED
    return None
