"""Policies: how long the owner of a repository wants bookings kept, by what they came to there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from matcher_service.auditing import record
from matcher_service.errors import UnknownRepository
from matcher_service.repositories.retention_tables import LegalHold, RetentionPolicy
from matcher_service.repositories.schema import Repository
from matcher_service.retention import parameters
from matcher_service.retention.errors import RetentionRefused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Outcome(StrEnum):
    """What a booking came to in a repository."""

    NO_CANDIDATES = "no_candidates"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"
    IDENTIFIED = "identified"
    RETRACTED = "retracted"
    DISMISSED = "dismissed"  # the charge was dismissed, or the person acquitted; before all others
    UNREVIEWED = "unreviewed"  # somebody was found, and nobody was to look, or the review was withdrawn


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule in force; `keep_days` None where it was taken back."""

    repository: str
    outcome: Outcome
    keep_days: int | None
    version: int
    source: str
    entered_by: str
    entered_at: datetime


def set_policy(
    session: Session,
    repository: str,
    outcome: str,
    keep_days: int | None,
    *,
    source: str,
    by: str,
    role: str = "",
    now: datetime | None = None,
) -> int:
    """Enter a rule, or take one back (`keep_days` None); its version. Raises RetentionRefused, UnknownRepository.

    `source` is where it comes from: a statute, an agreement. The caller has asked `accounts.require`.
    """
    at = now or datetime.now(UTC)
    where = repository_row(session, repository)
    try:
        what = Outcome(outcome)
    except ValueError:
        raise RetentionRefused(outcome[:32], f"is no outcome; those are {', '.join(Outcome)}") from None
    if keep_days is not None and not 1 <= keep_days <= parameters.LONGEST_DAYS:
        raise RetentionRefused("keep_days", f"has to be 1 to {parameters.LONGEST_DAYS}")
    words = checked_words(source, "source: say where the rule comes from")
    of_it = (RetentionPolicy.repository_id == where.id, RetentionPolicy.outcome == what)
    version = (session.scalar(select(func.max(RetentionPolicy.version)).where(*of_it)) or 0) + 1
    session.add(
        RetentionPolicy(
            repository_id=where.id,
            outcome=what,
            keep_days=keep_days,
            version=version,
            source=words,
            entered_by=by[:80],
            entered_at=at,
        )
    )
    session.flush()
    record(
        session,
        "retention.policy",
        actor=by,
        role=role,
        purpose=words,
        repository=repository,
        details={"outcome": what, "keep_days": keep_days, "version": version},
    )
    return version


def policies(session: Session, *, history: bool = False) -> list[Policy]:
    """Rules in force, by repository and outcome; with `history` all that ever were, newest first."""
    query = (
        select(RetentionPolicy, Repository.name)
        .join(Repository, Repository.id == RetentionPolicy.repository_id)
        .order_by(Repository.name, RetentionPolicy.outcome, RetentionPolicy.version.desc())
    )
    found: dict[tuple[str, str], Policy] = {}
    every: list[Policy] = []
    for row, name in session.execute(query):
        one = Policy(
            name, Outcome(row.outcome), row.keep_days, row.version, row.source, row.entered_by, row.entered_at
        )
        every.append(one)
        found.setdefault((name, row.outcome), one)
    return every if history else list(found.values())


# -- holds


def place_hold(
    session: Session,
    *,
    tcn: str | None = None,
    identity: str | None = None,
    reason: str,
    by: str,
    role: str = "",
    repository: str = "",
    now: datetime | None = None,
) -> int:
    """Keep a booking or an identity, whatever policies and requests say; the hold's number. Raises RetentionRefused."""
    if (tcn is None) == (identity is None):
        raise RetentionRefused("hold", "is on a booking or on an identity: name one of them")
    words = checked_words(reason, "reason: say why it is held")
    row = LegalHold(
        tcn=tcn,
        identity_id=identity,
        reason=words,
        placed_by=by[:80],
        placed_at=now or datetime.now(UTC),
        lifted_by=None,
        lifted_at=None,
    )
    session.add(row)
    session.flush()
    record(session, "retention.hold", actor=by, role=role, purpose=words, subject=tcn or identity or "",
           repository=repository, details={"hold": row.id})  # fmt: skip
    return row.id


def lift_hold(
    session: Session,
    number: int,
    *,
    reason: str,
    by: str,
    role: str = "",
    repository: str = "",
    now: datetime | None = None,
) -> None:
    """End a hold. Raises RetentionRefused if there is none in force."""
    row = session.get(LegalHold, number, with_for_update=True)
    if row is None or row.lifted_at is not None:
        raise RetentionRefused(f"hold {number}", "is not in force; see: matcher-service retention holds")
    row.lifted_by, row.lifted_at = by[:80], now or datetime.now(UTC)
    record(session, "retention.hold_lifted", actor=by, role=role, subject=row.tcn or row.identity_id or "",
           repository=repository, purpose=checked_words(reason, "reason: say why it is lifted"),
           details={"hold": number})  # fmt: skip


def holds(session: Session) -> list[LegalHold]:
    """Those in force."""
    return list(
        session.scalars(select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.id))
    )


# -- shared


def repository_row(session: Session, name: str) -> Repository:
    """Raises UnknownRepository."""
    found = session.scalar(select(Repository).where(Repository.name == name))
    if found is None:
        raise UnknownRepository(
            name, list(session.scalars(select(Repository.name).order_by(Repository.name)))
        )
    return found


def checked_words(words: str, problem: str) -> str:
    """Words for the record, stripped. Raises RetentionRefused."""
    stripped = words.strip()
    if not 0 < len(stripped) <= parameters.MAX_WORDS or not stripped.isprintable():
        raise RetentionRefused(
            *problem.split(": ", 1),
        )
    return stripped
