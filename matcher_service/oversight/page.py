"""What the report's page says: the figures as tables and pictures, small counts hidden where anybody may read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcher_service.oversight import parameters
from matcher_service.oversight.figures import STAGE_WORDS, LevelCell, Stage
from matcher_service.oversight.outliers import FEWEST_JURISDICTIONS, find_outliers
from matcher_service.oversight.pictures import bars, coverage_map, funnel_plot, lines_by_month
from matcher_service.oversight.suppression import suppress, text_of_count

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from matcher_service.oversight.figures import Figures
    from matcher_service.oversight.outliers import Funnel

LEVEL_WORDS = {
    1: "level 1: the most serious convictions",
    2: "level 2",
    3: "level 3",
    0: "no level: convicted of nothing",
}
# A rate that is compared between jurisdictions: its name, what is counted, and of how many.
RATES = (
    ("Identified, of the submissions searched", Stage.IDENTIFIED, Stage.SEARCHED),
    ("Taken back, of those identified", Stage.RETRACTED, Stage.IDENTIFIED),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is written: column names, rows of text, and a last row of totals, or none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A repository's part of the page; pictures are SVG text."""

    repository: str
    stages: Table
    months: Table
    lines: str
    jurisdictions: Table
    map: str
    covered: Table
    funnels: tuple[tuple[str, str, Table, str], ...]
    not_searched: Table


def page_of(figures: Figures, *, public: bool) -> dict[str, Any]:
    """Everything that the template shows. `public` hides small counts and whatever points at one examiner."""
    smallest = parameters.SMALLEST_CELL if public else 1
    return {
        "figures": figures,
        "public": public,
        "smallest": parameters.SMALLEST_CELL,
        "came": text_of_count(figures.total(Stage.SUBMISSIONS), smallest=smallest),
        "sections": [_section(figures, name, smallest) for name in figures.repositories],
        "policies": _policies(figures),
        "self_reported": _self_reported(figures, smallest),
        "levels": _levels(figures, smallest),
        "outcomes": _counted(figures.outcomes, "Outcome", smallest),
        "causes": _counted(figures.causes, "Cause", smallest),
        "outcome_bars": _bars(figures.outcomes, "What agencies found", smallest),
        "examiners": _examiners(figures, public=public, smallest=smallest),
        "false_candidates": _false_candidates(figures, smallest),
    }


def _section(figures: Figures, repository: str, smallest: int) -> Section:
    by_month = figures.by("month", repository)
    by_jurisdiction = figures.by("jurisdiction", repository)
    months = figures.months
    stages = list(Stage)
    table = suppress(
        [[by_month.get(month, {}).get(stage, 0) for stage in stages] for month in months],
        smallest=smallest,
        rows_add_up=False,
    )
    drawn = (Stage.SEARCHED, Stage.CANDIDATES, Stage.IDENTIFIED, Stage.NOTIFIED, Stage.RETRACTED)
    lines = {
        stage.value: [
            None if table.hidden[i, stages.index(stage)] else int(table.counts[i, stages.index(stage)])
            for i in range(len(months))
        ]
        for stage in drawn
    }
    covered = [one for one in figures.coverage if one.repository == repository]
    reasons: dict[str, int] = {
        reason: count for (name, reason), count in figures.not_searched.items() if name == repository
    }
    return Section(
        repository=repository,
        stages=Table(
            ("Stage", "How many"),
            tuple((STAGE_WORDS[stage], table.column_total(column)) for column, stage in enumerate(stages)),
        ),
        months=Table(
            ("Month", *(stage.value for stage in stages)),
            tuple(
                (month, *(table.text(row, column) for column in range(len(stages))))
                for row, month in enumerate(months)
            ),
            ("all", *(table.column_total(column) for column in range(len(stages)))),
        ),
        lines=lines_by_month(
            months, lines, title=f"Searches in {repository} by month, and what became of them"
        ),
        jurisdictions=_jurisdictions(figures, by_jurisdiction, smallest),
        map=coverage_map(covered, repository) if covered else "",
        covered=Table(
            ("State", "Sharing now", "Jurisdictions", "Share"),
            tuple(
                (one.state, f"{one.active:,}", f"{one.jurisdictions:,}", f"{100 * one.share:.0f} %")
                for one in covered
            ),
        ),
        funnels=tuple(_funnel(figures, by_jurisdiction, rate, smallest) for rate in RATES),
        not_searched=_counted(reasons, "Why", smallest),
    )


def _jurisdictions(figures: Figures, counts: Mapping[str, Counter[Stage]], smallest: int) -> Table:
    codes = sorted(counts, key=lambda code: -counts[code][Stage.SUBMISSIONS])
    stages = list(Stage)
    table = suppress(
        [[counts[code][stage] for stage in stages] for code in codes], smallest=smallest, rows_add_up=False
    )
    listed = codes[: parameters.MOST_JURISDICTIONS_LISTED]
    return Table(
        ("Jurisdiction", *(stage.value for stage in stages)),
        tuple(
            (named(figures, code), *(table.text(row, column) for column in range(len(stages))))
            for row, code in enumerate(listed)
        ),
        ("all", *(table.column_total(column) for column in range(len(stages)))),
        more=len(codes) - len(listed),
    )


def _funnel(
    figures: Figures,
    by: Mapping[str, Counter[Stage]],
    rate: tuple[str, Stage, Stage],
    smallest: int,
) -> tuple[str, str, Table, str]:
    words, events, trials = rate
    counts = {code: (stages[events], stages[trials]) for code, stages in by.items()}
    found = find_outliers(counts)
    compared = {code: pair for code, pair in counts.items() if pair[1] >= parameters.FEWEST_TRIALS}
    # Who stands out by a count that may not be shown is not shown either, neither in words nor as a point.
    shown = {
        code: pair
        for code, pair in compared.items()
        if all(count == 0 or count >= smallest for count in pair)
    }
    rows = tuple(
        (
            named(figures, one.jurisdiction),
            f"{one.events:,}",
            f"{one.trials:,}",
            f"{one.expected:.1f}",
            f"{one.z:+.1f}",
        )
        for one in found.outliers
        if one.jurisdiction in shown
    )
    table = Table(("Jurisdiction", "Cases", "of", "Expected", "z"), rows)
    picture = funnel_plot(shown, found, title=words) if found.tested >= FEWEST_JURISDICTIONS and shown else ""
    return words, picture, table, _funnel_words(found, len(compared) - len(shown))


def _funnel_words(found: Funnel, hidden: int) -> str:
    if found.tested < FEWEST_JURISDICTIONS:
        return f"Too few jurisdictions have {parameters.FEWEST_TRIALS} cases or more to compare them."
    words = (
        f"{found.tested} jurisdictions were compared; over all it is {100 * found.rate:.2f} %."
        " Whoever stands outside of the dashed lines is a question to be asked, not an answer."
    )
    return words + f" {hidden} of them are not drawn: their counts are hidden." if hidden else words


def _policies(figures: Figures) -> Table:
    listed = figures.policies[: parameters.MOST_JURISDICTIONS_LISTED]
    return Table(
        ("Jurisdiction", "Repository", "Is", "From", "Until", "Covers", "Signed by", "Document"),
        tuple(
            (
                f"{one.name} ({one.jurisdiction})", one.repository, one.state, f"{one.from_at:%Y-%m-%d}",
                "" if one.until_at is None else f"{one.until_at:%Y-%m-%d}", one.covers, one.signed_by,
                one.document_sha256[:12],
            )
            for one in listed
        ),
        more=len(figures.policies) - len(listed),
    )  # fmt: skip


def _self_reported(figures: Figures, smallest: int) -> Table:
    table = suppress(list(figures.self_reported.values()), smallest=smallest, rows_add_up=False)
    rows: list[tuple[str, ...]] = []
    for row, (group, (booked, notified)) in enumerate(figures.self_reported.items()):
        share = "" if table.hidden[row].any() or not booked else f"{100 * notified / booked:.1f} %"
        rows.append((group, table.text(row, 0), table.text(row, 1), share))
    return Table(("Group", "Booked", "Notified", "Share"), tuple(rows))


def _levels(figures: Figures, smallest: int) -> Table:
    months = figures.months
    levels = (1, 2, 3, 0)
    by: dict[tuple[str, int], int] = {}
    for cell, count in figures.levels.items():
        assert isinstance(cell, LevelCell)
        by[cell.month, cell.level] = by.get((cell.month, cell.level), 0) + count
    table = suppress([[by.get((month, level), 0) for level in levels] for month in months], smallest=smallest)
    return Table(
        ("Month", *(LEVEL_WORDS[level] for level in levels), "all"),
        tuple(
            (month, *(table.text(row, column) for column in range(len(levels))), table.row_total(row))
            for row, month in enumerate(months)
        ),
        ("all", *(table.column_total(column) for column in range(len(levels))), ""),
    )


def _counted(counts: Mapping[str, int] | Counter[str], name: str, smallest: int) -> Table:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    table = suppress([[count] for _, count in ordered], smallest=smallest, rows_add_up=False)
    rows = tuple((words.replace("_", " "), table.text(row, 0)) for row, (words, _) in enumerate(ordered))
    return Table((name, "How many"), rows, ("all", table.column_total(0)) if rows else ())


def _bars(counts: Mapping[str, int], title: str, smallest: int) -> str:
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    table = suppress([[count] for _, count in ordered], smallest=smallest, rows_add_up=False)
    return bars(
        [
            (words.replace("_", " "), 0 if table.hidden[row, 0] else count, table.text(row, 0))
            for row, (words, count) in enumerate(ordered)
        ],
        title=title,
    )


def _examiners(figures: Figures, *, public: bool, smallest: int) -> Table:
    columns = ("Examiner", "Known strangers shown", "Taken for the person", "Share")
    seeded = sum(one.seeded for one in figures.examiners)
    wrong = sum(one.wrong for one in figures.examiners)
    everybody = ("all", text_of_count(seeded, smallest=smallest), text_of_count(wrong, smallest=smallest), "")
    if seeded and (smallest == 1 or wrong == 0 or wrong >= smallest):
        everybody = (*everybody[:3], f"{100 * wrong / seeded:.2f} %")
    if public:
        return Table(columns, (), everybody)
    rows = tuple(
        (one.examiner, f"{one.seeded:,}", f"{one.wrong:,}", f"{100 * one.wrong / one.seeded:.2f} %")
        for one in figures.examiners
        if one.seeded
    )
    return Table(columns, rows, everybody)


def _false_candidates(figures: Figures, smallest: int) -> Table:
    rows: list[tuple[str, ...]] = []
    for name, (closed, without) in sorted(figures.closed_tasks.items()):
        small = smallest > 1 and 0 < without < smallest
        share = "" if small or not closed else f"{100 * without / closed:.1f} %"
        rows.append(
            (name, text_of_count(closed, smallest=smallest), text_of_count(without, smallest=smallest), share)
        )
    return Table(
        ("Repository", "Looked at by examiners", "Not the same person, or not clear", "Share"), tuple(rows)
    )


def named(figures: Figures, code: str) -> str:
    """A jurisdiction as a reader knows it."""
    name = figures.names.get(code)
    return f"{name} ({code})" if name else code
