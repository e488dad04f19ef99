"""Levels of cases as they stand in the database: worked out anew when a conviction or the table changes."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.auditing import record
from matcher_service.cases import parameters
from matcher_service.cases.levels import Convicted, Levelled, level_of
from matcher_service.cases.tables import OffenceClass, read_levels, shipped_levels
from matcher_service.repositories.case_tables import CaseFile, Conviction, LevelChange, LevelTableRecord

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.cases.tables import LevelTable
    from matcher_service.repositories import Database


def levels_in_force(session: Session) -> LevelTable:
    """The table that counts now. Raises BadTable."""
    newest = session.execute(
        select(LevelTableRecord.content, LevelTableRecord.version)
        .order_by(LevelTableRecord.id.desc())
        .limit(1)
    ).first()
    if newest is not None:
        return read_levels(newest[0].encode(), f"table of levels '{newest[1]}' in the database")
    path = shipped_levels()[parameters.DEFAULT_LEVEL_TABLE]
    return read_levels(path.read_bytes(), path.name)


def put_in_force(database: Database, table: LevelTable, *, by: str, now: datetime | None = None) -> int:
    """Have `table` count from now on, for every case that was not withdrawn; how many have another level now.

    Each of them keeps the level it had, and by which table, in its history and in the audit.
    """
    at = now or datetime.now(UTC)
    content = table.model_dump_json()
    changed = 0
    with database.write() as session:
        before = levels_in_force(session)
        session.add(
            LevelTableRecord(
                version=table.version,
                sha256=sha256(content.encode()).hexdigest(),
                content=content,
                put_at=at,
                put_by=by[:64],
            )
        )
        touched: list[tuple[CaseFile, int | None]] = []
        for case in session.scalars(
            select(CaseFile).where(CaseFile.state != "withdrawn").order_by(CaseFile.id).with_for_update()
        ):
            was = case.level
            relevel(session, case, table, at=at)
            if case.level != was:
                touched.append((case, was))
        changed = len(touched)
        session.flush()
        record(
            session, "case.level-table", actor=by, purpose="another table of levels",
            details={
                "version": table.version, "before": before.version, "changed": changed, "secondary": table.secondary,
            },
        )  # fmt: skip
        for case, was in touched:
            record(
                session, "case.level", actor=by, purpose="another table of levels", subject=f"case {case.id}",
                details={"level": case.level, "before": was, "table": table.version},
            )  # fmt: skip
    return changed


def relevel(session: Session, case: CaseFile, table: LevelTable, *, at: datetime) -> Levelled:
    """Work the level of `case` out from the convictions that count, and note it where it or the table is another."""
    session.flush()
    rows = session.execute(
        select(Conviction.offence_code, Conviction.offence_class, Conviction.sentence_days)
        .where(Conviction.case_id == case.id, Conviction.vacated_at.is_(None))
        .order_by(Conviction.id)
    )
    found = level_of([Convicted(code, OffenceClass(kind), days) for code, kind, days in rows], table)
    if found.level != case.level or table.version != case.level_table_version:
        session.add(
            LevelChange(
                case_id=case.id,
                level=found.level,
                table_version=table.version,
                because=found.because[:500],
                changed_at=at,
            )
        )
    case.level, case.level_table_version = found.level, table.version
    return found
