"""Holds of one repository: its owner holds what is in it, and nobody lifts what another owner holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from matcher_service.accounts import Action, NotPermitted, permitted, require
from matcher_service.repositories.retention_tables import LegalHold
from matcher_service.repositories.schema import Identity, Repository, SearchRecord, StoredSubmission
from matcher_service.repositories.submissions import Outcome
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.policies import lift_hold, place_hold, repository_row

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account


def place(
    session: Session,
    repository: str,
    *,
    tcn: str | None = None,
    identity: str | None = None,
    reason: str,
    by: Account,
    now: datetime | None = None,
) -> int:
    """Hold a booking that was searched in the repository, or an identity in it; the hold's number.

    Raises NotPermitted, and RetentionRefused for what is not there: a number mistyped would hold nothing.
    """
    require(by, Action.RETENTION_MANAGE, repository=repository)
    where = repository_row(session, repository)
    if identity is not None and not _is_in(session, identity, where.id):
        raise RetentionRefused(identity[:32], f"is no identity in {repository}")
    if tcn is not None:
        _check_booking(session, tcn, where)
    return place_hold(
        session, tcn=tcn, identity=identity, reason=reason, by=by.name, role=by.acting_as, repository=repository,
        now=now,
    )  # fmt: skip


def lift(
    session: Session, repository: str, number: int, *, reason: str, by: Account, now: datetime | None = None
) -> None:
    """End a hold that concerns the repository. Raises NotPermitted, RetentionRefused.

    Whoever placed it may, and whoever answers for every repository that it concerns: a booking that was searched in two
    may be held for the other.
    """
    require(by, Action.RETENTION_MANAGE, repository=repository)
    found = next((one for one in holds_in(session, repository) if one.id == number), None)
    if found is None:
        raise RetentionRefused(f"hold {number}", f"is none in force in {repository}")
    if not may_lift(session, found, by):
        raise NotPermitted(
            by.name,
            Action.RETENTION_MANAGE,
            repository=repository,
            why=f"It was placed by {found.placed_by}, and the booking was searched in a repository of another owner"
            f" too; ask {found.placed_by} to lift it.",
        )
    lift_hold(session, number, reason=reason, by=by.name, role=by.acting_as, repository=repository, now=now)


def holds_in(session: Session, repository: str) -> list[LegalHold]:
    """Those in force of identities in a repository, and of bookings that were searched there."""
    where = repository_row(session, repository)
    here = select(Identity.id).where(Identity.repository_id == where.id)
    searched = (
        select(StoredSubmission.tcn)
        .join(SearchRecord, SearchRecord.submission_id == StoredSubmission.id)
        .where(SearchRecord.repository_id == where.id)
    )
    query = (
        select(LegalHold)
        .where(
            LegalHold.lifted_at.is_(None), or_(LegalHold.identity_id.in_(here), LegalHold.tcn.in_(searched))
        )
        .order_by(LegalHold.id)
    )
    return list(session.scalars(query))


def may_lift(session: Session, hold: LegalHold, by: Account) -> bool:
    """Whether somebody may end it; see `lift`."""
    return hold.placed_by == by.name or all(
        permitted(by, Action.RETENTION_MANAGE, repository=name) for name in _concerned(session, hold)
    )


def _concerned(session: Session, hold: LegalHold) -> list[str]:
    query = select(Repository.name).distinct()
    if hold.identity_id is not None:
        query = query.join(Identity, Identity.repository_id == Repository.id).where(
            Identity.id == hold.identity_id
        )
    else:
        query = (
            query.join(SearchRecord, SearchRecord.repository_id == Repository.id)
            .join(StoredSubmission, StoredSubmission.id == SearchRecord.submission_id)
            .where(StoredSubmission.tcn == hold.tcn)
        )
    return list(session.scalars(query))


def _is_in(session: Session, identity: str, repository_id: int) -> bool:
    found = session.get(Identity, identity)
    return found is not None and found.repository_id == repository_id


def _check_booking(session: Session, tcn: str, where: Repository) -> None:
    searched = session.scalar(
        select(StoredSubmission.outcome)
        .join(SearchRecord, SearchRecord.submission_id == StoredSubmission.id)
        .where(StoredSubmission.tcn == tcn, SearchRecord.repository_id == where.id)
        .limit(1)
    )
    if searched is None:
        raise RetentionRefused(tcn[:64], f"is no booking that was searched in {where.name}")
    if searched == Outcome.ERASED:
        raise RetentionRefused(tcn, "was erased before; there is nothing left to hold")
