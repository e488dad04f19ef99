"""How long to wait after wrong tries. Counted before a try is looked at, so that many at once gain nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from matcher_service.accounts import parameters
from matcher_service.repositories.account_tables import SignInSource

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def delay_after(failures: int, *, free: int) -> timedelta:
    """How long the next try has to wait after so many wrong ones in a row."""
    over = failures - free
    if over < 0:
        return timedelta()
    doublings = min(over, 20)
    return timedelta(seconds=min(parameters.DELAY_FIRST_S * 2**doublings, parameters.DELAY_MOST_S))


def wait_of(locked_until: datetime | None, now: datetime) -> float:
    """Seconds that are left; 0 for none. Never more than the longest delay, wherever the clock was when it began."""
    if locked_until is None or locked_until <= now:
        return 0.0
    return min((locked_until - now).total_seconds(), float(parameters.DELAY_MOST_S))


def charge(session: Session, source: str, *, free: int, now: datetime, forgets: bool = True) -> float:
    """Count a try from `source`; the seconds it has to wait instead, if any, and then it is not counted.

    Without `forgets` only a good try ends the count, as it is with accounts.
    """
    row = lock(session, source) or _made(session, source, now)
    wait = wait_of(row.locked_until, now)
    if wait:
        return wait
    if forgets and abs(now - row.last_at) > timedelta(seconds=parameters.SOURCE_FORGOTTEN_S):
        row.failures = 0
    row.failures += 1
    row.last_at = now
    delay = delay_after(row.failures, free=free)
    row.locked_until = now + delay if delay else None
    session.flush()
    return 0.0


def lock(session: Session, source: str) -> SignInSource | None:
    """The count of a source, nobody else's until the transaction ends. Always before an account: one order, no knot."""
    return session.scalar(select(SignInSource).where(SignInSource.source == source).with_for_update())


def give_back(row: SignInSource | None) -> None:
    """The try was a good one: take it off the count. Not the whole count: whoever tries others' names may have one."""
    if row is not None:
        row.failures = max(0, row.failures - 1)
        row.locked_until = None


def _made(session: Session, source: str, now: datetime) -> SignInSource:
    _forget_old(session, now)
    row = SignInSource(source=source, failures=0, last_at=now, locked_until=None)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # somebody else made it just now
        return session.get_one(SignInSource, source, with_for_update=True)
    return row


def _forget_old(session: Session, now: datetime) -> None:
    if (session.scalar(select(func.count()).select_from(SignInSource)) or 0) > 1000:
        old = now - timedelta(seconds=parameters.SOURCE_FORGOTTEN_S)
        session.execute(delete(SignInSource).where(SignInSource.last_at < old))
