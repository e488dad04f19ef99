"""Reports of charges and dispositions as they reach the matcher from kiosks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.logs import facts
from matcher_service.routing.dispositions import report_disposition
from matcher_service.routing.errors import UnknownSubmission

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.messages import DispositionReported
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.routing")


class Reports:
    """Takes one at a time. Raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        wake_search: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._wake_search = wake_search
        self._now = now

    def take(self, report: DispositionReported) -> bool:
        """Note it, and act on it. False if the centre has no such submission."""
        try:
            with self._database.write() as session:
                done = report_disposition(
                    session,
                    report.tcn,
                    charge_class=report.charge_class,
                    disposition=report.disposition,
                    reported_at=report.reported_at,
                    by=f"device:{report.device}",
                    source="kiosk",
                    now=self._now(),
                )
        except UnknownSubmission:
            log.warning("disposition of an unknown submission", extra=facts(tcn=report.tcn))
            return False
        log.info("disposition reported", extra=facts(tcn=report.tcn, decided_anew=len(done.decisions)))
        if done.to_search:
            self._wake_search()
        return True
