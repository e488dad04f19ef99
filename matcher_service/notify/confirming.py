"""From a decision of examiners to an identification: the one door through which anybody is ever told of anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.auditing import record
from matcher_service.notify.errors import NotConfirmed
from matcher_service.notify.queueing import tell_subscribers
from matcher_service.notify.words import IdentificationState
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Repository, StoredSubmission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ACTOR = "system:notify"


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """What the examiners of a task agreed on."""

    task: ReviewTask
    identity_id: str
    log10_fmr: float | None
    examiners: tuple[str, ...]


def identified(session: Session, task_id: int, *, now: datetime | None = None) -> int:
    """Note what a task's examiners confirmed, and tell who subscribed to it, as far as the rules allow it now.

    Called once the task, its rounds and its chosen candidate are written. Returns the identification's number; called
    again, the same. Raises NotConfirmed.
    """
    session.flush()
    known = session.scalar(select(Identification.id).where(Identification.task_id == task_id))
    if known is not None:
        return known
    at = now or datetime.now(UTC)
    found = _confirmed(session, task_id)
    made = Identification(
        task_id=task_id,
        submission_id=found.task.submission_id,
        repository_id=found.task.repository_id,
        identity_id=found.identity_id,
        confirmed_at=at,
        confirmed_by=json.dumps(found.examiners),
        log10_fmr=found.log10_fmr,
        state=IdentificationState.CONFIRMED,
    )
    session.add(made)
    session.flush()
    told = tell_subscribers(session, made, now=at)
    record(
        session,
        "identification.make",
        actor=_ACTOR,
        purpose="examiners confirmed it",
        subject=session.get_one(StoredSubmission, made.submission_id).tcn,
        repository=session.get_one(Repository, made.repository_id).name,
        details={
            "identification": made.id,
            "examiners": len(found.examiners),
            "queued": told.queued,
            "held": told.held,
            "held_because": told.because,
        },
    )
    return made.id


def _confirmed(session: Session, task_id: int) -> _Confirmed:
    """Raises NotConfirmed, unless people decided it: one, or two where the task asks for them."""
    task = session.get(ReviewTask, task_id)
    if task is None:
        raise NotConfirmed(task_id, "there is no such task")
    if task.state != "identified" or task.chosen_candidate_id is None:
        raise NotConfirmed(task_id, f"it is '{task.state}', not identified")
    chosen = session.get(ReviewCandidate, task.chosen_candidate_id)
    if chosen is None or chosen.task_id != task_id:
        raise NotConfirmed(task_id, "what was chosen is none of its candidates")
    if chosen.seeded or chosen.identity_id is None or chosen.candidate_id is None:
        raise NotConfirmed(task_id, "what was chosen came from no search, or is gone")
    examiners = session.scalars(
        select(ReviewRound.examiner_id)
        .where(
            ReviewRound.task_id == task_id,
            ReviewRound.decision == "identification",
            ReviewRound.decided_at.is_not(None),
            ReviewRound.void.is_(False),
            ReviewRound.review_candidate_id == chosen.id,
        )
        .order_by(ReviewRound.number, ReviewRound.id)
    )
    agreed = tuple(dict.fromkeys(examiners))
    needed = 2 if task.needs_second else 1
    if len(agreed) < needed:
        raise NotConfirmed(task_id, f"{needed} examiners have to agree on it, and {len(agreed)} did")
    candidate = session.get_one(CandidateRecord, chosen.candidate_id)
    return _Confirmed(task, chosen.identity_id, candidate.log10_fmr, agreed)
