"""The figures as a table to read, with the bars beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.reporting import PIPE_COLUMNS
from benchmarks.search.parameters import (
    EXACT_PER_SECOND_BAR,
    P95_MS_BAR,
    PER_PRINT_BYTES_BAR,
    RANK_ONE_SHARE_BAR,
    START_SECONDS_BAR,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_table(runs: Sequence[dict[str, Any]]) -> None:
    """A column a gallery, a row a figure; wide enough where the output is a file or a pipe."""
    table = Table(box=box.SIMPLE_HEAD, title=f"one finger, {runs[0]['probes']['of']}")
    table.add_column("")
    for run in runs:
        table.add_column(f"{run['gallery']['prints']:,} prints", justify="right")
    table.add_column("bar", justify="right")
    for name, cells, bar in rows(runs):
        table.add_row(name, *cells, bar)
    console = Console()
    (console if console.is_terminal else Console(width=max(PIPE_COLUMNS, 60 + 22 * len(runs)))).print(table)


def markdown_table(runs: Sequence[dict[str, Any]]) -> str:
    """The same for a page."""
    head = [f"{run['gallery']['prints']:,} prints" for run in runs]
    lines = [f"| | {' | '.join(head)} | bar |", "|---|" + "---:|" * (len(runs) + 1)]
    return "\n".join(lines + [f"| {' | '.join([name, *cells, bar])} |" for name, cells, bar in rows(runs)])


def rows(runs: Sequence[dict[str, Any]]) -> list[tuple[str, list[str], str]]:
    """Name, a cell a run, and the bar."""
    bars = ", ".join(f"{ms:.0f} at {prints:,}" for prints, ms in P95_MS_BAR.items())
    plan: list[tuple[str, tuple[str, ...], str, str]] = [
        ("rank 1, %", ("identification", "rank1"), "share", ""),
        ("rank 1 and red, %", ("identification", "red_and_right"), "share", ""),
        ("a stranger, red, %", ("identification", "red_and_wrong"), "share", ""),
        (
            "of the exhaustive search's rank 1, all probes, at least %",
            ("identification", "of_the_exhaustive_rank1_at_least"),
            "share",
            f"{100 * RANK_ONE_SHARE_BAR:.0f}",
        ),
        ("exhaustive search of some probes: rank 1, %", ("exhaustive", "rank1"), "share", ""),
        ("of those, found by the search, %", ("exhaustive", "found_of_its_rank1"), "share", "99"),
        ("search, ms, median", ("search", "ms_p50"), ".1f", ""),
        ("search, ms, 95 %", ("search", "ms_p95"), ".1f", bars),
        ("search, ms, longest", ("search", "ms_max"), ".1f", ""),
        ("search, ms of processor time, median", ("search", "cpu_ms_p50"), ".1f", ""),
        ("first search after opening, ms", ("search", "ms_first"), ".0f", ""),
        ("prints a second, whole search", ("search", "prints_a_second"), ",.0f", ""),
        ("prints a second, index alone", ("search", "index_prints_a_second"), ",.0f", ""),
        ("penetration, %, mean", ("search", "penetration_percent", "mean"), ".3f", ""),
        ("penetration, %, 95 %", ("search", "penetration_percent", "p95"), ".3f", ""),
        (
            "exact comparisons a second",
            ("exhaustive", "comparisons_a_second"),
            ",.0f",
            f"{EXACT_PER_SECOND_BAR:,.0f}",
        ),
        (
            "the same in a second of processor time",
            ("exhaustive", "comparisons_a_cpu_second"),
            ",.0f",
            "",
        ),
        (
            "the same, cylinders built anew for each",
            ("exhaustive", "comparisons_a_second_as_kept"),
            ",.0f",
            "",
        ),
        ("exhaustive search, s", ("exhaustive", "seconds_a_search"), ".1f", ""),
        (
            "exhaustive OpenAFIS-class matcher, s (read, not run)",
            ("openafis_class_read_not_run", "seconds_a_search"),
            ".1f",
            "",
        ),
        ("bytes a print in memory", ("gallery", "bytes_a_print_in_memory"), ",.0f", ""),
        (
            "the same at 40 minutiae a print",
            ("gallery", "bytes_at_40_minutiae"),
            ",.0f",
            f"{PER_PRINT_BYTES_BAR:,.0f}",
        ),
        ("bytes a print on disk", ("gallery", "bytes_a_print_on_disk"), ",.0f", ""),
        ("minutiae a print", ("gallery", "minutiae_a_print"), ".1f", ""),
        ("opening, s", ("gallery", "start_seconds"), ".2f", f"{START_SECONDS_BAR:.0f}"),
    ]
    return [(name, [_cell(run, way, form) for run in runs], bar) for name, way, form, bar in plan]


def _cell(run: dict[str, Any], way: tuple[str, ...], form: str) -> str:
    value: Any = run
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or (form == "share" and value["percent"] is None):
        return "-"
    if form == "share":
        low, high = value["ci95"]
        return f"{value['percent']:.1f} ({low:.1f}-{high:.1f}; {value['hits']}/{value['of']})"
    return format(value, form)
