"""The tables of the case desk: cases of the agencies that were told, convictions, evaluations, second responses."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, BigKey, UtcDateTime


class CaseFile(Base):
    """One identification on one subscriber's desk. `level` is 1 to 3 from convictions; None: convicted of nothing.

    `state` is "open", "evaluating", "closed" or "withdrawn".
    """

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("identification_id", "subscriber_id", name="uq_case_file"),
        Index("ix_case_file_subscriber_id_state_level", "subscriber_id", "state", "level"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    identification_id: Mapped[int] = mapped_column(ForeignKey("identification.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    state: Mapped[str] = mapped_column(String(16))
    level: Mapped[int | None]
    level_table_version: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner_id: Mapped[str | None] = mapped_column(String(ID_CHARACTERS), ForeignKey("account.id"), index=True)


class Conviction(Base):
    """A conviction as recorded in a case. One that was vacated counts no more."""

    __tablename__ = "conviction"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    offence_code: Mapped[str] = mapped_column(String(32))
    offence_class: Mapped[str] = mapped_column(String(32))
    convicted_on: Mapped[date] = mapped_column(Date)
    # How long the sentence was, where the table of levels asks for it; None: not known.
    sentence_days: Mapped[int | None]
    source: Mapped[str] = mapped_column(String(120))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
    vacated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LevelTableRecord(Base):
    """A table of levels that was put in force, word for word. The newest is in force; without one, the shipped one."""

    __tablename__ = "level_table"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    version: Mapped[str] = mapped_column(String(32))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    put_at: Mapped[datetime] = mapped_column(UtcDateTime)
    put_by: Mapped[str] = mapped_column(String(64))


class LevelChange(Base):
    """Each level that a case ever had, by which table, and why."""

    __tablename__ = "level_change"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    level: Mapped[int | None]
    table_version: Mapped[str] = mapped_column(String(32))
    because: Mapped[str] = mapped_column(String(500))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Evaluation(Base):
    """What the agency found, and what it did."""

    __tablename__ = "evaluation"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(String(500))
    decided_by: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SecondResponse(Base):
    """What the kiosk is told of one repository after review and evaluation; the newest counts.

    `kind` is "match", "no_match", "undecided", "ended" or "taken_back". `withdrawn_at` is when it was overtaken by
    another: then it is not told any more.
    """

    __tablename__ = "second_response"
    __table_args__ = (Index("ix_second_response_told_at", "told_at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    kind: Mapped[str] = mapped_column(String(16))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
