"""Tasks are made where a search found somebody, in the transaction that stores the search; and withdrawn again.

The candidates are shuffled among known strangers by the task's own random number. They are written in that order, so
that not even their numbers say who came first.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select

from interchange.errors import MessageError
from interchange.fingers import UNKNOWN_FINGER
from interchange.messages import Colour, Submission, decode_message
from matcher_service import routing
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewTask
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import (
    CandidateRecord,
    Encounter,
    EnrolledTemplate,
    Identity,
    Repository,
    SearchRecord,
)
from matcher_service.repositories.sealed_records import payload_of
from matcher_service.review.parameters import (
    DUE_WITHIN,
    DUE_WITHIN_ELSE,
    SEED_TRIES,
    SEEDED_LEAST,
    SEEDED_MOST,
)
from matcher_service.review.rules import WAITING, State
from matcher_service.review.tasks import SYSTEM, end, found, has_candidates, load, tasks, tell

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session


def open_tasks(session: Session, submission_id: int, *, now: datetime | None = None) -> list[int]:
    """A task for each repository in which candidates were found, red or yellow; the numbers of those that are new.

    Called again after a later search, it makes no second one: only where the one before was withdrawn, and the
    repository was searched anew, is there another.
    """
    now = now or datetime.now(UTC)
    asks = {
        one.repository: one.conditions is not None and one.conditions.needs_second_examiner
        for one in routing.latest(session, submission_id)
    }
    made: list[int] = []
    for search, repository in _newest_searches(session, submission_id):
        candidates = list(
            session.scalars(
                select(CandidateRecord)
                .where(CandidateRecord.search_id == search.id, CandidateRecord.identity_id.is_not(None))
                .order_by(CandidateRecord.rank)
            )
        )
        if not candidates or _is_there(session, search):
            continue
        if not routing.still_allowed(session, submission_id, repository, now=now):
            continue
        second = asks.get(repository, False)
        made.append(_make(session, search, candidates, needs_second=second, now=now))
    return made


def withdraw(
    session: Session,
    submission_id: int,
    repository: str | None = None,
    *,
    why: str,
    by: str = SYSTEM,
    now: datetime | None = None,
) -> int:
    """Withdraw what nobody has finished of a submission, in one repository or in all; how many tasks that were.

    `why` is a word: "switched_off", "dismissed", "expunged", "retracted". A task that was finished is not touched:
    an identification is taken back by `notify.retract`.
    """
    query = tasks().where(ReviewTask.submission_id == submission_id, ReviewTask.state.in_(WAITING))
    if repository is not None:
        query = query.where(Repository.name == repository)
    ended = found(session, query.with_for_update(of=ReviewTask))
    for task in ended:
        end(session, task, why, by=by, now=now or datetime.now(UTC))
    return len(ended)


def identity_removed(session: Session, identity: str, *, by: str, now: datetime | None = None) -> int:
    """Before an identity is deleted: withdraw the tasks in which nobody else is left to compare; how many."""
    query = (
        tasks()
        .where(ReviewTask.state.in_(WAITING))
        .where(
            exists().where(
                ReviewCandidate.task_id == ReviewTask.id,
                ReviewCandidate.identity_id == identity,
                ReviewCandidate.seeded.is_(False),
            )
        )
    )
    left = found(session, query.with_for_update(of=ReviewTask))
    ended = [task for task in left if not has_candidates(session, task.number, without=identity)]
    for task in ended:
        end(session, task, "removed", by=by, now=now or datetime.now(UTC))
    return len(ended)


def _newest_searches(session: Session, submission_id: int) -> list[tuple[SearchRecord, str]]:
    """The newest of each repository, if it is coloured."""
    query = (
        select(SearchRecord, Repository.name)
        .join(Repository, Repository.id == SearchRecord.repository_id)
        .where(SearchRecord.submission_id == submission_id)
        .order_by(SearchRecord.id)
    )
    newest = {name: search for search, name in session.execute(query)}
    return [(search, name) for name, search in sorted(newest.items()) if search.colour != Colour.GREEN]


def _is_there(session: Session, search: SearchRecord) -> bool:
    query = select(
        exists().where(
            ReviewTask.submission_id == search.submission_id,
            ReviewTask.repository_id == search.repository_id,
            or_(ReviewTask.state != State.WITHDRAWN, ReviewTask.search_id == search.id),
        )
    )
    return bool(session.scalar(query))


def _make(
    session: Session,
    search: SearchRecord,
    candidates: Sequence[CandidateRecord],
    *,
    needs_second: bool,
    now: datetime,
) -> int:
    facts = session.get(SubmissionFacts, search.submission_id)
    priority = max(DUE_WITHIN) if facts is None else facts.priority
    row = ReviewTask(
        submission_id=search.submission_id,
        repository_id=search.repository_id,
        search_id=search.id,
        state=State.OPEN,
        priority=priority,
        created_at=now,
        due_at=now + DUE_WITHIN.get(priority, DUE_WITHIN_ELSE),
        needs_second=needs_second,
        shuffle_seed=secrets.randbits(62),
    )
    session.add(row)
    session.flush()
    random = Random(row.shuffle_seed)  # noqa: S311 - drawn from a good one, and kept so that the order can be shown
    strangers = _strangers(
        session, search, {one.identity_id for one in candidates if one.identity_id}, random
    )
    shown = [
        ReviewCandidate(candidate_id=one.id, identity_id=one.identity_id, seeded=False) for one in candidates
    ]
    shown += [ReviewCandidate(candidate_id=None, identity_id=one, seeded=True) for one in strangers]
    random.shuffle(shown)
    for place, one in enumerate(shown, start=1):
        one.task_id, one.place = row.id, place
        session.add(one)
        session.flush()
    task = load(session, row.id)
    tell(session, task, "review.open", actor=SYSTEM, candidates=len(shown), second=needs_second)
    return row.id


def _strangers(
    session: Session, search: SearchRecord, candidates: Collection[str], random: Random
) -> list[str]:
    """Other people of the repository, of whom a finger that was submitted is enrolled; fewer where there are none.

    That they are no candidates makes them strangers: whoever resembles the prints enough to be doubted is one.
    """
    positions = _positions(session, search.submission_id)
    chosen: list[str] = []
    wanted = random.randint(SEEDED_LEAST, SEEDED_MOST)
    for _ in range(wanted + SEED_TRIES):
        if len(chosen) == wanted:
            break
        pivot = f"{random.getrandbits(128):032x}"
        query = (
            select(Identity.id)
            .where(Identity.repository_id == search.repository_id, Identity.id.not_in([*candidates, *chosen]))
            .order_by(Identity.id)
            .limit(1)
        )
        # Ids are random: the next one after a random number is anybody.
        one = session.scalar(query.where(Identity.id >= pivot)) or session.scalar(query)
        if one is None:
            break
        if _has_finger(session, one, positions):
            chosen.append(one)
    return chosen


def _positions(session: Session, submission_id: int) -> set[int]:
    payload = payload_of(session, submission_id)
    try:
        return {one.position for one in decode_message(Submission, payload).prints}
    except MessageError:
        return {UNKNOWN_FINGER}


def _has_finger(session: Session, identity: str, positions: Collection[int]) -> bool:
    query = (
        select(EnrolledTemplate.id)
        .join(Encounter, Encounter.id == EnrolledTemplate.encounter_id)
        .where(Encounter.identity_id == identity)
        .limit(1)
    )
    if UNKNOWN_FINGER not in positions:
        query = query.where(EnrolledTemplate.position.in_([UNKNOWN_FINGER, *positions]))
    return session.scalar(query) is not None
