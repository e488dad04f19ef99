"""Jurisdictions, agencies, activations, and the decision of each submission for each repository."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them; the register is empty, and its clock stands at nought. Nobody is searched anywhere by an empty one."""
    _register()
    _decisions()
    _queue()
    clock = sa.table("routing_clock", sa.column("id"), sa.column("version"), sa.column("mode"))
    op.bulk_insert(clock, [{"id": 1, "version": 0, "mode": "rules"}])


def downgrade() -> None:
    """Forget the register, and why anything was searched."""
    op.drop_index("ix_submission_received_at", "submission")
    op.drop_index("ix_submission_waiting", "submission")
    op.drop_column("submission", "priority")
    op.create_index("ix_submission_outcome_attempts_id", "submission", ["outcome", "attempts", "id"])
    for table in (
        "routing_decision",
        "disposition_report",
        "submission_facts",
        "routing_mode_change",
        "routing_clock",
        "activation_proposal",
        "activation_version",
        "activation",
        "agency",
        "jurisdiction",
    ):
        op.drop_table(table)


def _register() -> None:
    op.create_table(
        "jurisdiction",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(16), nullable=False, unique=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("fips", sa.String(5), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("parent_id", sa.Integer(), sa.ForeignKey("jurisdiction.id")),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_jurisdiction_parent_id", "jurisdiction", ["parent_id"])
    op.create_table(
        "agency",
        sa.Column("ori", sa.String(9), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), sa.ForeignKey("jurisdiction.id"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_agency_jurisdiction_id", "agency", ["jurisdiction_id"])
    op.create_table(
        "activation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("jurisdiction_id", sa.Integer(), sa.ForeignKey("jurisdiction.id"), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.UniqueConstraint("jurisdiction_id", "repository_id", name="uq_activation"),
    )
    op.create_index("ix_activation_repository_id", "activation", ["repository_id"])
    op.create_table(
        "activation_version",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("activation_id", sa.Integer(), sa.ForeignKey("activation.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("from_at", sa.DateTime(), nullable=False),
        sa.Column("until_at", sa.DateTime()),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.String(200), nullable=False),
        sa.Column("document_sha256", sa.String(64), nullable=False),
        sa.Column("entered_by", sa.String(64), nullable=False),
        sa.Column("approved_by", sa.String(64), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("registry_version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("activation_id", "version", name="uq_activation_version"),
    )
    op.create_index("ix_activation_version_registry_version", "activation_version", ["registry_version"])
    op.create_table(
        "activation_proposal",
        sa.Column("request_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text(), nullable=False),
    )
    op.create_table(
        "routing_clock",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
    )
    op.create_table(
        "routing_mode_change",
        sa.Column("registry_version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("mode", sa.String(16), nullable=False),
    )


def _decisions() -> None:
    op.create_table(
        "submission_facts",
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), primary_key=True),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), sa.ForeignKey("jurisdiction.id")),
        sa.Column("transaction_type", sa.String(8), nullable=False),
        sa.Column("charge_class", sa.String(16)),
        sa.Column("disposition", sa.String(16)),
        sa.Column("fingers", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("waited_s", sa.Double()),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_submission_facts_jurisdiction_id", "submission_facts", ["jurisdiction_id"])
    op.create_index("ix_submission_facts_pending", "submission_facts", ["pending", "submission_id"])
    op.create_table(
        "disposition_report",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("tcn", sa.String(64), nullable=False),
        sa.Column("charge_class", sa.String(16)),
        sa.Column("disposition", sa.String(16)),
        sa.Column("reported_at", sa.DateTime(), nullable=False),
        sa.Column("reported_by", sa.String(64), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
    )
    op.create_index("ix_disposition_report_tcn", "disposition_report", ["tcn"])
    op.create_table(
        "routing_decision",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("submission_id", _BIG, sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id"), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("answer", sa.String(8), nullable=False),
        sa.Column("reason_code", sa.String(32), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("activation_id", sa.Integer(), sa.ForeignKey("activation.id")),
        sa.Column("activation_version", sa.Integer()),
        sa.Column("registry_version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
    )
    op.create_index(
        "ix_routing_decision_submission_id",
        "routing_decision",
        ["submission_id", "repository_id", "id", "verdict", "reason_code"],
    )


def _queue() -> None:
    """Who waits for an answer is searched before who does not."""
    op.add_column("submission", sa.Column("priority", sa.Integer(), nullable=False, server_default="1"))
    op.drop_index("ix_submission_outcome_attempts_id", "submission")
    op.create_index("ix_submission_waiting", "submission", ["outcome", "attempts", "priority", "id"])
    op.create_index("ix_submission_received_at", "submission", ["received_at"])
