"""Images of prints, where a rule lets submissions carry them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    op.create_table(
        "image_offer",
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), primary_key=True),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("repositories", sa.String(1100), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "submission_image",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.String(300)),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("submission_id", "number", name="uq_submission_image"),
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("submission_image", "image_offer"):
        op.drop_table(table)
