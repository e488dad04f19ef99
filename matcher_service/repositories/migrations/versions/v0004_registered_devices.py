"""Registered devices, their keys, and the invitations by which they came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them, empty: without an authority nobody is asked."""
    op.create_table(
        "registered_device",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("registered_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime()),
        sa.Column("centre_generation", sa.Integer(), nullable=False),
    )
    op.create_table(
        "device_key",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("device", sa.String(32), sa.ForeignKey("registered_device.name"), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("pem", sa.String(2048), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("retired_at", sa.DateTime()),
    )
    op.create_index("ix_device_key_device", "device_key", ["device"])
    op.create_table(
        "device_invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("code_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime()),
        sa.Column("used_for", sa.String(64)),
    )
    op.create_index("ix_device_invitation_device", "device_invitation", ["device"])


def downgrade() -> None:
    """Forget them: every kiosk has to be invited again."""
    for table in ("device_invitation", "device_key", "registered_device"):
        op.drop_table(table)
