"""Submissions as lists show them, within what somebody may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, false, or_, select, true

from matcher_service.repositories.routing_tables import Agency, RoutingDecision, SubmissionFacts
from matcher_service.repositories.schema import Repository, StoredSubmission

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Reach


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One line. No prints, and nothing that was found."""

    id: int
    tcn: str
    device: str
    received_at: datetime
    outcome: str
    attempts: int
    answered_at: datetime | None
    told_at: datetime | None
    ori: str
    agency: str
    charge_class: str | None
    disposition: str | None


def within(reach: Reach) -> ColumnElement[bool]:
    """The part of a query that leaves out what is of other agencies, or was decided for other repositories only."""
    if reach.everywhere:
        return true()
    allowed: list[ColumnElement[bool]] = []
    if reach.oris:
        allowed.append(SubmissionFacts.ori.in_(sorted(reach.oris)))
    allowed += [_decided_for(name) for name in sorted(reach.repositories)]
    allowed += [and_(SubmissionFacts.ori == ori, _decided_for(name)) for name, ori in sorted(reach.within)]
    return or_(*allowed) if allowed else false()


def _decided_for(repository: str) -> ColumnElement[bool]:
    return exists().where(
        RoutingDecision.submission_id == StoredSubmission.id,
        RoutingDecision.repository_id == Repository.id,
        Repository.name == repository,
    )


def rows(
    session: Session, reach: Reach, *, outcome: str = "", before: int | None = None, limit: int
) -> list[SubmissionRow]:
    """The newest first."""
    query = _query().where(within(reach))
    if outcome:
        query = query.where(StoredSubmission.outcome == outcome)
    if before is not None:
        query = query.where(StoredSubmission.id < before)
    found = session.execute(query.order_by(StoredSubmission.id.desc()).limit(limit))
    return [SubmissionRow(*row) for row in found]


def find(session: Session, reach: Reach, tcn: str) -> SubmissionRow | None:
    """The one with this number; None also where it is of another agency."""
    row = session.execute(_query().where(StoredSubmission.tcn == tcn, within(reach))).first()
    return None if row is None else SubmissionRow(*row)


def _query() -> Any:  # noqa: ANN401 - a Select of a dozen columns
    return (
        select(
            StoredSubmission.id,
            StoredSubmission.tcn,
            StoredSubmission.device,
            StoredSubmission.received_at,
            StoredSubmission.outcome,
            StoredSubmission.attempts,
            StoredSubmission.answered_at,
            StoredSubmission.told_at,
            SubmissionFacts.ori,
            Agency.name,
            SubmissionFacts.charge_class,
            SubmissionFacts.disposition,
        )
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == StoredSubmission.id)
        .outerjoin(Agency, Agency.ori == SubmissionFacts.ori)
    )
