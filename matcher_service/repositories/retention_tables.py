"""The tables of retention, and of what the owner of a repository decides.

Policies, holds, runs, keys of people and of submissions, certificates; rules of acceptance, thresholds, links.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, BigKey, UtcDateTime


class RetentionPolicy(Base):
    """How long bookings are kept that came to an outcome in a repository; the newest version counts.

    `keep_days` None: the rule was taken back.
    """

    __tablename__ = "retention_policy"
    __table_args__ = (Index("ix_retention_policy_repository_id", "repository_id", "outcome", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    outcome: Mapped[str] = mapped_column(String(16))
    keep_days: Mapped[int | None]
    version: Mapped[int]
    source: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[str] = mapped_column(String(80))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RetentionRun(Base):
    """One run of the expiry, by the clock as it was; `audit_seq` is the newest audit entry before it."""

    __tablename__ = "retention_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)
    audit_seq: Mapped[int] = mapped_column(BigKey)
    ran_by: Mapped[str] = mapped_column(String(80))
    erased: Mapped[int]


class LegalHold(Base):
    """Keeps a booking (`tcn`) or an identity from being erased until somebody lifts it."""

    __tablename__ = "legal_hold"

    id: Mapped[int] = mapped_column(primary_key=True)
    tcn: Mapped[str | None] = mapped_column(String(64), index=True)
    identity_id: Mapped[str | None] = mapped_column(String(ID_CHARACTERS), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    placed_by: Mapped[str] = mapped_column(String(80))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lifted_by: Mapped[str | None] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PersonKey(Base):
    """The key under which an identity's templates are sealed, itself sealed by the centre's.

    It outlives its identity, empty, to say when it was destroyed.
    """

    __tablename__ = "person_key"

    identity_id: Mapped[str] = mapped_column(String(ID_CHARACTERS), primary_key=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SubmissionKey(Base):
    """The key under which what came with a submission, and what was replied, is sealed."""

    __tablename__ = "submission_key"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeletionCertificate(Base):
    """What was destroyed, for whoever asks. `content` is JSON, word for word what `signature` (base64) is over.

    It is issued anew, `issue` one higher, when receipts of retractions or galleries have come in; `pending` until all
    have.
    """

    __tablename__ = "deletion_certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    subject_sha256: Mapped[str] = mapped_column(String(64), index=True)
    repository_id: Mapped[int | None] = mapped_column(ForeignKey("repository.id"))
    cause: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(80))
    issue: Mapped[int]
    pending: Mapped[bool] = mapped_column(index=True)
    # The change that took the identity out of the galleries; None where none was in them.
    change_seq: Mapped[int | None] = mapped_column(BigKey)
    content: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(200))


class GalleryState(Base):
    """How far the files of a matcher's gallery are rid of what was expunged: up to the change `purged_seq`."""

    __tablename__ = "gallery_state"

    instance: Mapped[str] = mapped_column(String(64), primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), primary_key=True)
    purged_seq: Mapped[int] = mapped_column(BigKey)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RepositoryRule(Base):
    """What a repository's owner accepts: from one jurisdiction and what lies in it or, without one, from all.

    The newest version for a jurisdiction counts. `transactions`: separated by spaces, empty for any.
    """

    __tablename__ = "repository_rule"
    __table_args__ = (Index("ix_repository_rule_repository_id", "repository_id", "jurisdiction_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"))
    accepts: Mapped[bool]
    transactions: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[str] = mapped_column(String(80))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RepositoryThreshold(Base):
    """How often a stranger may end red or yellow in a repository; the newest row counts, None: as the settings say."""

    __tablename__ = "repository_threshold"

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)
    red_fpir: Mapped[float | None]
    yellow_fpir: Mapped[float | None]
    reason: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[str] = mapped_column(String(80))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdentityLink(Base):
    """Two identities of different repositories are one person: an examiner's decision. It goes with either of them."""

    __tablename__ = "identity_link"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    first_id: Mapped[str] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("identity.id", ondelete="CASCADE"), index=True
    )
    second_id: Mapped[str] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("identity.id", ondelete="CASCADE"), index=True
    )
    task_id: Mapped[int] = mapped_column(ForeignKey("review_task.id"))
    examiner: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unlinked_by: Mapped[str | None] = mapped_column(String(80))
    unlinked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unlinked_because: Mapped[str | None] = mapped_column(String(200))
