"""The tables, for SQLite and PostgreSQL alike. A change here needs a migration; a test compares the two.

The matcher holds no names: an identity is a random id within one repository.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_CHARACTERS = 32


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC, which SQLite cannot keep by itself."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """To naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """From naive UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


# SQLite counts rows by itself only where the key's type is exactly INTEGER.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Base of all tables."""


class Repository(Base):
    """A set of identities under one owner."""

    __tablename__ = "repository"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    owner: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Identity(Base):
    """An opaque person id within a repository."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(String(ID_CHARACTERS), primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Encounter(Base):
    """One enrolment of an identity."""

    __tablename__ = "encounter"

    id: Mapped[str] = mapped_column(String(ID_CHARACTERS), primary_key=True)
    identity_id: Mapped[str] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), index=True)
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EnrolledTemplate(Base):
    """One finger of an encounter: an ISO/IEC 19794-2:2005 record with one view."""

    __tablename__ = "template"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    finger_quality: Mapped[int]
    record: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64), index=True)


class GalleryChange(Base):
    """An identity whose prints changed: what a running matcher follows to keep its galleries current."""

    __tablename__ = "gallery_change"
    # Numbers of deleted rows must not come back: they are compared.
    __table_args__ = (
        Index("ix_gallery_change_repository_id_seq", "repository_id", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    identity_id: Mapped[str] = mapped_column(String(ID_CHARACTERS))
    # It was expunged: no file of a gallery may keep anything of it.
    erase: Mapped[bool] = mapped_column(default=False, server_default=false())


class StoredSubmission(Base):
    """A submission that was accepted, as its bytes came, and what was replied.

    `outcome` is "waiting" until the search is done, then "answered", or "failed" if it never was; "erased" once its
    time was up: then the row stays, without prints, so that its TCN is never taken for another's.
    `payload` and `reply` are sealed under a key of the submission's own: see `matcher_service.retention`.
    """

    __tablename__ = "submission"
    __table_args__ = (
        Index("ix_submission_waiting", "outcome", "attempts", "priority", "id"),
        Index("ix_submission_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    tcn: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(32), index=True)
    purpose: Mapped[str] = mapped_column(String(32))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    # The smaller, the sooner: as in `submission_facts`, here for the queue's index.
    priority: Mapped[int] = mapped_column(default=1, server_default="1")
    attempts: Mapped[int]
    claimed_by: Mapped[str] = mapped_column(String(32))
    claimed_until: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(16))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[bytes | None] = mapped_column(LargeBinary)
    # When the broker took the reply for a device that listens.
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SearchRecord(Base):
    """The log of searches: one submission in one repository."""

    __tablename__ = "search"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    searched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[float]
    gallery_prints: Mapped[int]
    colour: Mapped[str] = mapped_column(String(8))
    failed: Mapped[bool]


class CandidateRecord(Base):
    """A candidate of a search. Its `reference` is all that leaves the matcher."""

    __tablename__ = "candidate"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    search_id: Mapped[int] = mapped_column(ForeignKey("search.id"), index=True)
    rank: Mapped[int]
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    identity_id: Mapped[str | None] = mapped_column(
        ForeignKey("identity.id", ondelete="SET NULL"), index=True
    )
    score: Mapped[float]
    # What the score meant when it was found: log10 of the false match rate, and the FPIR in that gallery.
    log10_fmr: Mapped[float | None]
    expected_fpir: Mapped[float | None]


class RefusedSubmission(Base):
    """Something that could not be accepted, kept for inspection."""

    __tablename__ = "refused"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    topic: Mapped[str] = mapped_column(String(120))
    device: Mapped[str] = mapped_column(String(32), index=True)
    tcn: Mapped[str | None] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(300))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_bytes: Mapped[int]


class DeviceStatus(Base):
    """The newest birth or will of a device, by session number."""

    __tablename__ = "device_status"

    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    session: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    since_synchronised: Mapped[bool]
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
