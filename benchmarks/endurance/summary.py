"""What a campaign came to: tables for people, numbers for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.endurance.growth import as_json
from benchmarks.endurance.plan import WORDS, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from benchmarks.endurance.growth import Growth
    from benchmarks.endurance.judging import Verdict


def figures(
    verdict: Verdict, happened: Mapping[str, int], grown: Sequence[Growth], more: Mapping[str, Any]
) -> dict[str, Any]:
    """The campaign as numbers."""
    return {
        "kept": verdict.kept,
        **more,
        "must_be_0": verdict.bars,
        "examples": verdict.examples,
        "counts": verdict.counts,
        "faults": {kind.value: happened.get(kind, 0) for kind in Fault},
        "growth": {one.program: as_json(one) for one in grown},
    }


def show(result: Mapping[str, Any], grown: Sequence[Growth], console: Console) -> None:
    """Print it."""
    faults = Table("What went wrong", "times", box=None)
    for kind, words in WORDS.items():
        faults.add_row(words, str(result["faults"][kind.value]))
    console.print(faults)
    counts = Table("What was counted", "", box=None)
    for name, value in result["counts"].items():
        told = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else f"{value}"
        counts.add_row(name, told)
    console.print(counts)
    sizes = Table(
        *("Longest life of", "starts", "bookings", "min", "MiB begin", "middle", "end", "most ever"),
        *("KiB/1,000, last half", "files begin", "end", "most ever"),
        box=None,
    )
    for one in grown:
        row = (one.program, one.lives, one.bookings, one.minutes, *one.rss_mib, one.slope_kib, *one.handles)
        sizes.add_row(*(str(cell) for cell in row))
    console.print(sizes)
    bars = Table("What has to be 0", "", box=None)
    for name, count in result["must_be_0"].items():
        bars.add_row(name, f"[red]{count}" if count else "0")
    console.print(bars)
    for name, some in result["examples"].items():
        console.print(f"[red]{name}:[/] {'; '.join(some)}", soft_wrap=True)
