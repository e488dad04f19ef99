"""Those who are told: agencies with their keys, and what they subscribed to."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError, MessageError
from interchange.topics import check_subscriber
from matcher_service.auditing import record
from matcher_service.errors import UnknownRepository
from matcher_service.notify import parameters
from matcher_service.notify.addresses import read_url
from matcher_service.notify.errors import NoticeRefused, UnknownNotice
from matcher_service.repositories.names import Holder, holder_of
from matcher_service.repositories.notice_tables import Subscriber, Subscription
from matcher_service.repositories.routing_tables import Agency, Jurisdiction
from matcher_service.repositories.schema import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.repositories import Database

_RESERVED = "matcher"


def sealed_for(name: str) -> str:
    """As whose a webhook's secret is sealed."""
    return f"subscriber:{name}"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A repository, and the jurisdiction or "" for all."""

    repository: str
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class KnownSubscriber:
    """One of them, as the lists have it."""

    name: str
    words: str
    ori: str
    active: bool
    webhook: bool
    added_at: datetime
    subscriptions: tuple[Subscribed, ...]


class Subscribers:
    """The list of them. `by` is an actor as the audit knows them. Raises StoreError for what fails."""

    def __init__(
        self,
        database: Database,
        *,
        sealer: Callable[[], Sealer],
        networks: tuple[str, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clients: Collection[str] = (),
    ) -> None:
        """`networks` are those private ones to which webhooks may lead (`NotifySettings`).

        `clients` are the ABIS clients of the settings: no subscriber may have such a name.
        """
        self._clients = frozenset(clients)
        self._database = database
        self._sealer = sealer
        self._networks = networks
        self._now = now

    def add(
        self,
        name: str,
        *,
        words: str,
        ori: str,
        sealing_pem: str,
        signing_pem: str,
        webhook_url: str = "",
        by: str,
        role: str = "",
    ) -> str:
        """Take one up; it is told of nothing yet. The secret of its webhook, told once, or "". Raises NoticeRefused."""
        _check_name(name)
        if not words.strip() or len(words) > 120 or not words.isprintable():
            raise NoticeRefused("words", "say who it is, in 1 to 120 characters on one line")
        keys = [_key(field, pem) for field, pem in (("sealing", sealing_pem), ("signing", signing_pem))]
        if keys[0].id == keys[1].id:
            raise NoticeRefused("signing", "has to be another key than the one for sealing")
        if webhook_url:
            read_url(webhook_url, networks=self._networks)
        secret, sealed = self._new_secret(name) if webhook_url else ("", None)
        with self._database.write() as session:
            if session.scalar(select(Subscriber.id).where(Subscriber.name == name)) is not None:
                raise NoticeRefused(name, "is a subscriber already; choose another name")
            holder = holder_of(session, name, but=Holder.SUBSCRIBER, now=self._now(), clients=self._clients)
            if holder is not None:
                raise NoticeRefused(name, f"is the name of {holder}; choose another")
            if session.get(Agency, ori) is None:
                raise NoticeRefused(
                    "ori", f"{ori[:9]} is not in the register; first: matcher-service jurisdictions import"
                )
            session.add(
                Subscriber(
                    name=name,
                    words=words.strip(),
                    ori=ori,
                    sealing_pem=keys[0].pem.decode("ascii"),
                    signing_pem=keys[1].pem.decode("ascii"),
                    webhook_url=webhook_url,
                    webhook_secret_sealed=sealed,
                    active=True,
                    added_at=self._now(),
                )
            )
            session.flush()
            self._record(session, "subscriber.add", name, by, role, ori=ori, webhook=bool(webhook_url))
        return secret

    def all(self) -> list[KnownSubscriber]:
        """By name."""
        with self._database.read() as session:
            rows = session.scalars(select(Subscriber).order_by(Subscriber.name)).all()
            return [_known(session, row) for row in rows]

    def subscribe(
        self, name: str, repository: str, jurisdiction: str = "", *, by: str, role: str = ""
    ) -> bool:
        """Have it told of hits in a repository, from a jurisdiction and what lies in it, or from all. False if it was.

        Raises UnknownNotice, UnknownRepository, NoticeRefused.
        """
        with self._database.write() as session:
            subscriber = _found(session, name)
            repository_id, place = _where(session, repository, jurisdiction)
            if session.scalar(_one(subscriber.id, repository_id, place)) is not None:
                return False
            session.add(
                Subscription(subscriber_id=subscriber.id, repository_id=repository_id, jurisdiction_id=place)
            )
            session.flush()
            self._record(
                session, "subscriber.subscribe", name, by, role,
                repository=repository, jurisdiction=jurisdiction,
            )  # fmt: skip
        return True

    def unsubscribe(
        self, name: str, repository: str, jurisdiction: str = "", *, by: str, role: str = ""
    ) -> bool:
        """End that. What it was told of is taken back all the same. False if there was none."""
        with self._database.write() as session:
            subscriber = _found(session, name)
            repository_id, place = _where(session, repository, jurisdiction)
            row = session.scalar(_one(subscriber.id, repository_id, place))
            if row is None:
                return False
            session.delete(row)
            session.flush()
            self._record(
                session, "subscriber.unsubscribe", name, by, role,
                repository=repository, jurisdiction=jurisdiction,
            )  # fmt: skip
        return True

    def set_active(self, name: str, *, active: bool, by: str, role: str = "") -> None:
        """Tell it of nothing more, or again. What it was told of is taken back all the same. Raises UnknownNotice."""
        with self._database.write() as session:
            _found(session, name).active = active
            session.flush()
            self._record(session, "subscriber.enable" if active else "subscriber.disable", name, by, role)

    def _new_secret(self, name: str) -> tuple[str, bytes]:
        secret = base64.urlsafe_b64encode(secrets.token_bytes(parameters.SECRET_BYTES)).decode("ascii")
        return secret, self._sealer().seal(secret.encode("ascii"), account=sealed_for(name))

    def _record(
        self,
        session: Session,
        action: str,
        name: str,
        by: str,
        role: str,
        *,
        repository: str = "",
        jurisdiction: str = "",
        **details: str | bool,
    ) -> None:
        record(
            session, action, actor=by, role=role, purpose="who is told", subject=name,
            repository=repository, jurisdiction=jurisdiction, details=details,
        )  # fmt: skip


def _check_name(name: str) -> None:
    try:
        check_subscriber(name)
    except MessageError as error:
        raise NoticeRefused("name", error.reason) from None
    if name.startswith(_RESERVED):
        raise NoticeRefused("name", f"must not begin with '{_RESERVED}': those are the centre's own")


def _key(field: str, pem: str) -> PublicKey:
    try:
        return PublicKey.read(pem.encode("utf-8"))
    except EnvelopeError as error:
        raise NoticeRefused(
            f"{field} key", f"{error.reason}; make one with openssl, see docs/notification.md"
        ) from None


def _found(session: Session, name: str) -> Subscriber:
    row = session.scalar(select(Subscriber).where(Subscriber.name == name))
    if row is None:
        raise UnknownNotice("subscriber", name)
    return row


def _where(session: Session, repository: str, jurisdiction: str) -> tuple[int, int | None]:
    number = session.scalar(select(Repository.id).where(Repository.name == repository))
    if number is None:
        raise UnknownRepository(repository, list(session.scalars(select(Repository.name))))
    if not jurisdiction:
        return number, None
    place = session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == jurisdiction))
    if place is None:
        raise NoticeRefused(
            "jurisdiction",
            f"{jurisdiction[:16]} is not in the register: matcher-service jurisdictions list --all",
        )
    return number, place


def _one(subscriber_id: int, repository_id: int, place: int | None) -> Select[Subscription]:
    where = Subscription.jurisdiction_id.is_(None) if place is None else Subscription.jurisdiction_id == place
    return select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.repository_id == repository_id, where
    )


def _known(session: Session, row: Subscriber) -> KnownSubscriber:
    subscribed = session.execute(
        select(Repository.name, Jurisdiction.code)
        .select_from(Subscription)
        .join(Repository, Repository.id == Subscription.repository_id)
        .outerjoin(Jurisdiction, Jurisdiction.id == Subscription.jurisdiction_id)
        .where(Subscription.subscriber_id == row.id)
        .order_by(Repository.name, Jurisdiction.code)
    )
    return KnownSubscriber(
        name=row.name,
        words=row.words,
        ori=row.ori,
        active=row.active,
        webhook=bool(row.webhook_url),
        added_at=row.added_at,
        subscriptions=tuple(Subscribed(name, code or "") for name, code in subscribed),
    )
