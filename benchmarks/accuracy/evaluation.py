"""The measurement itself: extract every image, compare every pair, work out the error rates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.bootstrap import interval95, replicate
from benchmarks.accuracy.errors import DatabaseError, SystemUnderTestError
from benchmarks.accuracy.imaging import Conditions, load_grey
from benchmarks.accuracy.metrics import METRICS, Rates, rates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.accuracy.databases import Database
    from benchmarks.accuracy.systems import Extraction, Matcher, MinutiaeExtractor


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on one database.

    Attributes:
        database: which one.
        extractions: one an impression, in order.
        pairs: (n, 2) impressions compared, the first as the probe.
        genuine: (n,).
        scores: (n,), finite; pairs with a failure to extract have one below all others.
        compare_us: microseconds of each comparison that was made; pairs with a failure are not in it.
        figures: error rates, each (1,).
        replicates: error rates of the bootstrap's databases.
    """

    database: Database
    extractions: Sequence[Extraction]
    pairs: NDArray[np.int64]
    genuine: NDArray[np.bool_]
    scores: NDArray[np.float64]
    compare_us: NDArray[np.float64]
    figures: Rates
    replicates: Rates

    def failures(self) -> dict[str, str]:
        """Reason of each failure to extract, by the impression's name."""
        both = zip(self.database.impressions, self.extractions, strict=True)
        return {i.name: e.failure for i, e in both if e.minutiae is None}

    def percent(self, metric: str) -> float:
        """One of `METRICS`, in percent."""
        return 100.0 * float(getattr(self.figures, metric)[0])

    def percent_interval(self, metric: str) -> tuple[float, float]:
        """Its 95 % interval, in percent."""
        low, high = interval95(getattr(self.replicates, metric))
        return 100.0 * low, 100.0 * high


@dataclass(frozen=True, slots=True)
class Report:
    """One run: an extractor and a matcher over some databases, under some conditions."""

    extractor: str
    extractor_version: str
    matcher: str
    matcher_version: str
    conditions: Conditions
    results: Sequence[Result]
    cache: str | None = None
    machine: dict[str, object] = field(default_factory=dict[str, object])

    def mean(self, metric: str) -> float:
        """Mean of a metric over the databases, in percent."""
        return float(np.mean([r.percent(metric) for r in self.results]))

    def mean_interval(self, metric: str) -> tuple[float, float]:
        """Its 95 % interval, in percent; databases are taken for independent of each other."""
        drawn = np.mean([getattr(r.replicates, metric) for r in self.results], axis=0)
        low, high = interval95(drawn)
        return 100.0 * low, 100.0 * high

    def extract_ms(self, attribute: str = "wall_ms") -> float:
        """Median milliseconds of an extraction; `attribute` is ``wall_ms`` or ``cpu_ms``."""
        return median([getattr(e, attribute) for r in self.results for e in r.extractions])

    def compare_us(self) -> float:
        """Median microseconds of a comparison of two prepared templates."""
        return median(np.concatenate([r.compare_us for r in self.results]))


def median(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Median of what is finite; NaN if nothing is."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else float("nan")


def extract_database(
    database: Database,
    extractor: MinutiaeExtractor,
    conditions: Conditions,
    *,
    on_done: Callable[[], None] = lambda: None,
) -> list[Extraction]:
    """Extract every impression, one after the other, after a warm-up on the first.

    Images are loaded and put under the conditions outside of the time that is measured.
    Raises ImageError for a file that is no picture, SystemUnderTestError if not one extraction succeeds.
    """
    extractions: list[Extraction] = []
    for impression in database.impressions:
        image = conditions.apply(load_grey(impression.path), database.dpi)
        if not extractions:
            extractor.extract(image)
        extractions.append(extractor.extract(image))
        on_done()
    if all(e.minutiae is None for e in extractions):
        raise SystemUnderTestError(
            extractor.name,
            f"failed on every image of {database.name} ({extractions[0].failure}); "
            "nothing can be measured with it",
        )
    return extractions


def compare_database(
    database: Database,
    extractions: Sequence[Extraction],
    matcher: Matcher,
    *,
    on_done: Callable[[int], None] = lambda _pairs: None,
) -> Result:
    """Compare every pair of the database's impressions and work out its error rates.

    Where either print has no minutiae the pair is a non-match, genuine or not: its score is below all
    others. Raises SystemUnderTestError if the matcher's scores are not finite, DatabaseError if the pairs
    left no genuine or no impostor comparison.
    """
    pairs = database.pairs()
    fingers = database.finger_numbers()
    genuine = fingers[pairs[:, 0]] == fingers[pairs[:, 1]]
    if genuine.all() or not genuine.any():
        raise DatabaseError(database.impressions[0].path.parent, "needs two fingers, one of them twice")
    extracted = np.array([e.minutiae is not None for e in extractions])
    number = np.cumsum(extracted) - 1
    possible = extracted[pairs].all(axis=1)
    prints = [e.minutiae for e in extractions if e.minutiae is not None]
    scores: list[NDArray[np.float64]] = []
    micros: list[NDArray[np.float64]] = []
    if possible.any():
        for chunk_scores, chunk_micros in matcher.compare(prints, number[pairs[possible]]):
            scores.append(chunk_scores)
            micros.append(chunk_micros)
            on_done(len(chunk_scores))
    made = np.concatenate([np.empty(0), *scores])
    if not np.isfinite(made).all():
        raise SystemUnderTestError(matcher.name, f"gave a score that is no number on {database.name}")
    full = np.full(len(pairs), made.min(initial=0.0) - 1.0)
    full[possible] = made
    on_done(int((~possible).sum()))
    return Result(
        database=database,
        extractions=extractions,
        pairs=pairs,
        genuine=genuine,
        scores=full,
        compare_us=np.concatenate([np.empty(0), *micros]),
        figures=rates(full, genuine),
        replicates=replicate(full, fingers[pairs[:, 0]], fingers[pairs[:, 1]]),
    )


__all__ = [
    "METRICS",
    "Report",
    "Result",
    "compare_database",
    "extract_database",
    "median",
]
