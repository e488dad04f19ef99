"""The figures, counted by the database: a question for each kind, grouped there, where the millions are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ColumnElement, String, case, distinct, exists, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

from matcher_service.oversight.coverage import coverage
from matcher_service.oversight.figures import (
    UNKNOWN_JURISDICTION,
    Cell,
    ExaminerFigures,
    Figures,
    LevelCell,
    Stage,
)
from matcher_service.repositories.schema import Base

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table
    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

TOLD = ("sent", "received")
# A limit keeps the databases from working out a row's parts anew where it is grouped.
_MORE_THAN_ALL = 1 << 62
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
            ("routing decisions", question.refusals),
            ("candidates", question.candidates),
            ("identifications", question.identifications),
            ("cases", question.cases),
            ("retractions", question.retractions),
            ("examiners", question.examiners),
        ):
            on_part(words)
            part()
        on_part("coverage")
        figures.coverage = coverage(session, now=made_at)
    return figures


class _Question:
    """The questions, over one session, with what they have in common."""

    def __init__(self, session: Session, figures: Figures) -> None:
        self._session = session
        self._figures = figures
        tables = Base.metadata.tables
        self._submission, self._facts = tables["submission"], tables["submission_facts"]
        self._tables = tables
        self._month = _Month(self._submission.c.received_at)
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
        """All that came, and where a rule let them be searched: one way through, in the order of the indices."""
        decision, newest = self._newest_decision()
        searched = (
            # Where it was searched, a bit for each repository: so there is one row to group for each submission.
            select(func.coalesce(func.sum(self._bit(decision.c.repository_id)), 0))
            .where(decision.c.submission_id == self._submission.c.id, decision.c.verdict == "search", newest)
            .scalar_subquery()
        )
        each = (
            select(
                self._facts.c.jurisdiction_id.label("jurisdiction"),
                self._month.label("month"),
                searched.label("searched"),
            )
            .select_from(self._with_facts())
            .where(self._between)
            .limit(_MORE_THAN_ALL)
            .subquery()
        )
        groups = (each.c.jurisdiction, each.c.month, each.c.searched)
        for jurisdiction, month, bits, count in self._session.execute(
            select(*groups, func.count()).group_by(*groups)
        ):
            self._add(jurisdiction, "", month, Stage.SUBMISSIONS, count)
            for place, name in enumerate(self._repositories.values()):
                if int(bits) >> place & 1:
                    self._add(jurisdiction, name, month, Stage.SEARCHED, count)

    def refusals(self) -> None:
        """Why the others were not searched."""
        decision, newest = self._newest_decision()
        groups = (decision.c.repository_id, decision.c.verdict, decision.c.reason_code)
        query = (
            select(*groups, func.count())
            .select_from(self._submission.join(decision, decision.c.submission_id == self._submission.c.id))
            .where(decision.c.verdict != "search", newest)
        )
        for repository, verdict, reason, count in self._grouped(query, *groups):
            self._figures.not_searched[self._repositories[repository], f"{verdict}: {reason}"] += count

    def candidates(self) -> None:
        """Searches that gave somebody to look at."""
        search = self._tables["search"]
        groups = (self._facts.c.jurisdiction_id, self._month, search.c.repository_id)
        query = (
            select(*groups, func.count(distinct(search.c.submission_id)))
            .select_from(self._with_facts(search, search.c.submission_id == self._submission.c.id))
            .where(search.c.colour.in_(("red", "yellow")), search.c.failed.is_(False))
        )
        for jurisdiction, month, repository, count in self._grouped(query, *groups):
            self._add(jurisdiction, self._repositories[repository], month, Stage.CANDIDATES, count)

    def identifications(self) -> None:
        """What examiners confirmed, and which of it was told, evaluated, and taken back."""
        found, told, retraction = (
            self._tables[name] for name in ("identification", "notification", "retraction")
        )
        case_file, evaluation = self._tables["case_file"], self._tables["evaluation"]
        its_own = found.c.id
        stages = {
            Stage.NOTIFIED: exists().where(
                told.c.identification_id == its_own, told.c.kind == "hit", told.c.state.in_(TOLD)
            ),
            Stage.EVALUATED: exists().where(
                case_file.c.identification_id == its_own, evaluation.c.case_id == case_file.c.id
            ),
            Stage.RETRACTED: exists().where(retraction.c.identification_id == its_own),
        }
        groups = (self._facts.c.jurisdiction_id, self._month, found.c.repository_id)
        query = select(*groups, func.count(), *(_count_of(one) for one in stages.values())).select_from(
            self._with_facts(found, found.c.submission_id == self._submission.c.id)
        )
        for jurisdiction, month, repository, *counts in self._grouped(query, *groups):
            name = self._repositories[repository]
            for stage, count in zip((Stage.IDENTIFIED, *stages), counts, strict=True):
                self._add(jurisdiction, name, month, stage, count)

    def cases(self) -> None:
        """Cases by level, and what their agencies found."""
        found, case_file = self._tables["identification"], self._tables["case_file"]
        evaluation = self._tables["evaluation"]
        path = self._with_facts(found, found.c.submission_id == self._submission.c.id).join(
            case_file, case_file.c.identification_id == found.c.id
        )
        groups = (self._facts.c.jurisdiction_id, self._month, case_file.c.level)
        query = select(*groups, func.count()).select_from(path)
        for jurisdiction, month, level, count in self._grouped(query, *groups):
            cell = LevelCell(self._codes.get(jurisdiction, UNKNOWN_JURISDICTION), month, level or 0)
            self._figures.levels[cell] += count
        evaluated = path.join(evaluation, evaluation.c.case_id == case_file.c.id)
        query = select(evaluation.c.outcome, func.count()).select_from(evaluated)
        self._figures.outcomes.update(dict(self._grouped(query, evaluation.c.outcome)))

    def retractions(self) -> None:
        """Why identifications were taken back."""
        found, retraction = self._tables["identification"], self._tables["retraction"]
        path = self._submission.join(found, found.c.submission_id == self._submission.c.id).join(
            retraction, retraction.c.identification_id == found.c.id
        )
        query = select(retraction.c.cause, func.count()).select_from(path)
        self._figures.causes.update(dict(self._grouped(query, retraction.c.cause)))

    def examiners(self) -> None:
        """What examiners made of candidates, and of strangers that were put among them."""
        task = self._tables["review_task"]
        groups = (task.c.repository_id,)
        query = select(
            *groups,
            _count_of(task.c.state.in_(CLOSED)),
            _count_of(task.c.state.in_(CLOSED) & (task.c.state != "identified")),
        ).select_from(self._submission.join(task, task.c.submission_id == self._submission.c.id))
        for repository, closed, without in self._grouped(query, *groups):
            if closed:
                self._figures.closed_tasks[self._repositories[repository]] = (int(closed), int(without))
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

    def _with_facts(self, table: Table | None = None, on: ColumnElement[bool] | None = None) -> Any:  # noqa: ANN401 - SQLAlchemy's own join
        """Submissions, those of `table` only if there is one, and what is known of them."""
        start = self._submission if table is None else self._submission.join(table, on)
        return start.outerjoin(self._facts, self._facts.c.submission_id == self._submission.c.id)

    def _newest_decision(self) -> tuple[Table, ColumnElement[bool]]:
        """The newest decision counts: one that was parked may have been let through later."""
        decision = self._tables["routing_decision"]
        newer = decision.alias()
        outdated = exists().where(
            newer.c.submission_id == decision.c.submission_id,
            newer.c.repository_id == decision.c.repository_id,
            newer.c.id > decision.c.id,
        )
        return decision, ~outdated

    def _bit(self, repository: ColumnElement[int]) -> ColumnElement[int]:
        places = {key: 1 << place for place, key in enumerate(self._repositories)}
        return case(places, value=repository, else_=0) if places else literal(0)

    def _grouped(self, query: Any, *groups: ColumnElement[Any]) -> list[Any]:  # noqa: ANN401 - typed by its columns
        return list(self._session.execute(query.where(self._between).group_by(*groups)).all())

    def _add(self, jurisdiction: int | None, repository: str, month: str, stage: Stage, count: int) -> None:
        if count:
            code = self._codes.get(jurisdiction, UNKNOWN_JURISDICTION)
            self._figures.cells[Cell(code, repository, month, stage)] += count


class _Month(ColumnElement[str]):
    """The month of a time, as "2011-02"."""

    inherit_cache = True
    _traverse_internals: ClassVar[Any] = [("at", InternalTraversal.dp_clauseelement)]
    type = String()

    def __init__(self, at: ColumnElement[datetime]) -> None:
        self.at = at


@compiles(_Month, "sqlite")
def _month_in_sqlite(element: _Month, compiler: Any, **more: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    # The text that it keeps begins with it, and to cut it off takes a fifth of the time of working it out.
    return f"substr({compiler.process(element.at, **more)}, 1, 7)"


@compiles(_Month)
def _month_elsewhere(element: _Month, compiler: Any, **more: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return f"to_char({compiler.process(element.at, **more)}, 'YYYY-MM')"


def _count_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows of a group it holds for."""
    return func.sum(case((condition, 1), else_=0))


def _start(month: str) -> datetime:
    year, number = (int(part) for part in month.split("-"))
    return datetime(year, number, 1, tzinfo=UTC)


def _after(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return f"{year + 1:04}-01" if number == 12 else f"{year:04}-{number + 1:02}"
