"""Identifications and challenges as the console lists them, within how far somebody may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, exists, or_, select

from matcher_service.accounts import Action, permitted
from matcher_service.notify.words import ChallengeState
from matcher_service.repositories.case_tables import CaseFile, SecondResponse
from matcher_service.repositories.notice_tables import (
    Challenge,
    Identification,
    Retraction,
    Subscriber,
)
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import Repository, StoredSubmission
from matcher_service.routing import Answer, latest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.accounts.people import Reach

ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class IdentificationRow:
    """What examiners confirmed.

    Attributes:
        ori: of the agency that booked.
        told: those of the agencies that have a case of it; rights that are bound to an agency go by them.
        jail_knows: whether whoever booked was told that something was found.
    """

    id: int
    tcn: str
    repository: str
    ori: str
    state: str
    confirmed_at: datetime
    log10_fmr: float | None
    told: tuple[str, ...]
    jail_knows: bool

    def allows(self, account: Account, action: Action) -> bool:
        """Whether the account may do this to it, as one of an agency that was told, or for its repository."""
        return any(
            permitted(account, action, repository=self.repository, ori=ori) for ori in (*self.told, None)
        )

    def challenged_by(self, account: Account) -> bool:
        """Whether the account may challenge it: also for the jail, once that knows of it."""
        return self.allows(account, Action.CHALLENGE_OPEN) or (
            self.jail_knows
            and permitted(account, Action.CHALLENGE_OPEN, repository=self.repository, ori=self.ori)
        )

    @property
    def strength(self) -> str:
        """In words."""
        if self.log10_fmr is None:
            return "not kept"
        return f"one false match in {10 ** min(-self.log10_fmr, 30):,.0f} comparisons"


@dataclass(frozen=True, slots=True)
class ChallengeLine:
    """A challenge, and what it is of."""

    id: int
    identification: int
    tcn: str
    repository: str
    grounds: str
    state: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None


def rows(session: Session, within: Reach, *, state: str = "") -> list[IdentificationRow]:
    """The newest first."""
    query = _query().where(_inside(within)).order_by(Identification.id.desc()).limit(ROWS)
    if state:
        query = query.where(Identification.state == state)
    return [_row(session, one) for one in session.execute(query)]


def find(session: Session, number: int) -> IdentificationRow | None:
    """One of them, whoever asks."""
    found = session.execute(_query().where(Identification.id == number)).first()
    return None if found is None else _row(session, found)


def of_booking(session: Session, tcn: str) -> list[IdentificationRow]:
    """All of a booking, whoever asks."""
    return [_row(session, one) for one in session.execute(_query().where(StoredSubmission.tcn == tcn))]


def challenges(session: Session, within: Reach, *, state: str = "") -> list[ChallengeLine]:
    """Those that are open first, then the newest."""
    query = (
        select(Challenge, StoredSubmission.tcn, Repository.name)
        .join(Identification, Identification.id == Challenge.identification_id)
        .join(StoredSubmission, StoredSubmission.id == Identification.submission_id)
        .join(Repository, Repository.id == Identification.repository_id)
        .where(_inside(within))
        .order_by(Challenge.state != ChallengeState.OPEN, Challenge.id.desc())
        .limit(ROWS)
    )
    if state:
        query = query.where(Challenge.state == state)
    return [
        ChallengeLine(
            one.id, one.identification_id, tcn, repository, one.grounds, one.state, one.opened_at, one.opened_by,
            one.closed_at, one.closed_by,
        )
        for one, tcn, repository in session.execute(query)
    ]  # fmt: skip


def challenges_of(session: Session, identification: int) -> Sequence[Challenge]:
    """The newest first."""
    return session.scalars(
        select(Challenge).where(Challenge.identification_id == identification).order_by(Challenge.id.desc())
    ).all()


def retraction_of(session: Session, identification: int) -> Retraction | None:
    """How it was taken back, if it was."""
    return session.scalar(select(Retraction).where(Retraction.identification_id == identification))


def _query() -> Select[Identification, str, str, str]:
    return (
        select(Identification, StoredSubmission.tcn, Repository.name, SubmissionFacts.ori)
        .join(StoredSubmission, StoredSubmission.id == Identification.submission_id)
        .join(Repository, Repository.id == Identification.repository_id)
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == Identification.submission_id)
    )


def _inside(within: Reach) -> ColumnElement[bool]:
    """Those of its repositories, and those that an agency of its was told of."""
    if within.everywhere:
        return Identification.id.is_not(None)
    return or_(
        Repository.name.in_(within.repositories),
        _told(Subscriber.ori.in_(within.oris)),
        *(and_(Repository.name == name, _told(Subscriber.ori == ori)) for name, ori in within.within),
    )


def _told(whom: ColumnElement[bool]) -> ColumnElement[bool]:
    """Agencies with a case: theirs is opened when they are told, never before."""
    return exists().where(
        CaseFile.identification_id == Identification.id, Subscriber.id == CaseFile.subscriber_id, whom
    )


def _row(session: Session, found: Row[Identification, str, str, str]) -> IdentificationRow:
    one, tcn, repository, ori = found
    told = session.scalars(
        select(Subscriber.ori)
        .join(CaseFile, CaseFile.subscriber_id == Subscriber.id)
        .where(CaseFile.identification_id == one.id)
    )
    return IdentificationRow(
        one.id, tcn, repository, ori or "", one.state, one.confirmed_at, one.log10_fmr, tuple(told),
        _jail_knows(session, one),
    )  # fmt: skip


def _jail_knows(session: Session, found: Identification) -> bool:
    """By the rapid reply; or, where the answer was to follow, by the second one. Before, there is nothing to see."""
    decided = next(
        (one for one in latest(session, found.submission_id) if one.repository_id == found.repository_id),
        None,
    )
    if decided is not None and decided.conditions is not None and decided.conditions.answer is Answer.FIRST:
        return True
    told = select(SecondResponse.id).where(
        SecondResponse.submission_id == found.submission_id,
        SecondResponse.repository_id == found.repository_id,
        SecondResponse.kind == "match",
        SecondResponse.told_at.is_not(None),
    )
    return session.scalar(told.limit(1)) is not None
