"""The search of a submission among the prints of one repository.

1. The index looks at every print and brings up the identities that are worth an exact comparison, by the evidence of
   all fingers together (`index`).
2. They are compared exactly, finger by finger, in chunks and in that order, until it is enough.
3. The best are looked at closer: all their fingers, and what the prints themselves are like (`closer_look`).

A small gallery is compared exactly as a whole, and a large one if it is asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.found import Candidate, Found, PrintScore, SearchResult, SearchStatistics
from matcher_service.search.packed import pack_print
from matcher_service.search.shelf import keys_array
from matcher_service.search.template import Template, prepare
from matcher_service.search.workers import Workers, read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from interchange import Minutiae
    from matcher_service.search.memory import Source
    from matcher_service.search.shelf import Shelf
    from matcher_service.search.votes import ProbeSketch

    Positions = Literal["claimed", "any"]

UNKNOWN_POSITION = 0
_PRINTS_A_PART = 32  # that a thread compares at once: a millisecond or two


@dataclass(frozen=True, slots=True)
class _Probe:
    """One finger of a submission, ready for both stages."""

    number: int
    position: int
    template: Template
    sketch: ProbeSketch
    wanted: NDArray[np.uint8]


class Gallery:
    """A searchable set of prints. Safe to use from several threads; a search sees every add that returned.

    Keys of identities are 32 hexadecimal digits.
    """

    def __init__(self, *, threads: int | None = None, source: Source | None = None) -> None:
        """`source` holds the prints; without one they are kept in memory."""
        if source is None:
            from matcher_service.search.memory import MemorySource

            source = MemorySource()
        self._source = source
        self._workers = Workers(threads)

    def __len__(self) -> int:
        return len(self._source)

    @property
    def identities(self) -> int:
        """How many identities have a print here."""
        return self._source.identities

    def add(self, key: str, position: int, minutiae: Minutiae) -> None:
        """Add one print of an identity; `position` as in ISO/IEC 19794-2 (0 unknown, 1-10)."""
        self._source.add_many([(key, position, minutiae)])

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> None:
        """Add prints, each (key, position, minutiae). Raises ValueError for a key that is none."""
        self._source.add_many(prints)

    def add_shelf(self, shelf: Shelf) -> None:
        """Add packed prints, without copying them. Only where the gallery has no source of its own."""
        from matcher_service.search.memory import MemorySource

        if not isinstance(self._source, MemorySource):
            raise TypeError("this gallery has a source: add the prints there")
        self._source.add_shelf(shelf)

    def remove(self, key: str) -> int:
        """Remove all prints of an identity; returns how many there were."""
        return self._source.remove(key)

    def search(
        self,
        prints: Sequence[tuple[int, Minutiae]],
        *,
        limit: int = 10,
        positions: Positions = "claimed",
        exhaustive: bool = False,
        progress: Callable[[float], object] | None = None,
    ) -> list[Candidate]:
        """The candidates of `search_detailed`."""
        return self.search_detailed(
            prints, limit=limit, positions=positions, exhaustive=exhaustive, progress=progress
        ).candidates

    def search_detailed(
        self,
        prints: Sequence[tuple[int, Minutiae]],
        *,
        limit: int = 10,
        positions: Positions = "claimed",
        exhaustive: bool = False,
        progress: Callable[[float], object] | None = None,
    ) -> SearchResult:
        """Search each probe, (position, minutiae), among the prints of its finger; fuse over fingers.

        A probe or an enrolled print of unknown position is compared with all positions, and every probe is where
        `positions` is "any": for fingers that may have been swapped. All prints are compared exactly where the
        search is `exhaustive`. `progress` is told the share that is done, 0 to 1.
        """
        begun = time.perf_counter()
        tell = progress or _nothing
        shelves = [_frozen(shelf) for shelf in self._source.shelves() if len(shelf.position)]
        stored = sum(len(shelf.position) for shelf in shelves)
        probes = [_probe(n, at, minutiae, positions) for n, (at, minutiae) in enumerate(prints)]
        found, looked_at, index_seconds, enough = Found(), 0, 0.0, False
        if exhaustive or stored <= p.SEARCHED_WHOLE:
            self._compare_all(probes, shelves, found, tell)
        else:
            identities, looked_at = self._bring_up(probes, shelves)
            index_seconds = time.perf_counter() - begun
            tell(0.5)
            enough = self._compare_in_order(probes, shelves, identities, found, tell)
        brought = found.candidates([one.position for one in probes], max(p.CANDIDATES_FUSED, 2 * limit))
        candidates = self._look_closer(brought[: 2 * limit], probes, shelves)[:limit]
        tell(1.0)
        seconds = time.perf_counter() - begun
        return SearchResult(
            candidates,
            SearchStatistics(
                prints=stored,
                looked_at=looked_at,
                compared=found.compared,
                enough=enough,
                index_seconds=index_seconds,
                exact_seconds=seconds - index_seconds,
                seconds=seconds,
            ),
        )

    def warm_up(self) -> None:
        """Compile or load the kernels now, so that the first search is as fast as the next."""
        from interchange import Minutiae

        turn = np.arange(12) * 0.5
        print_ = Minutiae.make(150 + 40 * np.cos(turn * 3), 150 + 12 * turn, turn, width=300, height=300)
        trial = Gallery(threads=1)
        trial.add(f"{1:032x}", 1, print_)
        trial.search([(1, print_)])
        shelves = [_frozen(shelf) for shelf in trial._source.shelves()]
        probes = [_probe(0, 1, print_, "claimed")]
        trial._compare_in_order(probes, shelves, trial._bring_up(probes, shelves)[0], Found(), _nothing)

    def _look_closer(
        self, brought: Sequence[Candidate], probes: Sequence[_Probe], shelves: Sequence[Shelf]
    ) -> list[Candidate]:
        """The same candidates with the evidence that they have in the end, best first."""
        from matcher_service.search.closer_look import look_closer

        if not brought:
            return []
        keys = keys_array([candidate.key for candidate in brought])
        seen = look_closer(keys, [(one.position, one.template) for one in probes], shelves, self._workers)
        made = [
            Candidate(
                candidate.key,
                max(0.0, -it.fused.log10_fmr),
                tuple(PrintScore(f.position, f.candidate_position, f.score) for f in it.fingers),
                it.fused.llr,
                it.relabelled,
            )
            for candidate, it in zip(brought, seen, strict=True)
        ]
        return sorted(made, key=lambda c: (-c.score, -c.llr, c.key))

    def _bring_up(self, probes: Sequence[_Probe], shelves: Sequence[Shelf]) -> tuple[NDArray[np.uint64], int]:
        """Identities worth comparing, in order of evidence, and how many prints were looked at."""
        from matcher_service.search.index import gather, rank_identities

        if not probes:
            return np.empty((0, 2), np.uint64), 0
        evidence = [gather(probe.sketch, shelves, probe.wanted, self._workers) for probe in probes]
        return rank_identities(evidence), sum(one.looked_at for one in evidence)

    def _compare_in_order(
        self,
        probes: Sequence[_Probe],
        shelves: Sequence[Shelf],
        identities: NDArray[np.uint64],
        found: Found,
        tell: Callable[[float], object],
    ) -> bool:
        """Compare identities chunk by chunk; whether that ended before the last of them."""
        from matcher_service.search.index import prints_of

        owned = [prints_of(identities, shelf, self._workers) for shelf in shelves]
        first, size, near = 0, p.CHUNK_FIRST, 0
        while first < len(identities):
            last = min(first + size, len(identities))
            jobs: list[tuple[_Probe, Shelf, NDArray[np.int64]]] = []
            for shelf, (rows, number) in zip(shelves, owned, strict=True):
                here = rows[np.searchsorted(number, first) : np.searchsorted(number, last)]
                jobs += [(probe, shelf, here[probe.wanted[shelf.position[here]] == 1]) for probe in probes]
            self._compare(jobs, found)
            now = found.candidates([one.position for one in probes], p.CANDIDATES_WATCHED)
            before, near = near, sum(c.score >= p.NEAR_EVIDENCE for c in now)
            overwhelming = bool(now) and now[0].score >= p.ENOUGH_EVIDENCE
            if (
                overwhelming and near == before and last < len(identities)
            ):  # and nobody else came near any more
                return True
            first, size = last, min(2 * size, p.CHUNK_MOST)
            tell(0.5 + 0.5 * first / len(identities))
        return False

    def _compare_all(
        self,
        probes: Sequence[_Probe],
        shelves: Sequence[Shelf],
        found: Found,
        tell: Callable[[float], object],
    ) -> None:
        """Compare every print of the wanted positions."""
        for at, shelf in enumerate(shelves):
            for q, probe in enumerate(probes):
                rows = np.flatnonzero((shelf.alive == 1) & (probe.wanted[shelf.position] == 1))
                for k, part in enumerate(np.array_split(rows, 1 + len(rows) // p.SEARCHED_WHOLE)):
                    self._compare([(probe, shelf, part)], found)
                    done = (q + (k + 1) * p.SEARCHED_WHOLE / max(len(rows), p.SEARCHED_WHOLE)) / len(probes)
                    tell(min(1.0, (at + min(done, 1.0)) / len(shelves)))

    def _compare(self, jobs: Sequence[tuple[_Probe, Shelf, NDArray[np.int64]]], found: Found) -> None:
        from matcher_service.search.index import parts
        from matcher_service.search.scan import score_chosen

        scores = [np.empty(len(rows), np.float64) for _, _, rows in jobs]
        self._workers.run(
            partial(score_chosen, probe.template, shelf, rows[first:last], out[first:last])
            for (probe, shelf, rows), out in zip(jobs, scores, strict=True)
            for first, last in parts(len(rows), _PRINTS_A_PART)
        )
        for (probe, shelf, rows), out in zip(jobs, scores, strict=True):
            found.take(probe.number, shelf, rows, out)


def _probe(number: int, position: int, minutiae: Minutiae, positions: Positions) -> _Probe:
    from matcher_service.search.votes import probe_sketch

    wanted = np.zeros(256, np.uint8)
    wanted[[position, UNKNOWN_POSITION]] = 1
    if position == UNKNOWN_POSITION or positions == "any":
        wanted[:] = 1
    return _Probe(number, position, prepare(minutiae), probe_sketch(pack_print(minutiae)), wanted)


def _frozen(shelf: Shelf) -> Shelf:
    """The same shelf, read only: see `read_only`."""
    return type(shelf)(*(read_only(column) for column in shelf))


def _nothing(_share: float) -> None:
    """Nobody wants to know."""
