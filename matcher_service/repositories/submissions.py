"""Submissions that were accepted, and what was found for them. Stored before they are acknowledged.

Longer than most on purpose: one table with its states, and every step from one state to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, or_, select, update

from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord, StoredSubmission
from matcher_service.repositories.sealed_records import Part, open_part, seal_part
from matcher_service.routing.facts import Arrival, write_facts
from matcher_service.routing.parameters import OLDEST_EACH, PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from interchange.messages import Submission
    from matcher_service.repositories.database import Database


# Longer than any search takes. Only where several matchers share a database does it matter.
CLAIM = timedelta(seconds=60)


class Outcome(StrEnum):
    """Where a submission is."""

    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    ERASED = "erased"  # its time was up: the row is what is left, so that its TCN is not used again


class Filed(StrEnum):
    """What became of a submission that was to be stored."""

    NEW = "new"
    KNOWN = "known"
    OTHER = "other"  # the TCN stands for other content


# Searched, and replied to.
_DONE = (Outcome.ANSWERED, Outcome.FAILED)
_REPLIES = select(StoredSubmission.id, StoredSubmission.tcn, StoredSubmission.device, StoredSubmission.reply)


@dataclass(frozen=True, slots=True)
class WaitingSubmission:
    """A submission that is to be searched; `attempts` counts this one."""

    id: int
    tcn: str
    device: str
    received_at: datetime
    payload: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class FoundCandidate:
    """A candidate of a search; `reference` is what the device is told of it.

    `log10_fmr` is log10 of the false match rate of its score, `expected_fpir` how often strangers alone would have
    given such a candidate in that gallery; both None where nobody worked them out.
    """

    reference: str
    identity: str
    score: float
    log10_fmr: float | None = None
    expected_fpir: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """What the search of one repository gave; candidates best first."""

    repository: str
    searched_at: datetime
    duration_ms: float
    gallery_prints: int
    colour: str
    failed: bool = False
    candidates: tuple[FoundCandidate, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply and whom it is for."""

    tcn: str
    device: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class FailedSubmission:
    """One that was given up: its search ended the process, or could not be made, as often as it was tried."""

    tcn: str
    device: str
    received_at: datetime
    answered_at: datetime | None
    attempts: int


class Submissions:
    """The store of submissions. Raises StoreError when the database fails."""

    def __init__(self, database: Database, *, instance: str) -> None:
        """`instance` is the name under which this matcher claims what it searches."""
        self._database = database
        self._instance = instance
        self._turns = 0  # since the oldest had its own

    def file(
        self, submission: Submission, payload: bytes, arrival: Arrival | None = None, *, sender: str = ""
    ) -> Filed:
        """Store a submission, once: the same TCN with the same bytes is known, with others refused.

        What the rules will ask of it is noted with it; without an `arrival`, that nothing is known of its agency.
        `sender` is whom the answers are for, where that is not its device: a relay. One that another sender brought
        is another one.
        """
        digest = sha256(payload).hexdigest()
        sender = sender or submission.device
        with self._database.write() as session:
            known = session.execute(
                select(StoredSubmission.sha256, StoredSubmission.device).where(
                    StoredSubmission.tcn == submission.tcn
                )
            ).first()
            if known is not None:
                return Filed.KNOWN if tuple(known) == (digest, sender) else Filed.OTHER
            row = StoredSubmission(
                tcn=submission.tcn,
                device=sender,
                purpose=submission.purpose,
                received_at=datetime.now(UTC),
                payload=b"",
                sha256=digest,
                priority=PRIORITIES[submission.transaction],
                attempts=0,
                claimed_by=self._instance,
                claimed_until=datetime.now(UTC) + CLAIM,
                outcome=Outcome.WAITING,
            )
            session.add(row)
            session.flush()
            row.payload = seal_part(session, row.id, row.tcn, Part.PAYLOAD, payload)
            write_facts(session, row.id, submission, arrival or Arrival())
            return Filed.NEW

    def begin_next(self) -> WaitingSubmission | None:
        """The most urgent, then oldest submission without an answer; counts an attempt before anything can go wrong.

        Now and then it is the oldest of all (`OLDEST_EACH`), so that none waits for ever behind more urgent ones.
        It is claimed for a while: several matchers on one database do not search the same submission, and
        one that died leaves its own to the others.
        """
        now = datetime.now(UTC)
        free = or_(
            StoredSubmission.claimed_by == self._instance,
            StoredSubmission.claimed_until < now,
        )
        # One that failed twice goes behind those that did not: it must not hold them up. After the first time it keeps
        # its place, because a matcher that was killed is no fault of what it was searching.
        urgency = (
            case((StoredSubmission.attempts < 2, 0), else_=StoredSubmission.attempts),
            StoredSubmission.priority,
            StoredSubmission.id,
        )
        # A sum, so that the database looks among those that wait, and not along the key through all there ever were.
        age = (StoredSubmission.id + 0,)
        the_oldest = self._turns >= OLDEST_EACH - 1
        first = (
            select(StoredSubmission)
            .where(StoredSubmission.outcome == Outcome.WAITING, free)
            .order_by(*(age if the_oldest else urgency))
            .limit(1)
        )
        with self._database.read() as session:
            if session.scalar(first) is None:
                self._turns = 0
                return None
        with self._database.write() as session:
            row = session.scalar(first.with_for_update(skip_locked=True))
            if row is None:
                return None
            self._turns = 0 if the_oldest else self._turns + 1
            row.attempts += 1
            row.claimed_by = self._instance
            row.claimed_until = now + CLAIM
            return _waiting(session, row)

    def next_released(self) -> WaitingSubmission | None:
        """The oldest that was answered, and to which a later report opened a repository; see `routing`."""
        query = (
            select(StoredSubmission)
            .join(SubmissionFacts, SubmissionFacts.submission_id == StoredSubmission.id)
            .where(SubmissionFacts.pending.is_(True), StoredSubmission.outcome.in_(_DONE))
            .order_by(StoredSubmission.id)
            .limit(1)
        )
        with self._database.read() as session:
            row = session.scalar(query)
            if row is None:
                return None
            return _waiting(session, row)

    def finish(
        self,
        submission: WaitingSubmission,
        reply: bytes,
        searches: Sequence[SearchOutcome],
        outcome: Outcome,
        *,
        also: Callable[[Session], object] = lambda _: None,
    ) -> bool:
        """Store what was found, and the reply, at once, and do `also` with it. False if another matcher was faster."""
        now = datetime.now(UTC)
        with self._database.write() as session:
            mine = session.scalar(
                update(StoredSubmission)
                .where(StoredSubmission.id == submission.id, StoredSubmission.outcome == Outcome.WAITING)
                .values(
                    outcome=outcome,
                    answered_at=now,
                    reply=seal_part(session, submission.id, submission.tcn, Part.REPLY, reply),
                )
                .returning(StoredSubmission.id)
            )
            if mine is None:
                return False
            add_searches(session, submission.id, searches)
            also(session)
            return True

    def add_later(
        self, submission_id: int, searches: Sequence[SearchOutcome], *, also: Callable[[Session], bool]
    ) -> bool:
        """Store what was found after the reply had gone; it takes the place of the failure that the reply spoke of.

        `also` is called last; where it says that another matcher was faster, nothing is stored.
        """
        with self._database.write() as session:
            for search in searches:
                session.execute(
                    delete(SearchRecord).where(
                        SearchRecord.submission_id == submission_id,
                        SearchRecord.repository_id
                        == select(Repository.id)
                        .where(Repository.name == search.repository)
                        .scalar_subquery(),
                        SearchRecord.failed.is_(True),
                    )
                )
            add_searches(session, submission_id, searches)
            mine = also(session)
            if not mine:
                session.rollback()
            return mine

    def reply_to(self, tcn: str) -> StoredReply | None:
        """The reply to `tcn`, if there is one."""
        query = _REPLIES.where(StoredSubmission.tcn == tcn, StoredSubmission.reply.is_not(None))
        with self._database.read() as session:
            row = session.execute(query).one_or_none()
            return None if row is None else _reply(session, row)

    def device_of(self, tcn: str) -> str | None:
        """The device that sent `tcn`; None if it was never stored."""
        with self._database.read() as session:
            return session.scalar(select(StoredSubmission.device).where(StoredSubmission.tcn == tcn))

    def untold(self, *, limit: int, device: str | None = None) -> list[StoredReply]:
        """Replies, to one device or to all, that no listener has been given; the newest, oldest first."""
        query = (
            _REPLIES.where(StoredSubmission.outcome.in_(_DONE), StoredSubmission.told_at.is_(None))
            .order_by(StoredSubmission.id.desc())
            .limit(limit)
        )
        if device is not None:
            query = query.where(StoredSubmission.device == device)
        with self._database.read() as session:
            newest = [_reply(session, row) for row in session.execute(query)]
        return newest[::-1]

    def mark_told(self, tcn: str) -> None:
        """Note that the broker took the reply."""
        with self._database.write() as session:
            session.execute(
                update(StoredSubmission)
                .where(StoredSubmission.tcn == tcn, StoredSubmission.told_at.is_(None))
                .values(told_at=datetime.now(UTC))
            )

    def searches(self, tcn: str) -> list[SearchOutcome]:
        """What the searches for `tcn` gave, by repository, candidates best first."""
        query = (
            select(SearchRecord, Repository.name)
            .join(StoredSubmission, StoredSubmission.id == SearchRecord.submission_id)
            .join(Repository, Repository.id == SearchRecord.repository_id)
            .where(StoredSubmission.tcn == tcn)
            .order_by(SearchRecord.id)
        )
        with self._database.read() as session:
            return [
                SearchOutcome(
                    repository=name,
                    searched_at=row.searched_at,
                    duration_ms=row.duration_ms,
                    gallery_prints=row.gallery_prints,
                    colour=row.colour,
                    failed=row.failed,
                    candidates=tuple(
                        FoundCandidate(
                            c.reference, c.identity_id or "", c.score, c.log10_fmr, c.expected_fpir
                        )
                        for c in session.scalars(
                            select(CandidateRecord)
                            .where(CandidateRecord.search_id == row.id)
                            .order_by(CandidateRecord.rank)
                        )
                    ),
                )
                for row, name in session.execute(query).all()
            ]

    def failed(self, *, limit: int = 1000) -> list[FailedSubmission]:
        """Those that were given up, the newest first."""
        row = StoredSubmission
        query = (
            select(row.tcn, row.device, row.received_at, row.answered_at, row.attempts)
            .where(row.outcome == Outcome.FAILED)
            .order_by(row.id.desc())
            .limit(limit)
        )
        with self._database.read() as session:
            return [FailedSubmission(*found) for found in session.execute(query)]

    def redeliver(self, tcn: str) -> bool:
        """Put one that was given up back into the queue, as if it had just come. False if there is none such."""
        with self._database.write() as session:
            found = session.scalar(
                update(StoredSubmission)
                .where(StoredSubmission.tcn == tcn, StoredSubmission.outcome == Outcome.FAILED)
                .values(
                    outcome=Outcome.WAITING,
                    attempts=0,
                    claimed_until=datetime.now(UTC),
                    reply=None,
                    answered_at=None,
                    told_at=None,
                )
                .returning(StoredSubmission.id)
            )
            if found is None:
                return False
            session.execute(
                delete(SearchRecord).where(SearchRecord.submission_id == found, SearchRecord.failed.is_(True))
            )
            return True

    def count(self) -> dict[Outcome, int]:
        """Submissions by outcome."""
        query = select(StoredSubmission.outcome, func.count()).group_by(StoredSubmission.outcome)
        with self._database.read() as session:
            found = {Outcome(outcome): number for outcome, number in session.execute(query)}
        return dict.fromkeys(Outcome, 0) | found


def _waiting(session: Session, row: StoredSubmission) -> WaitingSubmission:
    payload = open_part(session, row.id, row.tcn, Part.PAYLOAD, row.payload)
    return WaitingSubmission(row.id, row.tcn, row.device, row.received_at, payload, row.attempts)


def _reply(session: Session, row: Row[int, str, str, bytes | None]) -> StoredReply:
    number, tcn, device, stored = row
    return StoredReply(tcn, device, open_part(session, number, tcn, Part.REPLY, stored))


def add_searches(session: Session, submission_id: int, searches: Sequence[SearchOutcome]) -> None:
    """The log of searches, with their candidates."""
    ids = {row[0]: row[1] for row in session.execute(select(Repository.name, Repository.id))}
    for search in searches:
        record = SearchRecord(
            submission_id=submission_id,
            repository_id=ids[search.repository],
            searched_at=search.searched_at,
            duration_ms=search.duration_ms,
            gallery_prints=search.gallery_prints,
            colour=search.colour,
            failed=search.failed,
        )
        session.add(record)
        session.flush()
        session.add_all(
            CandidateRecord(
                search_id=record.id,
                rank=rank,
                reference=candidate.reference,
                identity_id=candidate.identity,
                score=candidate.score,
                log10_fmr=candidate.log10_fmr,
                expected_fpir=candidate.expected_fpir,
            )
            for rank, candidate in enumerate(search.candidates, start=1)
        )
