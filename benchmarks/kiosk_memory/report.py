"""What the samples say: figures, a table, a verdict against the bars."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.kiosk_memory.process_size import MIB
from benchmarks.kiosk_memory.trend import trend_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

BAR_BYTES = 250_000_000
LAST = 500
"""The bars are the project's: at most 250 MB resident after 1,000 bookings, no growth over the last 500."""
_OF_THE_SERVICE = ("rss", "pss", "anonymous", "files", "threads")
_OF_THE_BROWSER = ("browser_pss", "page_heap", "page_nodes", "page_listeners")


def figures_of(samples: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Everything that is worth telling, ready for JSON. Bytes where it is memory."""
    first, last = samples[0], samples[-1]
    tail = samples[-min(LAST, len(samples) - 1) :]
    trends = {name: trend_of([sample[name] for sample in tail]) for name in _OF_THE_SERVICE}
    rss = trends["rss"]
    looks = [sample for sample in samples if "browser_pss" in sample]
    return {
        "bookings": int(last["booking"]),
        "elapsed_s": last["elapsed_s"],
        "seconds_a_booking": round(last["elapsed_s"] / max(1.0, last["booking"]), 2),
        "before": {name: first[name] for name in _OF_THE_SERVICE},
        "after": {name: last[name] for name in (*_OF_THE_SERVICE, "peak")},
        "highest_rss": max(sample["rss"] for sample in samples),
        "tail_bookings": len(tail),
        "tail": {name: None if trend is None else asdict(trend) for name, trend in trends.items()},
        "browser": {
            name: [look[name] for look in looks[:: max(1, len(looks) // 10)]] for name in _OF_THE_BROWSER
        },
        "bar_bytes": BAR_BYTES,
        "within_the_bar": max(sample["rss"] for sample in samples) <= BAR_BYTES,
        "grows": None if rss is None else rss.grows,
    }


def table_of(figures: dict[str, Any]) -> Table:
    """The same for people, in MB of 1,000,000 bytes as in the bar."""
    from rich.table import Table

    count = figures["bookings"]
    tail = figures["tail_bookings"]
    table = Table(
        "the edge service", "before", f"after {count}", f"last {tail}: first 50", "last 50", box=None
    )
    table.add_column("a booking, 95 % interval")
    for name in _OF_THE_SERVICE:
        memory = name in {"rss", "pss", "anonymous"}
        trend = figures["tail"][name]
        words = [
            _number(figures["before"][name], memory=memory),
            _number(figures["after"][name], memory=memory),
        ]
        if trend is None:
            words += ["", "", "too few"]
        else:
            words += [_number(trend[key], memory=memory) for key in ("first", "last")]
            unit = 1000 if memory else 1
            slope, low, high = (trend[key] / unit for key in ("slope", "low", "high"))
            words.append(f"{slope:+.3f} ({low:+.3f} to {high:+.3f}){' kB' if memory else ''}")
        table.add_row(name + (" MB" if memory else ""), *words)
    return table


def verdict_of(figures: dict[str, Any]) -> list[str]:
    """In words, one line for each bar."""
    highest = figures["highest_rss"] / 1e6
    bar = figures["bar_bytes"] / 1e6
    lines = [
        f"resident at most {highest:.1f} MB: {'within' if figures['within_the_bar'] else 'ABOVE'} the bar of {bar:.0f}"
    ]
    grows = figures["grows"]
    tail = figures["tail_bookings"]
    if grows is None:
        lines.append("growth: too few bookings to say")
    else:
        lines.append(f"over the last {tail} bookings it {'GROWS' if grows else 'does not grow'}")
    browser = figures["browser"]["browser_pss"]
    if browser:
        heap = figures["browser"]["page_heap"]
        lines.append(
            f"Chromium, all its processes: {browser[0] / 1e6:.0f} MB at first, {browser[-1] / 1e6:.0f} at the end,"
            f" median {statistics.median(browser) / 1e6:.0f}; the page's own heap {heap[0] / MIB:.1f} to"
            f" {heap[-1] / MIB:.1f} MiB, {figures['browser']['page_nodes'][-1]:.0f} nodes"
        )
    return lines


def _number(value: float, *, memory: bool) -> str:
    return f"{value / 1e6:.1f}" if memory else f"{value:.0f}"
