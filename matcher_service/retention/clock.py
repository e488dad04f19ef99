"""Whether the clock can be believed before anything is erased by it: what is erased by a wrong one is gone.

A clock that jumped is seen by the step it leaves between two things that were written one after the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.retention_tables import RetentionRun
from matcher_service.retention import parameters
from matcher_service.retention.errors import RetentionRefused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_AHEAD = timedelta(days=parameters.CLOCK_AHEAD_DAYS)
_BEHIND = timedelta(seconds=parameters.CLOCK_BEHIND_S)


def check_clock(session: Session, now: datetime) -> None:
    """Raises RetentionRefused for a clock that jumped since the last run, or before the first one."""
    last = session.scalar(select(RetentionRun).order_by(RetentionRun.id.desc()).limit(1))
    since = 0 if last is None else last.audit_seq
    # Before the first run nobody looked: what happened to the clock long ago is nobody's concern now.
    written = _written(session, since)[-1 if last is None else 0 :]
    times = [datetime.fromisoformat(at) for at in written]
    steps = [*([] if last is None else [last.ran_at]), *times, now]
    if len(steps) == 1:
        _refuse("nothing was ever written here by which it could be judged")
    for before, after in pairwise(steps):
        if after - before > _AHEAD:
            _refuse(
                f"it went from {_day(before)} to {_day(after)} at one step, or the centre was off so long"
            )
        if before - after > _BEHIND:
            _refuse(f"it went back from {_day(before)} to {_day(after)}")


def newest_entry(session: Session) -> int:
    """The number of the newest audit entry; 0 without any."""
    return session.scalar(select(func.max(AuditEntry.seq))) or 0


def _written(session: Session, since: int) -> list[str]:
    """When audit entries after number `since` were written, oldest first; of very many, the newest."""
    query = (
        select(AuditEntry.at)
        .where(AuditEntry.seq > since)
        .order_by(AuditEntry.seq.desc())
        .limit(parameters.CLOCK_ENTRIES)
    )
    return list(session.scalars(query))[::-1]


def _refuse(why: str) -> None:
    raise RetentionRefused(
        "the clock",
        f"is not believed: {why}. Nothing was erased. Set it right, or, if it is right, say so once:"
        " matcher-service retention run --clock-is-right",
    )


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}Z"
