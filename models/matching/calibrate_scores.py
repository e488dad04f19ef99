"""The scores that a calibration is fitted to or judged by: many pairs of prints, strangers' and the same finger's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.databases import find_databases
from benchmarks.accuracy.imaging import Conditions
from benchmarks.accuracy.session import Session
from matcher_service.search.compare import compare_prepared
from matcher_service.search.print_facts import PrintFacts, facts_of
from matcher_service.search.template import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from interchange import Minutiae

WHOLE, WINDOW = Conditions(), Conditions((256, 288), 16)
SEED = 41
_CHUNK = 500  # pairs handed to a thread at once


@dataclass(frozen=True, slots=True)
class Prints:
    """Prints of several databases, taken one way.

    Attributes:
        source: extractor and condition, in words.
        minutiae: one a print.
        finger: int64 (n,), number of the finger, the same in every `Prints` of the same folders.
        database: int64 (n,), number of the database.
        finger_names: ``database:finger`` by number.
        database_names: by number.
    """

    source: str
    minutiae: Sequence[Minutiae]
    finger: NDArray[np.int64]
    database: NDArray[np.int64]
    finger_names: Sequence[str]
    database_names: Sequence[str]


@dataclass(frozen=True, slots=True)
class PairScores:
    """Scores of pairs (a, b) of prints, all columns of equal length.

    Attributes:
        score: float64 (n,).
        minutiae: int64 (n, 2), how many the two prints have.
        agreement: float64 (n, 2), see `print_facts`.
        finger: int64 (n, 2).
        database: int64 (n, 2).
    """

    score: NDArray[np.float64]
    minutiae: NDArray[np.int64]
    agreement: NDArray[np.float64]
    finger: NDArray[np.int64]
    database: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.score)

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> PairScores:
        """The pairs at `index`."""
        columns = (self.score, self.minutiae, self.agreement, self.finger, self.database)
        return PairScores(*(c[index] for c in columns))

    @classmethod
    def joined(cls, parts: Sequence[PairScores]) -> PairScores:
        """All pairs of several."""
        return cls(
            *(
                np.concatenate([getattr(p, name) for p in parts])
                for name in ("score", "minutiae", "agreement", "finger", "database")
            )
        )


def read_prints(
    folders: Sequence[Path],
    extractors: Iterable[str],
    conditions: Iterable[Conditions],
    *,
    cache: Path | None = None,
) -> list[Prints]:
    """The prints of all databases below `folders`, once for each extractor and condition.

    Prints without minutiae are left out. Raises BenchmarkError for a folder or an extractor that cannot be used.
    """
    found = [(folder, find_databases(folder)) for folder in folders]
    names = [f"{folder.name}/{d.name}" for folder, databases in found for d in databases]
    fingers = {
        f"{folder.name}/{d.name}:{f}": 0 for folder, databases in found for d in databases for f in d.fingers
    }
    number = {name: k for k, name in enumerate(fingers)}
    made: list[Prints] = []
    with Session(cache=cache) as session:
        for extractor in extractors:
            for condition in conditions:
                minutiae: list[Minutiae] = []
                finger: list[int] = []
                database: list[int] = []
                for folder, databases in found:
                    taken = session.extract(databases, extractor, condition)
                    for d in databases:
                        name = f"{folder.name}/{d.name}"
                        for impression, extraction in zip(d.impressions, taken[d.name], strict=True):
                            if extraction.minutiae is not None:
                                minutiae.append(extraction.minutiae)
                                finger.append(number[f"{name}:{impression.finger}"])
                                database.append(names.index(name))
                made.append(
                    Prints(
                        f"{extractor}, {condition}",
                        minutiae,
                        np.array(finger, np.int64),
                        np.array(database, np.int64),
                        list(fingers),
                        names,
                    )
                )
    return made


def choose_pairs(prints: Prints, most: int | None, *, across: bool = True) -> NDArray[np.int64]:
    """int64 (n, 2): pairs of prints, each at most once: all of one finger, and of two fingers at most `most`.

    Without `across`, pairs of two databases are left out.
    """
    first, second = np.triu_indices(len(prints.finger), 1)
    same = prints.finger[first] == prints.finger[second]
    other = ~same
    if not across:
        other &= prints.database[first] == prints.database[second]
    chosen = np.flatnonzero(other)
    if most is not None and len(chosen) > most:
        chosen = np.sort(np.random.default_rng(SEED).choice(chosen, most, replace=False))
    kept = np.concatenate([np.flatnonzero(same), chosen])
    return np.stack([first[kept], second[kept]], axis=1)


def score_pairs(
    prints: Prints,
    pairs: NDArray[np.int64],
    *,
    threads: int = 2,
    on_done: Callable[[int], None] = lambda _n: None,
) -> PairScores:
    """Compare the pairs, on several threads; `on_done` hears of every few hundred that are done."""
    templates = [prepare(m) for m in prints.minutiae]
    facts = [facts_of(t) for t in templates]
    scores = np.empty(len(pairs), np.float64)

    def run(span: tuple[int, int]) -> int:
        for k in range(*span):
            scores[k] = compare_prepared(templates[pairs[k, 0]], templates[pairs[k, 1]])
        return span[1] - span[0]

    cuts = [*range(0, len(pairs), _CHUNK), len(pairs)]
    with ThreadPoolExecutor(threads) as pool:
        for done in pool.map(run, pairwise(cuts)):
            on_done(done)
    counts = np.array([f.minutiae for f in facts], np.int64)
    agreements = np.array([f.agreement for f in facts], np.float64)
    return PairScores(scores, counts[pairs], agreements[pairs], prints.finger[pairs], prints.database[pairs])


def facts_pair(pairs: PairScores) -> tuple[PrintFacts, PrintFacts]:
    """The facts of both sides, as columns, as `Calibration` takes them."""
    count, alike = pairs.minutiae, pairs.agreement
    return PrintFacts(count[:, 0], alike[:, 0]), PrintFacts(count[:, 1], alike[:, 1])  # type: ignore[arg-type]
