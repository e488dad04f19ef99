"""A case begins when its agency is told, and ends at once when what it was told of is taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.auditing import record
from matcher_service.cases.levelling import levels_in_force
from matcher_service.cases.looking import CaseState
from matcher_service.cases.responding import take_back
from matcher_service.repositories.case_tables import CaseFile, LevelChange
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.schema import Repository, StoredSubmission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ACTOR = "system:cases"


def open_case(
    session: Session, identification_id: int, subscriber_id: int, *, now: datetime | None = None
) -> int:
    """Put an identification on a subscriber's desk; again: the same case. It has no level until somebody records one.

    Returns the case's number.
    """
    session.flush()
    known = session.scalar(
        select(CaseFile.id).where(
            CaseFile.identification_id == identification_id, CaseFile.subscriber_id == subscriber_id
        )
    )
    if known is not None:
        return known
    at = now or datetime.now(UTC)
    version = levels_in_force(session).version
    made = CaseFile(
        identification_id=identification_id,
        subscriber_id=subscriber_id,
        state=CaseState.OPEN,
        level=None,
        level_table_version=version,
        opened_at=at,
    )
    session.add(made)
    session.flush()
    session.add(
        LevelChange(
            case_id=made.id,
            level=None,
            table_version=version,
            because="no conviction is recorded",
            changed_at=at,
        )
    )
    session.flush()
    tcn, repository = _subject(session, identification_id)
    record(
        session, "case.open", actor=_ACTOR, purpose="its agency is told", subject=tcn, repository=repository,
        details={"case": made.id, "identification": identification_id, "subscriber": subscriber_id},
    )  # fmt: skip
    return made.id


def withdraw(session: Session, identification_id: int, *, words: str, now: datetime | None = None) -> int:
    """End every case of an identification that is taken back, and take back what kiosks were told of it.

    Returns how many cases that were. Again: none.
    """
    session.flush()
    at = now or datetime.now(UTC)
    found = list(
        session.scalars(
            select(CaseFile)
            .where(CaseFile.identification_id == identification_id, CaseFile.state != CaseState.WITHDRAWN)
            .with_for_update()
        )
    )
    for case in found:
        case.state, case.closed_at = CaseState.WITHDRAWN, at
    session.flush()
    identification = session.get_one(Identification, identification_id)
    told = take_back(session, identification, now=at)
    if found or told:
        tcn, repository = _subject(session, identification_id)
        record(
            session, "case.withdraw", actor=_ACTOR, purpose=words[:200], subject=tcn, repository=repository,
            details={"identification": identification_id, "cases": len(found), "taken_back_at_kiosk": told},
        )  # fmt: skip
    return len(found)


def _subject(session: Session, identification_id: int) -> tuple[str, str]:
    row = session.execute(
        select(StoredSubmission.tcn, Repository.name)
        .join(Identification, Identification.submission_id == StoredSubmission.id)
        .join(Repository, Repository.id == Identification.repository_id)
        .where(Identification.id == identification_id)
    ).one()
    return row[0], row[1]
