"""The tables of routing: jurisdictions, agencies, activations, what was decided for each submission, and why.

What is entered is never changed: a version of an activation is a row of its own, and `registry_version`, the clock of
the register at which it was entered, orders them whatever the wall clock did. So the rules "as they were then" are
those with a number no greater than the one that the decision noted.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey, UtcDateTime


class Jurisdiction(Base):
    """A state, or a county or its equivalent within one. `code` is "US-MO" or "US-MO-019"."""

    __tablename__ = "jurisdiction"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    fips: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(100))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Agency(Base):
    """An agency by its ORI, and the jurisdiction that it belongs to."""

    __tablename__ = "agency"

    ori: Mapped[str] = mapped_column(String(9), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"), index=True)
    active: Mapped[bool]


class Activation(Base):
    """What a jurisdiction and a repository have between them; what it says stands in its versions."""

    __tablename__ = "activation"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "repository_id", name="uq_activation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"))
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)


class ActivationVersion(Base):
    """One version of an activation; written once. `reason` says why it was entered."""

    __tablename__ = "activation_version"
    __table_args__ = (
        UniqueConstraint("activation_id", "version", name="uq_activation_version"),
        Index("ix_activation_version_registry_version", "registry_version"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    activation_id: Mapped[int] = mapped_column(ForeignKey("activation.id"))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    from_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    conditions: Mapped[str] = mapped_column(Text)
    signed_by: Mapped[str] = mapped_column(String(200))
    document_sha256: Mapped[str] = mapped_column(String(64))
    entered_by: Mapped[str] = mapped_column(String(64))
    approved_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(300))
    # The register's clock when this was entered.
    registry_version: Mapped[int]


class ActivationProposal(Base):
    """What two people are asked to agree on, word for word, by the number of the request (`two_person_request`)."""

    __tablename__ = "activation_proposal"

    request_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)


class RoutingClock(Base):
    """One row: how often the register was changed, and whether its rules are in force at all ("everything" if not)."""

    __tablename__ = "routing_clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    mode: Mapped[str] = mapped_column(String(16))


class RoutingModeChange(Base):
    """From which turn of the clock the rules were in force, or not; before the first they were."""

    __tablename__ = "routing_mode_change"

    registry_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(String(16))


class SubmissionFacts(Base):
    """What the rules ask of a submission, as it stood when it came. `waited_s` is how long it had been on its way.

    `pending` says that a later report opened a repository to it, in which it is yet to be searched.
    """

    __tablename__ = "submission_facts"
    __table_args__ = (Index("ix_submission_facts_pending", "pending", "submission_id"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    ori: Mapped[str] = mapped_column(String(9))
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), index=True)
    transaction_type: Mapped[str] = mapped_column(String(8))
    charge_class: Mapped[str | None] = mapped_column(String(16))
    disposition: Mapped[str | None] = mapped_column(String(16))
    fingers: Mapped[int]
    priority: Mapped[int]
    waited_s: Mapped[float | None]
    sealed: Mapped[bool]
    pending: Mapped[bool]


class DispositionReport(Base):
    """What was reported of a booking's charge after it; what is None was not spoken of."""

    __tablename__ = "disposition_report"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    tcn: Mapped[str] = mapped_column(String(64), index=True)
    charge_class: Mapped[str | None] = mapped_column(String(16))
    disposition: Mapped[str | None] = mapped_column(String(16))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reported_by: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(32))


class RoutingDecision(Base):
    """What was decided for one submission and one repository; the newest row counts, the others are how it came."""

    __tablename__ = "routing_decision"
    # With all that the oversight report asks for: it need not read the rows themselves.
    __table_args__ = (
        Index(
            "ix_routing_decision_submission_id",
            "submission_id",
            "repository_id",
            "id",
            "verdict",
            "reason_code",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    verdict: Mapped[str] = mapped_column(String(8))
    answer: Mapped[str] = mapped_column(String(8))
    reason_code: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(String(500))
    activation_id: Mapped[int | None] = mapped_column(ForeignKey("activation.id"))
    activation_version: Mapped[int | None]
    registry_version: Mapped[int]
    # What it was decided by, as JSON, so that it can be replayed.
    facts: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
