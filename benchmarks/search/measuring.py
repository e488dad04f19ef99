"""Figures of one gallery: identification, times and memory."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.search import engine
from benchmarks.search.making import bytes_on_disk, opened, store_options
from benchmarks.search.parameters import INTERVAL_Z, OPENAFIS_PER_SECOND, POSITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from benchmarks.search.probes import Case


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked for: how many probes are also compared with every print, and with how many threads."""

    exhaustive: int
    threads: int


def measure(folder: Path, cases: Sequence[Case], setting: Setting, bars: Progress) -> dict[str, Any]:
    """Open the gallery of `folder`, enrol the mates, search every probe, and compare some of them with all prints."""
    options = store_options()
    engine.Gallery(threads=setting.threads).warm_up()
    gc.collect()
    before, begun = resident_bytes(), time.perf_counter()
    store = opened(folder, options)
    source = engine.CrowdAndMates(store)
    gallery = engine.open_gallery(source, threads=setting.threads)
    start_seconds = time.perf_counter() - begun
    mates = {case.key: case.mate for case in cases}
    source.add_many((key, POSITION, mate) for key, mate in mates.items())
    shelves = store.shelves()
    prints, minutiae = sum(len(s.position) for s in shelves), sum(len(s.x) for s in shelves)
    task = bars.add_task(f"searching {prints:,} prints", total=len(cases) + 1)
    first = engine.search(gallery, cases[0].probe)  # reads the columns from disk
    bars.advance(task)
    found: list[engine.Found] = []
    for case in cases:
        found.append(engine.search(gallery, case.probe))
        bars.advance(task)
    gc.collect()
    memory = resident_bytes() - before
    figures: dict[str, Any] = {
        "gallery": {
            "prints": prints,
            "mates_besides": len(mates),
            "minutiae_a_print": minutiae / prints,
            "bytes_a_print_in_memory": memory / prints if before else None,
            "bytes_at_40_minutiae": memory * 40 / minutiae if before else None,
            "bytes_a_print_on_disk": bytes_on_disk(folder) / prints,
            "start_seconds": start_seconds,
        },
        "search": _times(found, first, prints),
        "identification": _identification(cases, found),
    }
    if setting.exhaustive:
        chosen = list(range(min(setting.exhaustive, len(cases))))
        task = bars.add_task(f"exhaustively, {len(chosen)} probes", total=prints)
        every = [
            engine.exhaustive(
                shelf,
                [cases[k].probe for k in chosen],
                threads=setting.threads,
                on_done=lambda n: bars.advance(task, n),
            )
            for shelf in shelves
        ]
        figures["exhaustive"] = _beside(cases, found, chosen, engine.together(every), prints)
        figures["exhaustive"]["comparisons_a_second_as_kept"] = engine.rate_as_kept(
            shelves[0], cases[0].probe, threads=setting.threads
        )
    store.close()
    figures["openafis_class_read_not_run"] = {
        "comparisons_a_second": OPENAFIS_PER_SECOND,
        "seconds_a_search": prints / OPENAFIS_PER_SECOND,
    }
    return figures


def share(hits: int, of: int) -> dict[str, Any]:
    """A rate in percent with its 95 % interval (Wilson, JASA 22(158), 1927); none of nothing."""
    if of == 0:
        return {"hits": 0, "of": 0, "percent": None, "ci95": None}
    z2, rate = INTERVAL_Z**2, hits / of
    middle = (rate + z2 / (2 * of)) / (1 + z2 / of)
    half = INTERVAL_Z / (1 + z2 / of) * float(np.sqrt(rate * (1 - rate) / of + z2 / (4 * of * of)))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {"hits": hits, "of": of, "percent": 100 * rate, "ci95": [100 * low, 100 * high]}


def resident_bytes() -> int:
    """Memory of this process that is in RAM, mapped files included; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    line = next(ln for ln in status.read_text().splitlines() if ln.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def _times(found: Sequence[engine.Found], first: engine.Found, prints: int) -> dict[str, Any]:
    ms = 1e3 * np.array([f.seconds for f in found])
    compared = np.array([f.compared for f in found])
    staged = [f.index_seconds for f in found if f.index_seconds]
    return {
        "ms_p50": float(np.median(ms)),
        "ms_p95": float(np.quantile(ms, 0.95)),
        "ms_max": float(ms.max()),
        "cpu_ms_p50": 1e3 * float(np.median([f.cpu_seconds for f in found])),
        "ms_first": 1e3 * first.seconds,
        "prints_a_second": prints / float(np.median(ms)) * 1e3,
        "index_ms_p50": 1e3 * float(np.median(staged)) if staged else None,
        "index_prints_a_second": prints / float(np.median(staged)) if staged else None,
        "penetration_percent": _spread(100 * compared / prints),
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "p50": float(np.median(values)),
        "p95": float(np.quantile(values, 0.95)),
        "max": float(values.max()),
    }


def _identification(cases: Sequence[Case], found: Sequence[engine.Found]) -> dict[str, Any]:
    """Rates of all probes, and how far the index can be to blame for what was missed.

    Who scores higher with its own mate than the search's best is a miss that an exhaustive search might have had; who
    does not is one that no search could have. So the exhaustive search's hits are at most ours and the former.
    """
    own = engine.mate_scores(cases)
    hit = np.array([f.key == case.key for f, case in zip(found, cases, strict=True)])
    red = np.array([f.red for f in found])
    lost = ~hit & (own > np.array([f.score for f in found]))
    at_most = int(hit.sum() + lost.sum())
    return {
        "rank1": share(int(hit.sum()), len(cases)),
        "red_and_right": share(int((hit & red).sum()), len(cases)),
        "red_and_wrong": share(int((~hit & red).sum()), len(cases)),
        "missed_by_the_index_at_most": int(lost.sum()),
        "of_the_exhaustive_rank1_at_least": share(int(hit.sum()), at_most),
        "mate_score_p50": float(np.median(own)),
    }


def _beside(
    cases: Sequence[Case],
    found: Sequence[engine.Found],
    chosen: list[int],
    every: engine.Exhaustive,
    prints: int,
) -> dict[str, Any]:
    """The same probes, searched and compared with every print."""
    some = [cases[k] for k in chosen]
    own, others = engine.mate_scores(some), engine.other_mates_best(cases)[chosen]
    best = np.maximum(every.best, others)
    hit = own > best
    ours = np.array([found[k].key == case.key for k, case in zip(chosen, some, strict=True)])
    red = np.array([engine.is_red(float(score), prints) for score in own])
    return {
        "probes": len(chosen),
        "rank1": share(int(hit.sum()), len(chosen)),
        "red_and_right": share(int((hit & red).sum()), len(chosen)),
        "found_of_its_rank1": share(int((hit & ours).sum()), int(hit.sum())),
        "best_stranger_score_p50": float(np.median(best)),
        "best_stranger_score_max": float(best.max()),
        "comparisons_a_second": every.rate,
        "comparisons_a_cpu_second": every.comparisons / every.comparing_cpu_seconds,
        "seconds_a_search": every.comparing_seconds / len(chosen),
        "seconds_with_cylinders_built": every.seconds,
    }
