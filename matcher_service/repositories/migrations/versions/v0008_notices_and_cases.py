"""Identifications, who is told of them and how they are taken back; the cases of those who were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, empty."""
    _notice()
    _case()


def downgrade() -> None:
    """Forget them."""
    for table in (
        "second_response",
        "evaluation",
        "level_change",
        "level_table",
        "conviction",
        "case_file",
        "retraction",
        "challenge",
        "notification",
        "subscription",
        "subscriber",
        "identification",
    ):
        op.drop_table(table)


def _notice() -> None:
    op.create_table(
        "identification",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("task_id", _BIG, sa.ForeignKey("review_task.id"), nullable=False, unique=True),
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("identity_id", sa.String(32), sa.ForeignKey("identity.id", ondelete="SET NULL")),
        sa.Column("confirmed_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(200), nullable=False),
        sa.Column("log10_fmr", sa.Double()),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_index("ix_identification_identity_id", "identification", ["identity_id"])
    op.create_index("ix_identification_repository_id", "identification", ["repository_id"])
    op.create_index("ix_identification_submission_id", "identification", ["submission_id"])
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(32), nullable=False, unique=True),
        sa.Column("words", sa.String(120), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("sealing_pem", sa.String(2048), nullable=False),
        sa.Column("signing_pem", sa.String(2048), nullable=False),
        sa.Column("webhook_url", sa.String(500), nullable=False),
        sa.Column("webhook_secret_sealed", sa.LargeBinary()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "subscriber_id", sa.Integer(), sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), sa.ForeignKey("jurisdiction.id")),
    )
    op.create_index("ix_subscription_jurisdiction_id", "subscription", ["jurisdiction_id"])
    op.create_index("ix_subscription_repository_id", "subscription", ["repository_id"])
    op.create_index("ix_subscription_subscriber_id", "subscription", ["subscriber_id"])
    op.create_table(
        "notification",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("number", sa.String(32), nullable=False, unique=True),
        sa.Column("identification_id", _BIG, sa.ForeignKey("identification.id"), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), sa.ForeignKey("subscriber.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("held_because", sa.String(64)),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("escalated_at", sa.DateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("received_at", sa.DateTime()),
        sa.Column("via", sa.String(8), nullable=False),
        sa.Column("answers_id", _BIG, sa.ForeignKey("notification.id")),
    )
    op.create_index("ix_notification_answers_id", "notification", ["answers_id"])
    op.create_index("ix_notification_identification_id", "notification", ["identification_id"])
    op.create_index("ix_notification_state_next_at", "notification", ["state", "next_at"])
    op.create_index("ix_notification_subscriber_id", "notification", ["subscriber_id"])
    op.create_table(
        "challenge",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("identification_id", _BIG, sa.ForeignKey("identification.id"), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("opened_by", sa.String(64), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("closed_by", sa.String(64)),
    )
    op.create_index("ix_challenge_identification_id", "challenge", ["identification_id"])
    op.create_table(
        "retraction",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("identification_id", _BIG, sa.ForeignKey("identification.id"), nullable=False, unique=True),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
    )


def _case() -> None:
    op.create_table(
        "case_file",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("identification_id", _BIG, sa.ForeignKey("identification.id"), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), sa.ForeignKey("subscriber.id"), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("level", sa.Integer()),
        sa.Column("level_table_version", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("owner_id", sa.String(32), sa.ForeignKey("account.id")),
        sa.UniqueConstraint("identification_id", "subscriber_id", name="uq_case_file"),
    )
    op.create_index("ix_case_file_owner_id", "case_file", ["owner_id"])
    op.create_index(
        "ix_case_file_subscriber_id_state_level", "case_file", ["subscriber_id", "state", "level"]
    )
    op.create_table(
        "conviction",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("case_id", _BIG, sa.ForeignKey("case_file.id"), nullable=False),
        sa.Column("offence_code", sa.String(32), nullable=False),
        sa.Column("offence_class", sa.String(32), nullable=False),
        sa.Column("convicted_on", sa.Date(), nullable=False),
        sa.Column("sentence_days", sa.Integer()),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
        sa.Column("vacated_at", sa.DateTime()),
    )
    op.create_index("ix_conviction_case_id", "conviction", ["case_id"])
    op.create_table(
        "level_table",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("put_at", sa.DateTime(), nullable=False),
        sa.Column("put_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "level_change",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("case_id", _BIG, sa.ForeignKey("case_file.id"), nullable=False),
        sa.Column("level", sa.Integer()),
        sa.Column("table_version", sa.String(32), nullable=False),
        sa.Column("because", sa.String(500), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_level_change_case_id", "level_change", ["case_id"])
    op.create_table(
        "evaluation",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("case_id", _BIG, sa.ForeignKey("case_file.id"), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_evaluation_case_id", "evaluation", ["case_id"])
    op.create_table(
        "second_response",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("told_at", sa.DateTime()),
        sa.Column("withdrawn_at", sa.DateTime()),
    )
    op.create_index("ix_second_response_submission_id", "second_response", ["submission_id"])
    op.create_index("ix_second_response_told_at", "second_response", ["told_at"])
