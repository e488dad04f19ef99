"""The whole of a task, for a supervisor. What was decided, and how the search had ranked it, only once it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.review_tables import ReviewCandidate
from matcher_service.repositories.schema import CandidateRecord
from matcher_service.review.rules import Decision, State
from matcher_service.review.tasks import rounds_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.review.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An examiner's turn; the decision is None while it is not to be seen, or not made."""

    number: int
    examiner: str
    claimed_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decision: Decision | None = None
    place: int | None = None
    reason: str | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedCandidate:
    """A candidate of a closed task; without a rank, a known stranger. `removed`: no longer enrolled."""

    place: int
    seeded: bool
    removed: bool
    rank: int | None
    score: float | None
    log10_fmr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A task and its turns; `candidates` only once it is closed."""

    task: int
    tcn: str
    repository: str
    jurisdiction: str
    state: State
    ended_because: str | None
    priority: int
    needs_second: bool
    created_at: datetime
    due_at: datetime
    closed_at: datetime | None
    escalated_at: datetime | None
    assigned_to: str | None
    turns: tuple[Turn, ...]
    candidates: tuple[RankedCandidate, ...]


def dossier(session: Session, task: Task, *, blind: bool) -> Dossier:
    """`blind` where the one who asks could be the next examiner: then an open task shows no turns at all."""
    row, closed = task.row, not task.waiting
    names = dict(session.execute(select(AccountRow.id, AccountRow.name)).all())
    query = (
        select(ReviewCandidate, CandidateRecord)
        .outerjoin(CandidateRecord, CandidateRecord.id == ReviewCandidate.candidate_id)
        .where(ReviewCandidate.task_id == task.number)
        .order_by(ReviewCandidate.place)
    )
    # The log of searches may be gone.
    pairs: list[tuple[ReviewCandidate, CandidateRecord | None]] = [
        (shown, found) for shown, found in session.execute(query)
    ]
    places = {shown.id: shown.place for shown, _ in pairs}
    return Dossier(
        task=task.number,
        tcn=task.tcn,
        repository=task.repository,
        jurisdiction=task.jurisdiction,
        state=State.OPEN if blind and not closed else State(row.state),
        ended_because=row.ended_because,
        priority=row.priority,
        needs_second=row.needs_second,
        created_at=row.created_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        escalated_at=row.escalated_at,
        assigned_to=names.get(row.assigned_to or ""),
        turns=tuple(
            Turn(
                number=one.number,
                examiner=names.get(one.examiner_id, "?"),
                claimed_at=one.claimed_at,
                expires_at=one.expires_at,
                decided_at=one.decided_at,
                decision=Decision(one.decision) if closed and one.decision is not None else None,
                place=places.get(one.review_candidate_id or 0) if closed else None,
                reason=one.reason if closed else None,
                counted=not one.void if closed else True,
            )
            for one in rounds_of(session, task)
            if closed or not blind
        ),
        candidates=tuple(
            RankedCandidate(
                place=shown.place,
                seeded=shown.seeded,
                removed=shown.identity_id is None,
                rank=None if found is None else found.rank,
                score=None if found is None else found.score,
                log10_fmr=None if found is None else found.log10_fmr,
            )
            for shown, found in pairs
            if closed
        ),
    )
