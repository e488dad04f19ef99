"""What a candidate's score meant when it was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("log10_fmr", "expected_fpir")


def upgrade() -> None:
    """Add it; candidates of older searches have none."""
    for name in COLUMNS:
        op.add_column("candidate", sa.Column(name, sa.Double()))


def downgrade() -> None:
    """Take it away."""
    for name in reversed(COLUMNS):
        op.drop_column("candidate", name)
