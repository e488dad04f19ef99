"""`python -m benchmarks.kernels`: what each kernel of the exact comparison costs, and how many a second that makes.

Every comparison has another candidate, as in a search, and the gallery is walked from end to end, so that no print
is still in the processor's nearest memory from the time before. It is walked several times, and of each few
prints the quickest time counts: what is measured is the work, not what else the machine did.
"""

from __future__ import annotations

import json
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.search import Template
    from matcher_service.search.scan import PreparedShelf
    from matcher_service.search.shelf import Shelf

BAR_A_SECOND = 60_000  # comparisons on two cores, prints of about forty minutiae
BLOCK_PRINTS = 20
THREADS = 2


@dataclass(frozen=True, slots=True)
class Workload:
    """A probe and the same prints twice: as columns, and prepared."""

    probe: Template
    shelf: Shelf
    prepared: PreparedShelf

    @property
    def prints(self) -> int:
        """How many there are."""
        return len(self.shelf.start) - 1


@dataclass(frozen=True, slots=True)
class Figure:
    """What one step costs, in microseconds a comparison."""

    step: str
    us: float


def main(
    *,
    prints: Annotated[int, typer.Option(min=BLOCK_PRINTS, help="Different candidates.")] = 500,
    passes: Annotated[int, typer.Option(min=1, help="Walks over all of them; the best time counts.")] = 7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Time the kernels of the exact comparison on synthetic prints.

    Example: python -m benchmarks.kernels --prints 1000 --json kernels.json
    """
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from matcher_service.search.packed import pack_print
    from matcher_service.search.scan import pack, unpack
    from matcher_service.search.shelf import join
    from models.synthetic.crowd import stranger

    console = Console(stderr=True)
    packed = [pack_print(stranger(k)) for k in track(range(prints + 1), "Making prints", console=console)]
    templates = [
        unpack(one.x, one.y, one.angle, one.info) for one in track(packed, "Preparing", console=console)
    ]
    shelf = join([(f"{k:032x}", 1, 50, one) for k, one in enumerate(packed[1:])])
    work = Workload(templates[0], shelf, pack(templates[1:]))
    with console.status("Compiling"):
        steps = _steps(work)
        for step in steps.values():
            step(0, BLOCK_PRINTS)
    cost = {
        name: _best_us(step, prints, passes) for name, step in track(steps.items(), "Timing", console=console)
    }
    both_a_second = {
        name: _together_a_second(steps[name], prints, passes) for name in ("prepared", "columns")
    }
    figures = _parts(cost)
    table = Table("Step", "us a comparison")
    for figure in figures:
        table.add_row(figure.step, f"{figure.us:.2f}")
    console.print(table)
    for name, rate in both_a_second.items():
        console.print(f"{name}: {rate:,.0f} comparisons a second on {THREADS} threads (bar {BAR_A_SECOND:,})")
    report = {
        "prints": prints,
        "minutiae": float(np.diff(shelf.start).mean()),
        "probe_minutiae": len(work.probe.x),
        "steps": [asdict(figure) for figure in figures],
        "comparisons_a_second": both_a_second,
        "threads": THREADS,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
    }
    text = json.dumps(report, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


def _steps(work: Workload) -> dict[str, Callable[[int, int], Any]]:
    """Each does one step, and those that it needs, for candidates `first` to `last`."""
    from numba import njit

    from matcher_service.search import parameters as p
    from matcher_service.search.scan import scan, score_all, taken, unpack
    from matcher_service.search.similarity import best_pairs, similarities

    most = p.RELAXED_PAIRS

    @njit(nogil=True)
    def take(shelf: PreparedShelf, first: int, last: int) -> int:
        total = 0
        for k in range(first, last):
            total += len(taken(shelf, k).x)
        return total

    @njit(nogil=True)
    def rebuild(columns: tuple[Any, ...], first: int, last: int) -> int:
        start, x, y, angle, info = columns
        total = 0
        for k in range(first, last):
            low, high = start[k], start[k + 1]
            total += len(unpack(x[low:high], y[low:high], angle[low:high], info[low:high]).hull)
        return total

    @njit(nogil=True)
    def table(probe: Template, shelf: PreparedShelf, first: int, last: int) -> float:
        total = 0.0
        for k in range(first, last):
            total += similarities(probe, taken(shelf, k))[0, 0]
        return total

    @njit(nogil=True)
    def pairs(probe: Template, shelf: PreparedShelf, first: int, last: int) -> int:
        total = 0
        for k in range(first, last):
            total += len(best_pairs(similarities(probe, taken(shelf, k)), most)[0])
        return total

    s, out = work.shelf, np.zeros(work.prints, np.float64)
    columns = (s.start, s.x, s.y, s.angle, s.info)
    return {
        "take": lambda first, last: take(work.prepared, first, last),
        "rebuild": lambda first, last: rebuild(columns, first, last),
        "similarities": lambda first, last: table(work.probe, work.prepared, first, last),
        "pairs": lambda first, last: pairs(work.probe, work.prepared, first, last),
        "prepared": lambda first, last: scan(work.probe, work.prepared, first, last, out),
        "columns": lambda first, last: score_all(work.probe, s, first, last, out),
    }


def _parts(cost: dict[str, float]) -> list[Figure]:
    """Costs of the single steps out of those of the chains."""
    return [
        Figure("hull and cylinders from columns", cost["rebuild"]),
        Figure("similarities", cost["similarities"] - cost["take"]),
        Figure("best pairs", cost["pairs"] - cost["similarities"]),
        Figure("relaxation, alignment, score", cost["prepared"] - cost["pairs"]),
        Figure("whole comparison, prepared", cost["prepared"]),
        Figure("whole comparison, from columns", cost["columns"]),
    ]


def _best_us(step: Callable[[int, int], Any], prints: int, passes: int) -> float:
    blocks = [(k, min(k + BLOCK_PRINTS, prints)) for k in range(0, prints, BLOCK_PRINTS)]
    best = np.full(len(blocks), np.inf)
    for _ in range(passes):
        for b, (first, last) in enumerate(blocks):
            began = time.perf_counter()
            step(first, last)
            best[b] = min(best[b], time.perf_counter() - began)
    return float(best.sum()) / prints * 1e6


def _together_a_second(step: Callable[[int, int], Any], prints: int, passes: int) -> float:
    """Comparisons a second when several threads share the gallery; the best pass counts."""
    cuts = [prints * k // THREADS for k in range(THREADS + 1)]
    best = np.inf
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(passes):
            began = time.perf_counter()
            jobs = [pool.submit(step, first, last) for first, last in pairwise(cuts)]
            for job in jobs:
                job.result()
            best = min(best, time.perf_counter() - began)
    return prints / best


if __name__ == "__main__":
    typer.run(main)
