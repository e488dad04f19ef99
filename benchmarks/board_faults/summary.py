"""What a campaign came to: tables for people, numbers for files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from benchmarks.board_faults.judging import IMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchmarks.board_faults.judging import Verdict


def figures(verdicts: Sequence[Verdict], counters: dict[str, int]) -> dict[str, Any]:
    """The campaign as numbers."""
    failures = [v for v in verdicts if v.failure]
    return {
        "runs": len(verdicts),
        "images": sum(v.outcome == IMAGE and not v.failure for v in verdicts),
        "named_errors": dict(Counter(v.outcome for v in verdicts if v.outcome != IMAGE).most_common()),
        "wrong_images": sum("wrong image" in v.failure for v in failures),
        "hangs": sum("hung" in v.failure or "too late" in v.failure for v in failures),
        "failures": len(failures),
        "took_ms": _percentiles([v.took_ms for v in verdicts]),
        "recovered_ms": _percentiles([v.recovered_ms for v in verdicts]),
        "by_kind": {
            kind: dict(Counter(v.outcome if not v.failure else "FAILURE" for v in some).most_common())
            for kind, some in _by_kind(verdicts).items()
        },
        "counters": counters,
    }


def show(verdicts: Sequence[Verdict], counters: dict[str, int], console: Console) -> None:
    """Print it."""
    table = Table("What went wrong", "runs", "image", "named error", "failed", "p50", "p95", "longest")
    for kind, some in sorted(_by_kind(verdicts).items()):
        images = sum(v.outcome == IMAGE and not v.failure for v in some)
        failed = sum(bool(v.failure) for v in some)
        errors = Counter(v.outcome for v in some if v.outcome != IMAGE and not v.failure)
        named = ", ".join(f"{name} {count}" for name, count in errors.most_common())
        p50, p95, longest = _percentiles([v.took_ms for v in some]).values()
        table.add_row(
            kind,
            str(len(some)),
            str(images),
            named,
            f"[red]{failed}" if failed else "",
            f"{p50:.0f} ms",
            f"{p95:.0f} ms",
            f"{longest:.0f} ms",
        )
    console.print(table)
    if counters:
        told = ", ".join(f"{name} {value}" for name, value in counters.items() if value)
        console.print(f"Counted by the boards (a loss of power forgets the last minutes): {told}")
    for verdict in [v for v in verdicts if v.failure][:20]:
        console.print(
            f"[red]run {verdict.number}[/] {verdict.failure} ({'; '.join(verdict.troubles)})", markup=True
        )


def _by_kind(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    kinds: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        kinds.setdefault(verdict.kind, []).append(verdict)
    return kinds


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {"p50": 0.0, "p95": 0.0, "max": 0.0}
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(values), 1)}
