"""Routing as the matcher's search asks for it: each question one short transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matcher_service.routing.deciding import decide, set_pending, still_allowed, withdraw
from matcher_service.routing.dispositions import to_be_searched
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database
    from matcher_service.routing.judging import Decision


class Router:
    """See the module. Raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_stored: Callable[[Session, int], object] = lambda _session, _submission: None,
    ) -> None:
        """`on_stored` is called with each submission whose searches are stored, in that transaction."""
        self._database = database
        self._now = now
        self._on_stored = on_stored

    def warm_up(self) -> None:
        """Read the register, so that the first decision is as fast as the next."""
        with self._database.read() as session:
            current(session)

    def decide(self, submission: int) -> list[Decision]:
        """Where it is to be searched, recorded."""
        with self._database.write() as session:
            return decide(session, submission, now=self._now())

    def decide_released(self, submission: int) -> list[Decision]:
        """Of one that was answered: where else it is to be searched now, recorded."""
        with self._database.write() as session:
            decisions = decide(session, submission, now=self._now())
            return to_be_searched(session, submission, decisions)

    def shut(self, submission: int, repositories: Sequence[str]) -> set[str]:
        """Those of these that were switched off for it meanwhile; that is recorded."""
        now = self._now()
        with self._database.read() as session:
            gone = {name for name in repositories if not still_allowed(session, submission, name, now=now)}
        if gone:
            with self._database.write() as session:
                for name in sorted(gone):
                    withdraw(session, submission, name, now=now)
        return gone

    def stored(self, session: Session, submission: int, *, late: bool = False) -> None:
        """Its searches are in the store, in this transaction; one that was too `late` is to be made up for."""
        if late:
            set_pending(session, submission, pending=True)
        self._on_stored(session, submission)

    def released(self, session: Session, submission: int) -> bool:
        """So are those that were to be made later. False if another matcher has made them."""
        if not set_pending(session, submission, pending=False):
            return False
        self._on_stored(session, submission)
        return True
