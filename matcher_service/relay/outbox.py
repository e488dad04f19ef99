"""What goes up from a state: found in the decisions of its own rules, kept until the centre above has it.

Nothing has to be handed over: a submission whose newest decision for the centre's repository is "search" goes up. It
lies in the store before its kiosk is told that it was taken, the decision before the kiosk is answered. So a state that
is down, slow or killed loses none, and neither does a centre that is: what it did not acknowledge by its TCN is sent
again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from matcher_service import routing
from matcher_service.auditing import record
from matcher_service.relay import parameters
from matcher_service.relay.ending import nothing_follows
from matcher_service.relay.errors import RelayRefused
from matcher_service.relay.evidence import Evidence, evidence_of
from matcher_service.repositories.relay_tables import RelayItem, RelayReport
from matcher_service.repositories.routing_tables import DispositionReport, RoutingDecision
from matcher_service.repositories.schema import Repository, StoredSubmission
from matcher_service.repositories.sealed_records import payload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

_ACTOR = "system:relay"


class ItemState(StrEnum):
    """Where a submission that goes up is."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    REFUSED = "refused"  # by the centre above, or because nothing proves it; a person may send it again
    HELD = "held"  # by a person, here
    WITHDRAWN = "withdrawn"  # the rules closed before it went


@dataclass(frozen=True, slots=True)
class Item:
    """One of them."""

    tcn: str
    state: ItemState
    made_at: datetime
    sent_at: datetime | None
    sendings: int
    acknowledged_at: datetime | None
    field: str | None
    reason: str | None
    held_by: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A submission that may go up now, and what proves it."""

    tcn: str
    evidence: Evidence = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """A reported disposition that has to go up."""

    id: int
    tcn: str
    charge_class: str | None
    disposition: str | None
    reported_at: datetime


class RelayOutbox:
    """See the module. Raises StoreError when the database fails."""

    def __init__(
        self, database: Database, *, repository: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._repository = repository
        self._now = now
        self._after = 0

    def find(self) -> int:
        """Take up what the rules have opened since; how many.

        The newest decisions are looked at each time, and once, some slices at a time, all that there were before.
        """
        with self._database.read() as session:
            number = self._number(session)
            last = session.scalar(select(func.max(RoutingDecision.id))) or 0
            ranges = [(last - parameters.SCAN_BACK, last)]
            for _ in range(parameters.SCAN_SLICES):
                if self._after < last - parameters.SCAN_BACK:
                    ranges.append((self._after, self._after + parameters.SCAN_DECISIONS))
                    self._after += parameters.SCAN_DECISIONS
            self._after = min(self._after, max(0, last - parameters.SCAN_BACK))
            found = [one for after, until in ranges for one in _opened(session, number, after, until)]
        for tcn, decision in sorted(set(found), key=lambda one: one[1]):
            with self._database.write() as session:
                row = session.get(RelayItem, tcn)
                if row is None:
                    row = RelayItem(
                        tcn=tcn,
                        decision_id=decision,
                        state=ItemState.WAITING,
                        made_at=self._now(),
                        sendings=0,
                        owed=False,
                    )
                    session.add(row)
                elif row.state == ItemState.WITHDRAWN:
                    row.state, row.decision_id, row.field, row.reason = (
                        ItemState.WAITING,
                        decision,
                        None,
                        None,
                    )
        return len(found)

    def due(self, *, skip: Collection[str], limit: int) -> list[str]:
        """Those that wait, the oldest first, but for `skip`."""
        query = (
            select(RelayItem.tcn)
            .where(RelayItem.state == ItemState.WAITING)
            .order_by(RelayItem.decision_id)
            .limit(limit + len(skip))
        )
        with self._database.read() as session:
            return [tcn for tcn in session.scalars(query) if tcn not in skip][:limit]

    def parcel(self, tcn: str) -> Parcel | None:
        """It, if the rules as they are at this moment still let it go; if they do not, that is recorded.

        Counts a sending, before it is one.
        """
        now = self._now()
        with self._database.write() as session:
            item = session.get(RelayItem, tcn)
            if item is None or item.state != ItemState.WAITING:
                return None
            number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == tcn))
            payload = b"" if number is None else payload_of(session, number)
            if number is None or not payload:
                _end(item, ItemState.WITHDRAWN, "tcn", "was removed here before it went up")
                return None
            if not routing.still_allowed(session, number, self._repository, now=now):
                routing.withdraw(session, number, self._repository, now=now)
                _end(item, ItemState.WITHDRAWN, "rule", "the rules here do not let it go up any more")
                nothing_follows(session, tcn, centre=self._repository, now=now)
                self._record(session, "relay.withdraw", tcn)
                return None
            evidence = evidence_of(session, tcn, payload)
            if evidence is None:
                if now - item.made_at > timedelta(seconds=parameters.PATIENCE_WITHOUT_EVIDENCE_S):
                    _end(item, ItemState.REFUSED, "seal", "it came unsealed: nothing proves whose it is")
                return None
            if item.sendings == 0:
                self._record(session, "relay.send", tcn)
            item.sendings += 1
            item.sent_at = now
            return Parcel(tcn, evidence)

    def acknowledge(self, tcn: str) -> bool:
        """The centre above has it. False if that was known, or there is no such."""
        with self._database.write() as session:
            item = session.get(RelayItem, tcn)
            if item is None or item.state in {ItemState.ACKNOWLEDGED, ItemState.ANSWERED}:
                return False
            item.state, item.acknowledged_at = ItemState.ACKNOWLEDGED, self._now()
            item.field = item.reason = None
            return True

    def refuse(self, tcn: str, *, field: str, reason: str, final: bool) -> bool:
        """The centre above will not have it: for good, or until a person there does something. False: no such."""
        with self._database.write() as session:
            item = session.get(RelayItem, tcn)
            if item is None or item.state in {ItemState.REFUSED, ItemState.WITHDRAWN}:
                return False
            if item.state == ItemState.ACKNOWLEDGED and field == "tcn":
                # It had it once: its database was put back to an older state. Ours was not.
                item.state, item.acknowledged_at = ItemState.WAITING, None
                item.field, item.reason = field, reason
                return True
            if item.state in {ItemState.ACKNOWLEDGED, ItemState.ANSWERED}:
                return False
            if final:
                self._record(session, "relay.refused", tcn, field=field)
                _end(item, ItemState.REFUSED, field, reason)
            else:
                item.field, item.reason = field, reason
            return True

    def answered(self, session: Session, tcn: str) -> None:
        """Its first response is here, within the caller's transaction: so the centre has it, too."""
        item = session.get(RelayItem, tcn)
        if item is not None and item.state in {ItemState.WAITING, ItemState.ACKNOWLEDGED, ItemState.HELD}:
            item.state = ItemState.ANSWERED
            item.acknowledged_at = item.acknowledged_at or self._now()

    def unanswered(self, *, before: datetime, limit: int) -> list[str]:
        """Acknowledged before then, and without a first response."""
        query = (
            select(RelayItem.tcn)
            .where(RelayItem.state == ItemState.ACKNOWLEDGED, RelayItem.acknowledged_at < before)
            .order_by(RelayItem.decision_id)
            .limit(limit)
        )
        with self._database.read() as session:
            return list(session.scalars(query))

    def owed(self, *, limit: int) -> list[str]:
        """Answered, and promised more that has not come."""
        query = (
            select(RelayItem.tcn)
            .where(RelayItem.state == ItemState.ANSWERED, RelayItem.owed.is_(True))
            .order_by(RelayItem.decision_id)
            .limit(limit)
        )
        with self._database.read() as session:
            return list(session.scalars(query))

    def reports(self, *, limit: int) -> list[Report]:
        """Dispositions reported here of submissions that the centre has, and that it does not know yet."""
        row, done = DispositionReport, RelayReport
        query = (
            select(row)
            .join(RelayItem, RelayItem.tcn == row.tcn)
            .where(
                RelayItem.state.in_([ItemState.ACKNOWLEDGED, ItemState.ANSWERED]),
                ~exists().where(done.report_id == row.id),
            )
            .order_by(row.id)
            .limit(limit)
        )
        with self._database.read() as session:
            return [
                Report(one.id, one.tcn, one.charge_class, one.disposition, one.reported_at)
                for one in session.scalars(query)
            ]

    def report_taken(self, tcn: str, reported_at: datetime) -> None:
        """The centre has a report."""
        row = DispositionReport
        with self._database.write() as session:
            query = select(row.id).where(row.tcn == tcn, row.reported_at == reported_at)
            for number in session.scalars(query).all():
                if session.get(RelayReport, number) is None:
                    session.add(RelayReport(report_id=number, tcn=tcn, taken_at=self._now()))

    # -- for people

    def counts(self) -> dict[ItemState, int]:
        """How many stand where."""
        query = select(RelayItem.state, func.count()).group_by(RelayItem.state)
        with self._database.read() as session:
            found = {ItemState(state): number for state, number in session.execute(query)}
        return dict.fromkeys(ItemState, 0) | found

    def items(self, *, state: ItemState | None = None, tcn: str | None = None, limit: int = 50) -> list[Item]:
        """The newest, or of a state, or one."""
        query = select(RelayItem).order_by(RelayItem.decision_id.desc()).limit(limit)
        if state is not None:
            query = query.where(RelayItem.state == state)
        if tcn is not None:
            query = query.where(RelayItem.tcn == tcn)
        with self._database.read() as session:
            return [
                Item(
                    row.tcn, ItemState(row.state), row.made_at, row.sent_at, row.sendings, row.acknowledged_at,
                    row.field, row.reason, row.held_by,
                )
                for row in session.scalars(query)
            ]  # fmt: skip

    def hold(self, tcn: str, *, by: str, reason: str, role: str = "") -> None:
        """Keep it here: it does not go up, and nothing of it is passed on. Raises RelayRefused."""
        with self._database.write() as session:
            item = self._item(session, tcn)
            if item.held_by is not None:
                raise RelayRefused(tcn, f"is held already, by {item.held_by}")
            if item.state == ItemState.WAITING:
                item.state = ItemState.HELD
            item.held_by, item.reason = by[:64], reason[:300]
            self._record(session, "relay.hold", tcn, by=by, role=role, purpose=reason)

    def release(self, tcn: str, *, by: str, role: str = "") -> ItemState:
        """Let it go again, or send once more what was refused. Raises RelayRefused."""
        with self._database.write() as session:
            item = self._item(session, tcn)
            if item.held_by is None and item.state not in {ItemState.REFUSED, ItemState.HELD}:
                raise RelayRefused(tcn, f"is neither held nor refused; it is {item.state}")
            if item.state in {ItemState.REFUSED, ItemState.HELD}:
                item.state, item.made_at = ItemState.WAITING, self._now()
            item.held_by = item.field = item.reason = None
            self._record(session, "relay.release", tcn, by=by, role=role)
            return ItemState(item.state)

    # -- inside

    def _item(self, session: Session, tcn: str) -> RelayItem:
        item = session.get(RelayItem, tcn)
        if item is None:
            raise RelayRefused(tcn, "is not among those that go up; see: matcher-service relay status --list")
        return item

    def _number(self, session: Session) -> int | None:
        return session.scalar(select(Repository.id).where(Repository.name == self._repository))

    def _record(
        self,
        session: Session,
        action: str,
        tcn: str,
        *,
        by: str = _ACTOR,
        role: str = "",
        purpose: str = "relay",
        **more: str,
    ) -> None:
        record(
            session, action, actor=by, role=role, purpose=purpose, subject=tcn, repository=self._repository,
            details=more,
        )  # fmt: skip


def _opened(session: Session, repository: int | None, after: int, until: int) -> list[tuple[str, int]]:
    """Of the decisions with these numbers: what is to be searched in `repository`, and was not taken up."""
    decided, item = RoutingDecision, RelayItem
    newest = (
        select(func.max(decided.id))
        .where(decided.submission_id == StoredSubmission.id, decided.repository_id == repository)
        .correlate(StoredSubmission)
        .scalar_subquery()
    )
    query = (
        select(StoredSubmission.tcn, decided.id)
        .join(StoredSubmission, StoredSubmission.id == decided.submission_id)
        .where(
            decided.id > after,
            decided.id <= until,
            decided.repository_id == repository,
            decided.verdict == "search",
            decided.id == newest,
            ~exists().where(item.tcn == StoredSubmission.tcn, item.state != ItemState.WITHDRAWN),
        )
    )
    return [(tcn, number) for tcn, number in session.execute(query)]


def _end(item: RelayItem, state: ItemState, field: str, reason: str) -> None:
    item.state, item.field, item.reason = state, field, reason[:300]
