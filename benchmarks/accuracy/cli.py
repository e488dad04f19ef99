"""The command ``python -m benchmarks.accuracy DIR``: one extractor with one matcher."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.accuracy.databases import find_databases, parse_dpi
from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.imaging import Conditions, parse_window
from benchmarks.accuracy.reporting import (
    check_writable,
    print_table,
    report_json,
    write_json,
    write_scores,
)
from benchmarks.accuracy.session import Session


class ExtractorName(StrEnum):
    """What finds the minutiae."""

    WHORL = "whorl"
    MINDTCT = "mindtct"
    LEADER = "leader"


class MatcherName(StrEnum):
    """What compares them."""

    WHORL = "whorl"
    BOZORTH3 = "bozorth3"


app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Images named FINGER_IMPRESSION.png (tif, bmp, wsq), or folders of such, each a database.",
        show_default=False,
    ),
]
Dpi = Annotated[
    list[str] | None,
    typer.Option(
        "--dpi",
        metavar="[NAME=]VALUE",
        help="Resolution of all databases, or of the one called NAME; may be repeated. "
        "Without it: known for FVC2002 and FVC2004 by the folders' names, else 500. File tags are not read.",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Keep the peers' extractions in this folder and take them from there, times included. "
        "The JSON says so. Without it everything is measured anew."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write all figures, rates in percent.")]


@app.command()
def main(
    folder: Folder,
    *,
    extractor: Annotated[ExtractorName, typer.Option(help="What finds the minutiae.")] = ExtractorName.WHORL,
    matcher: Annotated[MatcherName, typer.Option(help="What compares them.")] = MatcherName.WHORL,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Crop to a window of this size at 500 dpi round the print, as a sensor would."
        ),
    ] = None,
    levels: Annotated[
        int | None, typer.Option(help="Keep this many grey levels, as a sensor would: 16 for R307 and R503.")
    ] = None,
    dpi: Dpi = None,
    scores: Annotated[
        Path | None, typer.Option(help="Write every pair as database,a,b,genuine,score.")
    ] = None,
    json: Json = None,
    cache: Cache = None,
) -> None:
    """How well and how fast prints are told apart.

    All genuine and all impostor pairs of each database are compared, once each. Printed, and written, **in
    percent**: EER (as the FVC define it), FMR100, FMR1000 and ZeroFMR (lowest FNMR at FMR 1 %, 0.1 % and
    0), each with a 95 % interval from drawing fingers; a failure to extract counts as a non-match. Times
    are medians on one thread.

    **For example**

    `python -m benchmarks.accuracy prints/fvc2002`

    `python -m benchmarks.accuracy prints/fvc2002 --window 256x288 --levels 16 --json sensor.json`

    `python -m benchmarks.accuracy prints/fvc2002/DB1_B --extractor mindtct --matcher bozorth3`

    `python -m benchmarks.accuracy my-prints --dpi 569 --scores scores.csv`
    """
    try:
        check_writable([scores, json])
        default, by_name = parse_dpi(dpi or [])
        conditions = Conditions(parse_window(window) if window else None, levels)
        databases = find_databases(folder, dpi_default=default, dpi_by_name=by_name)
        with Session(cache=cache) as session:
            session.matcher(matcher)  # what cannot be had should be known before the long part
            extractions = session.extract(databases, extractor, conditions)
            report = session.compare(
                databases, extractions, extractor=extractor, matcher=matcher, conditions=conditions
            )
        if scores is not None:
            write_scores(scores, report.results)
        if json is not None:
            write_json(json, report_json(report))
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    print_table(report)
