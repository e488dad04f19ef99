"""The tables of the OSIA interface: what a client's ids mean, what it asked for later, and what it is told."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, BigKey, UtcDateTime


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


class OsiaTopic(Base):
    """A topic that a client made, for the clients of its repository. The product's own have no row."""

    __tablename__ = "osia_topic"
    __table_args__ = (UniqueConstraint("repository", "name", name="uq_osia_topic_repository"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    client: Mapped[str] = mapped_column(String(40), index=True)
    repository: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OsiaSubscription(Base):
    """A client's wish to be told of a topic, at an address. Nothing but its token goes there before `confirmed_at`.

    One that ended is kept as long as something that it was told of may have to be taken back.
    """

    __tablename__ = "osia_subscription"
    __table_args__ = (UniqueConstraint("client", "topic_id", "address", name="uq_osia_subscription_client"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    client: Mapped[str] = mapped_column(String(40))
    repository: Mapped[str] = mapped_column(String(64))
    topic_id: Mapped[str] = mapped_column(String(32), index=True)
    topic: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(500))
    countdown_s: Mapped[int]
    most: Mapped[int]
    token_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OsiaTask(Base):
    """What a client asked for and gets at its callback. `asked` is sealed, and goes when it is done."""

    __tablename__ = "osia_task"
    __table_args__ = (Index("ix_osia_task_client_done_at", "client", "done_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    client: Mapped[str] = mapped_column(String(40))
    transaction_id: Mapped[str] = mapped_column(String(100))
    verb: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]
    asked: Mapped[bytes | None] = mapped_column(LargeBinary)
    callback: Mapped[str] = mapped_column(String(500))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int]
    claimed_by: Mapped[str] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class OsiaMessage(Base):
    """One post to one address: of a subscription, or the result of a task.

    `kind` is "confirmation", "told" or "callback"; `state` is "queued", "received", "dead" or "cancelled". `body` is
    sealed, and goes when it was taken; a message about an identification gets its own when it is first sent. `lane`
    is a number of the address: only a few posts go there at a time.
    """

    __tablename__ = "osia_message"
    __table_args__ = (Index("ix_osia_message_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    client: Mapped[str] = mapped_column(String(40), index=True)
    subscription_id: Mapped[str | None] = mapped_column(
        String(32), ForeignKey("osia_subscription.id", ondelete="CASCADE"), index=True
    )
    task_id: Mapped[str | None] = mapped_column(
        String(32), ForeignKey("osia_task.id", ondelete="CASCADE"), index=True
    )
    identification_id: Mapped[int | None] = mapped_column(
        ForeignKey("identification.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    lane: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    retried: Mapped[bool]
    attempts: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OsiaTold(Base):
    """An identification that a subscription was told of, and in which state: a change of that is told too."""

    __tablename__ = "osia_told"

    subscription_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("osia_subscription.id", ondelete="CASCADE"), primary_key=True
    )
    identification_id: Mapped[int] = mapped_column(
        ForeignKey("identification.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    reference: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
