"""The table of the OSIA interface: which encounter a client's ids mean."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base


class OsiaEncounter(Base):
    """A client's person and encounter. It goes with the encounter, whoever removes that."""

    __tablename__ = "osia_encounter"
    __table_args__ = (
        Index("ix_osia_encounter_identity_id", "identity_id"),
        Index("ix_osia_encounter_encounter", "encounter"),
    )

    client: Mapped[str] = mapped_column(String(40), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    encounter_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    identity_id: Mapped[str] = mapped_column(String(ID_CHARACTERS))
    encounter: Mapped[str] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("encounter.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(40))
