"""Taking back: a wrong hit, a matter that was dismissed, an expungement, a challenge that was upheld."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.charges import CLEARED, Disposition
from interchange.notices import Cause
from matcher_service.auditing import record
from matcher_service.notify import parameters
from matcher_service.notify.errors import NoticeRefused, UnknownNotice
from matcher_service.notify.queueing import hits_of, new_notification, release, withdraw_cases
from matcher_service.notify.words import UNDER_WAY, Held, IdentificationState, Kind, State
from matcher_service.repositories.notice_tables import Identification, Notification, Retraction
from matcher_service.repositories.schema import Repository, StoredSubmission
from matcher_service.routing import read_facts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ACTOR = "system:notify"


@dataclass(frozen=True, slots=True)
class Retracted:
    """What a retraction came to.

    Attributes:
        told: subscribers to whom the hit went out, and who are told that it is taken back.
        cancelled: hits that never went out, and never will.
        already: it was taken back before; nothing was done now.
    """

    identification_id: int
    told: int
    cancelled: int
    already: bool = False


def retract(
    session: Session,
    identification_id: int,
    *,
    cause: str,
    by: str,
    words: str,
    role: str = "",
    now: datetime | None = None,
) -> Retracted:
    """Take an identification back: whoever was told is told so, whoever was not never will be. Again: nothing.

    `words` are for the centre's own record; subscribers learn the `cause`. Raises UnknownNotice, NoticeRefused.
    """
    found = locked(session, identification_id)
    why = _cause(cause)
    if not words.strip() or len(words) > parameters.MAX_WORDS:
        raise NoticeRefused("words", f"say why, in 1 to {parameters.MAX_WORDS} characters")
    if session.scalar(select(Retraction.id).where(Retraction.identification_id == identification_id)):
        return Retracted(identification_id, 0, 0, already=True)
    at = now or datetime.now(UTC)
    found.state = IdentificationState.RETRACTED
    session.add(
        Retraction(
            identification_id=identification_id, cause=why, made_at=at, made_by=by[:64], words=words.strip()
        )
    )
    told = cancelled = 0
    for hit in hits_of(session, identification_id):
        if hit.state in UNDER_WAY:
            hit.state, hit.held_because = State.CANCELLED, Held.RETRACTED
        if hit.sent_at is None:
            cancelled += 1
            continue
        told += 1
        session.add(
            new_notification(identification_id, hit.subscriber_id, Kind.RETRACTION, now=at, answers=hit.id)
        )
    cancel_corrections(session, identification_id)
    session.flush()
    withdraw_cases(session, identification_id, words=f"retracted: {why}")
    record(
        session,
        "retraction.make",
        actor=by,
        role=role,
        purpose=f"taken back: {why}",
        subject=session.get_one(StoredSubmission, found.submission_id).tcn,
        repository=session.get_one(Repository, found.repository_id).name,
        details={
            "identification": identification_id,
            "cause": str(why),
            "told": told,
            "cancelled": cancelled,
        },
    )
    return Retracted(identification_id, told, cancelled)


def dispositions_changed(session: Session, tcn: str, *, now: datetime | None = None) -> None:
    """Act on what was reported of a booking: take back what was dismissed, release what waited for a conviction."""
    at = now or datetime.now(UTC)
    session.flush()
    found = session.execute(
        select(Identification.id, Identification.submission_id)
        .join(StoredSubmission, StoredSubmission.id == Identification.submission_id)
        .where(StoredSubmission.tcn == tcn, Identification.state != IdentificationState.RETRACTED)
        .order_by(Identification.id)
    ).all()
    for identification_id, submission_id in found:
        disposition = read_facts(session, submission_id).disposition
        if disposition in CLEARED:
            words = f"the matter ended: {disposition}"
            # Who was told does not learn that somebody is a victim or a witness.
            protected = disposition is Disposition.NOT_ACCUSED
            cause = Cause.WITHDRAWN if protected else Cause.DISMISSED
            retract(session, identification_id, cause=cause, by=_ACTOR, words=words, now=at)
            continue
        queued = release(session, identification_id, now=at)
        if queued:
            record(
                session,
                "notification.release",
                actor=_ACTOR,
                purpose="the charge of a booking",
                subject=tcn,
                details={"identification": identification_id, "queued": queued},
            )


def cancel_corrections(session: Session, identification_id: int) -> None:
    """Those that are on their way: what they say is no longer so."""
    for one in session.scalars(
        select(Notification).where(
            Notification.identification_id == identification_id, Notification.kind == Kind.CORRECTION
        )
    ):
        if one.state in UNDER_WAY:
            one.state = State.CANCELLED


def locked(session: Session, identification_id: int) -> Identification:
    """The identification, as nobody else changes it until this transaction ends. Raises UnknownNotice."""
    session.flush()
    found = session.scalar(
        select(Identification)
        .where(Identification.id == identification_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownNotice("identification", identification_id)
    return found


def _cause(cause: str) -> Cause:
    try:
        return Cause(cause)
    except ValueError:
        raise NoticeRefused("cause", f"is one of {', '.join(Cause)}") from None
