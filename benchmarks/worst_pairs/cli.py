"""The command ``python -m benchmarks.worst_pairs DIR --out FOLDER``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.accuracy.databases import find_databases, parse_dpi
from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.imaging import Conditions, parse_window
from benchmarks.accuracy.reporting import PIPE_COLUMNS, write_json
from benchmarks.accuracy.session import Session
from benchmarks.worst_pairs.page import LOCAL, page, table
from benchmarks.worst_pairs.picture import draw
from benchmarks.worst_pairs.study import study_json, worst_pairs

FACTS, INDEX = "worst_pairs.json", "index.html"
FOLDER_MODE = 0o700  # the pictures are people's prints

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Databases of prints, as for benchmarks.accuracy.", show_default=False
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures, JSON and page go here.", show_default=False)
    ],
    count: Annotated[int, typer.Option(min=1, max=500, help="How many pairs.")] = 10,
    window: Annotated[str | None, typer.Option(metavar="WxH", help="As for benchmarks.accuracy.")] = None,
    levels: Annotated[int | None, typer.Option(help="As for benchmarks.accuracy.")] = None,
    dpi: Annotated[list[str] | None, typer.Option("--dpi", metavar="[NAME=]VALUE", help="Likewise.")] = None,
) -> None:
    """The genuine pairs with the lowest scores, each with a picture and why it failed.

    **For example**

    `python -m benchmarks.worst_pairs prints/fvc2002 --out runs/worst`

    `python -m benchmarks.worst_pairs prints/fvc2002 --window 256x288 --levels 16 --count 20 --out runs/worst-window`
    """
    try:
        default, by_name = parse_dpi(dpi or [])
        conditions = Conditions(parse_window(window) if window else None, levels)
        databases = find_databases(folder, dpi_default=default, dpi_by_name=by_name)
        _make(out)
        with Session() as session:
            extractions = session.extract(databases, "whorl", conditions)
            report = session.compare(
                databases, extractions, extractor="whorl", matcher="whorl", conditions=conditions
            )
        pairs = worst_pairs(report, count)
        study = study_json(pairs, folder=folder, report=report, databases=databases)
        for pair in pairs:
            draw(pair).save(out / pair.picture_name)
        write_json(out / FACTS, study)
        (out / INDEX).write_text(page(study), encoding="utf-8")
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_COLUMNS)
    console.print(table(study))
    print(f"written   {out / INDEX}, {out / FACTS}")
    print(LOCAL)


def _make(out: Path) -> None:
    try:
        out.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise BenchmarkError(f"--out {out}: cannot be made ({error.strerror}); name a new folder") from error
