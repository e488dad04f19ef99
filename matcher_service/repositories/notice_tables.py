"""The tables of notification: identifications, who subscribes to what, what they were told, and what was taken back."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, BigKey, UtcDateTime


class Identification(Base):
    """What examiners confirmed. `confirmed_by` is a JSON list of their accounts' ids.

    `state` is "confirmed", "frozen" while a challenge is open, or "retracted".
    """

    __tablename__ = "identification"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("review_task.id"), unique=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)
    identity_id: Mapped[str | None] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("identity.id", ondelete="SET NULL"), index=True
    )
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[str] = mapped_column(String(200))
    log10_fmr: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(16))


class Subscriber(Base):
    """An agency that may be told. `name` fills one level of a topic; `ori` is its agency."""

    __tablename__ = "subscriber"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    words: Mapped[str] = mapped_column(String(120))
    ori: Mapped[str] = mapped_column(String(9))
    sealing_pem: Mapped[str] = mapped_column(String(2048))
    signing_pem: Mapped[str] = mapped_column(String(2048))
    webhook_url: Mapped[str] = mapped_column(String(500))
    webhook_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    active: Mapped[bool]
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Subscription(Base):
    """What a subscriber is told of: hits in one repository, from one jurisdiction or, without one, from all."""

    __tablename__ = "subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), index=True)


class Notification(Base):
    """One message to one subscriber. `answers_id` is the hit that a retraction or correction takes back.

    `kind` is "hit", "retraction" or "correction"; `state` is "held", "queued", "sent", "received", "cancelled",
    "failed" or "dead". `number` is opaque, and what the subscriber knows it by. `content` is the message as it was
    first sent, `sent_at` when: whoever has it was told, or has to be taken to be. `next_at` is when it is tried again,
    `due_at` by when a receipt is to be there; `via` says how that came: "topic" or "webhook".
    """

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    identification_id: Mapped[int] = mapped_column(ForeignKey("identification.id"), index=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    held_because: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    escalated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    via: Mapped[str] = mapped_column(String(8), default="")
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("notification.id"), index=True)


class Challenge(Base):
    """Somebody says that an identification is wrong. While it is "open", nothing more is shared."""

    __tablename__ = "challenge"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    identification_id: Mapped[int] = mapped_column(ForeignKey("identification.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by: Mapped[str] = mapped_column(String(64))
    grounds: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))


class Retraction(Base):
    """An identification that was taken back: "wrong_hit", "dismissed", "expunged", "challenge" or "withdrawn"."""

    __tablename__ = "retraction"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    identification_id: Mapped[int] = mapped_column(ForeignKey("identification.id"), unique=True)
    cause: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    words: Mapped[str] = mapped_column(String(500))
