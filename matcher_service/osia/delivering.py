"""Posting what is in the outbox, by notification's own webhooks, until it is taken or given up.

    POST /path                       a subscription: OSIA's Message, and the headers message-type, message-id, topic-id
    POST /path?transactionId=&taskId=  a callback: the result, or OSIA's Error as application/error+json

Signed as all webhooks here are (`notify.webhooks`), with what is shared with the holder of the client's token. Where
that has none any more, or the settings do not name it, nothing goes out.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, or_, select

from interchange.logs import facts
from matcher_service.errors import MatcherError
from matcher_service.notify import parameters as posting
from matcher_service.notify.pausing import pause_s, webhook_is_given_up
from matcher_service.notify.webhooks import Post
from matcher_service.osia import parameters
from matcher_service.osia.clients import note
from matcher_service.osia.identifications import MADE, Identifications
from matcher_service.osia.outbox import CALLBACK, CANCELLED, CONFIRMATION, DEAD, QUEUED, RECEIVED
from matcher_service.osia.tasks import with_ids
from matcher_service.repositories.osia_tables import OsiaMessage, OsiaSubscription, OsiaTask, OsiaTold

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from matcher_service.notify.delivery import Poster
    from matcher_service.osia.clients import Clients
    from matcher_service.osia.outbox import Outbox
    from matcher_service.osia.settings import OsiaClient
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.osia")


class OsiaDelivery:
    """See the module. Raises StoreError. `counts`: sent, received, not_taken, dead."""

    def __init__(
        self,
        database: Database,
        clients: Clients,
        outbox: Outbox,
        *,
        webhooks: Poster,
        secret_of: Callable[[str], bytes | None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Random | None = None,
    ) -> None:
        """`secret_of` a token's name is what is signed with (`Tokens.secret_of`)."""
        self.counts: Counter[str] = Counter()
        self._database, self._clients, self._outbox = database, clients, outbox
        self._webhooks, self._secret_of, self._now = webhooks, secret_of, now
        self._random = random or SystemRandom()
        self._identifications = Identifications(database, clients, outbox, now=now)
        self._under_way: set[int] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to post what `send_due` finds."""
        self._webhooks.start(self.posted)

    def stop(self) -> None:
        """Cut off what is under way; it is posted again."""
        self._webhooks.stop()

    def collect(self) -> int:
        """Queue what there is to tell of identifications."""
        return self._identifications.collect()

    def send_due(self) -> bool:
        """Post what is due now. Whether there was anything."""
        now = self._now()
        with self._lock:
            under_way = set(self._under_way)
        room = min(parameters.BATCH, parameters.POSTS_AT_ONCE - len(under_way))
        if room <= 0:
            return False
        due = and_(self._due(now), OsiaMessage.id.not_in(under_way)) if under_way else self._due(now)
        query = select(OsiaMessage).where(due).order_by(OsiaMessage.next_at, OsiaMessage.id).limit(room)
        with self._database.read() as session:
            if session.scalar(query) is None:
                return False
        lanes: Counter[int] = Counter()
        posts: list[Post] = []
        with self._database.write() as session:
            for row in session.scalars(query.with_for_update(skip_locked=True)).all():
                if lanes[row.lane] < posting.WEBHOOK_AT_ONCE and (post := self._claim(session, row, now)):
                    lanes[row.lane] += 1
                    posts.append(post)
        for post in posts:
            with self._lock:
                self._under_way.add(post.notification_id)
            self.counts["sent"] += 1
            self._webhooks.post(post)
        return True

    def posted(self, post: Post, problem: str) -> None:
        """What became of one; on a thread of the webhooks'."""
        try:
            if problem:
                self.counts["not_taken"] += 1
                return
            with self._database.write() as session:
                row = session.get(OsiaMessage, post.notification_id, with_for_update=True)
                if row is not None:
                    row.state, row.body, row.ended_at = RECEIVED, None, self._now()
            self.counts["received"] += 1
        except MatcherError:
            log.exception(
                "what was taken could not be noted; it is posted again", extra=facts(number=post.number)
            )
        finally:
            # Only now may it be taken up again.
            with self._lock:
                self._under_way.discard(post.notification_id)

    def purge(self) -> int:
        """Throw away what is over, and subscriptions that nobody confirmed. How many rows."""
        old = self._now() - timedelta(days=parameters.KEEP_DAYS)
        late = self._now() - timedelta(hours=parameters.CONFIRM_WITHIN_HOURS)
        told = exists().where(OsiaTold.subscription_id == OsiaSubscription.id)
        gone: list[Any] = [
            delete(OsiaTask).where(OsiaTask.done_at < old),
            delete(OsiaMessage).where(OsiaMessage.ended_at < old, OsiaMessage.task_id.is_(None)),
            delete(OsiaSubscription).where(
                or_(
                    and_(OsiaSubscription.confirmed_at.is_(None), OsiaSubscription.asked_at < late),
                    OsiaSubscription.ended_at < old,
                ),
                ~told,
            ),
        ]
        count = 0
        with self._database.write() as session:
            for one in gone:
                result = session.execute(one, execution_options={"synchronize_session": False})
                assert isinstance(result, CursorResult)  # so it is of a DELETE
                count += result.rowcount
        return count

    # -- inside

    def _due(self, now: datetime) -> ColumnElement[bool]:
        """A time that no pause can explain comes from a clock that was put back since: due as well."""
        impossible = now + timedelta(seconds=2 * parameters.LONGEST_COUNTDOWN_S)
        due = and_(
            OsiaMessage.state == QUEUED, or_(OsiaMessage.next_at <= now, OsiaMessage.next_at > impossible)
        )
        busy = self._webhooks.busy()
        return and_(due, OsiaMessage.lane.not_in(busy)) if busy else due

    def _claim(self, session: Session, row: OsiaMessage, now: datetime) -> Post | None:
        """Note it as posted, if it is to be; None if not."""
        client, secret = self._clients.get(row.client), self._secret_of(row.client)
        if client is None or secret is None:
            self._wait(row, now)
            return None
        if row.kind == CALLBACK:
            task = session.get_one(OsiaTask, row.task_id)
            address, more = with_ids(task.callback, task.transaction_id, task.id), ()
            to = None
        else:
            to = session.get_one(OsiaSubscription, row.subscription_id)
            if not self._may_go(session, row, to, client):
                return None
            address, more = to.address, _headers(row, to)
        if _is_over(row, to, now):
            self._give_up(session, row, client, now)
            return None
        try:
            body = self._outbox.body_of(row)
        except MatcherError:
            log.exception("a message cannot be opened; it waits", extra=facts(number=row.number))
            self._wait(row, now)
            return None
        row.attempts += 1
        row.sent_at = row.sent_at or now
        row.next_at = now + timedelta(seconds=self._pause_s(row, to))
        return Post(
            notification_id=row.id, number=row.number, subscriber_id=row.lane, subscriber=row.client,
            topic="", url=address, secret=secret, body=body, more=more,
            content_type=row.subject if row.kind == CALLBACK else "application/json",
        )  # fmt: skip

    def _may_go(self, session: Session, row: OsiaMessage, to: OsiaSubscription, client: OsiaClient) -> bool:
        if _takes_back(row):
            return True
        allowed = "notif.sub.write" in client.scopes and client.repository == to.repository
        # A confirmation is of use only until it is confirmed, everything else only after.
        if to.ended_at is not None or (to.confirmed_at is None) != (row.kind == CONFIRMATION) or not allowed:
            row.state, row.body, row.ended_at = CANCELLED, None, self._now()
            return False
        return row.subject != MADE or self._identifications.first_words(session, row, to)

    def _give_up(self, session: Session, row: OsiaMessage, client: OsiaClient, now: datetime) -> None:
        row.state, row.ended_at = DEAD, now
        if row.kind != CALLBACK:
            row.body = None
        self.counts["dead"] += 1
        log.error("message given up", extra=facts(number=row.number, client=row.client))
        session.flush()
        note(session, "osia.dead", client, row.number, kind=row.kind, attempts=row.attempts)

    def _wait(self, row: OsiaMessage, now: datetime) -> None:
        """Nobody can take it now. What waits too long is over."""
        row.next_at = now + timedelta(seconds=parameters.HELD_AGAIN_S)
        if now - row.made_at > timedelta(days=parameters.KEEP_DAYS):
            row.state, row.body, row.ended_at = DEAD, None, now

    def _pause_s(self, row: OsiaMessage, to: OsiaSubscription | None) -> float:
        usual = pause_s(row.attempts, self._random)
        if to is None or row.kind == CONFIRMATION:
            return usual
        return min(to.countdown_s, usual) if _takes_back(row) else to.countdown_s


def _takes_back(row: OsiaMessage) -> bool:
    """Whether it says what became of an identification that was told: that goes also where nothing else does."""
    return row.identification_id is not None and row.subject != MADE


def _is_over(row: OsiaMessage, to: OsiaSubscription | None, now: datetime) -> bool:
    by_the_clock = webhook_is_given_up(row.sent_at, row.attempts, now=now)
    if to is None or row.kind == CONFIRMATION:
        return by_the_clock
    by_policy = row.attempts > to.most
    return by_policy and (by_the_clock or not _takes_back(row))


def _headers(row: OsiaMessage, to: OsiaSubscription) -> tuple[tuple[str, str], ...]:
    return (
        ("message-type", "SubscriptionConfirmation" if row.kind == CONFIRMATION else "Notification"),
        ("subscription-id", to.id),
        ("message-id", row.number),
        ("topic-id", to.topic_id),
    )
