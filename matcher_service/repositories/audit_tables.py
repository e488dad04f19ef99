"""The audit's chain and its head. Entries are only ever added: triggers of the migration refuse anything else."""

from __future__ import annotations

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey


class AuditEntry(Base):
    """One thing that was done or looked at. `hash` covers all other columns: see docs/audit.md.

    `at` is text, because what is hashed is what is stored: UTC with microseconds, always 27 characters.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_subject", "subject"),
        Index("ix_audit_entry_actor", "actor"),
        Index("ix_audit_entry_action", "action"),
    )

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(27))
    actor: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(120))
    repository: Mapped[str] = mapped_column(String(64))
    jurisdiction: Mapped[str] = mapped_column(String(32))
    # The text of a JSON object, hashed as it stands.
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The last entry: one row, with id 1. Locked by whoever appends, so that there is one order."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(27))
