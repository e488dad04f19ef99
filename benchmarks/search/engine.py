"""What is under test: the gallery's search, and beside it the exact comparison with every print.

The one place where this benchmark touches the search's own interface.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.search.parameters import POSITION, PRINTS_A_CHUNK, RATE_PRINTS
from interchange import Minutiae
from matcher_service.galleries import MemoryStore
from matcher_service.search import Colour, Gallery, colour, fuse, prepare
from matcher_service.search.packed import ANGLE_STEPS, QUALITY_STEPS, STEPS_PER_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.search.probes import Case
    from matcher_service.galleries import GalleryStore
    from matcher_service.search import Template
    from matcher_service.search.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Found:
    """What one search gave.

    Attributes:
        key: identity at rank 1, or empty.
        score: its score as the exact comparison gives it; 0 for none.
        red: whether it is red by the search's own rule.
        compared: prints that were compared exactly.
        index_seconds: of the first stage; 0 where the gallery is so small that all are compared.
        seconds: of the whole search.
        cpu_seconds: processor time of all its threads; on a busy machine it says more.
    """

    key: str
    score: float
    red: bool
    compared: int
    index_seconds: float
    seconds: float
    cpu_seconds: float = 0.0


class CrowdAndMates(MemoryStore):
    """The crowd's gallery as it stands on disk, and the probes' mates in memory: the disk's is not changed."""

    def __init__(self, crowd: GalleryStore) -> None:
        super().__init__()
        self._crowd = crowd

    def shelves(self) -> Sequence[Shelf]:
        """The crowd's, then the mates'."""
        return (*self._crowd.shelves(), *super().shelves())

    def __len__(self) -> int:
        return len(self._crowd) + super().__len__()


def open_gallery(source: CrowdAndMates, *, threads: int) -> Gallery:
    """The search of a source's prints."""
    return Gallery(threads=threads, source=source)


def search(gallery: Gallery, probe: Minutiae) -> Found:
    """One search of one finger, timed."""
    begun, cpu = time.perf_counter(), time.process_time()
    answer = gallery.search_detailed([(POSITION, probe)], limit=1)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    did = answer.statistics
    if not answer.candidates:
        return Found("", 0.0, False, did.compared, did.index_seconds, seconds, cpu)
    best = answer.candidates[0]
    score = max(one.score for one in best.prints)
    return Found(
        best.key,
        score,
        colour(best.score, len(gallery)) is Colour.RED,
        did.compared,
        did.index_seconds,
        seconds,
        cpu,
    )


def is_red(score: float, identities: int) -> bool:
    """Whether a score of one finger is red among so many identities."""
    return colour(fuse([score]), identities) is Colour.RED


def unpacked(shelf: Shelf, k: int) -> Minutiae:
    """The minutiae of a print of a shelf."""
    part = slice(int(shelf.start[k]), int(shelf.start[k + 1]))
    x, y = (column[part].astype(np.float32) / STEPS_PER_PX for column in (shelf.x, shelf.y))
    return Minutiae.make(
        x,
        y,
        shelf.angle[part] * (2 * np.pi / ANGLE_STEPS),
        type=shelf.info[part] >> 8,
        quality=(shelf.info[part] & 0xFF) / QUALITY_STEPS,
        width=max(1, int(x.max(initial=0.0)) + 1),
        height=max(1, int(y.max(initial=0.0)) + 1),
        finger_quality=int(shelf.quality[k]),
    )


@dataclass(slots=True)
class Exhaustive:
    """Probes against every print of a shelf, exactly.

    Attributes:
        best: float64 (probes,), the best score of each among the shelf's prints.
        comparisons: made.
        comparing_seconds: of the comparisons alone, all threads at work, cylinders ready.
        comparing_cpu_seconds: the same in processor time.
        seconds: all of it, the building of the cylinders included.
    """

    best: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    comparisons: int = 0
    comparing_seconds: float = 0.0
    comparing_cpu_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Exact comparisons a second; NaN where none was made."""
        return self.comparisons / self.comparing_seconds if self.comparisons else float("nan")


def exhaustive(
    shelf: Shelf, probes: Sequence[Minutiae], *, threads: int, on_done: Callable[[int], None]
) -> Exhaustive:
    """Compare each probe with each print; `on_done` is told of prints done with all probes.

    The prints' cylinders are built a chunk at a time, once for all probes: they would not fit in memory together.
    """
    from matcher_service.search.scan import pack, scan, unpack

    made = Exhaustive(best=np.zeros(len(probes)))
    if not probes:
        return made
    templates = [prepare(probe) for probe in probes]
    columns = [_read_only(c) for c in (shelf.x, shelf.y, shelf.angle, shelf.info)]

    def built(k: int) -> Template:
        low, high = int(shelf.start[k]), int(shelf.start[k + 1])
        return unpack(*(column[low:high] for column in columns))

    begun = time.perf_counter()
    prints = len(shelf.position)
    with ThreadPoolExecutor(threads) as pool:
        for first, last in pairwise([*range(0, prints, PRINTS_A_CHUNK), prints]):
            ready = pack(list(pool.map(built, range(first, last))))
            count = last - first
            cuts = [count * t // threads for t in range(threads + 1)]
            scores = np.zeros((len(probes), count))
            scan(templates[0], ready, 0, 1, scores[0])  # compiles, or loads what was compiled
            start, cpu = time.perf_counter(), time.process_time()
            jobs = [
                pool.submit(scan, template, ready, low, high, scores[k])
                for k, template in enumerate(templates)
                for low, high in pairwise(cuts)
            ]
            for job in jobs:
                job.result()
            made.comparing_seconds += time.perf_counter() - start
            made.comparing_cpu_seconds += time.process_time() - cpu
            made.comparisons += scores.size
            made.best = np.maximum(made.best, scores.max(axis=1))
            on_done(count)
    made.seconds = time.perf_counter() - begun
    return made


def together(several: Sequence[Exhaustive]) -> Exhaustive:
    """The same probes against several shelves, as if they were one."""
    return Exhaustive(
        best=np.max([one.best for one in several], axis=0),
        comparisons=sum(one.comparisons for one in several),
        comparing_seconds=sum(one.comparing_seconds for one in several),
        comparing_cpu_seconds=sum(one.comparing_cpu_seconds for one in several),
        seconds=sum(one.seconds for one in several),
    )


def rate_as_kept(shelf: Shelf, probe: Minutiae, *, threads: int) -> float:
    """Exact comparisons a second of one probe with a shelf's prints as the gallery keeps them, cylinders built anew."""
    from matcher_service.search.scan import score_all

    template, count = prepare(probe), min(RATE_PRINTS, len(shelf.position))
    scores = np.zeros(count)
    score_all(template, shelf, 0, 1, scores)  # compiles, or loads what was compiled
    cuts = [count * t // threads for t in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        for job in [pool.submit(score_all, template, shelf, *part, scores) for part in pairwise(cuts)]:
            job.result()
        return count / (time.perf_counter() - begun)


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view


def mate_scores(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Exact score of each probe with its own mate."""
    from matcher_service.search import compare

    return np.array([compare(case.probe, case.mate) for case in cases])


def other_mates_best(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Best exact score of each probe among the mates of the other fingers."""
    from matcher_service.search import compare_prepared

    mates = {case.key: prepare(case.mate) for case in cases}
    best = np.zeros(len(cases))
    for k, case in enumerate(cases):
        probe = prepare(case.probe)
        others = [compare_prepared(probe, mate) for key, mate in mates.items() if key != case.key]
        best[k] = max(others, default=0.0)
    return best
