"""The command ``python -m benchmarks.fingers DIR``."""

from __future__ import annotations

import json as json_
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as Lines

from benchmarks.accuracy.bootstrap import interval95
from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.session import progress_bars
from benchmarks.accuracy.systems import WhorlExtractor
from benchmarks.fingers.people import SEED, chimeric, grown
from benchmarks.fingers.trials import CASES, Table, trials
from matcher_service.search.decision import needed_log10_fmr
from models.matching.calibrate_scores import WINDOW, choose_pairs, read_prints, score_pairs

if TYPE_CHECKING:
    from benchmarks.fingers.trials import Case
    from models.matching.calibrate_scores import Prints

FPIR = 1e-3
GALLERIES = (1_000, 100_000, 1_000_000)
GROUPINGS = 8  # ways of making people of a database's ten fingers
MOST_PEOPLE = 60  # drawn, where more can be made
SEARCHES = 40  # for each person
STRANGER_SEARCHES = 150
STRANGERS_AT = 1e-2  # predicted rate at which strangers are counted: enough of them reach it
REPLICATES = 1000

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="FINGER_IMPRESSION images, or folders of such.")
    ] = None,
    *,
    synthetic: Annotated[int, typer.Option(help="Also grow so many synthetic people.")] = 0,
    extractor: Annotated[str, typer.Option(help="whorl, leader or mindtct.")] = "whorl",
    cache: Annotated[Path | None, typer.Option(help="Keep the peers' minutiae in this folder.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures.")] = None,
) -> None:
    """Miss rate (FNIR) at a false alarm rate (FPIR) of 0.1 % with 1, 2, 4 and 10 fingers, at the sensor's window.

    The threshold is the product's own: from the calibration, the FPIR asked for and the size of the gallery. Real
    databases hold ten fingers each, so their people are chimeric: fingers of one database, a person each. Each
    person is searched for many times, impressions drawn at random. In brackets 95 % intervals from drawing people.
    The last column is how many strangers reach what is predicted for 1 in 100, over that: 1 is right.

    **For example**

    `python -m benchmarks.fingers prints/fvc2002`

    `python -m benchmarks.fingers prints/fvc2002 --synthetic 20 --json fingers.json`
    """
    sets: list[Prints] = []
    try:
        if folder is not None:
            sets += read_prints([folder], [extractor], [WINDOW], cache=cache)
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    if synthetic:
        with progress_bars() as bars:
            task = bars.add_task("growing people", total=20 * synthetic)
            sets.append(grown(synthetic, 2, WhorlExtractor(), on_done=lambda: bars.advance(task)))
    if not sets:
        raise typer.BadParameter("name a folder of prints, or ask for --synthetic people")
    results = {prints.source: _measure(prints) for prints in sets}
    for source, rows in results.items():
        _show(source, rows)
    if json is not None:
        json.write_text(json_.dumps({"fpir": FPIR, "sets": results}, indent=1) + "\n", encoding="ascii")


def _measure(prints: Prints) -> list[dict[str, Any]]:
    pairs = choose_pairs(prints, None)
    with progress_bars() as bars:
        task = bars.add_task(f"comparing, {prints.source}", total=len(pairs))
        scores = score_pairs(prints, pairs, on_done=lambda n: bars.advance(task, n))
        table = Table(prints, pairs, scores)
        task = bars.add_task("searching", total=len(CASES))
        rows: list[dict[str, Any]] = []
        for case in CASES:
            rows.append(_row(prints, table, case))
            bars.advance(task)
    return rows


def _row(prints: Prints, table: Table, case: Case) -> dict[str, Any]:
    rng = np.random.default_rng([SEED, CASES.index(case)])
    people = chimeric(prints, case.fingers, GROUPINGS)
    if len(people) > MOST_PEOPLE:
        people = [people[k] for k in rng.permutation(len(people))[:MOST_PEOPLE]]
    mated = trials(table, case, people, rng, each=SEARCHES, strangers=False)
    # Fused, strangers are rarely alike: each person is compared with many.
    others = trials(table, case, people, rng, each=STRANGER_SEARCHES, strangers=True)
    drawn = rng.integers(len(people), size=(REPLICATES, len(people)))
    row: dict[str, Any] = {"case": case.name, "people": len(people), "searches": mated.size, "fnir": {}}
    for identities in GALLERIES:
        missed = (mated > needed_log10_fmr(FPIR, identities)).mean(axis=1)
        low, high = interval95(missed[drawn].mean(axis=1))
        row["fnir"][str(identities)] = [float(missed.mean()), low, high]
    row["strangers"] = others.size
    row["strangers_observed_over_predicted"] = float((others <= np.log10(STRANGERS_AT)).mean() / STRANGERS_AT)
    return row


def _show(source: str, rows: list[dict[str, Any]]) -> None:
    table = Lines(title=f"FNIR in % at FPIR {FPIR:g}: {source}")
    table.add_column("presented")
    table.add_column("people", justify="right")
    for identities in GALLERIES:
        table.add_column(f"among {identities:,}", justify="right")
    table.add_column("strangers", justify="right")
    for row in rows:
        cells = [
            f"{100 * value:.2f}\n({100 * low:.1f}-{100 * high:.1f})"
            for value, low, high in row["fnir"].values()
        ]
        table.add_row(
            row["case"], str(row["people"]), *cells, f"{row['strangers_observed_over_predicted']:.2f}"
        )
    Console(width=100).print(table)
