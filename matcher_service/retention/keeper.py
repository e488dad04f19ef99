"""Retention in a running matcher: once a day what is to be erased is, and receipts are taken into certificates."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from interchange.logs import facts
from matcher_service.auditing.keys import signing_key
from matcher_service.errors import MatcherError
from matcher_service.repositories.retention_tables import DeletionCertificate, RetentionRun
from matcher_service.retention import parameters
from matcher_service.retention.certificates import complete_all
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.expiry import expire

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher.retention")


class Keeper:
    """In a thread of its own; several matchers on one database may each have one."""

    def __init__(
        self,
        settings: MatcherSettings,
        database: Database,
        *,
        every_s: float = parameters.TEND_EVERY_S,
    ) -> None:
        self._settings = settings
        self._database = database
        self._every_s = every_s
        self._actor = f"system:retention/{settings.instance}"
        self._refused_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End; what is under way is finished, or taken up by the next run."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def tend(self, now: datetime | None = None) -> bool:
        """What is due now; whether a run was. Raises StoreError."""
        at = now or datetime.now(UTC)
        self._complete(at)
        if not self._settings.retention.run or not self._is_due(at):
            return False
        try:
            expire(
                self._database,
                by=self._actor,
                not_searched_days=self._settings.retention.not_searched_days,
                now=at,
            )
        except RetentionRefused as error:
            self._refused_at = at  # said once in a while, not every minute
            log.error("retention did not run", extra=facts(reason=error))  # noqa: TRY400 - it has it all
            return False
        return True

    def _complete(self, now: datetime) -> None:
        with self._database.read() as session:
            if not session.scalar(select(exists().where(DeletionCertificate.pending.is_(True)))):
                return
        key = signing_key(self._settings, self._database)
        with self._database.write() as session:
            complete_all(session, key, now=now)

    def _is_due(self, now: datetime) -> bool:
        every = timedelta(hours=self._settings.retention.run_every_hours)
        if self._refused_at is not None and abs(now - self._refused_at) < every:
            return False
        with self._database.read() as session:
            last = session.scalar(select(RetentionRun.ran_at).order_by(RetentionRun.id.desc()).limit(1))
        return last is None or not timedelta(0) <= now - last < every

    def _run(self) -> None:
        # Not in the first moment: a start has better things to do.
        while not self._stopping.wait(self._every_s):
            try:
                self.tend()
            except MatcherError as error:
                log.error("retention failed; it is tried again", extra=facts(reason=error))  # noqa: TRY400
            except Exception:
                log.exception("fault in retention; it is tried again")
