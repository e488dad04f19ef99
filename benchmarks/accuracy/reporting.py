"""What a run leaves behind: a CSV of every score, a JSON of every figure, a table to read.

All rates are in percent, and the JSON says so under ``unit``.
"""

from __future__ import annotations

import csv
import json
import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.evaluation import Report, Result, median
from benchmarks.accuracy.metrics import METRICS
from benchmarks.accuracy.parameters import BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CSV_HEADER = ("database", "a", "b", "genuine", "score")
HEADINGS = {"eer": "EER %", "fmr100": "FMR100 %", "fmr1000": "FMR1000 %", "zerofmr": "ZeroFMR %"}
PIPE_COLUMNS = 100


def check_writable(paths: Iterable[Path | None]) -> None:
    """Find out before a long run, not after it, that its result cannot be written."""
    for path in paths:
        if path is not None and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
            raise BenchmarkError(f"{path} cannot be written; name a file in a folder that is there")


def write_scores(path: Path, results: Sequence[Result]) -> None:
    """Every pair as ``database,a,b,genuine,score``; genuine is 1 or 0, a the probe, b the candidate."""
    part = _part(path)
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_HEADER)
        for result in results:
            names = [i.name for i in result.database.impressions]
            for (a, b), mate, score in zip(result.pairs, result.genuine, result.scores, strict=True):
                writer.writerow((result.database.name, names[a], names[b], int(mate), repr(float(score))))
    part.replace(path)


def write_json(path: Path, content: object) -> None:
    """Write `content` (of `report_json`, or a list of such) in one step."""
    part = _part(path)
    part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)


def report_json(report: Report) -> dict[str, Any]:
    """Everything a run measured but its scores."""
    cached = sum(e.cached for r in report.results for e in r.extractions)
    content: dict[str, Any] = {
        "unit": "percent",
        "extractor": report.extractor,
        "extractor_version": report.extractor_version,
        "matcher": report.matcher,
        "matcher_version": report.matcher_version,
        "window": None if report.conditions.window is None else "{}x{}".format(*report.conditions.window),
        "levels": report.conditions.levels,
        "databases": {r.database.name: _database_json(r) for r in report.results},
    }
    for metric in METRICS:
        content[f"mean_{metric}"] = report.mean(metric)
        content[f"mean_{metric}_ci95"] = list(report.mean_interval(metric))
    content |= {
        "extract_ms_p50": _number(report.extract_ms()),
        "extract_cpu_ms_p50": _number(report.extract_ms("cpu_ms")),
        "compare_us_p50": _number(report.compare_us()),
        "failures_to_extract": sum(len(r.failures()) for r in report.results),
        "bootstrap": {"unit": "finger", "replicates": BOOTSTRAP_REPLICATES, "seed": BOOTSTRAP_SEED},
        "cache": None if report.cache is None else {"folder": report.cache, "extractions_read": cached},
        "machine": report.machine,
    }
    return content


def _database_json(result: Result) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for metric in METRICS:
        content[metric] = result.percent(metric)
        content[f"{metric}_ci95"] = list(result.percent_interval(metric))
    return content | {
        "genuine": int(result.genuine.sum()),
        "impostor": int((~result.genuine).sum()),
        "fingers": len(result.database.fingers),
        "images": len(result.database.impressions),
        "dpi": result.database.dpi,
        "failures_to_extract": result.failures(),
        "extract_ms_p50": _number(median([e.wall_ms for e in result.extractions])),
        "compare_us_p50": _number(median(result.compare_us)),
    }


def describe_machine() -> dict[str, object]:
    """What the times depend on, and how busy the machine was when the run began."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [ln.split(":", 1)[1].strip() for ln in info.read_text().splitlines() if "model name" in ln]
        model = models[0] if models else model
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "load_1min_at_start": round(os.getloadavg()[0], 2),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def report_table(report: Report) -> Table:
    """The figures of one run, a database a row, with their 95 % intervals; fits 80 columns."""
    table = Table(title=f"{report.extractor} + {report.matcher} ({report.conditions})", box=box.SIMPLE_HEAD)
    table.add_column("database")
    table.add_column("comparisons", justify="right")
    for heading in HEADINGS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for r in report.results:
        failed = len(r.failures())
        table.add_row(
            f"{r.database.name}\n{r.database.dpi:.0f} dpi",
            f"{int(r.genuine.sum()):,} + {int((~r.genuine).sum()):,}"
            + (f"\n{failed} not extracted" if failed else ""),
            *(_cell(r.percent(m), r.percent_interval(m), "\n") for m in HEADINGS),
        )
    table.add_section()
    table.add_row(
        "mean", "", *(_cell(report.mean(m), report.mean_interval(m), "\n") for m in HEADINGS), style="bold"
    )
    table.caption = (
        f"{report.extract_ms():.1f} ms an extraction, {report.compare_us():.1f} us a comparison "
        "(medians, one thread).\nComparisons: genuine + impostor. In brackets: 95 % intervals."
        + (
            ""
            if report.cache is None
            else f"\nThe peers' extractions, and their times, are from {report.cache}."
        )
    )
    return table


def print_table(report: Report) -> None:
    """Print the table on standard output, wide enough where that is a file or a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_COLUMNS)
    console.print(report_table(report))


def markdown_table(reports: Sequence[Report]) -> str:
    """All runs side by side, for the README: mean rates over the databases, and times."""
    groups = list(dict.fromkeys(str(r.conditions) for r in reports))
    lines = [
        "| extractor + matcher | images | EER % | FMR1000 % | ms an extraction | us a comparison |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for group in groups:
        for r in (r for r in reports if str(r.conditions) == group):
            rate = [_cell(r.mean(m), r.mean_interval(m)) for m in ("eer", "fmr1000")]
            times = [f"{r.extract_ms():.1f}", f"{r.compare_us():.0f}"]
            lines.append(f"| {' | '.join([f'{r.extractor} + {r.matcher}', group, *rate, *times])} |")
    return "\n".join(lines)


def _cell(value: float, interval: tuple[float, float], between: str = " ") -> str:
    return f"{value:.2f}{between}({interval[0]:.1f}-{interval[1]:.1f})"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
