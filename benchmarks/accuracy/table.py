"""The command ``python -m benchmarks.accuracy_table DIR...``: Whorl and its peers side by side, in one run.

Every combination is measured twice: on whole images, and as a serial sensor would see them. The table is
Markdown, for the README.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.accuracy.databases import find_databases, parse_dpi
from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.imaging import Conditions, parse_window
from benchmarks.accuracy.reporting import check_writable, markdown_table, report_json, write_json
from benchmarks.accuracy.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.accuracy.databases import Database
    from benchmarks.accuracy.evaluation import Report

COMBINATIONS = (
    ("whorl", "whorl"),
    ("leader", "whorl"),
    ("mindtct", "whorl"),
    ("leader", "bozorth3"),
    ("mindtct", "bozorth3"),
)

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="As for benchmarks.accuracy; one table each.", show_default=False
        ),
    ],
    *,
    window: Annotated[str, typer.Option(metavar="WxH", help="The sensor's window.")] = "256x288",
    levels: Annotated[int, typer.Option(help="The sensor's grey levels.")] = 16,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="EXTRACTOR+MATCHER", help="Only this combination; may be repeated."),
    ] = None,
    dpi: Annotated[list[str] | None, typer.Option(metavar="[NAME=]VALUE", help="As above.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures, rates in percent.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep the peers' extractions here.")] = None,
) -> None:
    """Whorl and its peers side by side over the same prints, as a Markdown table.

    Rates are means over the databases **in percent**, with 95 % intervals from drawing fingers.

    **For example**

    `python -m benchmarks.accuracy_table prints/fvc2002 prints/fvc2004 --json table.json`

    `python -m benchmarks.accuracy_table prints/fvc2002 --only leader+bozorth3 --only mindtct+bozorth3`
    """
    try:
        check_writable([json])
        default, by_name = parse_dpi(dpi or [])
        settings = (Conditions(), Conditions(parse_window(window), levels))
        tables: dict[str, list[Report]] = {}
        combinations = _chosen(only)
        found = {
            str(f): find_databases(f, dpi_default=default, dpi_by_name=by_name)
            for f in dict.fromkeys(folders)
        }
        with Session(cache=cache) as session:
            for extractor, matcher in combinations:
                session.extractor(extractor)
                session.matcher(matcher)
            for name, databases in found.items():
                tables[name] = [
                    report
                    for conditions in settings
                    for report in _side_by_side(session, databases, conditions, combinations)
                ]
        if json is not None:
            write_json(json, {name: [report_json(r) for r in runs] for name, runs in tables.items()})
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    for name, runs in tables.items():
        print(f"\n{Path(name).resolve().name}, mean over {', '.join(d.name for d in found[name])}:\n")
        print(markdown_table(runs))
    if cache is not None:
        print(f"\nThe peers' extractions, and their times, are from {cache}.")


def _side_by_side(
    session: Session,
    databases: Sequence[Database],
    conditions: Conditions,
    combinations: Sequence[tuple[str, str]],
) -> list[Report]:
    """One report a combination; what several of them need is extracted once."""
    extractors = dict.fromkeys(extractor for extractor, _ in combinations)
    extracted = {e: session.extract(databases, e, conditions) for e in extractors}
    return [
        session.compare(databases, extracted[e], extractor=e, matcher=m, conditions=conditions)
        for e, m in combinations
    ]


def _chosen(only: Sequence[str] | None) -> list[tuple[str, str]]:
    known = {f"{extractor}+{matcher}": (extractor, matcher) for extractor, matcher in COMBINATIONS}
    for name in only or ():
        if name not in known:
            raise BenchmarkError(f"--only {name}: expected one of {', '.join(known)}")
    return [known[name] for name in only] if only else list(COMBINATIONS)
