"""Delivery: what is due goes out, on topics and to webhooks, again and again until its receipt is there.

The queue is the database, so that nothing is lost in a crash: a message is noted as sent before it is, and the same
number may come twice. Whether a hit may still be told is asked in that very transaction. Several matchers may do this
on one database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import ColumnElement, and_, or_, select

from interchange.envelope import seal
from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.topics import notify_topic
from matcher_service.errors import MatcherError
from matcher_service.notify import parameters
from matcher_service.notify.announcing import Announcing
from matcher_service.notify.claiming import Claims, Job, record_of
from matcher_service.notify.receipts import Receipts, Verdict, mark_received
from matcher_service.notify.subscribers import sealed_for
from matcher_service.notify.watch import Watch
from matcher_service.notify.webhooks import Post, Webhooks
from matcher_service.notify.words import TO_SEND, State
from matcher_service.repositories.notice_tables import Notification

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.notify.keys import CentreKeys
    from matcher_service.notify.settings import NotifySettings
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher.notify")


class Poster(Protocol):
    """Whoever posts to webhooks: `Webhooks`."""

    def start(self, on_done: Callable[[Post, str], None]) -> None:
        """Begin; `on_done` gets each post, and what went wrong or ""."""
        ...

    def stop(self) -> None:
        """End."""
        ...

    def busy(self) -> set[int]:
        """Subscribers that are to be given nothing more for now."""
        ...

    def post(self, post: Post) -> None:
        """Begin to post."""
        ...


class Delivery:
    """See the module. `publish` is False where there is no connection.

    Attributes:
        counts: what was done since the start: sent, received, duplicates, refused, overdue, dead, failed, not_taken.
    """

    def __init__(
        self,
        database: Database,
        *,
        publish: Callable[[Outgoing], bool],
        webhooks: Poster,
        keys: CentreKeys,
        sealer: Callable[[], Sealer],
        settings: NotifySettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Random | None = None,
        look_s: float = parameters.LOOK_S,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._database = database
        self._publish = publish
        self._webhooks = webhooks
        self._keys = keys
        self._sealer = sealer
        self._now = now
        self._claims = Claims(settings=settings, counts=self.counts, random=random or SystemRandom())
        self._look_s = look_s
        self._announcing = Announcing(database, keys=keys, now=now)
        self._receipts = Receipts(database, keys=keys, now=now, heard=self._announcing.heard)
        self._watch = Watch(database, now=now)
        self._stopping = threading.Event()
        self._work = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._webhooks.start(self._posted)
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is sent again at the next start."""
        self._stopping.set()
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join(parameters.STOP_WAIT_S)
        self._webhooks.stop()

    def wake(self) -> None:
        """There is something to send, or a connection to send it over."""
        self._work.set()

    def take_receipt(self, topic: str, payload: bytes) -> Verdict:
        """What came on a subscriber's topic for receipts. Raises StoreError; the subscriber is asked again then."""
        verdict = self._receipts.take(topic, payload)
        names = {Verdict.RECEIVED: "received", Verdict.DUPLICATE: "duplicates", Verdict.REFUSED: "refused"}
        self.counts[names[verdict]] += 1
        return verdict

    def send_due(self) -> bool:
        """Send what is due now. Whether there was anything."""
        now = self._now()
        due = self._due(now)
        with self._database.read() as session:
            numbers = session.scalars(
                select(Notification.id)
                .where(due)
                .order_by(Notification.next_at, Notification.id)
                .limit(parameters.BATCH)
            ).all()
        if not numbers:
            return False
        with self._database.write() as session:
            rows = session.scalars(
                select(Notification)
                .where(Notification.id.in_(numbers), due)
                .order_by(Notification.next_at, Notification.id)
                .with_for_update(skip_locked=True)
            ).all()
            jobs = [job for row in rows if (job := self._claims.claim(session, row, now)) is not None]
            session.flush()
            for job in jobs:
                if job.first:
                    record_of(session, "notification.send", job.notification_id)
        for job in jobs:
            self._send(job)
        return True

    def look_around(self) -> None:
        """See whether what is held may go, what is overdue, and whether the centre has new keys to tell of."""
        self.counts["announced"] += self._announcing.tell_all(self._publish)
        self._watch.release()
        self.counts["overdue"] += self._watch.escalate()

    # -- on the thread

    def _run(self) -> None:
        look_at = 0.0
        while not self._stopping.is_set():
            self._work.clear()
            try:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + self._look_s
                    self.look_around()
                if not self.send_due():
                    self._work.wait(parameters.POLL_S)
            except Exception:
                # Staying up but silent is the worst: what is due is still there, and tried again.
                log.exception("fault in the delivery of notifications")
                self._stopping.wait(parameters.POLL_S)

    def _due(self, now: datetime) -> ColumnElement[bool]:
        """A time that no pause can explain comes from a clock that was put back since: due as well."""
        impossible = now + timedelta(seconds=2 * parameters.BACKOFF_LONGEST_S)
        busy = self._webhooks.busy()
        due = and_(
            Notification.state.in_(TO_SEND),
            or_(Notification.next_at <= now, Notification.next_at > impossible),
        )
        return and_(due, Notification.subscriber_id.not_in(busy)) if busy else due

    def _send(self, job: Job) -> None:
        subscriber = job.subscriber
        topic = notify_topic(subscriber.name, job.kind)
        try:
            signer = self._keys.signing()[0]
            news = self._announcing.to(subscriber.name, subscriber.sealing_pem)
        except MatcherError:
            # Ours, not the subscriber's: what takes a hit back must not end here.
            log.exception("there is no key to sign notifications with; they wait")
            self._not_sent(job)
            return
        try:
            receiver = PublicKey.read(subscriber.sealing_pem.encode("ascii"))
        except EnvelopeError as error:
            with self._database.write() as session:
                self._claims.fail(session.get_one(Notification, job.notification_id), str(error))
            return
        sealed = seal(job.content, signer=signer, receiver=receiver, context=topic)
        post = self._post_of(job, topic, sealed, news)
        for message in news:
            self._publish(message)
        published = self._publish(Outgoing(topic=topic, payload=sealed))
        if post is not None:
            self._webhooks.post(post)
        if not published and post is None:
            self._not_sent(job)
            return
        self.counts["sent"] += 1
        log.info(
            "notification sent", extra=facts(number=job.number, kind=job.kind, subscriber=subscriber.name)
        )

    def _post_of(self, job: Job, topic: str, sealed: bytes, news: list[Outgoing]) -> Post | None:
        subscriber = job.subscriber
        if not subscriber.webhook_url or subscriber.webhook_secret_sealed is None:
            return None
        try:
            secret = self._sealer().open(
                subscriber.webhook_secret_sealed, account=sealed_for(subscriber.name)
            )
        except MatcherError:
            log.exception(
                "no secret for a webhook; told on the topic only", extra=facts(subscriber=subscriber.name)
            )
            return None
        return Post(
            notification_id=job.notification_id,
            number=job.number,
            subscriber_id=subscriber.id,
            subscriber=subscriber.name,
            topic=topic,
            url=subscriber.webhook_url,
            secret=secret,
            body=sealed,
            keys=tuple(message.payload for message in news),
        )

    def _not_sent(self, job: Job) -> None:
        """There was no connection: as if it had not been tried."""
        with self._database.write() as session:
            row = session.get_one(Notification, job.notification_id, with_for_update=True)
            row.attempts = max(0, row.attempts - 1)
            row.next_at = self._now() + timedelta(seconds=parameters.NO_BROKER_RETRY_S)
            if job.first:
                row.sent_at = row.content = None
                if row.state == State.SENT:
                    row.state = State.QUEUED

    def _posted(self, post: Post, problem: str) -> None:
        """On a thread of the webhooks'."""
        if problem:
            self.counts["not_taken"] += 1
            return
        try:
            with self._database.write() as session:
                row = session.get_one(Notification, post.notification_id, with_for_update=True)
                verdict = mark_received(session, row, via="webhook", now=self._now())
        except Exception:
            log.exception("a receipt could not be noted; it is posted again", extra=facts(number=post.number))
            return
        self.counts["received" if verdict is Verdict.RECEIVED else "duplicates"] += 1


def open_delivery(
    settings: MatcherSettings, database: Database, publish: Callable[[Outgoing], bool]
) -> Delivery:
    """That of these settings. Raises NoticeRefused, AuthorityError."""
    from matcher_service.accounts.key_file import sealer_of
    from matcher_service.notify.keys import centre_keys

    return Delivery(
        database,
        publish=publish,
        webhooks=Webhooks(settings.notify),
        keys=centre_keys(settings, database),
        sealer=partial(sealer_of, settings.accounts, database),
        settings=settings.notify,
    )
