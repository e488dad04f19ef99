"""Receipts: who says that which message came, and whether that is so."""

from __future__ import annotations

import hmac
import logging
import time
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.envelope import unseal
from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError, MessageError
from interchange.logs import facts
from interchange.messages import decode_message
from interchange.notices import Receipt
from interchange.topics import Notice, parse_notify
from matcher_service.auditing import record
from matcher_service.notify import parameters
from matcher_service.notify.words import State
from matcher_service.repositories.notice_tables import Notification, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.notify.keys import CentreKeys
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.notify")

# A message may have come although it was thought lost, or was called back meanwhile.
_ENDS = frozenset({State.QUEUED, State.SENT, State.DEAD, State.FAILED})


class Verdict(StrEnum):
    """What becomes of a receipt."""

    RECEIVED = "received"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Receipts:
    """Takes one at a time. Raises StoreError."""

    def __init__(
        self,
        database: Database,
        *,
        keys: CentreKeys,
        now: Callable[[], datetime],
        heard: Callable[[str, bytes], object] = lambda _name, _receiver: None,
    ) -> None:
        """`heard` is told of each subscriber to which of our keys it sealed a receipt that was good."""
        self._heard = heard
        self._database = database
        self._keys = keys
        self._now = now
        self._audited: dict[str, float] = {}

    def take(self, topic: str, payload: bytes) -> Verdict:
        """Note it, if it is that of the subscriber on whose topic it came, for what was sent to it."""
        subscriber: Subscriber | None = None
        try:
            subscriber = self._speaker(topic)
            return self._note(self._opened(topic, payload, subscriber), subscriber)
        except (MessageError, EnvelopeError) as error:
            # Neither error repeats what was sent.
            name = "?" if subscriber is None else subscriber.name
            log.warning("receipt refused", extra=facts(subscriber=name, reason=str(error)))
            if subscriber is not None:
                self._audit_refusal(name, str(error))
            return Verdict.REFUSED

    def _speaker(self, topic: str) -> Subscriber:
        parsed = parse_notify(topic)
        if parsed.kind is not Notice.RECEIPT:
            raise MessageError("topic", "is none for receipts")
        with self._database.read() as session:
            found = session.scalar(select(Subscriber).where(Subscriber.name == parsed.subscriber))
        if found is None:
            raise MessageError("subscriber", "is not known here")
        return found

    def _opened(self, topic: str, payload: bytes, subscriber: Subscriber) -> Receipt:
        opened = unseal(
            payload,
            receiver=self._keys.sealing(),
            signers=[PublicKey.read(subscriber.signing_pem.encode("ascii"))],
            context=topic,
        )
        receipt = decode_message(Receipt, opened.payload)
        self._heard(subscriber.name, opened.receiver)
        return receipt

    def _note(self, receipt: Receipt, subscriber: Subscriber) -> Verdict:
        with self._database.write() as session:
            found = session.scalar(
                select(Notification)
                .where(Notification.number == receipt.number, Notification.subscriber_id == subscriber.id)
                .with_for_update()
            )
            if found is None:
                raise MessageError("number", "is of nothing that was sent to this subscriber")
            # Content that was erased since cannot be compared any more; the signature still counts.
            if found.content is not None and not hmac.compare_digest(
                sha256(found.content).hexdigest(), receipt.content_sha256
            ):
                raise MessageError("content_sha256", "is not that of what was sent")
            if found.content is None and found.sent_at is None:
                raise MessageError("number", "was not sent yet")
            return mark_received(session, found, via="topic", now=self._now())

    def _audit_refusal(self, name: str, reason: str) -> None:
        at = time.monotonic()
        if at - self._audited.get(name, -1e9) < parameters.REFUSALS_AUDITED_EVERY_S:
            return
        self._audited[name] = at
        with self._database.write() as session:
            record(
                session,
                "notification.receipt-refused",
                actor="system:notify",
                purpose="a receipt that was not accepted",
                details={"subscriber": name, "reason": reason[:300]},
            )


def mark_received(session: Session, found: Notification, *, via: str, now: datetime) -> Verdict:
    """Note that it came, once."""
    if found.received_at is not None:
        return Verdict.DUPLICATE
    found.received_at, found.via = now, via
    if found.state in _ENDS:
        found.state = State.RECEIVED
    session.flush()
    record(
        session,
        "notification.receipt",
        actor="system:notify",
        purpose="the subscriber has it",
        details={"number": found.number, "kind": found.kind, "via": via},
    )
    return Verdict.RECEIVED
