"""The command ``python -m benchmarks.search``: one gallery, or several that grow."""

from __future__ import annotations

import json as json_format
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.search.parameters import SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.search.probes import Case


def main(
    *,
    gallery: Annotated[
        int, typer.Option(min=100, help="Simulated prints in the gallery; with --grow the largest.")
    ] = 10_000,
    probes: Annotated[int, typer.Option(min=1, help="Probes to search.")] = 40,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Real impressions for probes and mates, FINGER_IMPRESSION.png as for benchmarks.accuracy. "
            "Without it fingers are rendered: no data is needed.",
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Real impressions whole, not as the sensor's window shows them.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the crowd and of the choice of probes.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of a search; all cores if not given.")
    ] = None,
    exhaustive: Annotated[
        int,
        typer.Option(
            min=0,
            help="So many probes are also compared with every print: a minute for 4 million comparisons.",
        ),
    ] = 10,
    grow: Annotated[
        bool, typer.Option("--grow", help="Also smaller galleries, each in a process of its own.")
    ] = False,
    cache: Annotated[
        Path, typer.Option(help="Folder in which galleries and rendered prints are kept.")
    ] = Path("runs/search"),
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="With --grow: time over size, log-log, as a PNG.")
    ] = None,
) -> None:
    """How a search of one finger does in a large gallery: identification, penetration, time, memory.

    The gallery is a simulated crowd with real prints' statistics (docs/scale.md) and the probes' mates. A search is
    compared with the exhaustive one in two ways: on some probes that is run; and for all of them, what the index
    can have missed is bounded by each probe's exact score with its own mate.

    Examples: python -m benchmarks.search --gallery 10000 --probes 40

    python -m benchmarks.search --gallery 100000 --probes 200 --data prints/fvc2002 --exhaustive 20

    python -m benchmarks.search --gallery 1000000 --probes 200 --grow --json scale.json --plot scale.png
    """
    from benchmarks.accuracy.reporting import check_writable, write_json
    from benchmarks.search.reporting import print_table

    threads = threads or os.cpu_count() or 1
    try:
        _check_plot(plot, grow=grow)
        check_writable([json, plot])
        one = (probes, data, whole, seed, threads, exhaustive, cache)
        runs = _grown(gallery) if grow else [_one(gallery, *one)]
        if json is not None:
            write_json(json, runs if grow else runs[0])
        if plot is not None:
            _draw(runs, plot)
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    print_table(runs)


def _check_plot(plot: Path | None, *, grow: bool) -> None:
    if plot is not None and not grow:
        raise BenchmarkError("--plot draws several galleries over their size; add --grow")


def _one(  # noqa: PLR0917 - the options of the command
    gallery: int,
    probes: int,
    data: Path | None,
    whole: bool,  # noqa: FBT001 - the same
    seed: int,
    threads: int,
    exhaustive: int,
    cache: Path,
) -> dict[str, Any]:
    from benchmarks.accuracy.reporting import describe_machine
    from benchmarks.accuracy.session import progress_bars
    from benchmarks.search.making import made_folder
    from benchmarks.search.measuring import Setting, measure

    cache.mkdir(parents=True, exist_ok=True)
    folder = made_folder(cache, prints=gallery, seed=seed)
    if not folder.is_dir():
        command = [sys.executable, "-m", "benchmarks.search.making", str(folder), str(gallery), str(seed)]
        if subprocess.run([*command, str(threads)], check=False).returncode:  # noqa: S603 - this very program
            raise BenchmarkError(f"the gallery could not be made in {cache}; is there room on the disk?")
    machine = describe_machine()
    with progress_bars() as bars:
        task = bars.add_task("probes", total=probes)
        cases, described = _cases(probes, data, whole, seed, cache, lambda: bars.advance(task))
        bars.remove_task(task)
        figures = measure(folder, cases, Setting(exhaustive, threads), bars)
    asked = {"probes": described, "seed": seed, "threads": threads, "machine": machine}
    return {**asked, **figures}


def _cases(  # noqa: PLR0917 - the options of the command
    probes: int,
    data: Path | None,
    whole: bool,  # noqa: FBT001 - the same
    seed: int,
    cache: Path,
    on_done: Any,  # noqa: ANN401 - a bar's step
) -> tuple[Sequence[Case], dict[str, Any]]:
    from benchmarks.accuracy.databases import find_databases
    from benchmarks.accuracy.imaging import Conditions
    from benchmarks.search.probes import real_cases, rendered_cases

    conditions = Conditions() if whole else Conditions((256, 288), 16)
    if data is None:
        cases = rendered_cases(cache, probes=probes, seed=seed, on_done=on_done)
        of = "rendered fingers"
    else:
        cases = real_cases(find_databases(data), conditions, probes=probes, seed=seed, on_done=on_done)
        of = f"real fingers of {data.resolve().name}"
    fingers = len({case.key for case in cases})
    return cases, {
        "of": f"{len(cases)} probes of {fingers} {of}, {Conditions((256, 288), 16) if data is None else conditions}",
        "count": len(cases),
        "fingers": fingers,
    }


def _grown(largest: int) -> list[dict[str, Any]]:
    """The same command once for each size, one after the other, so that none has another's memory."""
    sizes = [size for size in SIZES if size < largest] + [largest]
    own = sys.argv[1:]
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            figures = Path(scratch) / f"{size}.json"
            options = [*_without(own), "--gallery", str(size), "--json", str(figures)]
            command = [sys.executable, "-m", "benchmarks.search", *options]
            if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:  # noqa: S603 - this very program
                raise BenchmarkError(f"the gallery of {size:,} prints gave no figures; see above")
            runs.append(json_format.loads(figures.read_text(encoding="utf-8")))
    return runs


def _without(options: Sequence[str]) -> list[str]:
    """The command's options without those that each size has for itself."""
    kept: list[str] = []
    skip = False
    for option in options:
        if skip:
            skip = False
        elif option in {"--gallery", "--json", "--plot"}:
            skip = True
        elif option != "--grow" and not option.startswith(("--gallery=", "--json=", "--plot=")):
            kept.append(option)
    return kept


def _draw(runs: Sequence[dict[str, Any]], path: Path) -> None:
    from benchmarks.search.chart import draw

    def curve(*way: str, scale: float = 1.0) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        for run in runs:
            value: Any = run
            for name in way:
                value = value.get(name) if value else None
            if value:
                points.append((float(run["gallery"]["prints"]), scale * float(value)))
        return points

    curves = {
        "search, median": curve("search", "ms_p50"),
        "search, 95 %": curve("search", "ms_p95"),
        "exhaustive, ours": curve("exhaustive", "seconds_a_search", scale=1e3),
        "exhaustive, OpenAFIS class (read, not run)": curve(
            "openafis_class_read_not_run", "seconds_a_search", scale=1e3
        ),
    }
    drawn = {name: points for name, points in curves.items() if points}
    draw(drawn, title="One finger searched", across="prints in the gallery", up="ms a search").save(
        path, format="PNG"
    )
