"""What waits: for an examiner, for a supervisor, and for whoever counts what is late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, or_, select

from matcher_service.accounts import Action, permitted
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.review_tables import ReviewRound, ReviewTask
from matcher_service.repositories.schema import Repository
from matcher_service.review.parameters import CLOCK_TOLERANCE
from matcher_service.review.rules import WAITING, State
from matcher_service.review.tasks import found, reached, tasks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A task as an examiner sees it before claiming: nothing says who looked before, or what was found.

    Attributes:
        mine_until: when one's own claim of it ends; None if it is free.
        assigned: whether a supervisor gave it to this examiner.
    """

    task: int
    repository: str
    priority: int
    created_at: datetime
    due_at: datetime
    overdue: bool
    mine_until: datetime | None = None
    assigned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardItem:
    """A task as a supervisor sees it.

    Attributes:
        state: which examiner it waits for: "open" the first, "second", "third".
        holder: the account that has it now; None if it is free.
        assigned_to: the account that it was given to.
        escalated_at: since when it needs a supervisor: it is late, or a known stranger was identified.
    """

    task: int
    repository: str
    priority: int
    created_at: datetime
    due_at: datetime
    overdue: bool
    state: State
    holder: str | None
    holder_until: datetime | None
    assigned_to: str | None
    escalated_at: datetime | None


def queue(session: Session, account: Account, *, now: datetime, limit: int) -> list[QueueItem]:
    """What the examiner could claim, or has: the urgent first, then what is due sooner."""
    turn = ReviewRound.task_id == ReviewTask.id
    live = and_(
        ReviewRound.decided_at.is_(None),
        ReviewRound.expires_at > now,
        ReviewRound.claimed_at <= now + CLOCK_TOLERANCE,
    )
    decided = exists().where(turn, ReviewRound.examiner_id == account.id, ReviewRound.decided_at.is_not(None))
    others = exists().where(turn, ReviewRound.examiner_id != account.id, live)
    query = (
        tasks()
        .where(ReviewTask.state.in_(WAITING), reached(account, Action.REVIEW_CLAIM), ~decided, ~others)
        .where(or_(ReviewTask.assigned_to.is_(None), ReviewTask.assigned_to == account.id))
        .order_by(ReviewTask.priority, ReviewTask.due_at, ReviewTask.id)
        .limit(limit)
    )
    shown = found(session, query)
    own = select(ReviewRound.task_id, ReviewRound.expires_at).where(
        ReviewRound.examiner_id == account.id, live
    )
    mine = dict(session.execute(own).all())
    return [
        QueueItem(
            task=one.number,
            repository=one.repository,
            priority=one.row.priority,
            created_at=one.row.created_at,
            due_at=one.row.due_at,
            overdue=one.row.due_at < now,
            mine_until=mine.get(one.number),
            assigned=one.row.assigned_to == account.id,
        )
        for one in shown
    ]


def board(session: Session, account: Account, *, now: datetime, limit: int) -> list[BoardItem]:
    """All that waits, what was escalated first."""
    query = (
        tasks()
        .where(ReviewTask.state.in_(WAITING), reached(account, Action.REVIEW_ASSIGN))
        .order_by(ReviewTask.escalated_at.is_(None), ReviewTask.priority, ReviewTask.due_at, ReviewTask.id)
        .limit(limit)
    )
    shown = found(session, query)
    names = dict(session.execute(select(AccountRow.id, AccountRow.name)).all())
    claims = {
        one.task_id: one
        for one in session.scalars(
            select(ReviewRound).where(
                ReviewRound.task_id.in_([one.number for one in shown]),
                ReviewRound.decided_at.is_(None),
                ReviewRound.expires_at > now,
            )
        )
    }
    items: list[BoardItem] = []
    for one in shown:
        claim = claims.get(one.number)
        # Whoever could be the next examiner is not told that there was one.
        blind = permitted(account, Action.REVIEW_DECIDE, repository=one.repository, ori=one.ori)
        items.append(
            BoardItem(
                task=one.number,
                repository=one.repository,
                priority=one.row.priority,
                created_at=one.row.created_at,
                due_at=one.row.due_at,
                overdue=one.row.due_at < now,
                state=State.OPEN if blind else State(one.row.state),
                holder=None if claim is None else names.get(claim.examiner_id),
                holder_until=None if claim is None else claim.expires_at,
                assigned_to=names.get(one.row.assigned_to or ""),
                escalated_at=one.row.escalated_at,
            )
        )
    return items


def overdue(session: Session, *, now: datetime) -> dict[str, int]:
    """How many are late, by repository; those where none is are not in it."""
    query = (
        select(Repository.name, func.count(ReviewTask.id))
        .join(Repository, Repository.id == ReviewTask.repository_id)
        .where(ReviewTask.state.in_(WAITING), ReviewTask.due_at < now)
        .group_by(Repository.name)
        .order_by(Repository.name)
    )
    return dict(session.execute(query).all())
