"""What examiners decided, and how often they took a known stranger for the person: for supervisors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select

from matcher_service.accounts import Action
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.review_tables import ReviewRound, ReviewTask, SeededResult
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import Repository
from matcher_service.review.parameters import CONFIDENCE_Z
from matcher_service.review.rules import DECIDED, Decision, State
from matcher_service.review.tasks import reached

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminerFigures:
    """One examiner, within the repositories that the supervisor answers for.

    Attributes:
        disagreed: decisions that were not what the task came to. Not by itself a mistake.
        seeded_shown: decisions with known strangers among the candidates.
        seeded_wrong: those in which one of them was identified.
    """

    name: str
    decided: int
    identifications: int
    exclusions: int
    inconclusive: int
    disagreed: int
    seeded_shown: int
    seeded_wrong: int

    @property
    def error_rate(self) -> float | None:
        """Share of the measured decisions that identified a stranger; None where none was measured."""
        return self.seeded_wrong / self.seeded_shown if self.seeded_shown else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """In which the rate lies with 95 % confidence (Wilson 1927): without a mistake yet, it is not zero."""
        return interval(self.seeded_wrong, self.seeded_shown)


def interval(wrong: int, of: int) -> tuple[float, float] | None:
    """Wilson's interval of a share; None of nothing."""
    if not of:
        return None
    share, z2 = wrong / of, CONFIDENCE_Z**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = CONFIDENCE_Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def statistics(session: Session, account: Account) -> list[ExaminerFigures]:
    """All examiners who decided anything there, by name."""

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    said = ReviewRound.decision
    agreed = or_(
        and_(
            said == Decision.IDENTIFICATION,
            ReviewTask.state == State.IDENTIFIED,
            ReviewRound.review_candidate_id == ReviewTask.chosen_candidate_id,
        ),
        and_(said == Decision.EXCLUSION, ReviewTask.state == State.EXCLUDED),
        and_(said == Decision.INCONCLUSIVE, ReviewTask.state == State.INCONCLUSIVE),
    )
    query = (
        select(
            AccountRow.name,
            func.count(ReviewRound.id),
            count(said == Decision.IDENTIFICATION),
            count(said == Decision.EXCLUSION),
            count(said == Decision.INCONCLUSIVE),
            count(and_(ReviewTask.state.in_(DECIDED), ReviewRound.void.is_(False), ~agreed)),
            func.count(SeededResult.id),
            count(SeededResult.was_wrong.is_(True)),
        )
        .join(ReviewTask, ReviewTask.id == ReviewRound.task_id)
        .join(Repository, Repository.id == ReviewTask.repository_id)
        .join(AccountRow, AccountRow.id == ReviewRound.examiner_id)
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == ReviewTask.submission_id)
        .outerjoin(SeededResult, SeededResult.round_id == ReviewRound.id)
        .where(ReviewRound.decided_at.is_not(None), reached(account, Action.REVIEW_ASSIGN))
        .group_by(AccountRow.name)
        .order_by(AccountRow.name)
    )
    return [
        ExaminerFigures(
            name=name,
            decided=decided,
            identifications=identifications,
            exclusions=exclusions,
            inconclusive=inconclusive,
            disagreed=disagreed,
            seeded_shown=shown,
            seeded_wrong=wrong,
        )
        for name, decided, identifications, exclusions, inconclusive, disagreed, shown, wrong in session.execute(
            query
        )
    ]
