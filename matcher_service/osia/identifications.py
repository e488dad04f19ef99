"""Identifications for OSIA's subscribers: told once examiners have confirmed them, and taken back when they are.

What is looked for is what notification has confirmed and may tell now; it is asked once more right before each post.
A client is told of its own persons alone, under its own ids, and of those jurisdictions that its settings name.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, exists, select

from interchange.notices import CAUTION
from matcher_service.notify.holding import held_because
from matcher_service.notify.queueing import FINAL, jurisdictions_of
from matcher_service.notify.words import Held, IdentificationState
from matcher_service.osia import parameters
from matcher_service.osia.clients import may_be_told, note
from matcher_service.osia.notices import IDENTIFICATIONS
from matcher_service.osia.outbox import CANCELLED, QUEUED, has_room
from matcher_service.repositories.notice_tables import Identification, Retraction
from matcher_service.repositories.osia_tables import OsiaEncounter, OsiaMessage, OsiaSubscription, OsiaTold
from matcher_service.repositories.schema import Repository, StoredSubmission
from matcher_service.routing import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.osia.clients import Clients
    from matcher_service.osia.outbox import Outbox
    from matcher_service.osia.settings import OsiaClient
    from matcher_service.repositories import Database

MADE: Final = "identification.made"
_CHANGES = {
    IdentificationState.CONFIRMED: "identification.stands",
    IdentificationState.FROZEN: "identification.frozen",
    IdentificationState.RETRACTED: "identification.retracted",
}


class Identifications:
    """See the module. Raises StoreError."""

    def __init__(
        self, database: Database, clients: Clients, outbox: Outbox, *, now: Callable[[], datetime]
    ) -> None:
        self._database, self._clients, self._outbox, self._now = database, clients, outbox, now
        self._after: dict[str, int] = {}

    def collect(self) -> int:
        """Queue what there is to tell. How many messages."""
        with self._database.read() as session:
            subscribed = session.scalars(
                select(OsiaSubscription).where(
                    OsiaSubscription.topic == IDENTIFICATIONS,
                    OsiaSubscription.confirmed_at.is_not(None),
                    OsiaSubscription.ended_at.is_(None),
                )
            ).all()
        return sum(self._collect(one) for one in subscribed) + self._changes()

    def first_words(self, session: Session, row: OsiaMessage, to: OsiaSubscription) -> bool:
        """Ask once more whether this one may go. True if it may; else it waits, is cancelled, or is looked for anew.

        The first time it is given its body, and from then on it is known as told.
        """
        assert row.identification_id is not None  # of this subject all have one
        client, now = self._clients.get(to.client), self._now()
        assert client is not None  # the delivery asked before
        because = self._held(session, client, row.identification_id)
        told = session.get(OsiaTold, (to.id, row.identification_id))
        if because is not None:
            if because in FINAL or because is Held.NOT_SUBSCRIBED:
                row.state, row.body, row.ended_at = CANCELLED, None, now
            elif told is None:
                session.delete(row)
            else:
                row.next_at = now + timedelta(seconds=parameters.HELD_AGAIN_S)
            return False
        if told is None:
            found = session.get_one(Identification, row.identification_id)
            reference = secrets.token_hex(16)
            session.add(
                OsiaTold(
                    subscription_id=to.id, identification_id=found.id, reference=reference, state=found.state
                )
            )
            self._outbox.write(row, to.topic, _first(session, found, client, reference))
            session.flush()
            tcn = session.get_one(StoredSubmission, found.submission_id).tcn
            note(session, "osia.tell", client, tcn, subscription=to.id, identification=found.id)
        return True

    # -- inside

    def _collect(self, to: OsiaSubscription) -> int:
        client = self._clients.get(to.client)
        if client is None or not may_be_told(client) or client.repository != to.repository:
            return 0
        with self._database.read() as session:
            found = session.scalars(
                select(Identification.id)
                .join(Repository, Repository.id == Identification.repository_id)
                .where(
                    Repository.name == to.repository,
                    Identification.id > self._after.get(to.id, 0),
                    Identification.state == IdentificationState.CONFIRMED,
                    Identification.confirmed_at >= to.confirmed_at,
                    _is_own(client),
                    ~exists().where(
                        OsiaTold.subscription_id == to.id, OsiaTold.identification_id == Identification.id
                    ),
                    ~exists().where(
                        OsiaMessage.subscription_id == to.id,
                        OsiaMessage.identification_id == Identification.id,
                    ),
                )
                .order_by(Identification.id)
                .limit(parameters.BATCH)
            ).all()
            free = [one for one in found if self._held(session, client, one) is None]
        # What is held is looked at in turn, so that much of it holds nothing else up.
        self._after[to.id] = found[-1] if len(found) == parameters.BATCH else 0
        if not free:
            return 0
        with self._database.write() as session:
            if not has_room(session, client.token, more=len(free)):
                return 0
            for one in free:
                self._outbox.tell(session, to, subject=MADE, words=None, now=self._now(), identification=one)
        return len(free)

    def _changes(self) -> int:
        """What became of identifications that somebody was told of."""
        changed = (
            select(OsiaTold, Identification)
            .join(Identification, Identification.id == OsiaTold.identification_id)
            .where(OsiaTold.state != Identification.state)
            .order_by(OsiaTold.identification_id)
            .limit(parameters.BATCH)
        )
        with self._database.read() as session:
            if session.execute(changed).first() is None:
                return 0
        with self._database.write() as session:
            rows = session.execute(changed).all()
            for told, found in rows:
                told.state = found.state
                for older in session.scalars(
                    select(OsiaMessage).where(
                        OsiaMessage.subscription_id == told.subscription_id,
                        OsiaMessage.identification_id == found.id,
                        OsiaMessage.subject != MADE,
                        OsiaMessage.state == QUEUED,
                    )
                ):
                    older.state, older.body, older.ended_at = CANCELLED, None, self._now()
                subject = _CHANGES[IdentificationState(found.state)]
                said = {"event": subject, "reference": told.reference, **_cause(session, found)}
                to = session.get_one(OsiaSubscription, told.subscription_id)
                self._outbox.tell(
                    session, to, subject=subject, words=json.dumps(said), now=self._now(),
                    identification=found.id,
                )  # fmt: skip
        return len(rows)

    def _held(self, session: Session, client: OsiaClient, identification: int) -> Held | None:
        because = held_because(session, identification, now=self._now())
        if because is not None:
            return because
        found = session.get_one(Identification, identification)
        own = select(OsiaEncounter.person_id).where(
            OsiaEncounter.client == client.token, OsiaEncounter.identity_id == found.identity_id
        )
        place = read_facts(session, found.submission_id).jurisdiction
        there = {one.code for one in jurisdictions_of(session, place)} & set(client.jurisdictions)
        return None if there and session.scalar(own.limit(1)) is not None else Held.NOT_SUBSCRIBED


def _is_own(client: OsiaClient) -> ColumnElement[bool]:
    return exists().where(
        OsiaEncounter.client == client.token, OsiaEncounter.identity_id == Identification.identity_id
    )


def _first(session: Session, found: Identification, client: OsiaClient, reference: str) -> str:
    person = session.scalar(
        select(OsiaEncounter.person_id)
        .where(OsiaEncounter.client == client.token, OsiaEncounter.identity_id == found.identity_id)
        .limit(1)
    )
    said = {
        "event": MADE,
        "reference": reference,
        "personId": person,
        "confirmedAt": found.confirmed_at.isoformat(timespec="seconds"),
        "log10FalseMatchRate": None if found.log10_fmr is None else round(found.log10_fmr, 3),
        "caution": CAUTION,
    }
    return json.dumps(said)


def _cause(session: Session, found: Identification) -> dict[str, str]:
    cause = session.scalar(select(Retraction.cause).where(Retraction.identification_id == found.id))
    return {} if cause is None else {"cause": cause}
