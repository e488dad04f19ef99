"""People with ten fingers: made of the fingers of a real database, or grown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.matching.calibrate_scores import Prints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from benchmarks.accuracy.systems import MinutiaeExtractor
    from interchange import Minutiae

SEED = 44


@dataclass(frozen=True, slots=True)
class Person:
    """Fingers of one person: numbers of fingers in the prints, the same place on the same position."""

    fingers: tuple[int, ...]


def chimeric(prints: Prints, fingers: int, groupings: int) -> list[Person]:
    """People made of fingers of one database each, no finger twice in a grouping.

    Nobody's own hand: fingers of one real person are a little alike, those of a chimera are not.
    """
    rng = np.random.default_rng([SEED, fingers])
    made: dict[tuple[int, ...], Person] = {}
    for database in range(len(prints.database_names)):
        its = np.unique(prints.finger[prints.database == database])
        for _ in range(groupings if fingers < len(its) else 1):
            shuffled = rng.permutation(its)
            for start in range(0, len(its) - fingers + 1, fingers):
                chosen = tuple(int(k) for k in shuffled[start : start + fingers])
                made.setdefault(tuple(sorted(chosen)), Person(chosen))
    return list(made.values())


def grown(
    people: int, impressions: int, extractor: MinutiaeExtractor, *, on_done: Callable[[], None]
) -> Prints:
    """Prints of synthetic people, ten fingers each, seen at the window of an R307 sensor: 256 x 288, 16 levels."""
    minutiae: list[Minutiae] = []
    finger: list[int] = []
    for number, seen in _impressions(people, impressions):
        found = extractor.extract(seen).minutiae
        if found is not None:
            minutiae.append(found)
            finger.append(number)
        on_done()
    which = np.array(finger, np.int64)
    names = [f"person {k // 10}:{k % 10 + 1}" for k in range(10 * people)]
    return Prints(
        "synthetic, 256x288, 16 grey levels",
        minutiae,
        which,
        which // 10,
        names,
        [f"person {k}" for k in range(people)],
    )


def _impressions(people: int, impressions: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    from models.synthetic import master, touch

    for number in range(10 * people):
        finger = master(50_000 + number)
        for k in range(impressions):
            yield number, touch(finger, k + 1, window=(288, 256), levels=16, with_truth=False).image
