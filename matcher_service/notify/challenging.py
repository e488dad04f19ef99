"""Redress: while a challenge is open nothing of the identification is shared, and who was told is told to wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.notices import Cause
from matcher_service.auditing import record
from matcher_service.notify import parameters
from matcher_service.notify.errors import NoticeRefused, UnknownNotice
from matcher_service.notify.queueing import hits_of, hold, new_notification, release
from matcher_service.notify.retracting import cancel_corrections, locked, retract
from matcher_service.notify.words import ChallengeState, Held, IdentificationState, Kind
from matcher_service.repositories.notice_tables import Challenge
from matcher_service.repositories.schema import Repository, StoredSubmission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.repositories.notice_tables import Identification


def open_challenge(
    session: Session,
    identification_id: int,
    *,
    by: str,
    grounds: str,
    role: str = "",
    now: datetime | None = None,
) -> int:
    """Freeze an identification until somebody has looked at the challenge, and return the challenge's number.

    `grounds` stay at the centre. Raises UnknownNotice, NoticeRefused where it was taken back, or is challenged already.
    """
    found = locked(session, identification_id)
    if not grounds.strip() or len(grounds) > parameters.MAX_GROUNDS:
        raise NoticeRefused("grounds", f"say why, in 1 to {parameters.MAX_GROUNDS} characters")
    if found.state == IdentificationState.RETRACTED:
        raise NoticeRefused(
            f"identification {identification_id}", "was taken back already; nothing is shared"
        )
    known = session.scalar(
        select(Challenge.id).where(
            Challenge.identification_id == identification_id, Challenge.state == ChallengeState.OPEN
        )
    )
    if known is not None:
        raise NoticeRefused(
            f"identification {identification_id}",
            f"is challenged already: challenge {known} is open; close that first",
        )
    at = now or datetime.now(UTC)
    made = Challenge(
        identification_id=identification_id,
        opened_at=at,
        opened_by=by[:64],
        grounds=grounds.strip(),
        state=ChallengeState.OPEN,
    )
    session.add(made)
    found.state = IdentificationState.FROZEN
    session.flush()
    hold(session, identification_id, Held.CHALLENGE_OPEN)
    corrected = _correct(session, identification_id, now=at)
    _record(session, "challenge.open", found, by, role, challenge=made.id, corrected=corrected)
    return made.id


def close_challenge(
    session: Session,
    challenge_id: int,
    *,
    by: str,
    upheld: bool,
    words: str,
    role: str = "",
    now: datetime | None = None,
) -> None:
    """Decide a challenge: upheld, and the identification is taken back; or rejected, and it stands again.

    Raises UnknownNotice, NoticeRefused where it was decided before.
    """
    challenge = session.get(Challenge, challenge_id)
    if challenge is None:
        raise UnknownNotice("challenge", challenge_id)
    found = locked(session, challenge.identification_id)
    session.refresh(challenge)
    if challenge.state != ChallengeState.OPEN:
        raise NoticeRefused(f"challenge {challenge_id}", f"was closed already: {challenge.state}")
    if not words.strip() or len(words) > parameters.MAX_WORDS:
        raise NoticeRefused("words", f"say why, in 1 to {parameters.MAX_WORDS} characters")
    at = now or datetime.now(UTC)
    challenge.state = ChallengeState.UPHELD if upheld else ChallengeState.REJECTED
    challenge.closed_at, challenge.closed_by = at, by[:64]
    session.flush()
    released = corrected = 0
    if upheld:
        retract(session, found.id, cause=Cause.CHALLENGE, by=by, words=words, role=role, now=at)
    elif found.state == IdentificationState.FROZEN:
        found.state = IdentificationState.CONFIRMED
        session.flush()
        corrected = _correct(session, found.id, now=at)
        released = release(session, found.id, now=at)
    _record(
        session, "challenge.close", found, by, role,
        challenge=challenge_id, upheld=upheld, released=released, corrected=corrected,
    )  # fmt: skip


def _correct(session: Session, identification_id: int, *, now: datetime) -> int:
    """Tell all who were told how things stand now; older news that are still on their way are dropped."""
    cancel_corrections(session, identification_id)
    known = [one for one in hits_of(session, identification_id) if one.sent_at is not None]
    session.add_all(
        new_notification(identification_id, one.subscriber_id, Kind.CORRECTION, now=now, answers=one.id)
        for one in known
    )
    session.flush()
    return len(known)


def _record(
    session: Session, action: str, found: Identification, by: str, role: str, **details: float
) -> None:
    record(
        session,
        action,
        actor=by,
        role=role,
        purpose="redress",
        subject=session.get_one(StoredSubmission, found.submission_id).tcn,
        repository=session.get_one(Repository, found.repository_id).name,
        details={"identification": found.id, **details},
    )
