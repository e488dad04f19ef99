"""The directory: who has an account, with which roles. Every change is in the audit, in the same transaction."""

from __future__ import annotations

import difflib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from matcher_service.accounts import parameters
from matcher_service.accounts.errors import AccountError
from matcher_service.accounts.passwords import Hasher, check_new, first_password
from matcher_service.accounts.people import Account, Grant
from matcher_service.accounts.permissions import Role
from matcher_service.auditing import record
from matcher_service.errors import UnknownRepository
from matcher_service.repositories.account_tables import AccountRole, AccountRow, LoginSession
from matcher_service.repositories.schema import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import Session

    from matcher_service.repositories.database import Database

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?")
ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")
_PURPOSE = "account administration"


class AccountState(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account as an administrator sees it."""

    account: Account
    display_name: str
    state: AccountState
    created_at: datetime
    has_totp: bool
    first_password_until: datetime | None
    oidc_subject: str | None
    failures: int
    locked_until: datetime | None


class Directory:
    """All accounts. `by` is whoever does it, as the audit names them. Raises AccountError, StoreError."""

    def __init__(
        self,
        database: Database,
        *,
        hasher: Hasher | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._hasher = hasher or Hasher()
        self._now = now

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._database.read() as session:
            rows = list(session.scalars(select(AccountRow).order_by(AccountRow.name)))
            return [_person(session, row) for row in rows]

    def find(self, name: str) -> Person:
        """Somebody. Raises AccountError."""
        with self._database.read() as session:
            return _person(session, _row(session, name, to_change=False))

    def has_administrator(self) -> bool:
        """Whether there is anybody who may manage accounts."""
        with self._database.read() as session:
            return bool(_administrators(session))

    def any(self) -> bool:
        """Whether there is an account at all."""
        with self._database.read() as session:
            return session.scalar(select(AccountRow.id).limit(1)) is not None

    def add(
        self,
        name: str,
        *,
        by: str,
        grants: Iterable[Grant] = (),
        display_name: str = "",
        ori: str = "",
        password: bool = True,
    ) -> str:
        """A new account; its first password, which is nowhere else, or "" for one that comes by OpenID Connect only."""
        if not NAME.fullmatch(name):
            raise AccountError(name[:60], "is no name: use 1 to 40 of a-z, 0-9, '.', '_' and '-'")
        if ori and not ORI.fullmatch(ori):
            raise AccountError(name, f"'{ori[:20]}' is no ORI: two letters and seven letters or digits")
        if len(display_name) > 120 or not display_name.isprintable():
            raise AccountError(name, "the display name has at most 120 printable characters")
        first = first_password() if password else ""
        hashed = self._hasher.hash(first) if password else ""
        now = self._now()
        with self._database.write() as session:
            if session.scalar(select(AccountRow.id).where(AccountRow.name == name)) is not None:
                raise AccountError(name, "is taken; names are never used again")
            row = AccountRow(
                id=secrets.token_hex(16),
                name=name,
                display_name=display_name,
                password_hash=hashed,
                password_until=now + timedelta(hours=parameters.FIRST_PASSWORD_HOURS) if password else None,
                totp_sealed=None,
                totp_step=-1,
                ori=ori,
                state=AccountState.ACTIVE,
                created_at=now,
                failures=0,
                locked_until=None,
            )
            session.add(row)
            session.flush()
            told = _give(session, row, grants)
            record(
                session,
                "account.add",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"ori": ori, "roles": told},
            )
        return first

    def set_grants(self, name: str, grants: Iterable[Grant], *, by: str) -> None:
        """Other roles, at once. The last administrator keeps the role."""
        with self._database.write() as session:
            row = _row(session, name)
            administrators = _administrators(session)
            before = _told(grants_of(session, row.id))
            session.execute(delete(AccountRole).where(AccountRole.account_id == row.id))
            told = _give(session, row, grants)
            _keep_an_administrator(session, administrators)
            record(
                session,
                "account.roles",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"before": before, "roles": told},
            )

    def set_ori(self, name: str, ori: str, *, by: str) -> None:
        """Another agency."""
        if ori and not ORI.fullmatch(ori):
            raise AccountError(name, f"'{ori[:20]}' is no ORI: two letters and seven letters or digits")
        with self._database.write() as session:
            row = _row(session, name)
            before, row.ori = row.ori, ori
            record(
                session,
                "account.ori",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"before": before, "ori": ori},
            )

    def disable(self, name: str, *, by: str) -> int:
        """Let somebody in no more, and end the sessions at once; how many there were."""
        with self._database.write() as session:
            row = _row(session, name)
            administrators = _administrators(session)
            row.state = AccountState.DISABLED
            session.flush()
            _keep_an_administrator(session, administrators)
            ended = end_sessions(session, row.id)
            record(
                session,
                "account.disable",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"sessions": ended},
            )
            return ended

    def enable(self, name: str, *, by: str) -> None:
        """Let somebody in again."""
        with self._database.write() as session:
            _row(session, name).state = AccountState.ACTIVE
            record(session, "account.enable", actor=by, purpose=_PURPOSE, subject=name)

    def unlock(self, name: str, *, by: str) -> None:
        """Forget wrong tries."""
        with self._database.write() as session:
            row = _row(session, name)
            row.failures, row.locked_until = 0, None
            record(session, "account.unlock", actor=by, purpose=_PURPOSE, subject=name)

    def reset_password(self, name: str, *, by: str) -> str:
        """A first password again; all sessions end."""
        first = first_password()
        hashed = self._hasher.hash(first)
        with self._database.write() as session:
            row = _row(session, name)
            row.password_hash = hashed
            row.password_until = self._now() + timedelta(hours=parameters.FIRST_PASSWORD_HOURS)
            ended = end_sessions(session, row.id)
            record(
                session,
                "account.reset-password",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"sessions": ended},
            )
        return first

    def change_password(self, account: Account, *, old: str, new: str) -> None:
        """One's own. All sessions end but the one that is renewed after it. Raises BadPassword, AccountError."""
        with self._database.read() as session:
            row = _row(session, account.name, to_change=False)
        check_new(new, about=(row.name, row.display_name, *row.display_name.split()))
        if not self._hasher.matches(row.password_hash, old):
            raise AccountError(account.name, "the old password is wrong")
        if self._hasher.matches(row.password_hash, new):
            raise AccountError(account.name, "the new password is the old one; choose another")
        hashed = self._hasher.hash(new)
        with self._database.write() as session:
            again = _row(session, account.name)
            if again.password_hash != row.password_hash:
                raise AccountError(account.name, "the password was changed meanwhile; sign in again")
            again.password_hash, again.password_until = hashed, None
            record(
                session, "account.password", actor=account.name, purpose="own account", subject=account.name
            )

    def link_oidc(self, name: str, *, issuer: str, subject: str, by: str) -> None:
        """Let whom the identity provider calls `subject` in as this account; an empty subject: no more."""
        if len(subject) > 255 or not subject.isprintable():
            raise AccountError(name, "a subject has at most 255 printable characters")
        with self._database.write() as session:
            row = _row(session, name)
            taken = session.scalar(
                select(AccountRow.name).where(
                    AccountRow.oidc_issuer == issuer,
                    AccountRow.oidc_subject == subject,
                    AccountRow.id != row.id,
                )
            )
            if subject and taken is not None:
                raise AccountError(name, f"the provider's subject belongs to '{taken}' already")
            row.oidc_issuer, row.oidc_subject = (issuer, subject) if subject else (None, None)
            record(
                session,
                "account.link",
                actor=by,
                purpose=_PURPOSE,
                subject=name,
                details={"linked": bool(subject)},
            )


def account_of(session: Session, row: AccountRow) -> Account:
    """The account of a row, with its grants as they are now."""
    return Account(id=row.id, name=row.name, grants=tuple(grants_of(session, row.id)), ori=row.ori)


def grants_of(session: Session, account_id: str) -> list[Grant]:
    """The grants of an account; a role that this version does not know is none."""
    query = (
        select(AccountRole.role, Repository.name)
        .outerjoin(Repository, Repository.id == AccountRole.repository_id)
        .where(AccountRole.account_id == account_id)
        .order_by(AccountRole.id)
    )
    return [Grant(Role(role), where) for role, where in session.execute(query) if role in set(Role)]


def end_sessions(session: Session, account_id: str) -> int:
    """End all sessions of an account; how many there were."""
    return len(
        session.scalars(
            delete(LoginSession)
            .where(LoginSession.account_id == account_id)
            .returning(LoginSession.token_sha256)
        ).all()
    )


def has_totp(row: AccountRow) -> bool:
    """Whether an authenticator was enrolled and has shown that it works."""
    return row.totp_sealed is not None and row.totp_step >= 0


def _give(session: Session, row: AccountRow, grants: Iterable[Grant]) -> str:
    ids = dict(session.execute(select(Repository.name, Repository.id)).all())
    wanted = sorted(set(grants), key=lambda one: (one.role, one.repository or ""))
    for grant in wanted:
        if grant.repository is not None and grant.repository not in ids:
            raise UnknownRepository(grant.repository, sorted(ids))
        if grant.role is Role.REPOSITORY_OWNER and grant.repository is None:
            raise AccountError(
                row.name, "an owner owns something: give the role as repository_owner:REPOSITORY"
            )
        if grant.role in {Role.OFFICER, Role.CASE_OFFICER} and not row.ori:
            raise AccountError(row.name, f"the role {grant.role} is for one agency: name its ORI")
        where = None if grant.repository is None else ids[grant.repository]
        session.add(AccountRole(account_id=row.id, role=grant.role, repository_id=where))
    session.flush()
    return _told(wanted)


def _told(grants: Iterable[Grant]) -> str:
    return " ".join(one.role if one.repository is None else f"{one.role}:{one.repository}" for one in grants)[
        :300
    ]


def _administrators(session: Session) -> list[str]:
    query = (
        select(AccountRow.name)
        .join(AccountRole, AccountRole.account_id == AccountRow.id)
        .where(
            AccountRow.state == AccountState.ACTIVE,
            AccountRole.role == Role.ADMINISTRATOR,
            AccountRole.repository_id.is_(None),
        )
    )
    return list(session.scalars(query))


def _keep_an_administrator(session: Session, before: list[str]) -> None:
    if before and not _administrators(session):
        raise AccountError(before[0], "is the last administrator; make another one first")


def _row(session: Session, name: str, *, to_change: bool = True) -> AccountRow:
    query = select(AccountRow).where(AccountRow.name == name)
    row = session.scalar(query.with_for_update() if to_change else query)
    if row is None:
        near = difflib.get_close_matches(name, list(session.scalars(select(AccountRow.name))), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "see: matcher-service accounts list"
        raise AccountError(name[:60], f"there is none; {hint}")
    return row


def _person(session: Session, row: AccountRow) -> Person:
    return Person(
        account=account_of(session, row),
        display_name=row.display_name,
        state=AccountState(row.state),
        created_at=row.created_at,
        has_totp=has_totp(row),
        first_password_until=row.password_until,
        oidc_subject=row.oidc_subject,
        failures=row.failures,
        locked_until=row.locked_until,
    )
