"""What is asked with a callback: taken on, done later, and posted there. The queue is the database, and bounded."""

from __future__ import annotations

import json
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy import func, or_, select, update

from interchange.logs import facts
from matcher_service.osia import parameters
from matcher_service.osia.clients import note
from matcher_service.osia.errors import OsiaRefusal
from matcher_service.osia.outbox import DEAD, QUEUED, RECEIVED, checked_address, has_room
from matcher_service.repositories.osia_tables import OsiaMessage, OsiaTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from matcher_service.osia.clients import Clients
    from matcher_service.osia.outbox import Outbox
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.osia")

_ID = re.compile(r"[0-9a-f]{32}")


class Perform(Protocol):
    """Whoever does a task: `OsiaDesk.perform`."""

    def __call__(
        self,
        token: str,
        verb: str,
        asked: dict[str, Any],
        transaction: str,
        *,
        finish: Callable[[Session, object], None],
    ) -> None:
        """Do it, and hand its result to `finish`, in the transaction of what it changes. Raises OsiaRefusal."""
        ...


class _Lost(Exception):  # noqa: N818 - never leaves this module
    """The task is somebody else's by now."""


class OsiaTasks:
    """See the module. All raise OsiaRefusal, and StoreError."""

    def __init__(
        self,
        database: Database,
        clients: Clients,
        outbox: Outbox,
        *,
        networks: tuple[str, ...] = (),
        instance: str = "api",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`instance` names this process among those that share the database."""
        self._database, self._clients, self._outbox = database, clients, outbox
        self._networks, self._instance, self._now = networks, instance, now
        self.wake = wake

    # -- for clients

    def accept(
        self, token: str, verb: str, asked: dict[str, Any], transaction: str, *, callback: str, priority: int
    ) -> dict[str, str]:
        """Take on what was checked. Its number."""
        client = self._clients.get(token)
        assert client is not None  # whoever checked it asked for the right
        task, now = secrets.token_hex(16), self._now()
        checked_address(with_ids(callback, transaction, task), "callback", self._networks)
        sealed = self._outbox.seal(json.dumps(asked).encode(), number=task)
        with self._database.write() as session:
            waiting = session.scalar(
                select(func.count())
                .select_from(OsiaTask)
                .where(OsiaTask.client == token, OsiaTask.done_at.is_(None))
            )
            if (waiting or 0) >= parameters.MAX_TASKS or not has_room(session, token):
                raise OsiaRefusal(
                    429, f"{parameters.MAX_TASKS} tasks or too many answers wait; try again later"
                )
            session.add(
                OsiaTask(
                    id=task, client=token, transaction_id=transaction, verb=verb, priority=priority,
                    asked=sealed, callback=callback, made_at=now, tries=0, claimed_by="",
                )
            )  # fmt: skip
            session.flush()
            note(session, "osia.accept", client, transaction, verb=verb, task=task)
        self.wake()
        return {"taskId": task}

    def status(self, token: str, task: str) -> str:
        """In OSIA's words."""
        self._clients.asking(token, "abis.task.read")
        with self._database.read() as session:
            row, message = _found(session, token, task)
            if row.done_at is None or message is None:
                return "PENDING"
            words = {RECEIVED: "COMPLETED", DEAD: "RESPONSE_ERROR"}
            return words.get(message.state, "RESPONSE_RETRY" if message.retried else "RESPONSE_SCHEDULED")

    def redeliver(self, token: str, task: str) -> None:
        """Post the result again, from the beginning of the schedule."""
        client = self._clients.asking(token, "abis.task.update")
        now = self._now()
        with self._database.write() as session:
            row, message = _found(session, token, task)
            if message is None or row.done_at is None:
                return  # it is posted anyway, once it is there
            if message.body is None:
                raise OsiaRefusal(409, "the result was taken, and is not kept any more")
            message.state, message.retried, message.attempts = QUEUED, True, 0
            message.sent_at = message.ended_at = None
            message.next_at = now
            session.flush()
            note(session, "osia.redeliver", client, row.transaction_id, task=task)
        self.wake()

    # -- for whoever works them off

    def release(self) -> None:
        """At the start: what this process was at when it ended is done again."""
        with self._database.write() as session:
            session.execute(
                update(OsiaTask)
                .where(OsiaTask.claimed_by == self._instance, OsiaTask.done_at.is_(None))
                .values(claimed_until=None)
            )

    def run_next(self, perform: Perform) -> bool:
        """Do one. Whether there was any."""
        row = self._claim()
        if row is None:
            return False

        def finish(session: Session, result: object) -> None:
            self._finish(session, row.id, 200, result)

        try:
            if row.tries > parameters.MOST_TRIES:
                raise OsiaRefusal(500, "an unexpected error; tell whoever runs this service")  # noqa: TRY301 - told as any other
            assert row.asked is not None  # it is not done
            asked = cast("dict[str, Any]", json.loads(self._outbox.open(row.asked, number=row.id)))
            perform(row.client, row.verb, asked, row.transaction_id, finish=finish)
        except _Lost:
            log.warning("a task took too long, and somebody else does it", extra=facts(task=row.id))
        except OsiaRefusal as error:
            with self._database.write() as session:
                try:
                    self._finish(session, row.id, error.status, error.words)
                except _Lost:
                    session.rollback()
        except Exception:
            log.exception("fault in a task; it is tried again", extra=facts(task=row.id))
            self._put_back(row.id)
        return True

    def _claim(self) -> OsiaTask | None:
        now = self._now()
        free = or_(
            OsiaTask.claimed_until.is_(None),
            OsiaTask.claimed_until < now,
            # A clock that was put back.
            OsiaTask.claimed_until > now + timedelta(seconds=2 * parameters.LEASE_S),
        )
        query = (
            select(OsiaTask)
            .where(OsiaTask.done_at.is_(None), free)
            .order_by(OsiaTask.priority.desc(), OsiaTask.made_at, OsiaTask.id)
            .limit(1)
        )
        with self._database.read() as session:
            if session.scalar(query) is None:
                return None
        with self._database.write() as session:
            row = session.scalar(query.with_for_update(skip_locked=True))
            if row is not None:
                row.claimed_by, row.tries = self._instance, row.tries + 1
                row.claimed_until = now + timedelta(seconds=parameters.LEASE_S)
        return row

    def _finish(self, session: Session, task: str, status: int, result: object) -> None:
        row = session.get(OsiaTask, task, with_for_update=True, populate_existing=True)
        if row is None or row.done_at is not None or row.claimed_by != self._instance:
            raise _Lost
        now = self._now()
        row.asked, row.done_at = None, now
        self._outbox.answer(session, row, status, result, now=now)
        session.flush()

    def _put_back(self, task: str) -> None:
        again = self._now() + timedelta(seconds=parameters.POLL_S)
        with self._database.write() as session:
            session.execute(
                update(OsiaTask)
                .where(OsiaTask.id == task, OsiaTask.claimed_by == self._instance)
                .values(claimed_until=again)
            )


def with_ids(callback: str, transaction: str, task: str) -> str:
    """The address to which the result goes: OSIA's two parameters added."""
    return f"{callback}{'&' if '?' in callback else '?'}transactionId={transaction}&taskId={task}"


def _found(session: Session, token: str, task: str) -> tuple[OsiaTask, OsiaMessage | None]:
    row = session.get(OsiaTask, task) if _ID.fullmatch(task) else None
    if row is None or row.client != token:
        raise OsiaRefusal(404, "no such task; they are forgotten a week after they are done")
    return row, session.scalar(select(OsiaMessage).where(OsiaMessage.task_id == task))
