"""The tables of the ABIS verbs: which identity a client's reference id means, and what was answered to it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, UtcDateTime


class AbisReference(Base):
    """A client's reference id. It goes with its identity, whoever removes that.

    `made` is whether the identity was made for it, or had been there, print for print: then it stays when this goes.
    """

    __tablename__ = "abis_reference"
    __table_args__ = (Index("ix_abis_reference_identity_id", "identity_id"),)

    client: Mapped[str] = mapped_column(String(40), primary_key=True)
    reference_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    identity_id: Mapped[str] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("identity.id", ondelete="CASCADE")
    )
    made: Mapped[bool]
    inserted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AbisAnswer(Base):
    """What was answered to a request id, so that the same request is not done twice."""

    __tablename__ = "abis_answer"
    __table_args__ = (Index("ix_abis_answer_answered_at", "answered_at"),)

    client: Mapped[str] = mapped_column(String(40), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime)
