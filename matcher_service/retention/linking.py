"""Links between identities of different repositories: an examiner's decision, and nobody else's; it can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from matcher_service.accounts import Action, NotPermitted, Role, permitted, require
from matcher_service.auditing import record
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.retention_tables import IdentityLink
from matcher_service.repositories.review_tables import ReviewRound
from matcher_service.repositories.schema import Identity, Repository, StoredSubmission
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.policies import checked_words

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account


def link(
    session: Session,
    task: int,
    first: str,
    second: str,
    *,
    by: Account,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Say that two identities are one person, because both were identified in the same booking; the link's number.

    `task` is the review that the examiner decided as an identification of one of them; the other was identified in
    another repository for the same submission. Raises NotPermitted, RetentionRefused.
    """
    words = checked_words(reason, "reason: say why they are one person")
    one, other = _identity(session, first), _identity(session, second)
    if one[1] == other[1]:
        raise RetentionRefused("link", "is between two repositories; within one, identities are not linked")
    for _, repository in (one, other):
        _examiner(by, repository)
    decided = session.scalar(
        select(ReviewRound.id).where(
            ReviewRound.task_id == task,
            ReviewRound.examiner_id == by.id,
            ReviewRound.decision == "identification",
            ReviewRound.void.is_(False),
        )
    )
    if decided is None:
        raise RetentionRefused(f"task {task}", f"was not decided as an identification by {by.name}")
    found = {
        row.identity_id: row
        for row in session.scalars(
            select(Identification).where(
                Identification.identity_id.in_((first, second)),
                Identification.state == "confirmed",
                Identification.submission_id.in_(
                    select(Identification.submission_id).where(Identification.task_id == task)
                ),
            )
        )
    }
    if set(found) != {first, second} or task not in {row.task_id for row in found.values()}:
        raise RetentionRefused(
            "link", f"needs both to be identified in the booking of task {task}; examine the other one first"
        )
    pair = sorted((first, second))
    if session.scalar(_in_force(pair[0], pair[1])) is not None:
        raise RetentionRefused("link", "is there already")
    row = IdentityLink(
        first_id=pair[0],
        second_id=pair[1],
        task_id=task,
        examiner=by.name,
        reason=words,
        linked_at=now or datetime.now(UTC),
        unlinked_by=None,
        unlinked_at=None,
        unlinked_because=None,
    )
    session.add(row)
    session.flush()
    record(session, "identity.link", actor=by.name, role=by.acting_as, purpose=words, subject=pair[0],
           details={"link": row.id, "with": pair[1], "task": task})  # fmt: skip
    return row.id


def unlink(session: Session, number: int, *, by: Account, reason: str, now: datetime | None = None) -> None:
    """Undo a link. Raises NotPermitted for anybody but an examiner of both repositories, RetentionRefused."""
    row = session.get(IdentityLink, number, with_for_update=True)
    if row is None or row.unlinked_at is not None:
        raise RetentionRefused(f"link {number}", "is not in force")
    for identity in (row.first_id, row.second_id):
        _examiner(by, _identity(session, identity)[1])
    words = checked_words(reason, "reason: say why they are not one person")
    row.unlinked_by, row.unlinked_at, row.unlinked_because = by.name, now or datetime.now(UTC), words
    record(session, "identity.unlink", actor=by.name, role=by.acting_as, purpose=words, subject=row.first_id,
           details={"link": number, "with": row.second_id})  # fmt: skip


def links_of(session: Session, identity: str) -> list[IdentityLink]:
    """Links in force; to be audited by whoever shows them."""
    mine = or_(IdentityLink.first_id == identity, IdentityLink.second_id == identity)
    query = select(IdentityLink).where(mine, IdentityLink.unlinked_at.is_(None)).order_by(IdentityLink.id)
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class Possible:
    """Two identities that may be linked by the examiner who decided `task`: both were identified in one booking."""

    task: int
    tcn: str
    first: str
    first_repository: str
    second: str
    second_repository: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A link in force, with the names of both repositories."""

    row: IdentityLink
    first_repository: str
    second_repository: str


def possible(session: Session, by: Account, *, limit: int = 100) -> list[Possible]:
    """What this examiner could link and has not, the newest first; to be audited by whoever shows it."""
    mine, other = aliased(Identification), aliased(Identification)
    here, there = aliased(Repository), aliased(Repository)
    query = (
        select(mine.task_id, StoredSubmission.tcn, mine.identity_id, here.name, other.identity_id, there.name)
        .join(other, other.submission_id == mine.submission_id)
        .join(StoredSubmission, StoredSubmission.id == mine.submission_id)
        .join(here, here.id == mine.repository_id)
        .join(there, there.id == other.repository_id)
        .join(ReviewRound, ReviewRound.task_id == mine.task_id)
        .where(
            mine.repository_id != other.repository_id,
            mine.state == "confirmed",
            other.state == "confirmed",
            ReviewRound.examiner_id == by.id,
            ReviewRound.decision == "identification",
            ReviewRound.void.is_(False),
        )
        .order_by(mine.id.desc())
        .limit(limit)
    )
    found: dict[tuple[str, str], Possible] = {}
    for task, tcn, first, first_repository, second, second_repository in session.execute(query):
        if first is None or second is None:  # of one that was expunged
            continue
        pair = (min(first, second), max(first, second))
        if _may(by, first_repository) and _may(by, second_repository) and pair not in found:
            found[pair] = Possible(task, tcn, first, first_repository, second, second_repository)
    return [one for pair, one in found.items() if session.scalar(_in_force(*pair)) is None]


def in_force(session: Session, by: Account, *, limit: int = 200) -> list[Linked]:
    """The links that this examiner could undo, the newest first; to be audited by whoever shows them."""
    one, other, here, there = aliased(Identity), aliased(Identity), aliased(Repository), aliased(Repository)
    query = (
        select(IdentityLink, here.name, there.name)
        .join(one, one.id == IdentityLink.first_id)
        .join(other, other.id == IdentityLink.second_id)
        .join(here, here.id == one.repository_id)
        .join(there, there.id == other.repository_id)
        .where(IdentityLink.unlinked_at.is_(None))
        .order_by(IdentityLink.id.desc())
        .limit(limit)
    )
    return [
        Linked(row, first, second)
        for row, first, second in session.execute(query)
        if _may(by, first) and _may(by, second)
    ]


def _may(by: Account, repository: str) -> bool:
    return permitted(by, Action.REVIEW_DECIDE, repository=repository)


def _examiner(by: Account, repository: str) -> None:
    require(by, Action.REVIEW_DECIDE, repository=repository)
    if Role.EXAMINER not in by.roles:
        raise NotPermitted(by.name, Action.REVIEW_DECIDE, repository=repository)


def _identity(session: Session, identity: str) -> tuple[str, str]:
    row = session.execute(
        select(Identity.id, Repository.name)
        .join(Repository, Repository.id == Identity.repository_id)
        .where(Identity.id == identity)
    ).one_or_none()
    if row is None:
        raise RetentionRefused(identity[:32], "is no identity")
    return row[0], row[1]


def _in_force(first: str, second: str) -> Select[int]:
    return select(IdentityLink.id).where(
        IdentityLink.first_id == first, IdentityLink.second_id == second, IdentityLink.unlinked_at.is_(None)
    )
