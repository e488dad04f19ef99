"""OSIA clients: topics and subscriptions, tasks with a callback, and what is posted to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    _osia()


def downgrade() -> None:
    """Forget them."""
    for table in ("osia_told", "osia_message", "osia_task", "osia_subscription", "osia_topic"):
        op.drop_table(table)


def _osia() -> None:
    op.create_table(
        "osia_topic",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(40), nullable=False),
        sa.Column("repository", sa.String(64), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("repository", "name", name="uq_osia_topic_repository"),
    )
    op.create_index("ix_osia_topic_client", "osia_topic", ["client"])
    op.create_table(
        "osia_subscription",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(40), nullable=False),
        sa.Column("repository", sa.String(64), nullable=False),
        sa.Column("topic_id", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("countdown_s", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(64), unique=True),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.UniqueConstraint("client", "topic_id", "address", name="uq_osia_subscription_client"),
    )
    op.create_index("ix_osia_subscription_topic_id", "osia_subscription", ["topic_id"])
    op.create_table(
        "osia_task",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(40), nullable=False),
        sa.Column("transaction_id", sa.String(100), nullable=False),
        sa.Column("verb", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("asked", sa.LargeBinary()),
        sa.Column("callback", sa.String(500), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(64), nullable=False),
        sa.Column("claimed_until", sa.DateTime()),
        sa.Column("done_at", sa.DateTime()),
    )
    op.create_index("ix_osia_task_client_done_at", "osia_task", ["client", "done_at"])
    op.create_index("ix_osia_task_done_at", "osia_task", ["done_at"])
    op.create_table(
        "osia_message",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("number", sa.String(32), nullable=False, unique=True),
        sa.Column("client", sa.String(40), nullable=False),
        sa.Column(
            "subscription_id", sa.String(32), sa.ForeignKey("osia_subscription.id", ondelete="CASCADE")
        ),
        sa.Column("task_id", sa.String(32), sa.ForeignKey("osia_task.id", ondelete="CASCADE")),
        sa.Column("identification_id", _BIG, sa.ForeignKey("identification.id", ondelete="CASCADE")),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("lane", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("retried", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
    )
    op.create_index("ix_osia_message_client", "osia_message", ["client"])
    op.create_index("ix_osia_message_identification_id", "osia_message", ["identification_id"])
    op.create_index("ix_osia_message_state_next_at", "osia_message", ["state", "next_at"])
    op.create_index("ix_osia_message_subscription_id", "osia_message", ["subscription_id"])
    op.create_index("ix_osia_message_task_id", "osia_message", ["task_id"])
    op.create_table(
        "osia_told",
        sa.Column(
            "subscription_id",
            sa.String(32),
            sa.ForeignKey("osia_subscription.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "identification_id",
            _BIG,
            sa.ForeignKey("identification.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_index("ix_osia_told_identification_id", "osia_told", ["identification_id"])
