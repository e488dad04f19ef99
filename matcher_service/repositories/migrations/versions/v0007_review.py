"""Review: tasks, candidates as they are shown, examiners and what they decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    _review()


def downgrade() -> None:
    """Forget them."""
    for table in (
        "seeded_result",
        "review_round",
        "review_candidate",
        "review_task",
    ):
        op.drop_table(table)


def _review() -> None:
    op.create_table(
        "review_task",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("search_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("shuffle_seed", sa.BigInteger(), nullable=False),
        sa.Column("chosen_candidate_id", sa.BigInteger()),
        sa.Column("assigned_to", sa.String(32), sa.ForeignKey("account.id")),
        sa.Column("escalated_at", sa.DateTime()),
        sa.Column("ended_because", sa.String(16)),
        sa.UniqueConstraint("submission_id", "repository_id", "search_id", name="uq_review_task"),
    )
    op.create_index("ix_review_task_repository_id", "review_task", ["repository_id"])
    op.create_index("ix_review_task_state_priority_due_at", "review_task", ["state", "priority", "due_at"])
    op.create_table(
        "review_candidate",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("task_id", _BIG, sa.ForeignKey("review_task.id", ondelete="CASCADE"), nullable=False),
        sa.Column("candidate_id", _BIG, sa.ForeignKey("candidate.id", ondelete="SET NULL")),
        sa.Column("identity_id", sa.String(32), sa.ForeignKey("identity.id", ondelete="SET NULL")),
        sa.Column("seeded", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
    )
    op.create_index("ix_review_candidate_candidate_id", "review_candidate", ["candidate_id"])
    op.create_index("ix_review_candidate_identity_id", "review_candidate", ["identity_id"])
    op.create_index("ix_review_candidate_task_id", "review_candidate", ["task_id"])
    op.create_table(
        "review_round",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("task_id", _BIG, sa.ForeignKey("review_task.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("examiner_id", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("claimed_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("looked_at", sa.DateTime()),
        sa.Column("decided_at", sa.DateTime()),
        sa.Column("decision", sa.String(16)),
        sa.Column("review_candidate_id", sa.BigInteger()),
        sa.Column("reason", sa.String(500)),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("task_id", "number", name="uq_review_round_number"),
        sa.UniqueConstraint("task_id", "examiner_id", name="uq_review_round_examiner"),
    )
    op.create_index("ix_review_round_examiner_id", "review_round", ["examiner_id"])
    op.create_index("ix_review_round_task_id", "review_round", ["task_id"])
    op.create_table(
        "seeded_result",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("round_id", _BIG, sa.ForeignKey("review_round.id", ondelete="CASCADE"), nullable=False),
        sa.Column("examiner_id", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("was_wrong", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_seeded_result_examiner_id", "seeded_result", ["examiner_id"])
    op.create_index("ix_seeded_result_round_id", "seeded_result", ["round_id"])
