"""The expiry: bookings whose time is up are erased, in small transactions, each with its reason in the audit."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from interchange.logs import facts
from matcher_service.auditing import record
from matcher_service.repositories.retention_tables import RetentionRun
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.submissions import Outcome as Stored
from matcher_service.retention import parameters
from matcher_service.retention.clock import check_clock, newest_entry
from matcher_service.retention.erasing import erase_submission
from matcher_service.retention.judging import judge
from matcher_service.retention.policies import policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database
    from matcher_service.retention.judging import Verdict
    from matcher_service.retention.policies import Outcome, Policy

    Watch = Callable[[Iterator[int], int], Iterable[int]]

log = logging.getLogger("matcher.retention")


@dataclass(slots=True)
class Expired:
    """What a run did, or, dry, would have done.

    Attributes:
        erased: how many bookings.
        by_outcome: of these, by "repository: outcome"; one that was searched in two counts in both.
        kept: why others were kept that are as old as the shortest rule: "held", "under_way", "no_policy", "not_yet".
    """

    dry: bool
    erased: int = 0
    by_outcome: Counter[str] = field(default_factory=Counter[str])
    kept: Counter[str] = field(default_factory=Counter[str])


def expire(
    database: Database,
    *,
    by: str,
    not_searched_days: int | None = None,
    dry: bool = False,
    clock_is_right: bool = False,
    now: datetime | None = None,
    watch: Watch | None = None,
) -> Expired:
    """Erase what is to be erased by now. Raises RetentionRefused for a clock that jumped, and StoreError.

    A run that is interrupted is taken up by the next one: what it erased is erased.
    """
    at = now or datetime.now(UTC)
    done = Expired(dry)
    with database.read() as session:
        if not clock_is_right:
            check_clock(session, at)
        entry = newest_entry(session)
        rules = {(one.repository, one.outcome): one for one in policies(session)}
        shortest = _shortest(rules, not_searched_days)
        before = None if shortest is None else at - timedelta(days=shortest)
        query = select(func.count(StoredSubmission.id)).where(*_old(before))
        total = 0 if before is None else session.scalar(query) or 0
    if before is not None:
        walked = _walk(database, rules, before, done, by=by, not_searched_days=not_searched_days, now=at)
        for _ in walked if watch is None else watch(walked, total):
            pass
    if not dry:
        with database.write() as session:
            session.add(RetentionRun(ran_at=at, audit_seq=entry, ran_by=by[:80], erased=done.erased))
            words = "the clock is right, somebody says" if clock_is_right else "policies"
            told = {"erased": done.erased, **{f"kept_{why}": count for why, count in done.kept.items()}}
            record(session, "retention.run", actor=by, purpose=words, details=told)
        database.settle()
        log.info("retention ran", extra=facts(erased=done.erased))
    return done


def _walk(
    database: Database,
    rules: dict[tuple[str, Outcome], Policy],
    before: datetime,
    done: Expired,
    *,
    by: str,
    not_searched_days: int | None,
    now: datetime,
) -> Iterator[int]:
    after = 0
    while True:
        with database.read() as session:
            rows = _page(session, before, after)
            found = judge(session, rows, rules, not_searched_days=not_searched_days, now=now)
        if not rows:
            return
        after = rows[-1].id
        due = [row.id for row, verdict in zip(rows, found, strict=True) if not verdict.because]
        done.kept.update(verdict.because for verdict in found if verdict.because)
        if done.dry:
            for verdict in found:
                if not verdict.because:
                    _count(done, verdict)
        else:
            for start in range(0, len(due), parameters.BATCH):
                batch = due[start : start + parameters.BATCH]
                _erase(database, batch, rules, done, by=by, not_searched_days=not_searched_days, now=now)
        yield from range(len(rows))


def _erase(
    database: Database,
    batch: list[int],
    rules: dict[tuple[str, Outcome], Policy],
    done: Expired,
    *,
    by: str,
    not_searched_days: int | None,
    now: datetime,
) -> None:
    """Judged once more within the transaction: a hold or a challenge may have come in between."""
    with database.write() as session:
        rows = list(
            session.scalars(select(StoredSubmission).where(StoredSubmission.id.in_(batch)).with_for_update())
        )
        found = judge(session, rows, rules, not_searched_days=not_searched_days, now=now)
        due = [(row, verdict) for row, verdict in zip(rows, found, strict=True) if not verdict.because]
        for row, _ in due:
            erase_submission(session, row, now=now)
        for row, verdict in due:
            record(
                session,
                "submission.erased",
                actor=by,
                purpose="its time is up",
                subject=row.tcn,
                details={"rules": "; ".join(verdict.rules)[:300]},
            )
    done.kept.update(verdict.because for verdict in found if verdict.because)
    for _, verdict in due:
        _count(done, verdict)


def _count(done: Expired, verdict: Verdict) -> None:
    done.erased += 1
    done.by_outcome.update(f"{name}: {outcome}" for name, outcome in verdict.came_to)
    if not verdict.came_to:
        done.by_outcome["searched nowhere"] += 1


def _old(before: datetime | None) -> tuple[ColumnElement[bool], ...]:
    finished = StoredSubmission.outcome.in_((Stored.ANSWERED, Stored.FAILED))
    return (finished,) if before is None else (finished, StoredSubmission.received_at <= before)


def _page(session: Session, before: datetime, after: int) -> list[StoredSubmission]:
    query = (
        select(StoredSubmission)
        .where(*_old(before), StoredSubmission.id > after)
        .order_by(StoredSubmission.id)
        .limit(parameters.PAGE)
    )
    return list(session.scalars(query))


def _shortest(rules: dict[tuple[str, Outcome], Policy], not_searched_days: int | None) -> int | None:
    days = [rule.keep_days for rule in rules.values() if rule.keep_days is not None]
    return min([*days, *([] if not_searched_days is None else [not_searched_days])], default=None)
