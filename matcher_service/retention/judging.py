"""What the bookings of a page came to, and until when each has to be kept: read in a few queries, decided in one place.

A booking is kept as long as any repository that it was searched in wants it; where one of them has no rule, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.charges import CLEARED
from interchange.messages import Colour
from matcher_service import routing
from matcher_service.repositories.case_tables import CaseFile
from matcher_service.repositories.notice_tables import Identification, Notification
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import Repository, SearchRecord, StoredSubmission
from matcher_service.retention.erasing import held
from matcher_service.retention.policies import Outcome, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

_WAITING = frozenset({"open", "second", "third"})
_UNDER_WAY = frozenset({"queued", "sent", "failed"})
_BY_TASK = {
    "excluded": Outcome.EXCLUDED,
    "inconclusive": Outcome.INCONCLUSIVE,
    "identified": Outcome.IDENTIFIED,
    "withdrawn": Outcome.UNREVIEWED,
}
_BY_COLOUR = {Colour.GREEN: Outcome.NO_CANDIDATES}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a booking's time is up.

    Attributes:
        because: why it is kept: "" if it is not; else "held", "under_way", "no_policy", "not_yet".
        came_to: repository and outcome, by the repository's name.
        rules: the rules by which its time is up, as "repository outcome vN: N days".
    """

    because: str
    came_to: tuple[tuple[str, Outcome], ...] = ()
    rules: tuple[str, ...] = ()


def judge(
    session: Session,
    rows: Sequence[StoredSubmission],
    rules: Mapping[tuple[str, Outcome], Policy],
    *,
    not_searched_days: int | None,
    now: datetime,
) -> list[Verdict]:
    """A verdict for each of these submissions, which were all answered or given up."""
    ids = [row.id for row in rows]
    searched: dict[int, dict[str, str]] = {number: {} for number in ids}
    for number, name, colour in session.execute(
        select(SearchRecord.submission_id, Repository.name, SearchRecord.colour)
        .join(Repository, Repository.id == SearchRecord.repository_id)
        .where(SearchRecord.submission_id.in_(ids))
        .order_by(SearchRecord.id)
    ):
        searched[number][name] = colour
    tasks: dict[tuple[int, str], str] = {}
    for number, name, state in session.execute(
        select(ReviewTask.submission_id, Repository.name, ReviewTask.state)
        .join(Repository, Repository.id == ReviewTask.repository_id)
        .where(ReviewTask.submission_id.in_(ids))
        .order_by(ReviewTask.id)
    ):
        tasks[number, name] = state
    identified: dict[tuple[int, str], str] = {}
    for number, name, state in session.execute(
        select(Identification.submission_id, Repository.name, Identification.state)
        .join(Repository, Repository.id == Identification.repository_id)
        .where(Identification.submission_id.in_(ids))
        .order_by(Identification.id)
    ):
        identified[number, name] = state
    busy = _busy(session, ids)
    verdicts: list[Verdict] = []
    for row in rows:
        cleared = bool(searched[row.id]) and routing.read_facts(session, row.id).disposition in CLEARED
        found = tuple(
            (
                name,
                Outcome.DISMISSED
                if cleared
                else outcome_of(colour, tasks.get((row.id, name)), identified.get((row.id, name))),
            )
            for name, colour in sorted(searched[row.id].items())
        )
        because, by = _why_kept(now - row.received_at, found, rules, not_searched_days)
        if not because and row.id in busy:
            because = "under_way"
        if not because and held(session, row.id, row.tcn):
            because = "held"
        verdicts.append(Verdict(because, found, () if because else by))
    return verdicts


def _busy(session: Session, ids: Sequence[int]) -> set[int]:
    """Those that somebody still works on: in review, frozen, with a case that is not closed, about to be told."""
    of_case = select(Identification.submission_id).join(
        CaseFile, CaseFile.identification_id == Identification.id
    )
    of_notice = select(Identification.submission_id).join(
        Notification, Notification.identification_id == Identification.id
    )
    queries = (
        select(ReviewTask.submission_id).where(ReviewTask.state.in_(_WAITING), ReviewTask.submission_id.in_(ids)),
        select(Identification.submission_id).where(
            Identification.state == "frozen", Identification.submission_id.in_(ids)
        ),
        of_case.where(CaseFile.state.in_(("open", "evaluating")), Identification.submission_id.in_(ids)),
        of_notice.where(Notification.state.in_(_UNDER_WAY), Identification.submission_id.in_(ids)),
        select(SubmissionFacts.submission_id).where(
            SubmissionFacts.pending.is_(True), SubmissionFacts.submission_id.in_(ids)
        ),
    )  # fmt: skip
    return {number for query in queries for number in session.scalars(query)}


def _why_kept(
    age: timedelta,
    found: Sequence[tuple[str, Outcome]],
    rules: Mapping[tuple[str, Outcome], Policy],
    not_searched_days: int | None,
) -> tuple[str, tuple[str, ...]]:
    """Why the rules keep it ("" if they do not), and by which it goes."""
    if not found:
        if not_searched_days is None:
            return "no_policy", ()
        up = age >= timedelta(days=not_searched_days)
        return ("" if up else "not_yet"), (f"searched nowhere: {not_searched_days} days",)
    known = [rule for rule in map(rules.get, found) if rule is not None and rule.keep_days is not None]
    if len(known) < len(found):
        return "no_policy", ()
    by = tuple(f"{rule.repository} {rule.outcome} v{rule.version}: {rule.keep_days} days" for rule in known)
    up = all(age >= timedelta(days=rule.keep_days or 0) for rule in known)
    return ("" if up else "not_yet"), by


def outcome_of(colour: str, task: str | None, identification: str | None) -> Outcome:
    """What a booking came to in a repository, from its search, the last review of it, and the last identification."""
    if identification is not None:
        return Outcome.RETRACTED if identification == "retracted" else Outcome.IDENTIFIED
    if task is not None:
        return _BY_TASK.get(task, Outcome.UNREVIEWED)
    return _BY_COLOUR.get(Colour(colour), Outcome.UNREVIEWED)
