"""The report as files: the page, and every figure as CSV for whoever wants to check it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from interchange.whole_file import PUBLIC, write_whole
from matcher_service.oversight.figures import Stage
from matcher_service.oversight.page import page_of
from matcher_service.oversight.parameters import SMALLEST_CELL
from matcher_service.oversight.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matcher_service.oversight.figures import Figures

# What a spreadsheet would take for a formula at the start of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_report(figures: Figures, folder: Path, *, public: bool) -> list[Path]:
    """Write the page and every table of figures.

    ``report.html``, ``by_month.csv``, ``by_jurisdiction.csv``, ``levels.csv``, ``coverage.csv`` and ``policies.csv``;
    where there are any, ``self_reported.csv``. The folder is made if it is not there. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": render(figures, public=public),
        "by_month.csv": _csv(_by(figures, "month", public=public)),
        "by_jurisdiction.csv": _csv(_by(figures, "jurisdiction", public=public)),
        "levels.csv": _csv(_levels(figures, public=public)),
        "coverage.csv": _csv(_coverage(figures)),
        "policies.csv": _csv(_policies(figures)),
    }
    if figures.self_reported:
        files["self_reported.csv"] = _csv(_self_reported(figures, public=public))
    for name, text in files.items():
        write_whole(folder / name, text.encode(), mode=PUBLIC if public else 0o600)
    return [folder / name for name in files]


def render(figures: Figures, *, public: bool) -> str:
    """The page as HTML: one file, with nothing from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("matcher_service.oversight"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(page_of(figures, public=public))


def _by(figures: Figures, part: str, *, public: bool) -> Iterator[tuple[str, ...]]:
    stages = list(Stage)
    yield ("repository", part, *(stage.value for stage in stages))
    for repository in figures.repositories:
        counts = figures.by(part, repository)
        table = suppress(
            [[count[stage] for stage in stages] for count in counts.values()],
            smallest=SMALLEST_CELL if public else 1,
            rows_add_up=False,
        )
        for row, name in enumerate(counts):
            yield (repository, name, *(_plain(table.text(row, column)) for column in range(len(stages))))


def _levels(figures: Figures, *, public: bool) -> Iterator[tuple[str, ...]]:
    levels = (1, 2, 3, 0)
    yield ("month", "level_1", "level_2", "level_3", "no_level")
    totals: dict[tuple[str, int], int] = {}
    for cell, count in figures.levels.items():
        totals[cell.month, cell.level] = totals.get((cell.month, cell.level), 0) + count
    table = suppress(
        [[totals.get((month, level), 0) for level in levels] for month in figures.months],
        smallest=SMALLEST_CELL if public else 1,
    )
    for row, month in enumerate(figures.months):
        yield (month, *(_plain(table.text(row, column)) for column in range(len(levels))))


def _coverage(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield ("repository", "state", "active", "jurisdictions")
    for one in figures.coverage:
        yield (one.repository, one.state, str(one.active), str(one.jurisdictions))


def _policies(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield (
        "jurisdiction", "name", "repository", "version", "state", "from", "until", "covers", "signed_by",
        "document_sha256",
    )  # fmt: skip
    for one in figures.policies:
        until = "" if one.until_at is None else one.until_at.isoformat()
        yield (
            one.jurisdiction, one.name, one.repository, str(one.version), one.state, one.from_at.isoformat(), until,
            one.covers, one.signed_by, one.document_sha256,
        )  # fmt: skip


def _self_reported(figures: Figures, *, public: bool) -> Iterator[tuple[str, ...]]:
    yield ("group", "booked", "notified")
    table = suppress(
        list(figures.self_reported.values()),
        smallest=SMALLEST_CELL if public else 1,
        rows_add_up=False,
    )
    for row, group in enumerate(figures.self_reported):
        yield (group, *(_plain(table.text(row, column)) for column in range(2)))


def _plain(text: str) -> str:
    return text.replace(",", "")


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        writer.writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in row])
    return written.getvalue()
