"""What the fit looks at: training prints as sensors would show them, and things that are no prints."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.databases import find_databases
from benchmarks.accuracy.imaging import Conditions, load_grey, quantise
from edge_service.extraction import parameters as edge
from edge_service.extraction.features import Features
from matcher_service.search import compare_prepared, prepare
from models.quality import nonprints
from models.quality import parameters as p
from models.quality.degrade import FAULTS
from models.quality.recognition import Pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.accuracy.databases import Database
    from edge_service.extraction import Extractor
    from interchange import Minutiae
    from matcher_service.search import Template

    Grey = NDArray[np.uint8]
    Floats = NDArray[np.float64]

SPOILT = "spoilt"
R307 = Conditions(p.R307_WINDOW_PX, p.SENSOR_LEVELS)
SEEN = {
    "whole": Conditions(),
    "R307": R307,
    "R503": Conditions(p.R503_WINDOW_PX, p.SENSOR_LEVELS),
    SPOILT: Conditions(p.R307_WINDOW_PX),
}
"""How each print is looked at; a spoilt one is spoilt before it is quantised."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One print as one sensor shows it; `fault` is a name of `FAULTS` where it was spoilt, else empty."""

    seen: str
    fault: str
    database: str
    finger: str
    features: Features
    template: Template | None


def look(
    folder: Path, extractor: Extractor, *, on_start: Callable[[int], None], on_done: Callable[[], None]
) -> list[Sample]:
    """All prints of a folder's databases, as every condition shows them."""
    databases = find_databases(folder)
    on_start(len(SEEN) * sum(len(d.impressions) for d in databases))
    samples: list[Sample] = []
    for database in databases:
        for number, impression in enumerate(database.impressions):
            grey = load_grey(impression.path)
            for seen in SEEN:
                image = as_seen(grey, database, seen, number)
                found, features = extractor.measure(image)
                fault = _fault(number) if seen == SPOILT else ""
                samples.append(
                    Sample(
                        seen, fault, database.name, impression.finger, features, _template(found, features)
                    )
                )
                on_done()
    return samples


def as_seen(grey: Grey, database: Database, seen: str, number: int) -> Grey:
    """The `number`-th image of a database under a condition of `SEEN`; spoilt, the faults take turns."""
    image = SEEN[seen].apply(grey, database.dpi)
    if seen == SPOILT:
        rng = np.random.default_rng([number, 1])
        spoil, strength = FAULTS[_fault(number)], rng.uniform(*p.FAULT_STRENGTH)
        image = quantise(spoil(rng, image, strength=strength), p.SENSOR_LEVELS)
    return image


def table(features: Iterable[Features]) -> dict[str, Floats]:
    """Features by name, (n,) each."""
    rows = list(features)
    names = [f.name for f in fields(Features) if f.name != "cut"]
    return {name: np.array([float(getattr(f, name)) for f in rows]) for name in names}


def mates(samples: Sequence[Sample]) -> Pairs:
    """Scores of all pairs of mates: as the same condition shows both, but spoilt ones against sound ones.

    Prints that are refused anyway, because there is too little on them, have no part in it.
    """
    one: list[int] = []
    other: list[int] = []
    weight: list[float] = []
    for group in _groups(samples):
        seen, database = samples[group[0]].seen, samples[group[0]].database
        against = _of(samples, "R307", database) if seen == SPOILT else group
        found = [
            (a, b)
            for i, a in enumerate(group)
            for j, b in enumerate(against)
            if (i != j if seen == SPOILT else i < j)
            and samples[a].finger == samples[b].finger
            and samples[a].template is not None
            and samples[b].template is not None
        ]
        one += [a for a, _ in found]
        other += [b for _, b in found]
        weight += [len(found) ** -0.5] * len(found)
    score = [_score(samples[a], samples[b]) for a, b in zip(one, other, strict=True)]
    return Pairs(np.array(one), np.array(other), np.array(score), np.array(weight))


def threshold(samples: Sequence[Sample], *, fmr: float) -> float:
    """The score that a share `fmr` of the strangers' comparisons reaches, at the sensor's window."""
    rng = np.random.default_rng(1)
    scores: list[float] = []
    for database in sorted({s.database for s in samples}):
        group = _of(samples, "R307", database)
        for a, b in rng.choice(group, (p.IMPOSTORS_PER_DATABASE, 2)):
            if samples[a].finger != samples[b].finger:
                scores.append(_score(samples[a], samples[b]))
    return float(np.quantile(scores, 1.0 - fmr))


def things(
    extractor: Extractor, *, on_start: Callable[[int], None], on_done: Callable[[], None]
) -> list[Features]:
    """Features of the non-prints in which the network sees minutiae all the same."""
    on_start(len(nonprints.KINDS) * len(nonprints.SIZES_PX) * p.NONPRINTS_PER_KIND)
    found: list[Features] = []
    for kind in nonprints.KINDS:
        for size in nonprints.SIZES_PX:
            for seed in range(p.FIRST_SEED, p.FIRST_SEED + p.NONPRINTS_PER_KIND):
                features = extractor.measure(nonprints.example(kind, seed, size))[1]
                if features.minutiae >= p.LEAST_MINUTIAE_TO_LEARN and (
                    features.area_mm2 >= edge.LEAST_PRINT_MM2
                ):
                    found.append(features)
                on_done()
    return found


def _fault(number: int) -> str:
    return list(FAULTS)[number % len(FAULTS)]


def _template(found: Minutiae, features: Features) -> Template | None:
    enough = features.area_mm2 >= edge.LEAST_PRINT_MM2 and len(found) >= edge.LEAST_MINUTIAE
    return prepare(found) if enough else None


def _score(one: Sample, other: Sample) -> float:
    if one.template is None or other.template is None:
        return -1.0
    return compare_prepared(one.template, other.template)


def _groups(samples: Sequence[Sample]) -> list[list[int]]:
    keys = dict.fromkeys((s.seen, s.database) for s in samples)
    return [_of(samples, seen, database) for seen, database in keys]


def _of(samples: Sequence[Sample], seen: str, database: str) -> list[int]:
    return [i for i, s in enumerate(samples) if (s.seen, s.database) == (seen, database)]
