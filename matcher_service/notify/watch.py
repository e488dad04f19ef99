"""What goes by the clock: what is held and may go now, and what should have been received by now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.logs import facts
from matcher_service.auditing import record
from matcher_service.notify import parameters
from matcher_service.notify.holding import held_because
from matcher_service.notify.queueing import release
from matcher_service.notify.words import State
from matcher_service.repositories.notice_tables import Notification, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from matcher_service.repositories import Database

log = logging.getLogger("matcher.notify")


class Watch:
    """Looks when it is asked to. Raises StoreError."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._after = 0

    def release(self) -> int:
        """Queue what is held and may go now; of many, some each time, in turn. How many were queued."""
        now = self._now()
        with self._database.read() as session:
            held = session.scalars(
                select(Notification.identification_id)
                .where(Notification.state == State.HELD, Notification.identification_id > self._after)
                .distinct()
                .order_by(Notification.identification_id)
                .limit(parameters.HELD_LOOKED_AT)
            ).all()
            free = [one for one in held if held_because(session, one, now=now) is None]
        self._after = held[-1] if len(held) == parameters.HELD_LOOKED_AT else 0
        queued = 0
        for one in free:
            with self._database.write() as session:
                done = release(session, one, now=now)
                queued += done
                if done:
                    record(
                        session,
                        "notification.release",
                        actor="system:notify",
                        purpose="the rules allow it now",
                        details={"identification": one, "queued": done},
                    )
        return queued

    def escalate(self) -> int:
        """Say of what was sent and has no receipt in time, once. How many there were."""
        now = self._now()
        overdue = (
            Notification.state.in_((State.SENT, State.DEAD, State.FAILED)),
            Notification.due_at < now,
            Notification.escalated_at.is_(None),
            Notification.received_at.is_(None),
        )
        with self._database.read() as session:
            if session.scalar(select(Notification.id).where(*overdue).limit(1)) is None:
                return 0
        with self._database.write() as session:
            rows = session.execute(
                select(Notification, Subscriber.name)
                .join(Subscriber, Subscriber.id == Notification.subscriber_id)
                .where(*overdue)
                .order_by(Notification.id)
                .limit(parameters.BATCH)
            ).all()
            for row, subscriber in rows:
                row.escalated_at = now
                log.error(
                    "no receipt in time",
                    extra=facts(
                        number=row.number, kind=row.kind, subscriber=subscriber, attempts=row.attempts
                    ),
                )
            session.flush()
            for row, _ in rows:
                record(
                    session,
                    "notification.overdue",
                    actor="system:notify",
                    purpose="no receipt in time",
                    details={"number": row.number, "kind": row.kind, "attempts": row.attempts},
                )
        return len(rows)
