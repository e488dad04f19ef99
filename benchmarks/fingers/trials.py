"""Searches of people by several fingers, fused as the product fuses them, out of a table of all scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search.calibration import calibration
from matcher_service.search.fusion import chance_tables
from matcher_service.search.positions import UNKNOWN, assign
from models.matching.calibrate_scores import facts_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.fingers.people import Person
    from models.matching.calibrate_scores import PairScores, Prints


@dataclass(frozen=True, slots=True)
class Case:
    """How a person's fingers are presented and enrolled.

    Attributes:
        name: in words.
        fingers: how many are presented.
        enrolled: how many of them are enrolled.
        swapped: whether the first two were presented under each other's position.
        unknown: whether the probes' positions are unknown.
    """

    name: str
    fingers: int
    enrolled: int
    swapped: bool = False
    unknown: bool = False


CASES = (
    Case("1 finger", 1, 1),
    Case("2 fingers", 2, 2),
    Case("4 fingers", 4, 4),
    Case("10 fingers", 10, 10),
    Case("2 fingers, swapped", 2, 2, swapped=True),
    Case("4 fingers, two of them swapped", 4, 4, swapped=True),
    Case("4 fingers, positions unknown", 4, 4, unknown=True),
    Case("4 fingers, two of them enrolled", 4, 2),
)


class Table:
    """Log likelihood ratio of every print against every other; NaN where they were not compared."""

    def __init__(self, prints: Prints, pairs: NDArray[np.int64], scores: PairScores) -> None:
        n = len(prints.finger)
        self.llr = np.full((n, n), np.nan)
        found = calibration().llr_of(scores.score, *facts_pair(scores))
        self.llr[pairs[:, 0], pairs[:, 1]] = found
        self.llr[pairs[:, 1], pairs[:, 0]] = found
        self.prints_of = {int(k): np.flatnonzero(prints.finger == k) for k in np.unique(prints.finger)}


def search(table: Table, case: Case, probe: Person, enrolled: Person, rng: Generator) -> float:
    """log10 FMR of one search that looks at `enrolled`, with impressions drawn at random; 0 if nothing matches."""
    theirs = enrolled.fingers[: case.enrolled]
    enrolled_prints = [int(rng.choice(table.prints_of[k])) for k in theirs]
    taken = set(enrolled_prints)
    probes: list[int] = []
    for k in probe.fingers[: case.fingers]:
        left = [int(i) for i in table.prints_of[k] if int(i) not in taken]
        probes.append(int(rng.choice(left)))
    positions = list(range(1, case.fingers + 1))
    if case.swapped:
        positions[0], positions[1] = positions[1], positions[0]
    if case.unknown:
        positions = [UNKNOWN] * case.fingers
    at = table.llr[np.ix_(probes, enrolled_prints)]
    best = assign(at, positions, list(range(1, case.enrolled + 1)))
    if not best.pairs:
        return 0.0
    llr = sum(float(at[i, j]) for i, j in best.pairs) - best.penalty
    rate = float(chance_tables().reaching(llr, len(best.pairs))) + float(np.log10(best.alternatives))
    return min(rate, 0.0)


def trials(
    table: Table, case: Case, people: Sequence[Person], rng: Generator, *, each: int, strangers: bool
) -> NDArray[np.float64]:
    """log10 FMR of `each` searches for every person, float64 (people, each): for themselves, or for strangers."""
    found = np.empty((len(people), each))
    for k, person in enumerate(people):
        others = [p for p in people if not set(p.fingers) & set(person.fingers)]
        for t in range(each):
            other = others[int(rng.integers(len(others)))] if strangers else person
            found[k, t] = search(table, case, person, other, rng)
    return found
