"""The tables of review: tasks for examiners, the candidates as they are shown, and what each examiner decided."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import ID_CHARACTERS, Base, BigKey, UtcDateTime


class ReviewTask(Base):
    """The candidates of one search of a submission in a repository, to be looked at.

    `state` is "open", "second" or "third" while a first, a second or a third examiner is to decide, then "identified",
    "excluded", "inconclusive" or "withdrawn". `chosen_candidate_id` is the review candidate that was identified.
    `escalated_at` is when supervisors were told that it needs them; `ended_because` says why it was withdrawn.
    """

    __tablename__ = "review_task"
    __table_args__ = (
        UniqueConstraint("submission_id", "repository_id", "search_id", name="uq_review_task"),
        Index("ix_review_task_state_priority_due_at", "state", "priority", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), index=True)
    # No foreign key: the log of searches is cleared by rules of its own.
    search_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    needs_second: Mapped[bool]
    shuffle_seed: Mapped[int] = mapped_column(BigInteger)
    # No foreign key: it would point back at what points here.
    chosen_candidate_id: Mapped[int | None] = mapped_column(BigInteger)
    assigned_to: Mapped[str | None] = mapped_column(String(ID_CHARACTERS), ForeignKey("account.id"))
    escalated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_because: Mapped[str | None] = mapped_column(String(16))


class ReviewCandidate(Base):
    """A candidate of a task, at its `place` in the shuffled order. A `seeded` one is a known stranger."""

    __tablename__ = "review_candidate"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("review_task.id", ondelete="CASCADE"), index=True)
    candidate_id: Mapped[int | None] = mapped_column(
        ForeignKey("candidate.id", ondelete="SET NULL"), index=True
    )
    identity_id: Mapped[str | None] = mapped_column(
        String(ID_CHARACTERS), ForeignKey("identity.id", ondelete="SET NULL"), index=True
    )
    seeded: Mapped[bool]
    place: Mapped[int]


class ReviewRound(Base):
    """One examiner's turn at a task: claimed until `expires_at`, then decided or free again.

    A `void` one identified a known stranger: it does not count.
    """

    __tablename__ = "review_round"
    __table_args__ = (
        UniqueConstraint("task_id", "number", name="uq_review_round_number"),
        UniqueConstraint("task_id", "examiner_id", name="uq_review_round_examiner"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("review_task.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    examiner_id: Mapped[str] = mapped_column(String(ID_CHARACTERS), ForeignKey("account.id"), index=True)
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When the prints were handed out first: nobody decides without.
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision: Mapped[str | None] = mapped_column(String(16))
    review_candidate_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(String(500))
    void: Mapped[bool] = mapped_column(default=False)


class SeededResult(Base):
    """What an examiner made of the known strangers among the candidates of a task: one row for each turn."""

    __tablename__ = "seeded_result"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("review_round.id", ondelete="CASCADE"), index=True)
    examiner_id: Mapped[str] = mapped_column(String(ID_CHARACTERS), ForeignKey("account.id"), index=True)
    was_wrong: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
