"""The command ``python -m benchmarks.calibration DIR``."""

from __future__ import annotations

import json as json_
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.imaging import Conditions, parse_window
from benchmarks.calibration.observed import LEVELS, Observed, observe, predicted, strangers_of
from matcher_service.search.calibration import FILE, Calibration, CalibrationError
from models.matching.calibrate import compare_all
from models.matching.calibrate_scores import PairScores, read_prints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.matching.calibrate_scores import Prints

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="FINGER_IMPRESSION images, or folders of such.")
    ],
    *,
    extractor: Annotated[
        list[str] | None, typer.Option(help="whorl, leader or mindtct; may be repeated. Default: whorl.")
    ] = None,
    window: Annotated[str | None, typer.Option(metavar="WxH", help="Crop, as a sensor would.")] = None,
    levels: Annotated[int | None, typer.Option(help="Keep this many grey levels, as a sensor would.")] = None,
    across: Annotated[
        bool, typer.Option(help="Also compare strangers of two databases, which gives many more pairs.")
    ] = True,
    most: Annotated[int | None, typer.Option("--pairs", help="At most so many pairs of strangers.")] = None,
    calibration: Annotated[Path, typer.Option(help="The calibration that is judged.")] = FILE,
    cache: Annotated[Path | None, typer.Option(help="Keep the peers' minutiae in this folder.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw predicted against observed, as a PNG.")] = None,
) -> None:
    """Predicted against observed false match rate: of strangers' pairs, how many reach each score.

    Printed as a multiple of what was predicted: 1 is right, 2 is twice as many false matches as promised. In
    brackets 95 % intervals from drawing fingers. To be run on prints that the calibration was not fitted to.

    **For example**

    `python -m benchmarks.calibration prints/fvc2002`

    `python -m benchmarks.calibration prints/fvc2002 --extractor leader --window 256x288 --levels 16 --plot fmr.png`

    `python -m benchmarks.calibration prints/fvc2002 --no-across --json fmr.json`
    """
    try:
        conditions = Conditions(parse_window(window) if window else None, levels)
        judged = Calibration.load(calibration)
        taken = read_prints([folder], extractor or ["whorl"], [conditions], cache=cache)
    except (BenchmarkError, CalibrationError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    pairs, _ = strangers_of(compare_all(taken, most, across=across), taken[0].finger_names)
    rates = predicted(judged, pairs)
    lines = _lines(pairs, rates, taken[0])
    _show(lines, ", ".join(p.source for p in taken))
    if json is not None:
        json.write_text(json_.dumps(_tree(lines, taken, judged), indent=1) + "\n", encoding="ascii")
    if plot is not None:
        from benchmarks.calibration.chart import draw

        fitted_to = int(judged.provenance.get("strangers_pairs", 0))
        draw(plot, rates, title=", ".join(p.source for p in taken), fitted_to=fitted_to)


def _lines(pairs: PairScores, rates: NDArray[np.float64], prints: Prints) -> list[Observed]:
    lines: list[Observed] = []
    within = pairs.database[:, 0] == pairs.database[:, 1]
    for number, name in enumerate(prints.database_names):
        of = within & (pairs.database[:, 0] == number)
        if of.any():
            lines.append(observe(name, rates[of], pairs.finger[of]))
    if len(lines) > 1:
        lines.append(observe("all, within a database", rates[within], pairs.finger[within]))
    if not within.all():
        lines.append(observe("all, across databases too", rates, pairs.finger))
    return lines


def _show(lines: list[Observed], title: str) -> None:
    table = Table(title=f"Observed false match rate over predicted: {title}")
    table.add_column("strangers of")
    table.add_column("pairs", justify="right")
    for level in LEVELS:
        table.add_column(f"at {level:.0e}", justify="right")
    for line in lines:
        cells = [
            f"{rate / level:.2f}\n({low / level:.2f}-{high / level:.2f})"
            for rate, low, high, level in zip(line.rate, line.low, line.high, LEVELS, strict=True)
        ]
        table.add_row(line.name, f"{line.pairs:,}", *cells)
    Console(width=100).print(table)


def _tree(lines: list[Observed], taken: list[Prints], judged: Calibration) -> dict[str, object]:
    return {
        "prints": {p.source: len(p.minutiae) for p in taken},
        "calibration": judged.provenance,
        "lines": [
            {
                "strangers_of": line.name,
                "pairs": line.pairs,
                "predicted": list(LEVELS),
                "observed": line.rate.tolist(),
                "low": line.low.tolist(),
                "high": line.high.tolist(),
            }
            for line in lines
        ],
    }
