"""A task with what rights and the audit ask of it: its repository, its agency, its TCN. And whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, false, or_, select, true

from matcher_service import routing
from matcher_service.accounts import reach
from matcher_service.auditing import record
from matcher_service.images import image_numbers
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask
from matcher_service.repositories.routing_tables import Jurisdiction, SubmissionFacts
from matcher_service.repositories.schema import Repository, StoredSubmission
from matcher_service.review.errors import UnknownTask
from matcher_service.review.parameters import CLOCK_TOLERANCE
from matcher_service.review.rules import WAITING, Decision, State, Vote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account, Action

PURPOSE = "review"
SYSTEM = "system:review"


@dataclass(frozen=True, slots=True)
class Task:
    """A row with its surroundings. `ori` and `jurisdiction` are "" where nothing is known of the agency."""

    row: ReviewTask
    repository: str
    tcn: str
    ori: str
    jurisdiction: str

    @property
    def number(self) -> int:
        """What it is called."""
        return self.row.id

    @property
    def waiting(self) -> bool:
        """Whether somebody is to decide it."""
        return self.row.state in WAITING


def tasks() -> Select[ReviewTask, str, str, str, str]:
    """All tasks, as `Task` takes them."""
    return (
        select(ReviewTask, Repository.name, StoredSubmission.tcn, SubmissionFacts.ori, Jurisdiction.code)
        .join(Repository, Repository.id == ReviewTask.repository_id)
        .join(StoredSubmission, StoredSubmission.id == ReviewTask.submission_id)
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == ReviewTask.submission_id)
        .outerjoin(Jurisdiction, Jurisdiction.id == SubmissionFacts.jurisdiction_id)
    )


def found(session: Session, query: Select[ReviewTask, str, str, str, str]) -> list[Task]:
    """The tasks of a query."""
    return [
        Task(row, name, tcn, ori or "", code or "") for row, name, tcn, ori, code in session.execute(query)
    ]


def load(session: Session, number: int, *, lock: bool = False) -> Task:
    """The task; locked until the transaction ends, where there is more than one writer. Raises UnknownTask."""
    query = tasks().where(ReviewTask.id == number)
    if lock:
        query = query.with_for_update(of=ReviewTask)
    one = found(session, query)
    if not one:
        raise UnknownTask(number)
    return one[0]


def reached(account: Account, action: Action) -> ColumnElement[bool]:
    """Those among `tasks()` with which the account may do this."""
    far = reach(account, action)
    if far.everywhere:
        return true()
    pairs = (and_(Repository.name == name, SubmissionFacts.ori == ori) for name, ori in far.within)
    return or_(false(), Repository.name.in_(far.repositories), SubmissionFacts.ori.in_(far.oris), *pairs)


def rounds_of(session: Session, task: Task) -> list[ReviewRound]:
    """In order; at most the last is undecided."""
    query = select(ReviewRound).where(ReviewRound.task_id == task.number).order_by(ReviewRound.number)
    return list(session.scalars(query))


def is_live(round_: ReviewRound, now: datetime) -> bool:
    """Whether a claim counts: undecided, not run out, and not made by a clock that was ahead."""
    return round_.decided_at is None and round_.claimed_at - CLOCK_TOLERANCE <= now < round_.expires_at


def votes_of(rounds: Sequence[ReviewRound]) -> list[Vote]:
    """The decisions that count."""
    return [
        Vote(Decision(one.decision), one.review_candidate_id)
        for one in rounds
        if one.decision is not None and not one.void
    ]


def still_to_be_seen(session: Session, task: Task, now: datetime) -> str:
    """Why the task may be looked at no longer, in a word; "" if it may."""
    if not routing.still_allowed(session, task.row.submission_id, task.repository, now=now):
        return "switched_off"
    return "" if has_candidates(session, task.number) else "removed"


def images_to_show(session: Session, task: Task, now: datetime) -> int:
    """How many images of its prints may be seen in this task: those of a repository whose rule let them be carried."""
    images = len(image_numbers(session, task.row.submission_id))
    if images and task.repository in routing.images_carried(session, task.row.submission_id, now=now):
        return images
    return 0


def has_candidates(session: Session, number: int, *, without: str = "") -> bool:
    """Whether any real candidate of the task is still enrolled, not counting the identity `without`."""
    query = select(
        exists().where(
            ReviewCandidate.task_id == number,
            ReviewCandidate.seeded.is_(False),
            ReviewCandidate.candidate_id.is_not(None),
            ReviewCandidate.identity_id.is_not(None),
            ReviewCandidate.identity_id != without,
        )
    )
    return bool(session.scalar(query))


def end(session: Session, task: Task, why: str, *, by: str, now: datetime) -> None:
    """Withdraw a task that waits; what was claimed is nobody's any more."""
    before = task.row.state
    task.row.state, task.row.closed_at, task.row.ended_because = State.WITHDRAWN, now, why
    for one in rounds_of(session, task):
        if one.decided_at is None:
            session.delete(one)
    session.flush()
    tell(session, task, "review.withdraw", actor=by, why=why, before=before)


def tell(
    session: Session,
    task: Task,
    action: str,
    *,
    actor: str,
    role: str = "",
    **details: str | int | bool | None,
) -> None:
    """An entry in the audit, in this transaction."""
    record(
        session,
        action,
        actor=actor,
        purpose=PURPOSE,
        subject=task.tcn,
        repository=task.repository,
        jurisdiction=task.jurisdiction,
        role=role,
        details={"task": task.number, **details},
    )
