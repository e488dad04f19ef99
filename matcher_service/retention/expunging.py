"""Expungement: what two people agreed on is destroyed, everywhere, and those who were told are told that it is.

One transaction for the database; then SQLite's log and the galleries' files. What is left are opaque numbers: of the
identity in the audit and in the certificate (as a digest), of bookings as tombstones.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select

from matcher_service import notify, review
from matcher_service.accounts import Action
from matcher_service.accounts.two_person import use
from matcher_service.auditing import record
from matcher_service.repositories.notice_tables import Identification, Notification
from matcher_service.repositories.retention_tables import DeletionCertificate, PersonKey
from matcher_service.repositories.schema import (
    CandidateRecord,
    Encounter,
    EnrolledTemplate,
    GalleryChange,
    Identity,
    Repository,
    SearchRecord,
    StoredSubmission,
)
from matcher_service.retention import parameters
from matcher_service.retention.certificates import FORMAT, complete
from matcher_service.retention.erasing import erase_submission, held, identity_held, is_enrolled
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.gallery_files import Rid, rid_of
from matcher_service.retention.policies import repository_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from matcher_service.accounts.two_person import Request
    from matcher_service.auditing.keys import HeadKey
    from matcher_service.repositories import Database


@dataclass(frozen=True, slots=True)
class Expunged:
    """What was done.

    Attributes:
        certificate: its number.
        settled: whether SQLite's log is empty; if not, what it held is overwritten when it is emptied next.
        files: what became of the gallery files of this machine's matcher.
    """

    certificate: str
    templates: int
    submissions: int
    retracted: int
    settled: bool
    files: Rid


def details_of(identity: str, tcns: Sequence[str]) -> dict[str, str]:
    """What two people agree on: this identity, these bookings; one of them may be missing, not both.

    Raises RetentionRefused.
    """
    if not identity and not tcns:
        raise RetentionRefused("expungement", "name an identity, a booking's TCN, or both")
    return {"identity": identity, "tcns": " ".join(sorted(set(tcns)))}


def expunge(
    database: Database,
    *,
    repository: str,
    identity: str = "",
    tcns: Sequence[str] = (),
    request: int,
    actor: str,
    key: HeadKey,
    galleries: Path | None = None,
    now: datetime | None = None,
) -> Expunged:
    """Do it. `galleries` is the folder of this machine's matcher.

    Raises TwoPersonError without an approved request for exactly this, RetentionRefused for what is held, is not there,
    or is another repository's evidence, UnknownRepository, StoreError: then nothing was done.
    """
    at = now or datetime.now(UTC)
    details = details_of(identity, tcns)
    with database.write() as session:
        where = repository_row(session, repository)
        bookings = [_booking(session, tcn, where) for tcn in details["tcns"].split()]
        if identity:
            _check_identity(session, identity, where)
        words = f"expunged by request {request}"
        identifications = _identifications(session, identity, bookings)
        counts: dict[str, int] = {"identifications": len(identifications), "submissions": len(bookings)}
        for number in identifications:
            notify.retract(session, number, cause="expunged", by=actor, words=words, now=at)
        content: dict[str, Any] = {"templates_sha256": []}
        change = None
        if identity:
            content["templates_sha256"], gone = _what_is_enrolled(session, identity)
            counts |= gone
            counts["reviews"] = review.identity_removed(session, identity, by=actor, now=at)
            change = _forget(session, where, identity, at)
        for booking in bookings:
            review.withdraw(session, booking.id, why="expunged", by=actor, now=at)
            erase_submission(session, booking, now=at)
        _empty_notices(session, identifications)
        agreed = use(
            session, request, Action.EXPUNGE_REQUEST, actor=actor, details=details, repository=repository, now=at
        )  # fmt: skip
        row = DeletionCertificate(
            number=secrets.token_hex(16),
            subject_sha256=_digest(identity or details["tcns"]),
            repository_id=where.id,
            cause="expunged",
            made_at=at,
            made_by=actor[:80],
            issue=0,
            pending=True,
            change_seq=change,
            content="",
            signature="",
        )
        content |= {
            "bookings_sha256": [_digest(tcn) for tcn in details["tcns"].split()],
            "destroyed": counts,
            "identifications": identifications,
            "repository": repository,
        }
        row.content = json.dumps(content | _who_agreed(row, agreed))
        session.add(row)
        session.flush()
        complete(session, row, key, now=at)
        record(
            session,
            "record.expunge",
            actor=actor,
            purpose=agreed.reason,
            subject=identity or details["tcns"].split()[0],
            repository=repository,
            details={"request": request, "certificate": row.number, **counts},
            now=at,
        )
    files = rid_of(galleries, repository, identity) if identity else Rid.NONE
    if files is Rid.DONE and galleries is not None and change is not None:
        _note_files(database, repository, galleries.name, change)
    settled = settle(database)
    with database.write() as session:
        complete(session, session.get_one(DeletionCertificate, row.id), key, now=at)
    return Expunged(
        certificate=row.number,
        templates=counts.get("templates", 0),
        submissions=len(bookings),
        retracted=len(identifications),
        settled=settled,
        files=files,
    )


def foreseen(
    session: Session, *, repository: str, identity: str = "", tcns: Sequence[str] = ()
) -> dict[str, int]:
    """What would be destroyed, by kind, in a transaction of `Database.write()`. Raises as `expunge` would."""
    where = repository_row(session, repository)
    details = details_of(identity, tcns)
    bookings = [_booking(session, tcn, where) for tcn in details["tcns"].split()]
    counts = {
        "submissions": len(bookings),
        "identifications": len(_identifications(session, identity, bookings)),
    }
    if identity:
        _check_identity(session, identity, where)
        counts |= _what_is_enrolled(session, identity)[1]
    return counts


def settle(database: Database) -> bool:
    """Empty SQLite's log, which holds older pages; somebody who reads just now is waited for."""
    give_up = time.monotonic() + parameters.SETTLE_WAIT_S
    while not (done := database.settle()) and time.monotonic() < give_up:
        time.sleep(0.05)
    return done


def _check_identity(session: Session, identity: str, where: Repository) -> None:
    if not is_enrolled(session, identity, where.id):
        raise RetentionRefused(identity[:32], f"is no identity in {where.name}")
    if identity_held(session, identity):
        raise RetentionRefused(identity, "is held; see: matcher-service retention holds")


def _booking(session: Session, tcn: str, where: Repository) -> StoredSubmission:
    row = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn).with_for_update())
    if row is None:
        raise RetentionRefused(tcn[:64], "was never submitted here")
    if held(session, row.id, tcn):
        raise RetentionRefused(tcn, "is held; see: matcher-service retention holds")
    searched = set(
        session.scalars(select(SearchRecord.repository_id).where(SearchRecord.submission_id == row.id))
    )
    if searched and where.id not in searched:  # another owner's; one that was searched nowhere is anybody's
        raise RetentionRefused(tcn, f"was never searched in {where.name}; its owner cannot have it expunged")
    others = session.scalar(
        select(Repository.name)
        .join(Identification, Identification.repository_id == Repository.id)
        .where(
            Identification.submission_id == row.id,
            Identification.repository_id != where.id,
            Identification.state != "retracted",
        )
        .limit(1)
    )
    if others is not None:
        raise RetentionRefused(
            tcn, f"led to an identification in {others} too, whose owner has to have it retracted first"
        )
    return row


def _identifications(session: Session, identity: str, bookings: Sequence[StoredSubmission]) -> list[int]:
    of_them = Identification.submission_id.in_([one.id for one in bookings])
    mine = or_(of_them, Identification.identity_id == identity) if identity else of_them
    return list(session.scalars(select(Identification.id).where(mine).order_by(Identification.id)))


def _what_is_enrolled(session: Session, identity: str) -> tuple[list[str], dict[str, int]]:
    digests = sorted(
        session.scalars(
            select(EnrolledTemplate.sha256)
            .join(Encounter, Encounter.id == EnrolledTemplate.encounter_id)
            .where(Encounter.identity_id == identity)
        )
    )
    encounters = session.scalar(select(func.count(Encounter.id)).where(Encounter.identity_id == identity))
    candidates = session.scalar(
        select(func.count(CandidateRecord.id)).where(CandidateRecord.identity_id == identity)
    )
    return digests, {
        "templates": len(digests),
        "encounters": encounters or 0,
        "candidates": candidates or 0,
    }


def _forget(session: Session, where: Repository, identity: str, now: datetime) -> int:
    """The identity and all that hangs on it; its key first of all. The number of the change that galleries follow."""
    session.flush()
    key = session.get(PersonKey, identity)
    if key is None:  # it was never sealed
        key = PersonKey(identity_id=identity, sealed_key=b"", made_at=now)
        session.add(key)
    key.sealed_key, key.destroyed_at = b"", now
    # As enrolment does it: the changes of a repository become visible in their order.
    session.scalar(select(Repository.id).where(Repository.id == where.id).with_for_update())
    session.execute(delete(Identity).where(Identity.id == identity))
    change = GalleryChange(repository_id=where.id, identity_id=identity, erase=True)
    session.add(change)
    session.flush()
    return change.seq


def _empty_notices(session: Session, identifications: Sequence[int]) -> None:
    """What subscribers were told of the hit goes; that they were, and what they acknowledged, stays."""
    for one in session.scalars(
        select(Notification).where(
            Notification.identification_id.in_(identifications), Notification.kind != "retraction"
        )
    ):
        one.content = None
    session.flush()


def _who_agreed(row: DeletionCertificate, agreed: Request) -> dict[str, Any]:
    """What every certificate says."""
    return {
        "format": FORMAT,
        "number": row.number,
        "cause": row.cause,
        "subject_sha256": row.subject_sha256,
        "made_at": row.made_at.isoformat(),
        "made_by": row.made_by,
        "request": agreed.id,
        "requested_by": agreed.requested_by,
        "approved_by": agreed.decided_by,
        "words": "The keys of these records were destroyed, and the records deleted, at the centre. Copies in backups"
        " cannot be opened any more once the centre's own key has been changed; see docs/retention.md.",
    }


def _note_files(database: Database, repository: str, instance: str, change: int) -> None:
    from matcher_service.repositories import Repositories

    Repositories(database).note_erased(repository, instance, change)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
