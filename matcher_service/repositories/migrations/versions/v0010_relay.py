"""The way through a state: what goes up, what comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    _relay()


def downgrade() -> None:
    """Forget them."""
    for table in (
        "relay_arrival",
        "relayed_device",
        "relay_right",
        "relay_report",
        "relay_reply",
        "relay_item",
        "submission_evidence",
    ):
        op.drop_table(table)


def _relay() -> None:
    op.create_table(
        "submission_evidence",
        sa.Column("tcn", sa.String(64), primary_key=True),
        sa.Column("sender", sa.String(32), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("signer", sa.String(2048), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("cut_at", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "relay_item",
        sa.Column("tcn", sa.String(64), primary_key=True),
        sa.Column("decision_id", _BIG, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("sendings", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime()),
        sa.Column("field", sa.String(120)),
        sa.Column("reason", sa.String(300)),
        sa.Column("held_by", sa.String(64)),
        sa.Column("owed", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_relay_item_state", "relay_item", ["state", "decision_id"])
    op.create_table(
        "relay_reply",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("tcn", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(8), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("passed_by", sa.String(80)),
        sa.Column("passed_at", sa.DateTime()),
        sa.Column("for_kiosk", sa.LargeBinary()),
        sa.Column("told_at", sa.DateTime()),
        sa.UniqueConstraint("tcn", "sha256", name="uq_relay_reply_tcn_sha256"),
    )
    op.create_index("ix_relay_reply_state", "relay_reply", ["state", "told_at"])
    op.create_table(
        "relay_report",
        sa.Column("report_id", _BIG, primary_key=True),
        sa.Column("tcn", sa.String(64), nullable=False),
        sa.Column("taken_at", sa.DateTime()),
    )
    op.create_index("ix_relay_report_tcn", "relay_report", ["tcn"])
    op.create_table(
        "relay_right",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("relay", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.String(16), nullable=False),
        sa.Column("given_by", sa.String(80), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("relay", "kind", "value", name="uq_relay_right_relay_kind_value"),
    )
    op.create_table(
        "relayed_device",
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("relay", sa.String(32), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "relay_arrival",
        sa.Column("tcn_sha256", sa.String(64), primary_key=True),
        sa.Column("relay", sa.String(32), nullable=False),
        sa.Column("arrived_at", sa.DateTime(), nullable=False),
    )
