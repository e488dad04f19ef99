"""The audit chain; accounts, roles, sessions, and what two people decide together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matcher_service.repositories.migrations.audit_triggers import triggers

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NO_HASH = "0" * 64
_NO_TIME = "0001-01-01T00:00:00.000000Z"


def upgrade() -> None:
    """Make them, and the head of an empty chain."""
    _audit()
    _accounts()
    _sessions()


def _audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("role", sa.String(120), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("repository", sa.String(64), nullable=False),
        sa.Column("jurisdiction", sa.String(32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    for column in ("at", "subject", "actor", "action"):
        op.create_index(f"ix_audit_entry_{column}", "audit_entry", [column])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": _NO_HASH, "at": _NO_TIME}])
    for statement in triggers(op.get_bind().dialect.name):
        op.execute(statement)


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("display_name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("password_until", sa.DateTime()),
        sa.Column("totp_sealed", sa.LargeBinary()),
        sa.Column("totp_step", _BIG, nullable=False),
        sa.Column("oidc_issuer", sa.String(200)),
        sa.Column("oidc_subject", sa.String(255)),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime()),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_account_oidc"),
    )
    op.create_table(
        "account_role",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("repository_id", sa.Integer(), sa.ForeignKey("repository.id")),
    )
    op.create_index("ix_account_role_account_id", "account_role", ["account_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("used_at", sa.DateTime()),
    )
    op.create_index("ix_recovery_code_account_id", "recovery_code", ["account_id"])
    op.create_table(
        "two_person_request",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("repository", sa.String(64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("requested_by", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(32), sa.ForeignKey("account.id")),
        sa.Column("decided_at", sa.DateTime()),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime()),
    )
    op.create_index("ix_two_person_request_state", "two_person_request", ["state"])


def _sessions() -> None:
    op.create_table(
        "login_session",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("claimed_roles", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("csrf_sha256", sa.String(64), nullable=False),
    )
    op.create_index("ix_login_session_account_id", "login_session", ["account_id"])
    op.create_table(
        "sign_in_source",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.Column("locked_until", sa.DateTime()),
    )
    op.create_table(
        "oidc_login",
        sa.Column("state_sha256", sa.String(64), primary_key=True),
        sa.Column("browser_sha256", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
    )


def downgrade() -> None:
    """Forget who may do what, and what was done: only for a database that was made by mistake."""
    for table in (
        "oidc_login", "sign_in_source", "login_session", "two_person_request", "recovery_code", "account_role",
        "account", "audit_head", "audit_entry",
    ):  # fmt: skip
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_only_grows()")
        op.execute("DROP FUNCTION audit_goes_on()")
