"""Other systems: references of ABIS clients and what they were answered, encounters of OSIA clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them, empty."""
    op.create_table(
        "abis_reference",
        sa.Column("client", sa.String(40), primary_key=True),
        sa.Column("reference_id", sa.String(100), primary_key=True),
        sa.Column(
            "identity_id", sa.String(32), sa.ForeignKey("identity.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("inserted_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_abis_reference_identity_id", "abis_reference", ["identity_id"])
    op.create_table(
        "abis_answer",
        sa.Column("client", sa.String(40), primary_key=True),
        sa.Column("request_id", sa.String(100), primary_key=True),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_abis_answer_answered_at", "abis_answer", ["answered_at"])
    op.create_table(
        "osia_encounter",
        sa.Column("client", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(100), primary_key=True),
        sa.Column("encounter_id", sa.String(100), primary_key=True),
        sa.Column("identity_id", sa.String(32), nullable=False),
        sa.Column(
            "encounter", sa.String(32), sa.ForeignKey("encounter.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("kind", sa.String(40), nullable=False),
    )
    op.create_index("ix_osia_encounter_identity_id", "osia_encounter", ["identity_id"])
    op.create_index("ix_osia_encounter_encounter", "osia_encounter", ["encounter"])


def downgrade() -> None:
    """Forget them."""
    for table in ("osia_encounter", "abis_answer", "abis_reference"):
        op.drop_table(table)
