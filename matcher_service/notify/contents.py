"""What a notification says, as of the moment of its first sending; from then on it is the same each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from interchange.messages import encode_message
from interchange.notices import (
    Cause,
    Charge,
    Confirmation,
    Correction,
    CorrectionState,
    Hit,
    Provenance,
    RetractionNotice,
    Strength,
)
from matcher_service.notify.errors import NoticeRefused
from matcher_service.notify.queueing import jurisdictions_of
from matcher_service.notify.words import IdentificationState, Kind
from matcher_service.repositories.notice_tables import Identification, Notification, Retraction
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Encounter, Repository, StoredSubmission
from matcher_service.routing import read_facts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

CAUSE_WORDS = {
    Cause.WRONG_HIT: "The prints are not of one person: the identification was wrong.",
    Cause.DISMISSED: "The matter that the booking was for has ended without a conviction.",
    Cause.EXPUNGED: "The record or the booking was expunged.",
    Cause.CHALLENGE: "The identification was challenged, and the challenge was upheld.",
    Cause.WITHDRAWN: "The identification was withdrawn by the centre.",
}
_TO_DO = "Undo what was done upon it, delete what you kept of it, and tell whom you told."
_CORRECTION_WORDS = {
    CorrectionState.FROZEN: "The identification is challenged. Do nothing upon it, and pass nothing on, until you hear"
    " again.",
    CorrectionState.RELEASED: "The challenge was looked at and rejected: the identification stands.",
}
_PLACES = ("first_examiner", "second_examiner", "third_examiner")


def content_of(session: Session, notification: Notification, *, now: datetime) -> bytes:
    """The message as JSON: what was sent before, or as it is now. Raises NoticeRefused, MessageError."""
    if notification.content is not None:
        return notification.content
    identification = session.get_one(Identification, notification.identification_id)
    repository = session.get_one(Repository, identification.repository_id)
    if notification.kind == Kind.HIT:
        return encode_message(_hit(session, notification.number, identification, repository, now))
    answered = session.get(Notification, notification.answers_id)
    if answered is None:
        raise NoticeRefused(notification.number, "answers no hit, and cannot be sent")
    submission = session.get_one(StoredSubmission, identification.submission_id)
    common: dict[str, Any] = {
        "number": notification.number,
        "answers": answered.number,
        "made_at": now,
        "repository": repository.name,
        "tcn": submission.tcn,
    }
    if notification.kind == Kind.RETRACTION:
        cause = Cause(
            session.scalars(
                select(Retraction.cause).where(Retraction.identification_id == identification.id)
            ).one()
        )
        return encode_message(RetractionNotice(**common, cause=cause, words=f"{CAUSE_WORDS[cause]} {_TO_DO}"))
    state = (
        CorrectionState.FROZEN
        if identification.state == IdentificationState.FROZEN
        else CorrectionState.RELEASED
    )
    return encode_message(Correction(**common, state=state, words=_CORRECTION_WORDS[state]))


def _hit(
    session: Session, number: str, identification: Identification, repository: Repository, now: datetime
) -> Hit:
    submission = session.get_one(StoredSubmission, identification.submission_id)
    facts = read_facts(session, submission.id)
    places = jurisdictions_of(session, facts.jurisdiction)
    if identification.identity_id is None:
        raise NoticeRefused(number, "the record that it is about is gone, and cannot be told of")
    examiners = len(json.loads(identification.confirmed_by))
    return Hit(
        number=number,
        made_at=now,
        repository=repository.name,
        record=identification.identity_id,
        reference=_reference(session, identification.task_id),
        tcn=submission.tcn,
        ori=facts.ori,
        jurisdiction=places[0].code if places else "",
        strength=strength(identification.log10_fmr),
        confirmation=Confirmation(
            examiners=examiners, roles=_PLACES[:examiners], confirmed_at=identification.confirmed_at
        ),
        provenance=_provenance(session, identification.identity_id, repository.owner, now),
        charge=Charge(charge_class=facts.charge_class, disposition=facts.disposition),
    )


def strength(log10_fmr: float | None) -> Strength:
    """How strong a score is, in figures and words."""
    if log10_fmr is None:
        return Strength(log10_fmr=None, words="Not calibrated: nobody can say how rare such a score is.")
    from matcher_service.explaining.meaning import how_rare

    bounded = max(-100.0, min(0.0, log10_fmr))
    words = how_rare(bounded, (bounded, bounded), of="people")
    return Strength(log10_fmr=round(bounded, 3), words=words)


def _reference(session: Session, task_id: int) -> str | None:
    """What this search called the candidate."""
    return session.scalar(
        select(CandidateRecord.reference)
        .join(ReviewCandidate, ReviewCandidate.candidate_id == CandidateRecord.id)
        .join(ReviewTask, ReviewTask.chosen_candidate_id == ReviewCandidate.id)
        .where(ReviewTask.id == task_id)
    )


def _provenance(session: Session, identity: str, owner: str, now: datetime) -> Provenance:
    first, last, count = session.execute(
        select(func.min(Encounter.enrolled_at), func.max(Encounter.enrolled_at), func.count()).where(
            Encounter.identity_id == identity
        )
    ).one()
    if not count:
        raise NoticeRefused("record", "holds no prints any more, and cannot be told of")
    return Provenance(
        owner=owner,
        enrolled_first=first,
        enrolled_last=last,
        enrolments=count,
        age_days=max(0, (now - last).days),
    )
