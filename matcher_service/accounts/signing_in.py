"""Signing in with name, password and code.

A try is counted before it is looked at, for its name and for where it comes from, so that many at once gain nothing.
What is wrong is never said, and takes the same time for names that there are not.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.logs import facts
from matcher_service.accounts import parameters
from matcher_service.accounts.authenticators import Accepted, Authenticators
from matcher_service.accounts.delays import charge, delay_after, give_back, lock, wait_of
from matcher_service.accounts.directory import NAME, AccountState, has_totp
from matcher_service.accounts.passwords import Hasher
from matcher_service.accounts.sessions import PASSWORD, Session, Sessions
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session as DatabaseSession

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.repositories.database import Database

log = logging.getLogger("matcher.accounts")

_MOST_OF_A_NAME = 64
# After MOST_FAILURES: until an administrator unlocks it.
FOR_EVER = datetime(9000, 1, 1, tzinfo=UTC)


class Why(StrEnum):
    """Why somebody was not let in, as far as strangers are told."""

    WRONG = "wrong"
    WAIT = "wait"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not let in. `words` are for whoever tries; `wait_s` is how long to wait before the next try."""

    why: Why
    words: str
    wait_s: float = 0.0


WRONG = Refusal(Why.WRONG, "Name, password or code is wrong. A code works once: wait for the next one.")


class SignIn:
    """The door for local accounts. Raises StoreError, KeyFileError."""

    def __init__(
        self,
        database: Database,
        *,
        settings: AccountsSettings,
        sealer: Sealer,
        hasher: Hasher | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._settings = settings
        self._sealer = sealer
        self._hasher = hasher or Hasher()
        self._now = now
        self._authenticators = Authenticators(database, sealer=sealer, now=now)
        self.sessions = Sessions(database, settings=settings, now=now)

    def sign_in(
        self, name: str, password: str, code: str, source: str, *, old_token: str | None = None
    ) -> Session | Refusal:
        """A new session, or why not. `source` is the caller's address, `old_token` a session that this one replaces."""
        name = name.strip().lower()[:_MOST_OF_A_NAME]
        keys = (self._sealer.alias(f"source {source}"), self._sealer.alias(f"name {name}"))
        wait, stored = self._charge(name, keys)
        if wait:
            log.warning("sign-in has to wait", extra=facts(source=keys[0][:12], seconds=round(wait)))
            return Refusal(Why.WAIT, f"Too many tries. Wait {_in_words(wait)}, then try again.", wait)
        right = self._hasher.matches(stored, password)
        rehashed = self._hasher.hash(password) if right and self._hasher.outdated(stored) else ""
        with self._database.write() as session:
            name = name if NAME.fullmatch(name) else ""
            counted = lock(session, keys[0])
            row = session.scalar(select(AccountRow).where(AccountRow.name == name).with_for_update())
            accepted = self._let_in(session, row, stored, code) if row is not None and right else None
            if row is None or accepted is None:
                _refused(session, row, keys[0])
                return WRONG
            row.failures, row.locked_until = 0, None
            if rehashed:
                row.password_hash = rehashed
            give_back(counted)
            made = self.sessions.begin(session, row, method=PASSWORD, old_token=old_token)
            record(
                session,
                "session.begin",
                actor=row.name,
                purpose="sign-in",
                subject=row.name,
                role=made.account.acting_as,
                details={"method": PASSWORD, "source": keys[0][:12], "owes": ",".join(sorted(made.duties))},
            )
            if accepted.recovery_codes_left is not None:
                record(
                    session,
                    "account.recovery-code",
                    actor=row.name,
                    purpose="sign-in",
                    subject=row.name,
                    details={"left": accepted.recovery_codes_left},
                )
            return made

    def _charge(self, name: str, keys: tuple[str, str]) -> tuple[float, str]:
        """Count this try; the seconds to wait instead, and the hash of the password to be held against."""
        now = self._now()
        name = name if NAME.fullmatch(name) else ""
        with self._database.write() as session:
            wait = charge(session, keys[0], free=parameters.SOURCE_FREE_FAILURES, now=now)
            if wait:
                return wait, ""
            row = session.scalar(select(AccountRow).where(AccountRow.name == name).with_for_update())
            if row is None:  # waits as an account would: whoever has to wait learns nothing from it
                return charge(session, keys[1], free=parameters.FREE_FAILURES, now=now, forgets=False), ""
            wait = wait_of(row.locked_until, now)
            if wait:
                return wait, ""
            row.failures += 1
            delay = delay_after(row.failures, free=parameters.FREE_FAILURES)
            row.locked_until = now + delay if delay else None
            if row.failures >= parameters.MOST_FAILURES:
                row.locked_until = FOR_EVER
            return 0.0, row.password_hash if row.state == AccountState.ACTIVE else ""

    def _let_in(self, session: DatabaseSession, row: AccountRow, stored: str, code: str) -> Accepted | None:
        if row.state != AccountState.ACTIVE or row.password_hash != stored:
            return None
        if row.password_until is not None and row.password_until <= self._now():
            return None
        return self._authenticators.accepts(session, row, code) if has_totp(row) else Accepted()


def _refused(session: DatabaseSession, row: AccountRow | None, source: str) -> None:
    # What was typed as a name is not written down: it is a password often enough.
    record(
        session,
        "session.refused",
        actor="system:accounts",
        purpose="sign-in",
        subject="" if row is None else row.name,
        details={"source": source[:12], "known": row is not None},
    )


def _in_words(seconds: float) -> str:
    whole = timedelta(seconds=max(1, round(seconds)))
    return f"{whole.seconds} seconds" if whole.seconds < 90 else f"{-(-whole.seconds // 60)} minutes"
