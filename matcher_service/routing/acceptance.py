"""The other side of a decision: whether the owner of the repository takes what the register lets through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matcher_service.routing.conditions import Answer
from matcher_service.routing.judging import Decision, Facts, ReasonCode, Verdict, judge
from matcher_service.routing.rules import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing.rules import Snapshot


def judge_both(
    session: Session,
    facts: Facts,
    snapshot: Snapshot,
    where: tuple[int, str],
    *,
    at: datetime,
    as_of: datetime | None = None,
) -> Decision:
    """By the register's rules and, where they allow it, by those of the repository's owner, as they were `as_of`.

    `where` is the repository's number and name.
    """
    number, repository = where
    decision = judge(facts, snapshot, repository_id=number, repository=repository, at=at)
    if decision.verdict is Verdict.SKIP or snapshot.mode is Mode.EVERYTHING or facts.jurisdiction is None:
        return decision
    from matcher_service.retention.owners import accepts

    places = [place.id for place in snapshot.chain(facts.jurisdiction)]
    found = accepts(session, number, jurisdictions=places, transaction=facts.transaction, as_of=as_of)
    if found.accepted:
        return decision
    return replace(
        decision,
        verdict=Verdict.SKIP,
        answer=Answer.NONE,
        reason_code=ReasonCode.NOT_ACCEPTED,
        words=f"{found.words} {decision.words}"[:500],
    )
