"""Authenticators of accounts: enrolled by their owner, reset by an administrator, each code good once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from matcher_service.accounts.directory import end_sessions, has_totp
from matcher_service.accounts.errors import AccountError
from matcher_service.accounts.totp import (
    Enrolment,
    enrolment,
    new_recovery_codes,
    new_secret,
    recovery_digest,
    step_of,
)
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow, RecoveryCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.accounts.people import Account
    from matcher_service.repositories.database import Database

# An authenticator that has not shown yet that it works.
UNCONFIRMED = -1


@dataclass(frozen=True, slots=True)
class Accepted:
    """A right code. `recovery_codes_left` is None, unless one of those was used."""

    recovery_codes_left: int | None = None


class Authenticators:
    """See the module. Raises AccountError, KeyFileError, StoreError."""

    def __init__(
        self, database: Database, *, sealer: Sealer, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._now = now

    def begin(self, account: Account) -> Enrolment:
        """A new secret, to be shown to its owner; it counts when `confirm` has seen a code of it."""
        with self._database.write() as session:
            row = session.get_one(AccountRow, account.id, with_for_update=True)
            if has_totp(row):
                raise AccountError(
                    account.name, "has an authenticator already; an administrator can reset it if it is lost"
                )
            secret = new_secret()
            row.totp_sealed = self._sealer.seal(secret.encode("ascii"), account=row.id)
            row.totp_step = UNCONFIRMED
            return enrolment(secret, name=row.name)

    def confirm(self, account: Account, code: str) -> list[str]:
        """Take the authenticator into use, with a code of it; recovery codes, which are nowhere else."""
        with self._database.write() as session:
            row = session.get_one(AccountRow, account.id, with_for_update=True)
            if row.totp_sealed is None or has_totp(row):
                raise AccountError(account.name, "is not enrolling an authenticator; begin anew")
            step = self._step(row, code)
            if step is None:
                raise AccountError(
                    account.name,
                    "the code is wrong: wait for the next one, and look at the clocks of both machines",
                )
            row.totp_step = step
            codes = new_recovery_codes()
            session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == row.id))
            session.add_all(
                RecoveryCode(account_id=row.id, code_sha256=recovery_digest(one)) for one in codes
            )
            record(session, "account.totp", actor=row.name, purpose="own account", subject=row.name)
            return codes

    def reset(self, name: str, *, by: str) -> None:
        """Forget an authenticator and its recovery codes; all sessions end, and its owner has to enrol another."""
        with self._database.write() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == name).with_for_update())
            if row is None:
                raise AccountError(name[:60], "there is none; see: matcher-service accounts list")
            row.totp_sealed, row.totp_step = None, UNCONFIRMED
            session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == row.id))
            ended = end_sessions(session, row.id)
            record(
                session,
                "account.reset-totp",
                actor=by,
                purpose="account administration",
                subject=name,
                details={"sessions": ended},
            )

    def accepts(self, session: Session, row: AccountRow, code: str) -> Accepted | None:
        """What this is a code of, if it is a right one; it is used up by that, in the caller's transaction."""
        step = self._step(row, code)
        if step is not None:
            row.totp_step = step
            return Accepted()
        used = session.scalars(
            update(RecoveryCode)
            .where(
                RecoveryCode.account_id == row.id,
                RecoveryCode.code_sha256 == recovery_digest(code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=self._now())
            .returning(RecoveryCode.id)
        ).all()
        if not used:
            return None
        left = session.scalar(
            select(func.count())
            .select_from(RecoveryCode)
            .where(RecoveryCode.account_id == row.id, RecoveryCode.used_at.is_(None))
        )
        return Accepted(recovery_codes_left=left)

    def _step(self, row: AccountRow, code: str) -> int | None:
        if row.totp_sealed is None:
            return None
        secret = self._sealer.open(row.totp_sealed, account=row.id).decode("ascii")
        return step_of(secret, code, now=self._now(), after=row.totp_step)
