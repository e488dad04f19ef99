"""The first tables: repositories and what is enrolled, submissions and their searches, the quarantine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(32)
_NAME = sa.String(64)
_STAMP = sa.DateTime()
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _make_galleries()
    _make_submissions()
    op.create_table(
        "refused",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("received_at", _STAMP, nullable=False),
        sa.Column("topic", sa.String(120), nullable=False),
        sa.Column("device", sa.String(32), nullable=False, index=True),
        sa.Column("tcn", _NAME),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_bytes", sa.Integer(), nullable=False),
    )
    op.create_table(
        "device_status",
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", _STAMP, nullable=False),
        sa.Column("since_synchronised", sa.Boolean(), nullable=False),
        sa.Column("heard_at", _STAMP, nullable=False),
    )


def _make_galleries() -> None:
    op.create_table(
        "repository",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", _NAME, nullable=False, unique=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("created_at", _STAMP, nullable=False),
    )
    op.create_table(
        "identity",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False, index=True),
        sa.Column("created_at", _STAMP, nullable=False),
    )
    op.create_table(
        "encounter",
        sa.Column("id", _ID, primary_key=True),
        sa.Column(
            "identity_id", _ID, sa.ForeignKey("identity.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("enrolled_at", _STAMP, nullable=False),
    )
    op.create_table(
        "template",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column(
            "encounter_id", _ID, sa.ForeignKey("encounter.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("finger_quality", sa.Integer(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, index=True),
    )
    op.create_table(
        "gallery_change",
        sa.Column("seq", _KEY, primary_key=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("identity_id", _ID, nullable=False),
        sqlite_autoincrement=True,
    )


def _make_submissions() -> None:
    op.create_table(
        "submission",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("tcn", _NAME, nullable=False, unique=True),
        sa.Column("device", sa.String(32), nullable=False, index=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("received_at", _STAMP, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(32), nullable=False),
        sa.Column("claimed_until", _STAMP, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answered_at", _STAMP),
        sa.Column("reply", sa.LargeBinary()),
        sa.Column("told_at", _STAMP),
    )
    op.create_index("ix_submission_outcome_attempts_id", "submission", ["outcome", "attempts", "id"])
    op.create_table(
        "search",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("submission_id", _KEY, sa.ForeignKey("submission.id"), nullable=False, index=True),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("searched_at", _STAMP, nullable=False),
        sa.Column("duration_ms", sa.Double(), nullable=False),
        sa.Column("gallery_prints", sa.Integer(), nullable=False),
        sa.Column("colour", sa.String(8), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "candidate",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("search_id", _KEY, sa.ForeignKey("search.id"), nullable=False, index=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("reference", _NAME, nullable=False, unique=True),
        sa.Column("identity_id", _ID, sa.ForeignKey("identity.id", ondelete="SET NULL"), index=True),
        sa.Column("score", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    """Unmake them, in the other order."""
    for table in (
        "device_status",
        "refused",
        "candidate",
        "search",
        "submission",
        "gallery_change",
        "template",
        "encounter",
        "identity",
        "repository",
    ):
        op.drop_table(table)
