"""The figures, counted by the database: a question for each kind, grouped there, where the millions are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, and_, case, cast, distinct, exists, extract, func, select

from matcher_service.oversight.coverage import coverage
from matcher_service.oversight.figures import (
    UNKNOWN_JURISDICTION,
    Cell,
    ExaminerFigures,
    Figures,
    LevelCell,
    Stage,
)
from matcher_service.oversight.policies import policies
from matcher_service.repositories.schema import Base

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

TOLD = ("sent", "received")
CLOSED = ("identified", "excluded", "inconclusive")


def gather(
    database: Database,
    *,
    first: str,
    last: str,
    now: datetime | None = None,
    on_part: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Count what came from the month `first` to `last` ("2011-02"), and what became of it until now.

    `on_part` is told what is being counted. Raises StoreError.
    """
    made_at = now or datetime.now(UTC)
    figures = Figures(first, last, made_at)
    with database.read() as session:
        question = _Question(session, figures)
        for words, part in (
            ("submissions", question.submissions),
            ("routing decisions", question.decisions),
            ("candidates", question.candidates),
            ("identifications", question.identifications),
            ("notifications", question.notifications),
            ("cases", question.cases),
            ("retractions", question.retractions),
            ("examiners", question.examiners),
        ):
            on_part(words)
            part()
        on_part("coverage")
        figures.coverage = coverage(session, now=made_at)
        on_part("agreements")
        figures.policies = policies(session, now=made_at)
    return figures


class _Question:
    """The questions, over one session, with what they have in common."""

    def __init__(self, session: Session, figures: Figures) -> None:
        self._session = session
        self._figures = figures
        tables = Base.metadata.tables
        self._submission, self._facts = tables["submission"], tables["submission_facts"]
        self._tables = tables
        self._month = _month_number(self._submission.c.received_at)
        self._between = self._submission.c.received_at.between(
            _start(figures.first), _start(_after(figures.last))
        )
        self._codes: dict[int | None, str] = {None: UNKNOWN_JURISDICTION}
        self._repositories: dict[int, str] = {}
        jurisdiction = tables["jurisdiction"]
        for key, code, name in session.execute(
            select(jurisdiction.c.id, jurisdiction.c.code, jurisdiction.c.name)
        ):
            self._codes[key] = code
            figures.names[code] = name
        repository = tables["repository"]
        for key, name in session.execute(select(repository.c.id, repository.c.name)):
            self._repositories[key] = name

    # -- the questions

    def submissions(self) -> None:
        """All that came."""
        query = select(self._facts.c.jurisdiction_id, self._month, func.count()).select_from(
            self._with_facts()
        )
        for jurisdiction, month, count in self._grouped(query, self._facts.c.jurisdiction_id, self._month):
            self._add(jurisdiction, "", month, Stage.SUBMISSIONS, count)

    def decisions(self) -> None:
        """Where a rule let them be searched, and why not where it did not."""
        decision = self._tables["routing_decision"]
        keys = (decision.c.repository_id, decision.c.verdict, decision.c.reason_code)
        # The newest decision counts: one that was parked may have been let through later.
        newer = decision.alias()
        outdated = exists().where(
            newer.c.submission_id == decision.c.submission_id,
            newer.c.repository_id == decision.c.repository_id,
            newer.c.id > decision.c.id,
        )
        groups = (self._facts.c.jurisdiction_id, self._month, *keys)
        query = (
            select(*groups, func.count())
            .select_from(self._with_facts().join(decision, decision.c.submission_id == self._submission.c.id))
            .where(~outdated)
        )
        for jurisdiction, month, repository, verdict, reason, count in self._grouped(query, *groups):
            if verdict == "search":
                self._add(jurisdiction, self._repositories[repository], month, Stage.SEARCHED, count)
            else:
                self._figures.not_searched[self._repositories[repository], f"{verdict}: {reason}"] += count

    def candidates(self) -> None:
        """Searches that gave somebody to look at."""
        search = self._tables["search"]
        self._by_repository(
            search,
            Stage.CANDIDATES,
            on=search.c.submission_id == self._submission.c.id,
            where=and_(search.c.colour.in_(("red", "yellow")), search.c.failed.is_(False)),
            counted=search.c.submission_id,
        )

    def identifications(self) -> None:
        """What examiners confirmed, whatever became of it."""
        found = self._tables["identification"]
        self._by_repository(
            found,
            Stage.IDENTIFIED,
            on=found.c.submission_id == self._submission.c.id,
            counted=found.c.id,
        )

    def notifications(self) -> None:
        """Identifications that at least one subscriber was told of."""
        found, told = self._tables["identification"], self._tables["notification"]
        self._by_repository(
            found,
            Stage.NOTIFIED,
            on=found.c.submission_id == self._submission.c.id,
            where=and_(told.c.kind == "hit", told.c.state.in_(TOLD)),
            counted=found.c.id,
            also=(told, told.c.identification_id == found.c.id),
        )

    def cases(self) -> None:
        """Cases by level, and what their agencies found."""
        found, case_file = self._tables["identification"], self._tables["case_file"]
        evaluation = self._tables["evaluation"]
        path = (
            self._with_facts()
            .join(found, found.c.submission_id == self._submission.c.id)
            .join(case_file, case_file.c.identification_id == found.c.id)
        )
        level = func.coalesce(case_file.c.level, 0)
        groups = (self._facts.c.jurisdiction_id, self._month, level)
        query = select(*groups, func.count()).select_from(path)
        for jurisdiction, month, its_level, count in self._grouped(query, *groups):
            cell = LevelCell(self._codes[jurisdiction], _month_text(month), int(its_level))
            self._figures.levels[cell] += count
        evaluated = path.join(evaluation, evaluation.c.case_id == case_file.c.id)
        groups = (self._facts.c.jurisdiction_id, self._month, found.c.repository_id)
        query = select(*groups, func.count(distinct(found.c.id))).select_from(evaluated)
        for jurisdiction, month, repository, count in self._grouped(query, *groups):
            self._add(jurisdiction, self._repositories[repository], month, Stage.EVALUATED, count)
        query = select(evaluation.c.outcome, func.count()).select_from(evaluated)
        self._figures.outcomes.update(dict(self._grouped(query, evaluation.c.outcome)))

    def retractions(self) -> None:
        """Identifications that were taken back, and why."""
        found, retraction = self._tables["identification"], self._tables["retraction"]
        self._by_repository(
            found,
            Stage.RETRACTED,
            on=found.c.submission_id == self._submission.c.id,
            counted=found.c.id,
            also=(retraction, retraction.c.identification_id == found.c.id),
        )
        path = (
            self._with_facts()
            .join(found, found.c.submission_id == self._submission.c.id)
            .join(retraction, retraction.c.identification_id == found.c.id)
        )
        query = select(retraction.c.cause, func.count()).select_from(path)
        self._figures.causes.update(dict(self._grouped(query, retraction.c.cause)))

    def examiners(self) -> None:
        """What examiners made of candidates, and of strangers that were put among them."""
        task, repository = self._tables["review_task"], self._tables["repository"]
        left = func.sum(case((task.c.state == "identified", 0), else_=1))
        query = (
            select(repository.c.name, func.count(), left)
            .select_from(
                self._submission.join(task, task.c.submission_id == self._submission.c.id).join(
                    repository, repository.c.id == task.c.repository_id
                )
            )
            .where(task.c.state.in_(CLOSED))
        )
        for name, closed, without in self._grouped(query, repository.c.name):
            self._figures.closed_tasks[name] = (int(closed), int(without))
        seeded = self._tables["seeded_result"]
        results = (
            select(
                seeded.c.examiner_id, func.count(), func.sum(case((seeded.c.was_wrong.is_(True), 1), else_=0))
            )
            .where(seeded.c.at.between(_start(self._figures.first), _start(_after(self._figures.last))))
            .group_by(seeded.c.examiner_id)
            .order_by(seeded.c.examiner_id)
        )
        self._figures.examiners = [
            ExaminerFigures(str(examiner), int(count), int(wrong or 0))
            for examiner, count, wrong in self._session.execute(results)
        ]

    # -- what they have in common

    def _with_facts(self) -> Any:  # noqa: ANN401 - SQLAlchemy's own join
        return self._submission.outerjoin(self._facts, self._facts.c.submission_id == self._submission.c.id)

    def _by_repository(
        self,
        table: Table,
        stage: Stage,
        *,
        on: ColumnElement[bool],
        counted: ColumnElement[Any],
        where: ColumnElement[bool] | None = None,
        also: tuple[Table, ColumnElement[bool]] | None = None,
    ) -> None:
        path = self._with_facts().join(table, on)
        if also is not None:
            path = path.join(*also)
        groups = (self._facts.c.jurisdiction_id, self._month, table.c.repository_id)
        query = select(*groups, func.count(distinct(counted))).select_from(path)
        if where is not None:
            query = query.where(where)
        for jurisdiction, month, repository, count in self._grouped(query, *groups):
            self._add(jurisdiction, self._repositories[repository], month, stage, count)

    def _grouped(self, query: Any, *groups: ColumnElement[Any]) -> list[Any]:  # noqa: ANN401 - typed by its columns
        return list(self._session.execute(query.where(self._between).group_by(*groups)).all())

    def _add(self, jurisdiction: int | None, repository: str, month: int, stage: Stage, count: int) -> None:
        code = self._codes.get(jurisdiction, UNKNOWN_JURISDICTION)
        self._figures.cells[Cell(code, repository, _month_text(month), stage)] += count


def _month_number(at: ColumnElement[datetime]) -> ColumnElement[int]:
    """Months since the year 0, which every database can group by."""
    return cast(extract("year", at) * 12 + extract("month", at) - 1, Integer)


def _month_text(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _start(month: str) -> datetime:
    year, number = (int(part) for part in month.split("-"))
    return datetime(year, number, 1, tzinfo=UTC)


def _after(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return f"{year + 1:04}-01" if number == 12 else f"{year:04}-{number + 1:02}"
