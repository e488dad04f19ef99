"""Whose turn it is: one claim for each task, which ends by itself, so that a closed browser blocks nobody for long.

An examiner gets one turn at a task, ever. What is undecided when its claim has run out is anybody's; as long as
nobody took it, the one who had it may still decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.accounts import Action, permitted
from matcher_service.accounts.directory import AccountState, account_of
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.review_tables import ReviewRound
from matcher_service.review.errors import BadDecision, NotClaimed, TaskOver, TaskTaken
from matcher_service.review.parameters import CLAIM_LASTS
from matcher_service.review.rules import State
from matcher_service.review.tasks import is_live, rounds_of, tell

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.review.tasks import Task


@dataclass(frozen=True, slots=True)
class Claim:
    """A task is yours until then."""

    task: int
    expires_at: datetime


def claim(session: Session, task: Task, account: Account, now: datetime) -> Claim:
    """Take a task, or keep it for longer. Raises TaskTaken, TaskOver."""
    check_waits(task)
    rounds = rounds_of(session, task)
    if any(one.examiner_id == account.id and one.decided_at is not None for one in rounds):
        raise TaskOver(task.number, "decided")
    if task.row.assigned_to not in {None, account.id}:
        raise TaskTaken(task.number, None)
    turn = rounds[-1] if rounds and rounds[-1].decided_at is None else None
    if turn is not None and turn.examiner_id != account.id and is_live(turn, now):
        raise TaskTaken(task.number, turn.expires_at)
    again = turn is not None and turn.examiner_id == account.id
    if turn is None:
        turn = ReviewRound(task_id=task.number, number=len(rounds) + 1, void=False)
        session.add(turn)
    if not again:
        turn.looked_at = None
    turn.examiner_id, turn.claimed_at, turn.expires_at = account.id, now, now + CLAIM_LASTS
    session.flush()
    tell(
        session,
        task,
        Action.REVIEW_CLAIM,
        actor=account.name,
        role=account.acting_as,
        turn=turn.number,
        again=again,
    )
    return Claim(task.number, turn.expires_at)


def release(session: Session, task: Task, account: Account) -> bool:
    """Give it back undecided. False if it was not this examiner's."""
    mine = next(
        (one for one in rounds_of(session, task) if one.examiner_id == account.id and one.decided_at is None),
        None,
    )
    if mine is None:
        return False
    session.delete(mine)
    session.flush()
    tell(session, task, "review.release", actor=account.name, role=account.acting_as)
    return True


def assign(session: Session, task: Task, account: Account, examiner: str | None) -> None:
    """Give it to one examiner, or, without, to anybody again. Whoever has it undecided loses it.

    Raises BadDecision for somebody who cannot decide it, TaskOver.
    """
    check_waits(task)
    rounds = rounds_of(session, task)
    chosen = None if examiner is None else _examiner(session, task, examiner)
    if chosen is not None and any(one.examiner_id == chosen and one.decided_at is not None for one in rounds):
        raise BadDecision(task.number, "examiner", f"'{examiner}' has decided it already; choose another")
    task.row.assigned_to = chosen
    for one in rounds:
        if one.decided_at is None and one.examiner_id != chosen:
            session.delete(one)
    session.flush()
    tell(
        session,
        task,
        Action.REVIEW_ASSIGN,
        actor=account.name,
        role=account.acting_as,
        examiner=examiner or "anybody",
    )


def own_turn(session: Session, task: Task, account: Account, now: datetime) -> ReviewRound:
    """The claim by which somebody may look. Raises TaskOver, NotClaimed."""
    check_waits(task)
    for one in rounds_of(session, task):
        if one.examiner_id == account.id:
            if one.decided_at is not None:
                raise TaskOver(task.number, "decided")
            if is_live(one, now):
                return one
    raise NotClaimed(task.number)


def check_waits(task: Task) -> None:
    """Raises TaskOver if nobody is to decide it."""
    if not task.waiting:
        raise TaskOver(task.number, "withdrawn" if task.row.state == State.WITHDRAWN else "closed")


def _examiner(session: Session, task: Task, name: str) -> str:
    row = session.scalar(select(AccountRow).where(AccountRow.name == name))
    if row is None:
        raise BadDecision(task.number, "examiner", f"there is no account '{name[:60]}'")
    able = permitted(account_of(session, row), Action.REVIEW_DECIDE, repository=task.repository, ori=task.ori)
    if row.state != AccountState.ACTIVE or not able:
        raise BadDecision(
            task.number, "examiner", f"'{name}' is no examiner of '{task.repository}', or not active"
        )
    return row.id
