"""The tables of relaying: at a state bureau what goes up and what came back, at a centre who may bring for whom."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey, UtcDateTime


class SubmissionEvidence(Base):
    """What a device signed, without the submission itself: that is cut out at `cut_at`, so no print is kept twice.

    `sender` is who brought it, `signer` the key with which it was verified, `path` the centres it came through (JSON).
    """

    __tablename__ = "submission_evidence"

    tcn: Mapped[str] = mapped_column(String(64), primary_key=True)
    sender: Mapped[str] = mapped_column(String(32))
    ori: Mapped[str] = mapped_column(String(9))
    signer: Mapped[str] = mapped_column(String(2048))
    path: Mapped[str] = mapped_column(Text)
    signed: Mapped[bytes] = mapped_column(LargeBinary)
    cut_at: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RelayItem(Base):
    """A submission that goes up, and where it is. `held_by` is a person who keeps it here."""

    __tablename__ = "relay_item"
    __table_args__ = (Index("ix_relay_item_state", "state", "decision_id"),)

    tcn: Mapped[str] = mapped_column(String(64), primary_key=True)
    decision_id: Mapped[int] = mapped_column(BigKey)
    state: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sendings: Mapped[int]
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The centre's last word against it, or why it stays here.
    field: Mapped[str | None] = mapped_column(String(120))
    reason: Mapped[str | None] = mapped_column(String(300))
    held_by: Mapped[str | None] = mapped_column(String(64))
    # More was promised, and has not come.
    owed: Mapped[bool]


class RelayReply(Base):
    """A reply of the centre above, as it came, and what is made of it for the kiosk. Each is kept once."""

    __tablename__ = "relay_reply"
    __table_args__ = (
        UniqueConstraint("tcn", "sha256", name="uq_relay_reply_tcn_sha256"),
        Index("ix_relay_reply_state", "state", "told_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    tcn: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str] = mapped_column(String(8))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # "waiting" for a person's word, "kept" here for good, "passed" on, "withdrawn" by the rules.
    state: Mapped[str] = mapped_column(String(16))
    passed_by: Mapped[str | None] = mapped_column(String(80))
    passed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    for_kiosk: Mapped[bytes | None] = mapped_column(LargeBinary)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RelayReport(Base):
    """A reported disposition of a submission that went up, until the centre has it too."""

    __tablename__ = "relay_report"

    report_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    tcn: Mapped[str] = mapped_column(String(64), index=True)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RelayRight(Base):
    """For whom a registered device may bring submissions: a jurisdiction with all that lies in it, or one agency."""

    __tablename__ = "relay_right"
    __table_args__ = (UniqueConstraint("relay", "kind", "value", name="uq_relay_right_relay_kind_value"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    relay: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(16))
    given_by: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RelayedDevice(Base):
    """A kiosk that is known through a relay alone, and by which: no other may bring its numbers."""

    __tablename__ = "relayed_device"

    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    relay: Mapped[str] = mapped_column(String(32))
    ori: Mapped[str] = mapped_column(String(9))
    key_id: Mapped[str] = mapped_column(String(16))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RelayArrival(Base):
    """That a relayed submission was here once. It stays when the submission is removed, so that it cannot come back."""

    __tablename__ = "relay_arrival"

    tcn_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    relay: Mapped[str] = mapped_column(String(32))
    arrived_at: Mapped[datetime] = mapped_column(UtcDateTime)
