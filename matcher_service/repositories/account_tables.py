"""The tables of people: accounts, their roles, their sessions, failed sign-ins, and what two people decide together."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey, UtcDateTime


class AccountRow(Base):
    """Somebody who may sign in. Never removed: the audit names them for ever."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_account_oidc"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    # Empty: no password, the account comes by OpenID Connect.
    password_hash: Mapped[str] = mapped_column(String(200))
    # Set while the password is one that somebody else chose: until when it may be changed.
    password_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    # The time step of the last code that was used; a code counts once.
    totp_step: Mapped[int] = mapped_column(BigKey)
    oidc_issuer: Mapped[str | None] = mapped_column(String(200))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))
    ori: Mapped[str] = mapped_column(String(9))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccountRole(Base):
    """A role of an account; with a repository, in that one only."""

    __tablename__ = "account_role"
    __table_args__ = (Index("ix_account_role_account_id", "account_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str] = mapped_column(String(32))
    repository_id: Mapped[int | None] = mapped_column(ForeignKey("repository.id"))


class RecoveryCode(Base):
    """A code for whoever has lost the authenticator, as its hash. Each works once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginSession(Base):
    """A signed-in browser or terminal. The token itself is nowhere but there."""

    __tablename__ = "login_session"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    # Roles that the settings give to a claim of the identity provider, for this session only; separated by spaces.
    claimed_roles: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    csrf_sha256: Mapped[str] = mapped_column(String(64))


class SignInSource(Base):
    """Where failed sign-ins came from, as a keyed hash of the address."""

    __tablename__ = "sign_in_source"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OidcLogin(Base):
    """Somebody who was sent to the identity provider and is not back yet."""

    __tablename__ = "oidc_login"

    state_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_sha256: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TwoPersonRequest(Base):
    """Something that one person asks for and another has to agree to. `details` is what will be done, exactly."""

    __tablename__ = "two_person_request"
    __table_args__ = (Index("ix_two_person_request_state", "state"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    action: Mapped[str] = mapped_column(String(32))
    repository: Mapped[str] = mapped_column(String(64))
    details: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(200))
    requested_by: Mapped[str] = mapped_column(ForeignKey("account.id"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
