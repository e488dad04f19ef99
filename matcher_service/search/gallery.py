"""Prints of one repository in memory, and the search of a submission among them: exhaustive and exact.

A later index may choose which prints are compared; what is compared, and what comes back, stays as it is here.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.decision import fuse
from matcher_service.search.template import Template, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from interchange import Minutiae
    from matcher_service.search.scan import Shelf

UNKNOWN_POSITION = 0
_WORTH_SHARING = 16  # prints a thread; fewer cost more to hand out than to compare


@dataclass(frozen=True, slots=True)
class PrintScore:
    """How one probe of a submission compared with a candidate's best print."""

    position: int
    candidate_position: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a search returns: an identity, its fused score, and what each finger gave."""

    key: str
    score: float
    prints: tuple[PrintScore, ...]


class _Position:
    """Templates of one finger position, packed anew when a search finds them changed."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.templates: list[Template] = []
        self._packed: Shelf | None = None

    def add(self, key: str, template: Template) -> None:
        self.keys.append(key)
        self.templates.append(template)
        self._packed = None

    def remove(self, key: str) -> int:
        kept = [k for k, owner in enumerate(self.keys) if owner != key]
        gone = len(self.keys) - len(kept)
        if gone:
            self.keys = [self.keys[k] for k in kept]
            self.templates = [self.templates[k] for k in kept]
            self._packed = None
        return gone

    def packed(self) -> Shelf:
        if self._packed is None:
            from matcher_service.search.scan import pack

            self._packed = pack(self.templates)
        return self._packed


class Gallery:
    """A searchable set of prints. Safe to use from several threads; a search sees every add that returned."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._positions: dict[int, _Position] = {}
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return sum(len(shelf.keys) for shelf in self._positions.values())

    def add(self, key: str, position: int, minutiae: Minutiae) -> None:
        """Add one print of an identity; `position` as in ISO/IEC 19794-2 (0 unknown, 1-10)."""
        self.add_many([(key, position, minutiae)])

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> None:
        """Add prints, each (key, position, minutiae)."""
        ready = [(key, position, prepare(minutiae)) for key, position, minutiae in prints]
        with self._lock:
            for key, position, template in ready:
                self._positions.setdefault(position, _Position()).add(key, template)

    def remove(self, key: str) -> int:
        """Remove all prints of an identity; returns how many there were."""
        with self._lock:
            return sum(shelf.remove(key) for shelf in self._positions.values())

    def search(self, prints: Sequence[tuple[int, Minutiae]], *, limit: int = 10) -> list[Candidate]:
        """Compare each probe with every print of its position, fuse over fingers, best candidates first.

        A probe or an enrolled print of unknown position is compared with all positions.
        """
        best: dict[str, dict[int, PrintScore]] = {}
        for number, (position, minutiae) in enumerate(prints):
            probe = prepare(minutiae)
            with self._lock:
                shelves = {
                    at: (list(shelf.keys), shelf.packed())
                    for at, shelf in self._positions.items()
                    if shelf.keys and (position in (at, UNKNOWN_POSITION) or at == UNKNOWN_POSITION)
                }
            for at, (keys, packed) in shelves.items():
                scores = self._scores(probe, packed)
                for k in np.flatnonzero(scores > p.CHANCE_SCORE):  # the rest adds nothing to anybody
                    found = PrintScore(position, at, float(scores[k]))
                    fingers = best.setdefault(keys[k], {})
                    if number not in fingers or found.score > fingers[number].score:
                        fingers[number] = found
        candidates = [
            Candidate(key, fuse([f.score for f in fingers.values()]), tuple(fingers.values()))
            for key, fingers in best.items()
        ]
        candidates.sort(key=lambda c: (-c.score, c.key))
        return candidates[:limit]

    def warm_up(self) -> None:
        """Compile or load the kernels now, so that the first search is as fast as the next."""
        from interchange import Minutiae

        turn = np.arange(12) * 0.5
        print_ = Minutiae.make(150 + 40 * np.cos(turn * 3), 150 + 12 * turn, turn, width=300, height=300)
        trial = Gallery(threads=1)
        trial.add("warm-up", 1, print_)
        trial.search([(1, print_)])

    def _scores(self, probe: Template, shelf: Shelf) -> NDArray[np.float64]:
        from matcher_service.search.scan import scan

        prints = len(shelf.start) - 1
        out = np.zeros(prints, np.float64)
        if prints < _WORTH_SHARING * self._threads:
            scan(probe, shelf, 0, prints, out)
            return out
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="search")
        cuts = [prints * k // self._threads for k in range(self._threads + 1)]
        jobs = [self._pool.submit(scan, probe, shelf, low, high, out) for low, high in pairwise(cuts)]
        for job in jobs:
            job.result()
        return out
