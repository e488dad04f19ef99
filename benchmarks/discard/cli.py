"""The command ``python -m benchmarks.discard DIR``."""

from __future__ import annotations

import itertools
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.accuracy.databases import Database, find_databases, parse_dpi
from benchmarks.accuracy.errors import BenchmarkError, SystemUnderTestError
from benchmarks.accuracy.evaluation import median
from benchmarks.accuracy.imaging import Conditions, load_grey, parse_window
from benchmarks.accuracy.parameters import FMR1000
from benchmarks.accuracy.reporting import check_writable, describe_machine, write_json
from benchmarks.accuracy.session import Session, progress_bars
from benchmarks.discard.curves import (
    POINTS,
    UP_TO,
    Mates,
    area,
    area_interval,
    pooled,
    remaining,
    threshold_at,
)
from benchmarks.discard.nfiq2 import Nfiq2
from edge_service.extraction.quality import failure_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.accuracy.evaluation import Report, Result

    Scores = dict[str, list[int]]

OURS, THEIRS = "Whorl", "NFIQ 2"
STARTS: dict[str, float | None] = {"FMR 0.1 %": None, "FNMR 5 %": 0.05, "FNMR 20 %": 0.20}
"""How each database's threshold is set: at an FMR, or so high that this share of the mates fails."""
SHOWN = (0.0, 0.02, 0.05, 0.10, 0.20)
QUALITY_EDGES = (0, 20, 40, 60, 80, 101)

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="As for benchmarks.accuracy.", show_default=False)
    ],
    *,
    window: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Crop to a sensor's window, as benchmarks.accuracy does."),
    ] = None,
    levels: Annotated[int | None, typer.Option(help="Keep this many grey levels.")] = None,
    dpi: Annotated[list[str] | None, typer.Option(metavar="[NAME=]VALUE", help="Resolution.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures and curves.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves here, as a PNG.")] = None,
) -> None:
    """How well a print's quality foretells that its comparisons fail: ours beside NFIQ 2's.

    All pairs of mates are compared by Whorl. Then those of the lowest quality (the worse print's) are left out.
    The **area** is the mean FNMR while 0 to 30 % are left out, as a share of the FNMR before: 1 is chance, less is
    better. Thresholds are each database's own: at FMR 0.1 %, and raised until 5 % or 20 % of the mates fail, where
    there is more to count.

    **For example**

    `python -m benchmarks.discard prints/fvc2002 --window 256x288 --levels 16 --plot discard.png`
    """
    try:
        check_writable([json, plot])
        default, by_name = parse_dpi(dpi or [])
        conditions = Conditions(parse_window(window) if window else None, levels)
        databases = find_databases(folder, dpi_default=default, dpi_by_name=by_name)
        report, scores, nfiq2_ms = _measure(databases, conditions)
        figures = {name: _figures(report, scores, share) for name, share in STARTS.items()}
        rows = _by_quality(report, scores)
        content: dict[str, Any] = {
            "window": window,
            "levels": levels,
            "starts": figures,
            "by_quality": rows,
            "nfiq2_ms_p50": nfiq2_ms,
            "machine": describe_machine(),
        }
        if json is not None:
            write_json(json, content)
        if plot is not None:
            _plot(plot, figures)
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    print(f"\n{folder.resolve().name}, {conditions}, mates of {len(databases)} databases:\n")
    print(_markdown(figures))
    print(f"\nAgainst all mates, at FMR 0.1 %:\n\n{_markdown_by_quality(rows)}")
    print(f"\nNFIQ 2 took {nfiq2_ms:.0f} ms a print (median, its extraction of minutiae included).")


def _measure(
    databases: Sequence[Database], conditions: Conditions
) -> tuple[Report, dict[str, Scores], float]:
    """All comparisons, and the qualities by measure and database."""
    bars = progress_bars()
    with Session(progress=bars) as session, Nfiq2(on_install=bars.console.print) as nfiq2:
        extractions = session.extract(databases, "whorl", conditions)
        report = session.compare(
            databases, extractions, extractor="whorl", matcher="whorl", conditions=conditions
        )
        task = bars.add_task(f"NFIQ 2 ({conditions})", total=sum(len(d.impressions) for d in databases))
        theirs: Scores = {}
        for database in databases:
            theirs[database.name] = []
            for impression in database.impressions:
                image = conditions.apply(load_grey(impression.path), database.dpi)
                theirs[database.name].append(nfiq2.score(image))
                bars.advance(task)
        if not nfiq2.times_ms:
            raise SystemUnderTestError(THEIRS, "gave up on every image; nothing can be measured with it")
        ours = {
            name: [0 if e.minutiae is None else e.minutiae.finger_quality for e in made]
            for name, made in extractions.items()
        }
        return report, {OURS: ours, THEIRS: theirs}, median(nfiq2.times_ms)


def _mates(result: Result, scores: dict[str, Scores], share: float | None) -> Mates:
    """The genuine pairs of a database at its threshold for a start of `STARTS`."""
    genuine = result.scores[result.genuine]
    if share is None:
        threshold = threshold_at(result.scores[~result.genuine], FMR1000)
    else:
        threshold = float(np.quantile(genuine, share))
    pairs = result.pairs[result.genuine]
    return Mates(
        finger=result.database.finger_numbers()[pairs[:, 0]],
        failed=genuine < threshold,
        quality={
            name: np.array(by_database[result.database.name], np.float64)[pairs].min(axis=1)
            for name, by_database in scores.items()
        },
    )


def _figures(report: Report, scores: dict[str, Scores], share: float | None) -> dict[str, Any]:
    databases = [_mates(r, scores, share) for r in report.results]
    shares = np.linspace(0.0, UP_TO, POINTS)
    found: dict[str, Any] = {}
    for name in scores:
        quality, failed = pooled(databases, name)
        single = [area(d.quality[name], d.failed) for d in databases]
        known = [a for a in single if np.isfinite(a)]
        found[name] = {
            "area": _number(area(quality, failed)),
            "area_ci95": [_number(a) for a in area_interval(databases, name)],
            "area_mean_of_databases": _number(float(np.mean(known))) if known else None,
            "fnmr_percent": {
                f"{s:g}": 100.0 * float(remaining(quality, failed, np.array([s]))[0]) for s in SHOWN
            },
            "curve_percent": [100.0 * float(v) for v in remaining(quality, failed, shares)],
        }
    return found


def _by_quality(report: Report, scores: dict[str, Scores]) -> list[dict[str, Any]]:
    """How often prints of each range of our quality fail against all of their mates."""
    quality: list[NDArray[np.int64]] = []
    failed: list[NDArray[np.bool_]] = []
    for result in report.results:
        mates = _mates(result, scores, None)
        pairs = result.pairs[result.genuine]
        own = np.array(scores[OURS][result.database.name])
        quality += [own[pairs[:, 0]], own[pairs[:, 1]]]
        failed += [mates.failed, mates.failed]
    of, lost = np.concatenate(quality), np.concatenate(failed)
    prints = np.concatenate([np.array(scores[OURS][r.database.name]) for r in report.results])
    foretold = np.array([failure_rate(float(q)) for q in range(101)])[of]
    rows: list[dict[str, Any]] = []
    for low, high in itertools.pairwise(QUALITY_EDGES):
        here = (of >= low) & (of < high)
        rows.append(
            {
                "quality": f"{low}-{min(high, 101) - 1}",
                "prints": int(((prints >= low) & (prints < high)).sum()),
                "comparisons": int(here.sum()),
                "failed": int(lost[here].sum()),
                "foretold_percent": _number(100.0 * foretold[here].mean()) if here.any() else None,
            }
        )
    return rows


def _markdown(figures: dict[str, Any]) -> str:
    head = " | ".join(f"{100 * s:.0f} %" for s in SHOWN)
    lines = [
        f"| start | quality | {head} | area (95 %) | area, mean of databases |",
        "|---|---|" + "---:|" * (len(SHOWN) + 2),
    ]
    for start, measures in figures.items():
        for name, f in measures.items():
            cells = " | ".join(f"{v:.2f}" for v in f["fnmr_percent"].values())
            low, high = (_cell(v) for v in f["area_ci95"])
            lines.append(
                f"| {start} | {name} | {cells} | {_cell(f['area'])} ({low}-{high}) | "
                f"{_cell(f['area_mean_of_databases'])} |"
            )
    return "\n".join(lines)


def _markdown_by_quality(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| our quality | prints | comparisons | failed | FNMR % | foretold % |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for r in rows:
        rate = f"{100 * r['failed'] / r['comparisons']:.2f}" if r["comparisons"] else "-"
        cells = (r["quality"], r["prints"], r["comparisons"], r["failed"], rate, _cell(r["foretold_percent"]))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _plot(path: Path, figures: dict[str, Any]) -> None:
    from benchmarks.discard.chart import draw

    shares = np.linspace(0.0, UP_TO, POINTS)
    panels = {
        f"from {start}": {
            **{name: np.array(f["curve_percent"]) / 100.0 for name, f in measures.items()},
            "by chance": np.full(POINTS, measures[OURS]["curve_percent"][0] / 100.0),
        }
        for start, measures in figures.items()
    }
    draw(panels, shares).save(path, format="PNG")


def _number(value: float) -> float | None:
    """JSON has no NaN: nothing failed, so there is nothing to divide by."""
    return value if np.isfinite(value) else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
