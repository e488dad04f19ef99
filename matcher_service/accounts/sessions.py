"""Sessions: a random token in a browser, its SHA-256 here. They end when unused, when old, and when told to.

What a session may do is asked anew each time: a role that was taken away, or an account that was disabled, counts at
once. A session that still owes a password or an authenticator has no grants.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from matcher_service.accounts import parameters
from matcher_service.accounts.directory import AccountState, account_of, end_sessions, has_totp
from matcher_service.accounts.people import Account, Grant
from matcher_service.accounts.permissions import Role
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow, LoginSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import Session as DatabaseSession

    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.repositories.database import Database

TOKEN_BYTES = 32
PASSWORD, OIDC = "password", "oidc"
OWES_PASSWORD, OWES_TOTP = "password", "totp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as its owner has it.

    Attributes:
        token: for a cookie (HttpOnly, Secure, SameSite=Strict) and for nothing else.
        csrf: goes into every form, and comes back with it.
        account: who it is, with no grants while there are duties.
        duties: what has to be done first: "password", "totp".
        expires_at: when it ends at the latest.
    """

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    account: Account
    duties: frozenset[str] = frozenset()
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A session as an administrator sees it: `id` is the beginning of its token's hash, which opens nothing."""

    id: str
    name: str
    method: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Sessions:
    """See the module. Raises StoreError."""

    def __init__(
        self,
        database: Database,
        *,
        settings: AccountsSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._settings = settings
        self._now = now

    def begin(
        self,
        session: DatabaseSession,
        row: AccountRow,
        *,
        method: str,
        old_token: str | None = None,
        claimed: Iterable[Role] = (),
        until: datetime | None = None,
    ) -> Session:
        """A new one, in the caller's transaction, with a token that nobody has seen; `old_token` ends with it."""
        now = self._now()
        if old_token:
            session.execute(delete(LoginSession).where(LoginSession.token_sha256 == digest(old_token)))
        session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires = until or now + timedelta(hours=self._settings.absolute_hours)
        made = LoginSession(
            token_sha256=digest(token),
            account_id=row.id,
            method=method,
            claimed_roles=" ".join(sorted(set(claimed))),
            created_at=now,
            seen_at=now,
            expires_at=expires,
            csrf_sha256=digest(csrf_of(token)),
        )
        session.add(made)
        session.flush()
        return self._session(session, made, row, token)

    def find(self, token: str) -> Session | None:
        """Whose session it is, if it is still one; its use is noted."""
        if not token or len(token) > 100:
            return None
        key, now = digest(token), self._now()
        with self._database.read() as session:
            found = self._valid(session, key, now)
            if found is None:
                return None
            made, row = found
            answer = self._session(session, made, row, token)
            stale = abs(now - made.seen_at) >= timedelta(seconds=parameters.SEEN_EVERY_S)
        if stale:
            with self._database.write() as session:
                session.execute(
                    update(LoginSession).where(LoginSession.token_sha256 == key).values(seen_at=now)
                )
        return answer

    def renew(self, token: str) -> Session | None:
        """The same session under another token, after a right was gained; the old token is void."""
        key, now = digest(token), self._now()
        with self._database.write() as session:
            found = self._valid(session, key, now)
            if found is None:
                return None
            made, row = found
            claimed = [Role(role) for role in made.claimed_roles.split() if role in set(Role)]
            return self.begin(
                session, row, method=made.method, old_token=token, claimed=claimed, until=made.expires_at
            )

    def end(self, token: str) -> bool:
        """Sign out; False if there was nothing to end."""
        with self._database.write() as session:
            made = session.get(LoginSession, digest(token))
            if made is None:
                return False
            name = (
                session.scalar(select(AccountRow.name).where(AccountRow.id == made.account_id))
                or "system:accounts"
            )
            session.delete(made)
            record(session, "session.end", actor=name, purpose="sign-out", subject=name)
            return True

    def end_all(self, name: str, *, by: str, keep: str | None = None) -> int:
        """Sign an account out everywhere, but for the session of the token `keep`; how many there were."""
        with self._database.write() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == name))
            if row is None:
                return 0
            kept = session.get(LoginSession, digest(keep)) if keep else None
            if kept is not None:
                query = delete(LoginSession).where(
                    LoginSession.account_id == row.id, LoginSession.token_sha256 != kept.token_sha256
                )
                ended = len(session.scalars(query.returning(LoginSession.token_sha256)).all())
            else:
                ended = end_sessions(session, row.id)
            record(
                session,
                "session.end-all",
                actor=by,
                purpose="sign-out everywhere",
                subject=name,
                details={"sessions": ended},
            )
            return ended

    def open_ones(self, name: str | None = None) -> list[OpenSession]:
        """All sessions that have not run out, or those of one account, the newest first."""
        now = self._now()
        query = (
            select(LoginSession, AccountRow.name)
            .join(AccountRow, AccountRow.id == LoginSession.account_id)
            .where(LoginSession.expires_at > now, LoginSession.seen_at > now - self._idle)
            .order_by(LoginSession.created_at.desc())
        )
        if name is not None:
            query = query.where(AccountRow.name == name)
        with self._database.read() as session:
            return [
                OpenSession(
                    id=made.token_sha256[:12],
                    name=whose,
                    method=made.method,
                    created_at=made.created_at,
                    seen_at=made.seen_at,
                    expires_at=made.expires_at,
                )
                for made, whose in session.execute(query)
            ]

    @property
    def _idle(self) -> timedelta:
        return timedelta(minutes=self._settings.idle_minutes)

    def _valid(
        self, session: DatabaseSession, key: str, now: datetime
    ) -> tuple[LoginSession, AccountRow] | None:
        made = session.get(LoginSession, key)
        if made is None:
            return None
        row = session.get(AccountRow, made.account_id)
        ahead = timedelta(seconds=parameters.CLOCK_BACK_S)
        if (
            row is None
            or row.state != AccountState.ACTIVE
            or now >= made.expires_at
            or now - made.seen_at >= self._idle
            or made.seen_at - now > ahead
        ):
            return None
        return made, row

    def _session(self, session: DatabaseSession, made: LoginSession, row: AccountRow, token: str) -> Session:
        duties = self._duties(made, row)
        account = account_of(session, row)
        claimed = tuple(Grant(Role(role)) for role in made.claimed_roles.split() if role in set(Role))
        grants = () if duties else (*account.grants, *claimed)
        return Session(
            token=token,
            csrf=csrf_of(token),
            account=replace(account, grants=grants),
            duties=duties,
            expires_at=made.expires_at,
        )

    def _duties(self, made: LoginSession, row: AccountRow) -> frozenset[str]:
        if made.method == OIDC:  # the provider sees to both
            return frozenset()
        owed = set[str]()
        if row.password_until is not None:
            owed.add(OWES_PASSWORD)
        if self._settings.require_totp and not has_totp(row):
            owed.add(OWES_TOTP)
        return frozenset(owed)


def csrf_of(token: str) -> str:
    """The token that forms of a session carry; it cannot be made without the session's own."""
    made = hmac.new(token.encode("utf-8", "replace"), b"whorl csrf", sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def right_csrf(session: Session, given: str) -> bool:
    """Whether a form came from a page of this very session."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))


def digest(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()
