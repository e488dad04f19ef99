"""Notifications on their way: made, held, released, cancelled. What is sent, and when, is the delivery's."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from matcher_service.notify.holding import held_because
from matcher_service.notify.words import UNDER_WAY, Held, Kind, State
from matcher_service.repositories.notice_tables import (
    Identification,
    Notification,
    Subscriber,
    Subscription,
)
from matcher_service.repositories.routing_tables import Jurisdiction
from matcher_service.routing import read_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

_CASES = "matcher_service.cases"
# Until a receipt is due, where the delivery does not know better (its settings set it at the first sending).
_DUE = timedelta(hours=4)
FINAL = frozenset({Held.RETRACTED, Held.RECORD_GONE})


@dataclass(frozen=True, slots=True)
class Told:
    """How many notifications are on their way, and how many are held; why, if they are."""

    queued: int
    held: int
    because: str | None


def tell_subscribers(session: Session, identification: Identification, *, now: datetime) -> Told:
    """A notification for each subscriber of that repository and jurisdiction, held or queued."""
    because = held_because(session, identification.id, now=now)
    subscribers = subscribers_of(session, identification.id)
    for subscriber in subscribers:
        made = new_notification(identification.id, subscriber, Kind.HIT, now=now)
        made.state = State.QUEUED if because is None else State.HELD
        made.held_because = because
        session.add(made)
        if because is None:
            open_case(session, identification.id, subscriber)
    session.flush()
    count = len(subscribers)
    return Told(0 if because else count, count if because else 0, because)


def new_notification(
    identification_id: int, subscriber_id: int, kind: Kind, *, now: datetime, answers: int | None = None
) -> Notification:
    """A queued one, to be added to a session."""
    return Notification(
        number=secrets.token_hex(16),
        identification_id=identification_id,
        subscriber_id=subscriber_id,
        kind=kind,
        state=State.QUEUED,
        created_at=now,
        next_at=now,
        due_at=now + _DUE,
        attempts=0,
        via="",
        answers_id=answers,
    )


def hits_of(session: Session, identification_id: int) -> Sequence[Notification]:
    """All hits of an identification, in whatever state."""
    return session.scalars(
        select(Notification)
        .where(Notification.identification_id == identification_id, Notification.kind == Kind.HIT)
        .order_by(Notification.id)
    ).all()


def release(session: Session, identification_id: int, *, now: datetime) -> int:
    """Queue what was held, if nothing keeps it any more; else note why it is held. How many were queued."""
    held = [one for one in hits_of(session, identification_id) if one.state == State.HELD]
    if not held:
        return 0
    because = held_because(session, identification_id, now=now)
    subscribed = subscribers_of(session, identification_id)
    queued = 0
    for one in held:
        if because is None and one.received_at is not None:
            one.state, one.held_because = State.RECEIVED, None
        elif because is None and one.subscriber_id in subscribed:
            one.state, one.held_because = State.QUEUED, None
            one.next_at, one.due_at = now, now + _DUE
            open_case(session, identification_id, one.subscriber_id)
            queued += 1
        elif because in FINAL or one.subscriber_id not in subscribed:
            one.state, one.held_because = (
                State.CANCELLED,
                because if because in FINAL else Held.NOT_SUBSCRIBED,
            )
        else:
            one.held_because = because
    session.flush()
    return queued


def hold(session: Session, identification_id: int, because: Held) -> None:
    """Stop all hits of it that are on their way; who was told already is not touched by this."""
    for one in hits_of(session, identification_id):
        if one.state in UNDER_WAY:
            one.state, one.held_because = State.HELD, because
    session.flush()


def told(session: Session, identification_id: int) -> list[str]:
    """The names of those to whom a hit went out, received or not."""
    return list(
        session.scalars(
            select(Subscriber.name)
            .join(Notification, Notification.subscriber_id == Subscriber.id)
            .where(
                Notification.identification_id == identification_id,
                Notification.kind == Kind.HIT,
                Notification.sent_at.is_not(None),
            )
            .order_by(Subscriber.name)
        )
    )


def open_case(session: Session, identification_id: int, subscriber_id: int) -> None:
    """On the desk of who is told, if there are case desks here."""
    if find_spec(_CASES) is not None:
        import_module(_CASES).open_case(session, identification_id, subscriber_id)


def withdraw_cases(session: Session, identification_id: int, *, words: str) -> None:
    """From all desks, if there are case desks here."""
    if find_spec(_CASES) is not None:
        cases = import_module(_CASES)
        if hasattr(cases, "withdraw"):
            cases.withdraw(session, identification_id, words=words)


def jurisdictions_of(session: Session, jurisdiction: int | None) -> list[Jurisdiction]:
    """The jurisdiction and those that it lies in, from the nearest."""
    found: list[Jurisdiction] = []
    while jurisdiction is not None and (row := session.get(Jurisdiction, jurisdiction)) is not None:
        if row in found:
            break
        found.append(row)
        jurisdiction = row.parent_id
    return found


def subscribers_of(session: Session, identification_id: int) -> list[int]:
    """Who is to be told of it as things are now."""
    identification = session.get_one(Identification, identification_id)
    facts = read_facts(session, identification.submission_id)
    places = [one.id for one in jurisdictions_of(session, facts.jurisdiction)]
    return list(
        session.scalars(
            select(Subscriber.id)
            .join(Subscription, Subscription.subscriber_id == Subscriber.id)
            .where(
                Subscriber.active.is_(True),
                Subscription.repository_id == identification.repository_id,
                or_(Subscription.jurisdiction_id.is_(None), Subscription.jurisdiction_id.in_(places)),
            )
            .distinct()
            .order_by(Subscriber.id)
        )
    )
