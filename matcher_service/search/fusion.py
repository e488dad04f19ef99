"""Evidence of several fingers for one identity: likelihood ratios, added, and what strangers reach by chance.

Each finger's score is weighed by how much likelier it is if the finger is the same (`Calibration.llr_of`); taken for
independent, the logarithms add up (Nandakumar, Chen, Dass and Jain, IEEE TPAMI 30(2), 2008). A finger that does not
match counts a little against. How often strangers reach a sum is the distribution of a single finger's evidence
among strangers, convolved with itself once for each further finger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search.calibration import Calibration, FalseMatchRate, calibration
from matcher_service.search.print_facts import TYPICAL, PrintFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MOST_FINGERS = 10
LEAST_LOG10_FMR = -20.0  # of several fingers; what lies beyond rests on independence that nobody has checked
_STEP = 0.05  # natural logarithm, of the grid on which distributions are convolved
_FINER = 20  # points of the grid between two of the calibration's table


@dataclass(frozen=True, slots=True)
class FingerScore:
    """How one probe compared with one enrolled print; positions as in ISO/IEC 19794-2:2005 (0 unknown)."""

    score: float
    probe: PrintFacts = TYPICAL
    candidate: PrintFacts = TYPICAL
    position: int = 0
    candidate_position: int = 0


@dataclass(frozen=True, slots=True)
class Fused:
    """Evidence of all fingers together.

    Attributes:
        llr: log likelihood ratio, natural logarithm; ranks candidates of any number of fingers.
        log10_fmr: share of strangers that reach as much with as many fingers, all alternatives counted.
        log10_fmr_low: lower end of its 95 % interval.
        log10_fmr_high: upper end.
        contributions: of each finger to `llr`, in the order given.
    """

    llr: float
    log10_fmr: float
    log10_fmr_low: float
    log10_fmr_high: float
    contributions: tuple[float, ...]


class ChanceTables:
    """log10 of the share of strangers whose evidence of k fingers reaches a sum, for k = 1 to 10."""

    def __init__(self, fitted: Calibration) -> None:
        """Convolve a calibration's single-finger distributions; some ten milliseconds."""
        self._first: list[int] = []
        self._log10: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
        shares = [_shares(fitted, c) for c in (fitted.log10_fmr, fitted.log10_fmr_low, fitted.log10_fmr_high)]
        self.least = shares[0][0]
        sums = [s for _, s in shares]
        for fingers in range(1, MOST_FINGERS + 1):
            if fingers > 1:
                sums = [
                    np.asarray(np.convolve(total, one), np.float64)
                    for total, (_, one) in zip(sums, shares, strict=True)
                ]
            self._first.append(self.least * fingers)
            best, low, high = (_log10_reaching(total) for total in sums)
            self._log10.append((best, low, high))

    def reaching(self, llr: ArrayLike, fingers: int) -> NDArray[np.float64]:
        """log10 of the share of strangers that reach `llr` with `fingers` fingers, for any number of sums."""
        return self._look_up(llr, fingers, 0)

    def interval(self, llr: float, fingers: int) -> tuple[float, float]:
        """The 95 % interval of `reaching`."""
        return float(self._look_up(llr, fingers, 1)), float(self._look_up(llr, fingers, 2))

    def _look_up(self, llr: ArrayLike, fingers: int, which: int) -> NDArray[np.float64]:
        if not 1 <= fingers <= MOST_FINGERS:
            raise ValueError(f"{fingers} fingers; a person has 1 to {MOST_FINGERS}")
        table = self._log10[fingers - 1][which]
        # A sum of n rounded values is out by half a step each at most, and by much less on the whole.
        place = np.asarray(llr, np.float64) / _STEP - self._first[fingers - 1]
        found = np.interp(place, np.arange(len(table)), table)
        return np.maximum(found, LEAST_LOG10_FMR)


def fuse(
    fingers: Sequence[FingerScore],
    *,
    alternatives: float = 1.0,
    penalty: float = 0.0,
    fitted: Calibration | None = None,
    tables: ChanceTables | None = None,
) -> Fused:
    """Fuse the scores of the fingers that were compared, each probe and each enrolled finger at most once.

    Args:
        fingers: up to ten. Fingers that one side does not have are not among them and say nothing.
        alternatives: how many ways of laying probes on enrolled fingers this is the best of: chance had as many.
        penalty: natural logarithm, off the evidence: what it takes to believe that labels are wrong.
        fitted: another calibration than the program's.
        tables: its tables.
    """
    if not fingers:
        return Fused(0.0, 0.0, 0.0, 0.0, ())
    fitted = fitted or calibration()
    tables = tables or chance_tables()
    parts = [float(fitted.llr_of(one.score, one.probe, one.candidate)) for one in fingers]
    llr = sum(parts) - penalty
    if len(fingers) == 1 and penalty == 0.0:  # the sum says no more than the score does
        one = fingers[0]
        rate = fitted.false_match_rate(one.score, one.probe, one.candidate)
    else:
        low, high = tables.interval(llr, len(fingers))
        rate = FalseMatchRate(float(tables.reaching(llr, len(fingers))), low, high)
    more = math.log10(max(alternatives, 1.0))
    best, low, high = (min(value + more, 0.0) for value in rate)
    return Fused(llr, best, min(low, best), max(high, best), tuple(parts))


@cache
def chance_tables() -> ChanceTables:
    """The tables of the program's calibration, made once."""
    return ChanceTables(calibration())


def _shares(fitted: Calibration, log10_fmr: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """First place on the grid, and the share of strangers whose evidence of one finger rounds to each place."""
    z = np.interp(np.arange((len(fitted.z) - 1) * _FINER + 1) / _FINER, np.arange(len(fitted.z)), fitted.z)
    reaching = 10.0 ** np.interp(z, fitted.z, log10_fmr)
    reaching[0] = 1.0
    share = -np.diff(reaching, append=0.0)
    place = np.rint(np.interp(z, fitted.z, fitted.llr) / _STEP).astype(np.int64)
    first = int(np.rint(fitted.llr[0] / _STEP))
    return first, np.bincount(place - first, share).astype(np.float64)


def _log10_reaching(share: NDArray[np.float64]) -> NDArray[np.float64]:
    reaching = share[::-1].cumsum()[::-1]
    return np.log10(np.clip(reaching, 10.0 ** (LEAST_LOG10_FMR - 1.0), 1.0))
