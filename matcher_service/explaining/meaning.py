"""What a score says to somebody who has never seen one. The one place here that asks the search what scores mean."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interchange.logs import facts
from matcher_service.explaining import parameters as p
from matcher_service.search.calibration import CalibrationError, calibration
from matcher_service.search.decision import Colour, colour
from matcher_service.search.fusion import LEAST_LOG10_FMR, fuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher_service.search.fusion import FingerScore

log = logging.getLogger("matcher.explain")

# By the colour that a search of a small repository would give it: one place decides what is much.
_HEADLINES = {
    Colour.RED: "highly alike",
    Colour.YELLOW: "alike",
    Colour.GREEN: "no more alike than strangers' prints may be",
}

CAUTION = (
    "A candidate, never a verdict: a person has to compare the prints before anything follows from this."
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A score in words.

    Attributes:
        headline: a few words.
        sentence: what it says, and on what grounds.
        log10_fmr: how often two different fingers score as high, as a power of ten; None if not calibrated.
        interval: of `log10_fmr`, 95 %, low and high; None if not calibrated.
    """

    headline: str
    sentence: str
    log10_fmr: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def highly_alike(self) -> bool:
        """Whether a small repository's answer would be red."""
        return self.headline == _HEADLINES[Colour.RED]

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "headline": self.headline,
            "sentence": self.sentence,
            "log10_fmr": None if self.log10_fmr is None else round(self.log10_fmr, 3),
            "interval": None if self.interval is None else [round(end, 3) for end in self.interval],
        }


def meaning_of(fingers: Sequence[FingerScore]) -> Meaning:
    """What the scores of the fingers of two people mean, taken together: one finger or several.

    It is about these two: a search among many people finds more by chance, see `matcher_service.search.decision`.
    """
    if all(one.score <= 0 for one in fingers):
        return Meaning(
            "nothing in common", "The prints have nothing in common that the comparison could find."
        )
    try:
        fused = fuse(fingers)
        rarest = calibration().log10_fmr[-1] if len(fingers) == 1 else LEAST_LOG10_FMR
    except CalibrationError as error:  # a score without its meaning is still explained
        log.error("scores have no meaning without a calibration", extra=facts(reason=error))  # noqa: TRY400
        return Meaning(
            "not calibrated", "Higher is more alike; without a calibration nobody can say how rare it is."
        )
    interval = fused.log10_fmr_low, fused.log10_fmr_high
    return Meaning(
        _HEADLINES[colour(-fused.log10_fmr)],
        how_rare(
            fused.log10_fmr, interval, rarest=float(rarest), of="fingers" if len(fingers) == 1 else "people"
        ),
        fused.log10_fmr,
        interval,
    )


def how_rare(
    log10_fmr: float, interval: tuple[float, float], *, rarest: float = -math.inf, of: str = "fingers"
) -> str:
    """A false match rate as a sentence; at `rarest` and beyond nobody can say how much rarer it is."""
    if log10_fmr > p.SAYS_NOTHING_LOG10_FMR:
        return f"Many pairs of different {of} score as high: it says nothing."
    often, rarely = one_in(interval[1]), one_in(interval[0])
    likely = f" (estimated, 95 %: {often} to {rarely})" if often != rarely else ""
    about = "At most" if log10_fmr <= rarest else "About"
    return f"{about} {one_in(log10_fmr)} pairs of different {of} scores this high{likely}."


def one_in(log10_rate: float) -> str:
    """As "one in 30,000": a rate, to the one digit that an estimate of this kind is good for."""
    many = 10.0 ** min(max(-log10_rate, 0.0), p.RAREST_POWER)
    unit = 10 ** math.floor(math.log10(many))
    rounded = round(many / unit) * unit
    for size, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if rounded >= size:
            return f"one in {rounded // size:,} {name}"
    return f"one in {rounded:,}"
