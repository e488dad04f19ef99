"""Decisions as they are made and kept: one row for each submission and repository, each time it is decided anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import Table, func, insert, select, update

from matcher_service.repositories.routing_tables import ActivationVersion, RoutingDecision
from matcher_service.repositories.routing_tables import SubmissionFacts as FactsRow
from matcher_service.repositories.schema import Repository
from matcher_service.routing.acceptance import judge_both
from matcher_service.routing.conditions import Answer, decode_conditions
from matcher_service.routing.errors import NotInRegister
from matcher_service.routing.facts import read_facts
from matcher_service.routing.judging import Decision, ReasonCode, Verdict
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing.judging import Facts


# The table itself: a row for each repository of each submission needs no bookkeeping.
_DECISIONS = cast("Table", RoutingDecision.__table__)


def decide(session: Session, submission_id: int, *, now: datetime) -> list[Decision]:
    """For each repository, by name, whether the submission is searched there. Recorded within the caller's transaction.

    Raises UnknownSubmission.
    """
    return _decide(session, submission_id, None, now)


def decide_again(
    session: Session, submission_id: int, repositories: Collection[str], *, now: datetime
) -> list[Decision]:
    """As `decide`, for some repositories: what is known of the submission has changed."""
    return _decide(session, submission_id, repositories, now)


def still_allowed(session: Session, submission_id: int, repository: str, *, now: datetime) -> bool:
    """Whether the rules as they are now let this submission be searched there, and what was found be shared.

    Asked after each search and before anything leaves. Raises UnknownSubmission.
    """
    number = _repository(session, repository)
    facts = read_facts(session, submission_id)
    decision = judge_both(session, facts, current(session), (number, repository), at=now)
    return decision.verdict is Verdict.SEARCH


def withdraw(session: Session, submission_id: int, repository: str, *, now: datetime) -> Decision:
    """Record that it was searched, or about to be, and that the rule for it is gone: the result was thrown away."""
    number = _repository(session, repository)
    facts = read_facts(session, submission_id)
    snapshot = current(session)
    why = judge_both(session, facts, snapshot, (number, repository), at=now)
    decision = Decision(
        repository=repository,
        repository_id=number,
        verdict=Verdict.SKIP,
        answer=Answer.NONE,
        reason_code=ReasonCode.SWITCHED_OFF,
        words=f"Switched off while it was searched; what was found was thrown away. {why.words}"[:500],
        activation=why.activation,
        activation_version=why.activation_version,
        conditions=why.conditions,
        registry_version=why.registry_version,
        decided_at=now,
    )
    _record(session, submission_id, facts, [decision])
    return decision


def by_owner(
    session: Session, submission_id: int, repository: str, *, account: str, now: datetime
) -> Decision:
    """Record that the repository's owner searches it for themselves, which no rule of the register is asked for.

    The caller has asked `accounts.require`, and writes the audit entry in the same transaction: `why` looks for it.
    """
    number = _repository(session, repository)
    decision = Decision(
        repository=repository,
        repository_id=number,
        verdict=Verdict.SEARCH,
        answer=Answer.FIRST,
        reason_code=ReasonCode.OWNER,
        words=f"Searched from the desk by {account}, an owner of '{repository}', by role and for no agency.",
        activation=None,
        activation_version=None,
        conditions=None,
        registry_version=current(session).version,
        decided_at=now,
    )
    _record(session, submission_id, read_facts(session, submission_id, complete=True), [decision])
    return decision


def latest(session: Session, submission_id: int) -> list[Decision]:
    """What was decided last, by the name of the repository; empty where nothing was."""
    newest = (
        select(func.max(RoutingDecision.id))
        .where(RoutingDecision.submission_id == submission_id)
        .group_by(RoutingDecision.repository_id)
    )
    query = (
        select(RoutingDecision, Repository.name, ActivationVersion.conditions)
        .join(Repository, Repository.id == RoutingDecision.repository_id)
        .outerjoin(
            ActivationVersion,
            (ActivationVersion.activation_id == RoutingDecision.activation_id)
            & (ActivationVersion.version == RoutingDecision.activation_version),
        )
        .where(RoutingDecision.id.in_(newest))
        .order_by(Repository.name)
    )
    return [decision_of(row, name, text) for row, name, text in session.execute(query)]


def set_pending(session: Session, submission_id: int, *, pending: bool) -> bool:
    """Note that a repository is open to it that is yet to be searched, or no longer. False if it was so already."""
    changed = session.scalar(
        update(FactsRow)
        .where(FactsRow.submission_id == submission_id, FactsRow.pending.is_(not pending))
        .values(pending=pending)
        .returning(FactsRow.submission_id)
    )
    return changed is not None


def _decide(
    session: Session, submission_id: int, only: Collection[str] | None, now: datetime
) -> list[Decision]:
    facts = read_facts(session, submission_id, complete=True)
    snapshot = current(session)
    decisions = [
        judge_both(session, facts, snapshot, (number, name), at=now)
        for number, name in session.execute(select(Repository.id, Repository.name).order_by(Repository.name))
        if only is None or name in only
    ]
    _record(session, submission_id, facts, decisions)
    return decisions


def _record(session: Session, submission_id: int, facts: Facts, decisions: Sequence[Decision]) -> None:
    encoded = facts.encoded()
    rows = [
        {
            "submission_id": submission_id,
            "repository_id": one.repository_id,
            "verdict": one.verdict,
            "answer": one.answer,
            "reason_code": one.reason_code,
            "words": one.words[:500],
            "activation_id": one.activation,
            "activation_version": one.activation_version,
            "registry_version": one.registry_version,
            "facts": encoded,
            "decided_at": one.decided_at,
        }
        for one in decisions
    ]
    if rows:
        session.execute(insert(_DECISIONS), rows)


def decision_of(row: RoutingDecision, repository: str, conditions: str | None) -> Decision:
    """A row as it was decided; `conditions` are those of its rule, as the register has them."""
    return Decision(
        repository=repository,
        repository_id=row.repository_id,
        verdict=Verdict(row.verdict),
        answer=Answer(row.answer),
        reason_code=ReasonCode(row.reason_code),
        words=row.words,
        activation=row.activation_id,
        activation_version=row.activation_version,
        conditions=None if conditions is None else decode_conditions(conditions),
        registry_version=row.registry_version,
        decided_at=row.decided_at,
    )


def _repository(session: Session, name: str) -> int:
    number = session.scalar(select(Repository.id).where(Repository.name == name))
    if number is None:
        raise NotInRegister("repository", name, "see: matcher-service repositories")
    return number
