"""What is due is claimed: asked once more whether it may go, given its words, and noted as sent, in one transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from interchange.errors import MessageError
from interchange.logs import facts
from interchange.topics import Notice
from matcher_service.auditing import record
from matcher_service.notify import parameters
from matcher_service.notify.contents import content_of
from matcher_service.notify.errors import NoticeRefused
from matcher_service.notify.holding import held_because
from matcher_service.notify.pausing import is_given_up, pause_s
from matcher_service.notify.queueing import FINAL, subscribers_of
from matcher_service.notify.words import Held, Kind, State
from matcher_service.repositories.notice_tables import Identification, Notification, Subscriber
from matcher_service.repositories.schema import StoredSubmission

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime
    from random import Random

    from sqlalchemy.orm import Session

    from matcher_service.notify.settings import NotifySettings

log = logging.getLogger("matcher.notify")


@dataclass(frozen=True, slots=True)
class Job:
    """A message that is noted as sent and goes out now."""

    notification_id: int
    number: str
    kind: Notice
    subscriber: Subscriber
    content: bytes
    first: bool


class Claims:
    """See the module. `counts` is added to: "dead", "failed"."""

    def __init__(self, *, settings: NotifySettings, counts: Counter[str], random: Random) -> None:
        self._settings = settings
        self._counts = counts
        self._random = random

    def claim(self, session: Session, row: Notification, now: datetime) -> Job | None:
        """Note it as sent, if it is to be; None if not, and then it is not due any more."""
        subscriber = session.get_one(Subscriber, row.subscriber_id)
        if row.kind == Kind.HIT:
            because = held_because(session, row.identification_id, now=now)
            if because is None and subscriber.id not in subscribers_of(session, row.identification_id):
                because = Held.NOT_SUBSCRIBED
            if because is not None:
                over = because in FINAL or because is Held.NOT_SUBSCRIBED
                row.state, row.held_because = State.CANCELLED if over else State.HELD, because
                return None
        if self._is_given_up(row, subscriber, now):
            row.state = State.DEAD
            self._counts["dead"] += 1
            log.error("notification given up", extra=facts(number=row.number, subscriber=subscriber.name))
            session.flush()
            record_of(session, "notification.dead", row.id)
            return None
        try:
            content = content_of(session, row, now=now)
        except (NoticeRefused, MessageError) as error:
            self.fail(row, str(error))
            return None
        first = row.sent_at is None
        if first:
            row.content, row.sent_at = content, now
            row.due_at = now + timedelta(hours=self._settings.receipt_due_h)
        row.state = State.SENT
        row.attempts += 1
        row.next_at = now + timedelta(seconds=pause_s(row.attempts, self._random))
        return Job(row.id, row.number, Notice(row.kind), subscriber, content, first)

    def _is_given_up(self, row: Notification, subscriber: Subscriber, now: datetime) -> bool:
        limit = (
            timedelta(hours=parameters.WEBHOOK_GIVE_UP_HOURS)
            if subscriber.webhook_url
            else timedelta(days=parameters.TOPIC_GIVE_UP_DAYS)
        )
        return is_given_up(row.sent_at, row.attempts, limit=limit, now=now)

    def fail(self, row: Notification, problem: str) -> None:
        """It cannot be made, now or ever, unless somebody does something."""
        row.state, row.held_because = State.FAILED, problem[:64]
        self._counts["failed"] += 1
        log.error("notification cannot be sent", extra=facts(number=row.number, reason=problem))


def record_of(session: Session, action: str, notification_id: int) -> None:
    """Into the audit."""
    row = session.get_one(Notification, notification_id)
    found = session.get_one(Identification, row.identification_id)
    record(
        session,
        action,
        actor="system:notify",
        purpose="notification of a subscriber",
        subject=session.get_one(StoredSubmission, found.submission_id).tcn,
        details={"number": row.number, "kind": row.kind, "identification": found.id},
    )
