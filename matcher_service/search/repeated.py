"""The same finger twice in one submission: a slip at the sensor, which must not count as two fingers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.search.calibration import calibration
from matcher_service.search.compare import compare_prepared
from matcher_service.search.print_facts import facts_of
from matcher_service.search.template import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange import Minutiae

# Two fingers of one person that score this much are one: a ten-finger submission, 45 comparisons, is wrongly taken
# for a slip less than once in 20,000 times. Mirrored and neighbouring fingers are a little alike; hence not more.
SAME_FINGER_LOG10_FMR = -6.0


@dataclass(frozen=True, slots=True)
class Repeated:
    """Two prints of a submission, by their numbers in it (first < second), that are of one finger."""

    first: int
    second: int
    score: float
    log10_fmr: float


def same_finger_twice(prints: Sequence[Minutiae]) -> list[Repeated]:
    """Every two prints of a submission that are of one finger; at most 45 comparisons."""
    templates = [prepare(m) for m in prints]
    facts = [facts_of(t) for t in templates]
    fitted = calibration()
    found: list[Repeated] = []
    for second in range(len(prints)):
        for first in range(second):
            score = compare_prepared(templates[first], templates[second])
            rate = fitted.false_match_rate(score, facts[first], facts[second]).log10
            if rate <= SAME_FINGER_LOG10_FMR:
                found.append(Repeated(first, second, score, rate))
    return found


def counted_once(
    prints: Sequence[tuple[int, Minutiae]], repeated: Sequence[Repeated]
) -> list[tuple[int, Minutiae]]:
    """The prints with each finger once: of those that are one, the best, and its position unknown (0).

    Which of the positions it was taken under is right, nobody can tell; so it is compared with all of them.
    """
    group = list(range(len(prints)))
    for pair in repeated:
        one, other = group[pair.first], group[pair.second]
        group = [one if g == other else g for g in group]
    kept: list[tuple[int, Minutiae]] = []
    for leader in dict.fromkeys(group):
        members = [k for k, g in enumerate(group) if g == leader]
        best = max(members, key=lambda k: (prints[k][1].finger_quality, len(prints[k][1])))
        kept.append(prints[best] if len(members) == 1 else (0, prints[best][1]))
    return kept
