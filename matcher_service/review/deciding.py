"""A decision: kept as it was made, measured on the known strangers, and then the rules say what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select

from matcher_service.accounts import Action
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask, SeededResult
from matcher_service.review.claiming import check_waits
from matcher_service.review.errors import BadDecision, NotClaimed, TaskOver, TaskTaken
from matcher_service.review.parameters import MAX_REASON_CHARACTERS, MIN_REASON_CHARACTERS
from matcher_service.review.rules import WAITING, Decision, State, outcome
from matcher_service.review.tasks import SYSTEM, is_live, rounds_of, tell, votes_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.review.tasks import Task


@dataclass(frozen=True, slots=True)
class Choice:
    """What an examiner says, checked as far as it can be by itself; `place` is the candidate's."""

    decision: Decision
    reason: str
    place: int | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision is kept. Of what becomes of the task it says nothing. `again`: it was there already."""

    task: int
    at: datetime
    again: bool = False


def checked(task: int, decision: str, reason: str, place: int | None) -> Choice:
    """Raises BadDecision, naming the field."""
    if decision not in set(Decision):
        raise BadDecision(task, "decision", f"is one of {', '.join(Decision)}")
    reason = reason.strip()
    if not MIN_REASON_CHARACTERS <= len(reason) <= MAX_REASON_CHARACTERS:
        raise BadDecision(
            task,
            "reason",
            f"has {len(reason)} characters; say in {MIN_REASON_CHARACTERS} to {MAX_REASON_CHARACTERS} what you saw",
        )
    if not reason.isprintable():
        raise BadDecision(
            task, "reason", "has signs or line breaks in it that cannot be printed; leave them out"
        )
    if (decision == Decision.IDENTIFICATION) != (place is not None):
        raise BadDecision(
            task, "place", "names the candidate of an identification, and goes with nothing else"
        )
    return Choice(Decision(decision), reason, place)


def decide(session: Session, task: Task, account: Account, choice: Choice, now: datetime) -> Recorded:
    """Keep it, and move the task on. Whether it is identified now stands in its row.

    Raises TaskOver, TaskTaken, NotClaimed, BadDecision; then nothing was recorded.
    """
    rounds = rounds_of(session, task)
    mine = next((one for one in rounds if one.examiner_id == account.id), None)
    if mine is not None and mine.decided_at is not None:
        chosen = _candidate(session, task, choice)
        same = (mine.decision, mine.reason) == (choice.decision, choice.reason)
        if same and mine.review_candidate_id == (None if chosen is None else chosen.id):
            return Recorded(task.number, mine.decided_at, again=True)
        raise TaskOver(task.number, "decided")
    check_waits(task)
    if mine is None:
        other = rounds[-1] if rounds else None
        if other is not None and is_live(other, now):
            raise TaskTaken(task.number, other.expires_at)
        raise NotClaimed(task.number)
    if mine.looked_at is None:
        raise BadDecision(task.number, "look", "nothing was shown to you yet; look at the prints first")
    chosen = _candidate(session, task, choice)
    mine.decided_at, mine.decision, mine.reason = now, choice.decision, choice.reason
    mine.review_candidate_id = None if chosen is None else chosen.id
    mine.void = chosen is not None and chosen.seeded
    _measure(session, task, mine, now)
    _move_on(session, task, rounds, now)
    session.flush()
    tell(
        session,
        task,
        Action.REVIEW_DECIDE,
        actor=account.name,
        role=account.acting_as,
        turn=mine.number,
        decision=choice.decision,
        seeded=mine.void,
        state=task.row.state,
    )
    return Recorded(task.number, now)


def confirmed_by(session: Session, task_id: int) -> list[str]:
    """The ids of the accounts that made a task's identification, in their order."""
    query = (
        select(ReviewRound.examiner_id)
        .join(ReviewTask, ReviewTask.id == ReviewRound.task_id)
        .where(
            ReviewTask.id == task_id,
            ReviewRound.decision == Decision.IDENTIFICATION,
            ReviewRound.review_candidate_id == ReviewTask.chosen_candidate_id,
        )
        .order_by(ReviewRound.number)
    )
    return list(session.scalars(query))


def _candidate(session: Session, task: Task, choice: Choice) -> ReviewCandidate | None:
    if choice.place is None:
        return None
    row = session.scalar(
        select(ReviewCandidate).where(
            ReviewCandidate.task_id == task.number,
            ReviewCandidate.place == choice.place,
            ReviewCandidate.identity_id.is_not(None),
            or_(ReviewCandidate.candidate_id.is_not(None), ReviewCandidate.seeded.is_(True)),
        )
    )
    if row is None:
        raise BadDecision(
            task.number, "place", f"there is no candidate {choice.place}, or no longer; look again"
        )
    return row


def _measure(session: Session, task: Task, turn: ReviewRound, now: datetime) -> None:
    """Each turn at a task with strangers in it is a measurement of whoever took it."""
    any_seeded = exists().where(ReviewCandidate.task_id == task.number, ReviewCandidate.seeded.is_(True))
    if session.scalar(select(any_seeded)):
        session.add(SeededResult(round_id=turn.id, examiner_id=turn.examiner_id, was_wrong=turn.void, at=now))


def _move_on(session: Session, task: Task, rounds: list[ReviewRound], now: datetime) -> None:
    row = task.row
    state, candidate = outcome(votes_of(rounds), needs_second=row.needs_second)
    row.state, row.chosen_candidate_id, row.assigned_to = state, candidate, None
    if state not in WAITING:
        row.closed_at = now
    if rounds[-1].void and row.escalated_at is None:
        # A stranger was identified: somebody has to speak with the examiner, and look whether it is one.
        row.escalated_at = now
        session.flush()
        tell(session, task, "review.escalate", actor=SYSTEM, why="seeded")
    assert (candidate is not None) == (state is State.IDENTIFIED)
