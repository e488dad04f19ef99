"""A case as its officer sees it, and the row that it is in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select

from matcher_service.cases.tables import OffenceClass, offences, outcomes
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.case_tables import Conviction, Evaluation, LevelChange
from matcher_service.repositories.schema import Encounter
from matcher_service.routing import read_facts

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from matcher_service.repositories.case_tables import CaseFile
    from matcher_service.repositories.notice_tables import Identification, Subscriber
    from matcher_service.repositories.schema import Repository

NO_FINDING = (
    "A match of prints is no finding of anybody's status or guilt, and no ground to hold anyone. That there is no"
    " record says nothing either."
)


class CaseState(StrEnum):
    """How far a case has come; as in the database."""

    OPEN = "open"
    EVALUATING = "evaluating"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the queue. `owner` is the name of the officer who has it; `frozen` that it is challenged."""

    case: int
    level: int | None
    state: CaseState
    repository: str
    agency: str
    opened_at: datetime
    owner: str
    mine: bool
    frozen: bool


@dataclass(frozen=True, slots=True)
class Match:
    """What matched, how strongly, and where the record comes from.

    `record` is an opaque id, None once the record is gone; `enrolled_at` and `renewed_at` are when it was made and
    last added to, `age_days` how long ago that last was.
    """

    record: str | None
    log10_fmr: float | None
    confirmed_at: datetime
    source: str
    enrolled_at: datetime | None
    renewed_at: datetime | None
    age_days: int | None


@dataclass(frozen=True, slots=True)
class ConvictionView:
    """A conviction as it was entered."""

    id: int
    code: str
    name: str
    offence_class: OffenceClass
    convicted_on: date
    sentence_days: int | None
    source: str
    recorded_by: str
    vacated_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """What an officer found, and what was done."""

    outcome: str
    outcome_words: str
    action: str
    words: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level that the case had from then on."""

    level: int | None
    table: str
    because: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything that there is to a case. Charge and disposition are as last reported, None where never."""

    row: CaseRow
    tcn: str
    arrested_by: str
    charge_class: str | None
    disposition: str | None
    match: Match
    convictions: tuple[ConvictionView, ...]
    evaluations: tuple[EvaluationView, ...]
    history: tuple[LevelView, ...]
    caveat: str = NO_FINDING


def row_of(
    session: Session,
    case: CaseFile,
    identification: Identification,
    subscriber: Subscriber,
    *,
    repository: str,
    me: str,
) -> CaseRow:
    """The case in the queue, as seen by the account of id `me`."""
    return CaseRow(
        case=case.id,
        level=case.level,
        state=CaseState(case.state),
        repository=repository,
        agency=subscriber.words,
        opened_at=case.opened_at,
        owner=owner_name(session, case),
        mine=case.owner_id == me,
        frozen=identification.state == "frozen",
    )


def owner_name(session: Session, case: CaseFile) -> str:
    """The account that has it; "" if none."""
    if case.owner_id is None:
        return ""
    return session.scalar(select(AccountRow.name).where(AccountRow.id == case.owner_id)) or "?"


def view_of(
    session: Session,
    row: CaseRow,
    identification: Identification,
    repository: Repository,
    *,
    tcn: str,
    now: datetime,
) -> CaseView:
    """The whole case."""
    facts = read_facts(session, identification.submission_id)
    names = {one.code: one.name for one in offences().offences}
    words = {one.code: one.words for one in outcomes().outcomes}
    return CaseView(
        row=row,
        tcn=tcn,
        arrested_by=facts.ori,
        charge_class=facts.charge_class,
        disposition=facts.disposition,
        match=_match(session, identification, repository, now),
        convictions=tuple(
            ConvictionView(
                one.id, one.offence_code, names.get(one.offence_code, ""), OffenceClass(one.offence_class),
                one.convicted_on, one.sentence_days, one.source, one.recorded_by, one.vacated_at,
            )
            for one in session.scalars(
                select(Conviction).where(Conviction.case_id == row.case).order_by(Conviction.id)
            )
        ),
        evaluations=tuple(
            EvaluationView(
                one.outcome, words.get(one.outcome, ""), one.action, one.words, one.decided_by, one.decided_at
            )
            for one in session.scalars(
                select(Evaluation).where(Evaluation.case_id == row.case).order_by(Evaluation.id)
            )
        ),
        history=tuple(
            LevelView(one.level, one.table_version, one.because, one.changed_at)
            for one in session.scalars(
                select(LevelChange).where(LevelChange.case_id == row.case).order_by(LevelChange.id)
            )
        ),
    )  # fmt: skip


def _match(session: Session, found: Identification, repository: Repository, now: datetime) -> Match:
    seen = session.execute(
        select(func.min(Encounter.enrolled_at), func.max(Encounter.enrolled_at)).where(
            Encounter.identity_id == found.identity_id
        )
    ).one()
    first, last = cast("tuple[datetime | None, datetime | None]", tuple(seen))
    return Match(
        record=found.identity_id,
        log10_fmr=found.log10_fmr,
        confirmed_at=found.confirmed_at,
        source=f"{repository.name} of {repository.owner}",
        enrolled_at=first,
        renewed_at=last,
        age_days=None if last is None else max(0, (now - last).days),
    )
