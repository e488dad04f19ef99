"""The tables of registered devices: who may submit, for which agency, with which keys, and who was invited."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey, UtcDateTime


class RegisteredDevice(Base):
    """A device that the centre knows. `centre_generation` is that of the centre's keys which it last used."""

    __tablename__ = "registered_device"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    ori: Mapped[str] = mapped_column(String(9))
    state: Mapped[str] = mapped_column(String(16))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    centre_generation: Mapped[int]


class DeviceKey(Base):
    """A public key of a device. `id` is the first eight bytes of its SHA-256, in hexadecimal; it is never reused."""

    __tablename__ = "device_key"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("registered_device.name"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    pem: Mapped[str] = mapped_column(String(2048))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # From when it counts no more: a while after the next one came, or at once.
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeviceInvitation(Base):
    """A one-time code, as its hash. `used_for` is the hash of the keys that it let in."""

    __tablename__ = "device_invitation"
    __table_args__ = (Index("ix_device_invitation_device", "device"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(32))
    ori: Mapped[str] = mapped_column(String(9))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_for: Mapped[str | None] = mapped_column(String(64))
