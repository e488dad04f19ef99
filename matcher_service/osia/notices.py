"""OSIA's topics, subscriptions, confirmation and publishing, for one client at a time.

The product's own topics are there for every repository, and nobody but the product speaks on them:

encounters        an encounter of the client's own was inserted or deleted through this interface
identifications   examiners confirmed that a booking's prints are those of a person of the client's own; and what
                  becomes of that: it is frozen, stands, is retracted

A client may make others, for the clients of its repository.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from interchange.logs import facts
from matcher_service.osia import parameters
from matcher_service.osia.clients import may_be_told, note
from matcher_service.osia.errors import OsiaRefusal
from matcher_service.osia.outbox import CANCELLED, CONFIRMATION, QUEUED, checked_address, has_room
from matcher_service.repositories.osia_tables import OsiaMessage, OsiaSubscription, OsiaTold, OsiaTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.osia.clients import Clients
    from matcher_service.osia.outbox import Outbox
    from matcher_service.osia.settings import OsiaClient
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.osia")

ENCOUNTERS: Final = "encounters"
IDENTIFICATIONS: Final = "identifications"
OWN: Final = (ENCOUNTERS, IDENTIFICATIONS)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
_ID = re.compile(r"[0-9a-f]{32}")
_POLICY = re.compile(r"([0-9]{1,6}),([0-9]{1,6})")


class OsiaNotices:
    """See the module. All raise OsiaRefusal, and StoreError."""

    def __init__(
        self,
        database: Database,
        clients: Clients,
        outbox: Outbox,
        *,
        networks: tuple[str, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`networks` are those private ones that may be posted to (`NotifySettings`)."""
        self._database, self._clients, self._outbox = database, clients, outbox
        self._networks, self._now = networks, now
        self.wake = wake

    # -- topics

    def topics(self, token: str) -> list[dict[str, str]]:
        """Those of the client's repository."""
        client = self._clients.asking(token, "notif.topic.read")
        with self._database.read() as session:
            made = session.scalars(
                select(OsiaTopic).where(OsiaTopic.repository == client.repository).order_by(OsiaTopic.name)
            ).all()
        own = [{"uuid": own_topic(client.repository, name), "name": name} for name in OWN]
        return own + [{"uuid": one.id, "name": one.name} for one in made]

    def make_topic(self, token: str, name: str) -> dict[str, str]:
        """One more; the same, if there is one of that name."""
        client = self._clients.asking(token, "notif.topic.write")
        if not _NAME.fullmatch(name):
            raise OsiaRefusal(400, "name: 1 to 40 of a-z, 0-9, '.', '_' and '-' are needed")
        with self._database.write() as session:
            found = _topic(session, client, name=name)
            if found is None:
                count = select(func.count()).select_from(OsiaTopic).where(OsiaTopic.client == client.token)
                if (session.scalar(count) or 0) >= parameters.MAX_TOPICS:
                    raise OsiaRefusal(
                        400, f"name: {parameters.MAX_TOPICS} topics are there; delete one first"
                    )
                found = (secrets.token_hex(16), name)
                session.add(
                    OsiaTopic(
                        id=found[0], client=client.token, repository=client.repository, name=name,
                        made_at=self._now(),
                    )
                )  # fmt: skip
                session.flush()
                note(session, "osia.topic-make", client, found[0])
        return {"uuid": found[0], "name": found[1]}

    def delete_topic(self, token: str, topic: str) -> None:
        """One that the client made, with all subscriptions to it."""
        client = self._clients.asking(token, "notif.topic.write")
        with self._database.write() as session:
            if topic in {own_topic(client.repository, name) for name in OWN}:
                raise OsiaRefusal(403, "this topic is the product's own, and stays")
            row = session.get(OsiaTopic, topic) if _ID.fullmatch(topic) else None
            if row is None or row.client != client.token:
                raise OsiaRefusal(404, "no such topic of yours")
            for one in session.scalars(select(OsiaSubscription).where(OsiaSubscription.topic_id == topic)):
                _end(session, one, self._now())
            session.delete(row)
            session.flush()
            note(session, "osia.topic-delete", client, topic)

    def publish(self, token: str, topic: str, subject: str, body: bytes) -> None:
        """A text to all who subscribed to a topic that some client of the repository made."""
        client = self._clients.asking(token, "notif.topic.publish")
        words = _words(body)
        if len(subject) > parameters.MAX_SUBJECT or not subject.isprintable():
            raise OsiaRefusal(
                400, f"subject: at most {parameters.MAX_SUBJECT} characters on one line are kept"
            )
        now = self._now()
        with self._database.write() as session:
            found = _topic(session, client, topic=topic)
            if found is None:
                raise OsiaRefusal(404, "no such topic")
            if found[1] in OWN:
                raise OsiaRefusal(403, "this topic is the product's own, and nobody else speaks on it")
            told = [one for one in _subscribed(session, topic) if self._may(one)]
            if not all(
                has_room(session, name, more=sum(1 for one in told if one.client == name))
                for name in {one.client for one in told}
            ):
                raise OsiaRefusal(
                    429, "too many messages are waiting for those who subscribed; try again later"
                )
            for one in told:
                self._outbox.tell(session, one, subject=subject, words=words, now=now)
            session.flush()
            note(session, "osia.publish", client, topic, subscriptions=len(told))
        self.wake()

    # -- subscriptions

    def subscribe(
        self, token: str, name: str, protocol: str, address: str, policy: str | None
    ) -> dict[str, Any]:
        """To a topic; the same again, if it is there. Nothing but a token goes there until that is back."""
        client = self._clients.asking(token, "notif.sub.write")
        if protocol != "http":
            raise OsiaRefusal(400, "protocol: only http is spoken here, over TLS")
        countdown, most = _policy(policy)
        checked_address(address, "address", self._networks)
        now = self._now()
        with self._database.write() as session:
            topic = _topic(session, client, name=name)
            if topic is None:
                raise OsiaRefusal(400, "topic: there is none of this name here; see GET /v1/topics")
            if name == IDENTIFICATIONS and not may_be_told(client):
                raise OsiaRefusal(
                    403, "this token is told of no jurisdiction's bookings; see its osia.clients"
                )
            row = session.scalar(
                select(OsiaSubscription).where(
                    OsiaSubscription.client == client.token,
                    OsiaSubscription.topic_id == topic[0],
                    OsiaSubscription.address == address,
                )
            )
            if row is None or row.ended_at is not None:
                row = self._begin(session, client, row, topic, address)
            elif row.confirmed_at is None and not _is_asked(session, row, now):
                self._ask(session, row)
            row.countdown_s, row.most = countdown, most
            session.flush()
            note(session, "osia.subscribe", client, row.id, topic=topic[1])
            made = _shown(row)
        self.wake()
        return made

    def subscriptions(self, token: str) -> list[dict[str, Any]]:
        """The client's own."""
        client = self._clients.asking(token, "notif.sub.read")
        with self._database.read() as session:
            rows = session.scalars(
                select(OsiaSubscription)
                .where(OsiaSubscription.client == client.token, OsiaSubscription.ended_at.is_(None))
                .order_by(OsiaSubscription.asked_at, OsiaSubscription.id)
            ).all()
            return [_shown(one) for one in rows]

    def confirm(self, token: str, confirmation: str) -> None:
        """What came to the address came back: it may be told from now on."""
        client = self._clients.asking(token, "notif.sub.write")
        digest = sha256(confirmation.encode("utf-8", "replace")).hexdigest()
        now = self._now()
        with self._database.write() as session:
            row = session.scalar(select(OsiaSubscription).where(OsiaSubscription.token_sha256 == digest))
            if row is None or row.client != client.token or row.ended_at is not None or _is_late(row, now):
                raise OsiaRefusal(400, "token: is none that waits for its confirmation; subscribe again")
            row.confirmed_at, row.token_sha256 = now, None
            session.flush()
            note(session, "osia.confirm", client, row.id, topic=row.topic)

    def unsubscribe(self, token: str, subscription: str) -> None:
        """End it. What was told on it is taken back all the same."""
        client = self._clients.asking(token, "notif.sub.write")
        with self._database.write() as session:
            row = session.get(OsiaSubscription, subscription) if _ID.fullmatch(subscription) else None
            if row is None or row.client != client.token or row.ended_at is not None:
                raise OsiaRefusal(404, "no such subscription")
            _end(session, row, self._now())
            session.flush()
            note(session, "osia.unsubscribe", client, subscription, topic=row.topic)

    # -- the product's own

    def encounter(
        self, session: Session, client: OsiaClient, event: str, person: str, encounters: Sequence[str]
    ) -> None:
        """Tell what became of encounters, in the transaction in which it becomes so."""
        topic = own_topic(client.repository, ENCOUNTERS)
        told = [one for one in _subscribed(session, topic) if one.client == client.token and self._may(one)]
        if not told:
            return
        if not has_room(session, client.token, more=len(told) * len(encounters)):
            log.error("too much waits to be told; encounters are not", extra=facts(client=client.token))
            return
        for encounter in encounters:
            words = json.dumps({"event": event, "personId": person, "encounterId": encounter})
            for one in told:
                self._outbox.tell(session, one, subject=event, words=words, now=self._now())

    # -- inside

    def _may(self, row: OsiaSubscription) -> bool:
        client = self._clients.get(row.client)
        return (
            client is not None and client.repository == row.repository and "notif.sub.write" in client.scopes
        )

    def _begin(
        self,
        session: Session,
        client: OsiaClient,
        row: OsiaSubscription | None,
        topic: tuple[str, str],
        address: str,
    ) -> OsiaSubscription:
        count = session.scalar(
            select(func.count())
            .select_from(OsiaSubscription)
            .where(OsiaSubscription.client == client.token, OsiaSubscription.ended_at.is_(None))
        )
        if (count or 0) >= parameters.MAX_SUBSCRIPTIONS:
            raise OsiaRefusal(400, f"{parameters.MAX_SUBSCRIPTIONS} subscriptions are there; end one first")
        if row is None:
            row = OsiaSubscription(
                id=secrets.token_hex(16), client=client.token, topic_id=topic[0], address=address
            )
            session.add(row)
        row.repository, row.topic = client.repository, topic[1]
        row.ended_at = row.confirmed_at = None
        row.countdown_s, row.most = parameters.DEFAULT_POLICY
        self._ask(session, row)
        return row

    def _ask(self, session: Session, row: OsiaSubscription) -> None:
        now = self._now()
        token = secrets.token_urlsafe(32)
        row.token_sha256, row.asked_at = sha256(token.encode()).hexdigest(), now
        session.flush()
        for old in _waiting(session, row):
            _cancel(old, now)
        self._outbox.ask_to_confirm(session, row, token, now=now)


def own_topic(repository: str, name: str) -> str:
    """The id of one of the product's own topics: the same everywhere and always."""
    return sha256(f"{repository}/{name}".encode()).hexdigest()[:32]


def _topic(
    session: Session, client: OsiaClient, *, name: str | None = None, topic: str | None = None
) -> tuple[str, str] | None:
    """Id and name, by either."""
    for own in OWN:
        found = own_topic(client.repository, own)
        if own == name or found == topic:
            return found, own
    if not (_NAME.fullmatch(name or "") or _ID.fullmatch(topic or "")):
        return None
    where = OsiaTopic.name == name if topic is None else OsiaTopic.id == topic
    row = session.scalar(select(OsiaTopic).where(OsiaTopic.repository == client.repository, where))
    return None if row is None else (row.id, row.name)


def _subscribed(session: Session, topic: str) -> Sequence[OsiaSubscription]:
    return session.scalars(
        select(OsiaSubscription)
        .where(
            OsiaSubscription.topic_id == topic,
            OsiaSubscription.confirmed_at.is_not(None),
            OsiaSubscription.ended_at.is_(None),
        )
        .order_by(OsiaSubscription.id)
    ).all()


def _is_late(row: OsiaSubscription, now: datetime) -> bool:
    return now - row.asked_at > timedelta(hours=parameters.CONFIRM_WITHIN_HOURS)


def _is_asked(session: Session, row: OsiaSubscription, now: datetime) -> bool:
    """Whether a token is on its way to it, or is there and still good."""
    states = session.scalars(
        select(OsiaMessage.state).where(
            OsiaMessage.subscription_id == row.id, OsiaMessage.kind == CONFIRMATION
        )
    ).all()
    return not _is_late(row, now) and any(one in (QUEUED, "received") for one in states)


def _waiting(session: Session, row: OsiaSubscription) -> Sequence[OsiaMessage]:
    return session.scalars(
        select(OsiaMessage).where(OsiaMessage.subscription_id == row.id, OsiaMessage.state == QUEUED)
    ).all()


def _end(session: Session, row: OsiaSubscription, now: datetime) -> None:
    """What waits for it goes no more, but for what takes back something it was told of."""
    row.ended_at, row.token_sha256 = now, None
    told = set(session.scalars(select(OsiaTold.identification_id).where(OsiaTold.subscription_id == row.id)))
    for one in _waiting(session, row):
        if one.identification_id not in told or one.subject == "identification.made":
            _cancel(one, now)


def _cancel(row: OsiaMessage, now: datetime) -> None:
    row.state, row.body, row.ended_at = CANCELLED, None, now


def _shown(row: OsiaSubscription) -> dict[str, Any]:
    """OSIA's Subscription."""
    return {
        "uuid": row.id,
        "topic": row.topic_id,
        "protocol": "http",
        "address": row.address,
        "policy": f"{row.countdown_s},{row.most}",
        "active": row.confirmed_at is not None,
    }


def _policy(text: str | None) -> tuple[int, int]:
    if text is None:
        return parameters.DEFAULT_POLICY
    found = _POLICY.fullmatch(text)
    least, longest = parameters.LEAST_COUNTDOWN_S, parameters.LONGEST_COUNTDOWN_S
    if found is None or not least <= int(found[1]) <= longest or int(found[2]) > parameters.MOST_RETRIES:
        raise OsiaRefusal(
            400,
            f"policy: COUNTDOWN,MAX with {least} to {longest} seconds and 0 to {parameters.MOST_RETRIES} retries;"
            " nothing is tried for ever",
        )
    return int(found[1]), int(found[2])


def _words(body: bytes) -> str:
    if not 1 <= len(body) <= parameters.MAX_PUBLISHED_BYTES:
        raise OsiaRefusal(400, f"the message has 1 to {parameters.MAX_PUBLISHED_BYTES} bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise OsiaRefusal(400, "the message is no UTF-8 text") from None
