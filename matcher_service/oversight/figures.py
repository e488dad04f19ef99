"""What was counted. Each count belongs to the month in which its submission came, so that rates compare like with like.

A cohort's later stages go on growing: an identification of May's bookings may be retracted in August, and then lowers
May's line, where it belongs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

UNKNOWN_JURISDICTION = "unknown"


class Stage(StrEnum):
    """How far a submission came in one repository; each is a part of the one before, but for `RETRACTED`."""

    SUBMISSIONS = "submissions"
    SEARCHED = "searched"
    CANDIDATES = "candidates"
    IDENTIFIED = "identified"
    NOTIFIED = "notified"
    EVALUATED = "evaluated"
    RETRACTED = "retracted"


STAGE_WORDS = {
    Stage.SUBMISSIONS: "Submissions that came",
    Stage.SEARCHED: "Searches that a rule allowed",
    Stage.CANDIDATES: "Searches that gave a candidate",
    Stage.IDENTIFIED: "Candidates that examiners identified",
    Stage.NOTIFIED: "Identifications that somebody was told of",
    Stage.EVALUATED: "Cases that their agency evaluated",
    Stage.RETRACTED: "Identifications that were taken back",
}


class Cell(NamedTuple):
    """What a count is of. `repository` is empty for submissions, `month` is "2011-02"."""

    jurisdiction: str
    repository: str
    month: str
    stage: Stage


class LevelCell(NamedTuple):
    """A count of cases. `level` is 1 to 3 from convictions, 0 for people who were not convicted of anything."""

    jurisdiction: str
    month: str
    level: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A state in one repository: jurisdictions that share with it now, of all that it has."""

    state: str
    repository: str
    active: int
    jurisdictions: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.active / self.jurisdictions if self.jurisdictions else 0.0


@dataclass(frozen=True, slots=True)
class ExaminerFigures:
    """How one examiner did on cases whose answer was known: strangers put among the candidates."""

    examiner: str
    seeded: int
    wrong: int


@dataclass(slots=True)
class Figures:
    """Everything that the report says.

    Attributes:
        first: first month, as "2011-02".
        last: last month.
        made_at: when the figures were taken.
        cells: counts by jurisdiction, repository, month and stage.
        levels: cases by jurisdiction, month and level.
        not_searched: by repository and reason code, how often a search was not allowed or had to wait.
        outcomes: evaluations by their outcome.
        causes: retractions by their cause.
        closed_tasks: by repository, examiners' tasks that ended, and those of them that ended without identification.
        examiners: results on seeded cases.
        coverage: by state and repository.
        names: of jurisdictions, by code.
    """

    first: str
    last: str
    made_at: datetime
    cells: Counter[Cell] = field(default_factory=Counter[Cell])
    levels: Counter[LevelCell] = field(default_factory=Counter[LevelCell])
    not_searched: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    causes: Counter[str] = field(default_factory=Counter[str])
    closed_tasks: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    examiners: list[ExaminerFigures] = field(default_factory=list[ExaminerFigures])
    coverage: list[Coverage] = field(default_factory=list[Coverage])
    names: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def repositories(self) -> list[str]:
        """Names of the repositories that anything was counted in."""
        return sorted({cell.repository for cell in self.cells if cell.repository})

    @property
    def months(self) -> list[str]:
        """All months from the first to the last, whether or not anything came in them."""
        return list(months_between(self.first, self.last))

    def total(self, stage: Stage, repository: str | None = None) -> int:
        """All of one stage, in one repository or in all."""
        return sum(
            count
            for cell, count in self.cells.items()
            if cell.stage is stage and repository in (None, cell.repository)
        )

    def by(self, part: str, repository: str) -> dict[str, Counter[Stage]]:
        """Counts of each stage by "jurisdiction" or "month", for one repository; submissions count for each."""
        at = Cell._fields.index(part)
        found: defaultdict[str, Counter[Stage]] = defaultdict(Counter[Stage])
        for cell, count in self.cells.items():
            if cell.repository in ("", repository):
                found[str(cell[at])][cell.stage] += count
        return dict(sorted(found.items()))


def months_between(first: str, last: str) -> Iterable[str]:
    """Every month from `first` to `last`, both as "2011-02" and both included."""
    year, month = (int(part) for part in first.split("-"))
    while (here := f"{year:04}-{month:02}") <= last:
        yield here
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
