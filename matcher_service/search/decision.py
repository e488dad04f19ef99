"""What a score means: fusion over fingers, and the colours of a reply. The one place where both are defined.

The colours follow the field's rapid search: red is highly probable, yellow possible, green none. None of them is
a verdict: a red answer is a candidate that a person has to look at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from matcher_service.search import parameters as p

if TYPE_CHECKING:
    from collections.abc import Iterable


class Colour(StrEnum):
    """Answer of one repository to a submission."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


def fuse(scores: Iterable[float]) -> float:
    """Evidence of several fingers for one identity: the sum of what each score has above chance.

    A score that any two strangers' fingers reach adds nothing, so ten fingers are no easier to match by chance
    than one.
    """
    return sum(max(0.0, score - p.CHANCE_SCORE) for score in scores)


def colour(score: float) -> Colour:
    """Colour of the best candidate's fused score."""
    if score >= p.RED_SCORE:
        return Colour.RED
    return Colour.YELLOW if score >= p.YELLOW_SCORE else Colour.GREEN
