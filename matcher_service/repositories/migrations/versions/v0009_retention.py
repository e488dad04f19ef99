"""Retention: policies, a key for each person, certificates of deletion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    op.add_column(
        "gallery_change", sa.Column("erase", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _retention()


def downgrade() -> None:
    """Forget them. What was sealed can be read by nobody then: first see docs/retention.md."""
    op.drop_column("gallery_change", "erase")
    for table in (
        "identity_link",
        "repository_threshold",
        "repository_rule",
        "gallery_state",
        "deletion_certificate",
        "submission_key",
        "person_key",
        "legal_hold",
        "retention_run",
        "retention_policy",
    ):
        op.drop_table(table)


def _retention() -> None:
    op.create_table(
        "retention_policy",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("keep_days", sa.Integer()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("entered_by", sa.String(80), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
    )
    op.create_index(
        "ix_retention_policy_repository_id", "retention_policy", ["repository_id", "outcome", "version"]
    )
    op.create_table(
        "retention_run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("ran_at", sa.DateTime(), nullable=False),
        sa.Column("audit_seq", _BIG, nullable=False),
        sa.Column("ran_by", sa.String(80), nullable=False),
        sa.Column("erased", sa.Integer(), nullable=False),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tcn", sa.String(64)),
        sa.Column("identity_id", sa.String(32)),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("placed_by", sa.String(80), nullable=False),
        sa.Column("placed_at", sa.DateTime(), nullable=False),
        sa.Column("lifted_by", sa.String(80)),
        sa.Column("lifted_at", sa.DateTime()),
    )
    op.create_index("ix_legal_hold_identity_id", "legal_hold", ["identity_id"])
    op.create_index("ix_legal_hold_tcn", "legal_hold", ["tcn"])
    op.create_table(
        "person_key",
        sa.Column("identity_id", sa.String(32), primary_key=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("destroyed_at", sa.DateTime()),
    )
    op.create_table(
        "submission_key",
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), primary_key=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("destroyed_at", sa.DateTime()),
    )
    op.create_table(
        "deletion_certificate",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.String(32), nullable=False, unique=True),
        sa.Column("subject_sha256", sa.String(64), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id")),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("change_seq", _BIG),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(200), nullable=False),
    )
    op.create_index("ix_deletion_certificate_pending", "deletion_certificate", ["pending"])
    op.create_index("ix_deletion_certificate_subject_sha256", "deletion_certificate", ["subject_sha256"])
    op.create_table(
        "gallery_state",
        sa.Column("instance", sa.String(64), primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), primary_key=True),
        sa.Column("purged_seq", _BIG, nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("purged_at", sa.DateTime()),
    )
    op.create_table(
        "repository_rule",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), sa.ForeignKey("jurisdiction.id")),
        sa.Column("accepts", sa.Boolean(), nullable=False),
        sa.Column("transactions", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("entered_by", sa.String(80), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
    )
    op.create_index(
        "ix_repository_rule_repository_id", "repository_rule", ["repository_id", "jurisdiction_id"]
    )
    op.create_table(
        "repository_threshold",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("red_fpir", sa.Double()),
        sa.Column("yellow_fpir", sa.Double()),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("entered_by", sa.String(80), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_repository_threshold_repository_id", "repository_threshold", ["repository_id"])
    op.create_table(
        "identity_link",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column(
            "first_id", sa.String(32), sa.ForeignKey("identity.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column(
            "second_id", sa.String(32), sa.ForeignKey("identity.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("task_id", _BIG, sa.ForeignKey("review_task.id"), nullable=False),
        sa.Column("examiner", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("linked_at", sa.DateTime(), nullable=False),
        sa.Column("unlinked_by", sa.String(80)),
        sa.Column("unlinked_at", sa.DateTime()),
        sa.Column("unlinked_because", sa.String(200)),
    )
    op.create_index("ix_identity_link_first_id", "identity_link", ["first_id"])
    op.create_index("ix_identity_link_second_id", "identity_link", ["second_id"])
