"""Erasing one submission: what came with it, its images and what was replied go, with their key; its row stays.

That tombstone keeps the TCN from being used again; by its digest a kiosk that sends it once more is told it is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, or_, select, update

from matcher_service.notify.words import Held, State
from matcher_service.relay.forgetting import forget
from matcher_service.repositories.image_tables import SubmissionImage
from matcher_service.repositories.notice_tables import Identification, Notification
from matcher_service.repositories.retention_tables import LegalHold, SubmissionKey
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewTask
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import (
    CandidateRecord,
    Identity,
    RefusedSubmission,
    SearchRecord,
    StoredSubmission,
)
from matcher_service.repositories.submissions import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def erase_submission(session: Session, row: StoredSubmission, *, now: datetime) -> None:
    """Within the caller's transaction; whether it may be is the caller's to have asked. Again: nothing."""
    session.flush()
    row.payload, row.reply = b"", None
    row.outcome = Outcome.ERASED
    row.told_at = row.told_at or now
    key = session.get(SubmissionKey, row.id)
    if key is None:  # it was never sealed
        key = SubmissionKey(submission_id=row.id, sealed_key=b"", made_at=now)
        session.add(key)
    if key.destroyed_at is None:
        key.sealed_key, key.destroyed_at = b"", now
    searches = select(SearchRecord.id).where(SearchRecord.submission_id == row.id)
    tasks = select(ReviewTask.id).where(ReviewTask.submission_id == row.id)
    session.execute(
        update(CandidateRecord).where(CandidateRecord.search_id.in_(searches)).values(identity_id=None)
    )
    session.execute(
        update(ReviewCandidate).where(ReviewCandidate.task_id.in_(tasks)).values(identity_id=None)
    )
    mine = Identification.submission_id == row.id
    session.execute(
        update(Notification)
        .where(Notification.identification_id.in_(select(Identification.id).where(mine)))
        .values(content=None)
    )
    # What waited to be told, for a conviction for example, never will be.
    session.execute(
        update(Notification)
        .where(
            Notification.identification_id.in_(select(Identification.id).where(mine)),
            Notification.state == State.HELD,
        )
        .values(state=State.CANCELLED, held_because=Held.RECORD_GONE)
    )
    session.execute(update(Identification).where(mine).values(identity_id=None))
    session.execute(delete(RefusedSubmission).where(RefusedSubmission.tcn == row.tcn))
    session.execute(delete(SubmissionImage).where(SubmissionImage.submission_id == row.id))
    forget(session, row.tcn)
    session.execute(
        update(SubmissionFacts).where(SubmissionFacts.submission_id == row.id).values(pending=False)
    )
    session.flush()


def held(session: Session, submission_id: int, tcn: str) -> bool:
    """Whether somebody holds this booking, or an identity that was found for it."""
    found = (
        select(CandidateRecord.identity_id)
        .join(SearchRecord, SearchRecord.id == CandidateRecord.search_id)
        .where(SearchRecord.submission_id == submission_id, CandidateRecord.identity_id.is_not(None))
    )
    query = select(
        exists().where(
            LegalHold.lifted_at.is_(None), or_(LegalHold.tcn == tcn, LegalHold.identity_id.in_(found))
        )
    )
    return bool(session.scalar(query))


def identity_held(session: Session, identity: str) -> bool:
    """Whether somebody holds this identity."""
    return bool(
        session.scalar(
            select(exists().where(LegalHold.lifted_at.is_(None), LegalHold.identity_id == identity))
        )
    )


def is_enrolled(session: Session, identity: str, repository_id: int) -> bool:
    """Whether there is such an identity in the repository."""
    found = session.get(Identity, identity)
    return found is not None and found.repository_id == repository_id
