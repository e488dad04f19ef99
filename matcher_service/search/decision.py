"""What a search says: the expected rate of false identifications, and the colours. The one place they are defined.

The colours follow the field's rapid search: red is highly probable, yellow possible, green none. None of them is
a verdict: a red answer is a candidate that a person has to look at.

A candidate's false match rate is of one identity. A search looks at all N of a repository, so strangers reach as
much with the rate FPIR = 1 - (1 - FMR) ** N (false positive identification rate, ISO/IEC 19795-1). The colours are
bounds on that, so what they promise does not change as a repository grows: the score that they take does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from matcher_service.search.fusion import FingerScore
from matcher_service.search.fusion import fuse as fuse_fingers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RED_FPIR = 1e-3  # of a thousand searches for people who are not there, one says red
YELLOW_FPIR = 1e-1  # of ten, one says yellow or red: what examiners are given to look at
# A repository of a handful of people is taken for one of this size: it grows, and a colour should not fade with it.
LEAST_IDENTITIES = 1000


class Colour(StrEnum):
    """Answer of one repository to a submission."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The most false identifications that each colour may stand for, as FPIR."""

    red_fpir: float = RED_FPIR
    yellow_fpir: float = YELLOW_FPIR

    def __post_init__(self) -> None:
        if not 0.0 < self.red_fpir <= self.yellow_fpir < 1.0:
            raise ValueError(
                f"red_fpir {self.red_fpir:g} and yellow_fpir {self.yellow_fpir:g}: "
                "both between 0 and 1, and red the smaller"
            )


DEFAULT = Thresholds()


def expected_fpir(log10_fmr: float, identities: int) -> float:
    """How often a search among so many strangers finds one that reaches what has this false match rate."""
    fmr = min(10.0**log10_fmr, 1.0)
    if fmr >= 1.0:
        return 1.0
    return -math.expm1(max(identities, 1) * math.log1p(-fmr))


def needed_log10_fmr(fpir: float, identities: int) -> float:
    """The false match rate, as log10, that a candidate must not exceed for this FPIR: the threshold of a search."""
    return math.log10(-math.expm1(math.log1p(-fpir) / max(identities, 1)))


def colour(evidence: float, identities: int = LEAST_IDENTITIES, thresholds: Thresholds = DEFAULT) -> Colour:
    """Colour of the best candidate, `evidence` being the -log10 of its false match rate, among so many identities."""
    fpir = expected_fpir(-evidence, max(identities, LEAST_IDENTITIES))
    if fpir <= thresholds.red_fpir:
        return Colour.RED
    return Colour.YELLOW if fpir <= thresholds.yellow_fpir else Colour.GREEN


def colours(red_fpir: float, yellow_fpir: float) -> Callable[[float, int], Colour]:
    """`colour` with these bounds. Raises ValueError if they make no sense."""
    return partial(colour, thresholds=Thresholds(red_fpir, yellow_fpir))


def fuse(scores: Iterable[float]) -> float:
    """Evidence of the scores of several fingers, about whose prints nothing is known: -log10 of the false match rate.

    0 is what any stranger reaches, and ten chance scores are still chance. `fusion.fuse` takes the prints' facts
    into account and says more.
    """
    return max(0.0, -fuse_fingers([FingerScore(score) for score in scores]).log10_fmr)
