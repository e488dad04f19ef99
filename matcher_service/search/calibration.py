"""What a score means: the false match rate of one finger, and how much likelier a score is of the same finger.

Both are read from `calibration.json`, which ``python -m models.matching.calibrate`` fits to the scores of many
pairs of prints. Nothing here knows the scale of the score: the file holds it.

A score is first made comparable between prints, for strangers' scores shift with the number of minutiae that there
are to agree, and are higher where both prints' minutiae all point one way (see `print_facts`): its standard score is
its distance from the 90 % quantile of strangers' scores of such prints, in units of the distance from there to their
99.9 % quantile; both quantiles are linear in the facts. The false match rate of a standard score is counted up to
about one in 500, and beyond that follows a generalised Pareto tail (Coles, An Introduction to Statistical Modeling
of Extreme Values, 2001, section 4). The intervals, 95 %, are from drawing fingers, not pairs.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from matcher_service.search import print_facts as f
from matcher_service.search.print_facts import TYPICAL, PrintFacts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FILE = Path(__file__).with_name("calibration.json")
VERSION = 1
TYPICAL_MINUTIAE = 50.0  # where the logarithm of the number of minutiae is 0


class CalibrationError(Exception):
    """The calibration's file cannot be used.

    Attributes:
        path: the file.
        fault: what is wrong with it.
    """

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(
            f"{path}: {fault}; fit it anew with `python -m models.matching.calibrate`, or take the file of the release"
        )
        self.path = path
        self.fault = fault


class FalseMatchRate(NamedTuple):
    """Share of strangers that reach a score, as log10, with the 95 % interval of the estimate."""

    log10: float
    low: float
    high: float


def features(
    minutiae_a: ArrayLike, agreement_a: ArrayLike, minutiae_b: ArrayLike, agreement_b: ArrayLike
) -> NDArray[np.float64]:
    """What the quantiles are linear in, float64 (..., 3): 1, log of the numbers of minutiae, agreement of both."""
    count_a = np.clip(np.asarray(minutiae_a, np.float64), f.FEWEST, f.MOST)
    count_b = np.clip(np.asarray(minutiae_b, np.float64), f.FEWEST, f.MOST)
    alike_a = np.clip(np.asarray(agreement_a, np.float64), f.LEAST_AGREEMENT, f.MOST_AGREEMENT)
    alike_b = np.clip(np.asarray(agreement_b, np.float64), f.LEAST_AGREEMENT, f.MOST_AGREEMENT)
    counts = np.log(count_a * count_b / TYPICAL_MINUTIAE**2)
    both = np.maximum(alike_a, 0.0) * np.maximum(alike_b, 0.0)
    counts, both = np.broadcast_arrays(counts, both)
    return np.stack([np.ones_like(counts), counts, both], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """One fit. Standard scores `z` ascend; the other columns go with them.

    Attributes:
        low: float64 (3,), the 90 % quantile of strangers' scores as a function of `features`.
        high: float64 (3,), the 99.9 % quantile.
        least_span: least distance between the two, in points of the score.
        z: float64 (n,), standard scores.
        log10_fmr: float64 (n,), falling from 0.
        log10_fmr_low: float64 (n,), lower end of the 95 % interval.
        log10_fmr_high: float64 (n,), its upper end.
        llr: float64 (n,), log of how much likelier the score is of the same finger; rising, natural logarithm.
        provenance: what it was fitted to.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    least_span: float
    z: NDArray[np.float64]
    log10_fmr: NDArray[np.float64]
    log10_fmr_low: NDArray[np.float64]
    log10_fmr_high: NDArray[np.float64]
    llr: NDArray[np.float64]
    provenance: dict[str, Any]

    @classmethod
    def load(cls, path: Path = FILE) -> Calibration:
        """Read a fit. Raises CalibrationError."""
        try:
            tree = json.loads(path.read_text(encoding="ascii"))
            if tree["version"] != VERSION:
                raise CalibrationError(path, f"is of version {tree['version']}, not {VERSION}")
            standard, table = tree["standard"], tree["table"]
            made = cls(
                low=np.array(standard["low"], np.float64),
                high=np.array(standard["high"], np.float64),
                least_span=float(standard["least_span"]),
                z=np.array(table["z"], np.float64),
                log10_fmr=np.array(table["log10_fmr"], np.float64),
                log10_fmr_low=np.array(table["log10_fmr_low"], np.float64),
                log10_fmr_high=np.array(table["log10_fmr_high"], np.float64),
                llr=np.array(table["llr"], np.float64),
                provenance=dict(tree["provenance"]),
            )
        except OSError as error:
            raise CalibrationError(path, error.strerror or "cannot be read") from None
        except (ValueError, KeyError, TypeError) as error:
            raise CalibrationError(path, f"is not a calibration ({error!r})") from None
        made._check(path)
        return made

    def standard(
        self, scores: ArrayLike, probe: PrintFacts = TYPICAL, candidate: PrintFacts = TYPICAL
    ) -> NDArray[np.float64]:
        """Standard scores. The facts' fields may be arrays, of the shape of `scores`, for many candidates at once."""
        at = features(probe.minutiae, probe.agreement, candidate.minutiae, candidate.agreement)
        low = at @ self.low
        span = np.maximum(at @ self.high - low, self.least_span)
        return (np.asarray(scores, np.float64) - low) / span

    def log10_fmr_of(
        self, scores: ArrayLike, probe: PrintFacts = TYPICAL, candidate: PrintFacts = TYPICAL
    ) -> NDArray[np.float64]:
        """log10 of the false match rate of scores of one finger, for any number of scores at once.

        No less than the last value of the table: the tail says nothing of rates that nobody can check.
        """
        return np.interp(self.standard(scores, probe, candidate), self.z, self.log10_fmr)

    def false_match_rate(
        self, score: float, probe: PrintFacts = TYPICAL, candidate: PrintFacts = TYPICAL
    ) -> FalseMatchRate:
        """The same for one score, with its interval."""
        z = float(self.standard(score, probe, candidate))
        return FalseMatchRate(
            float(np.interp(z, self.z, self.log10_fmr)),
            float(np.interp(z, self.z, self.log10_fmr_low)),
            float(np.interp(z, self.z, self.log10_fmr_high)),
        )

    def score_at(
        self, log10_fmr: float, probe: PrintFacts = TYPICAL, candidate: PrintFacts = TYPICAL
    ) -> float:
        """The score of one finger that strangers reach at this rate: the threshold. Infinite beyond the table."""
        if log10_fmr < self.log10_fmr[-1]:
            return math.inf
        z = float(np.interp(-log10_fmr, -self.log10_fmr, self.z))
        at = features(probe.minutiae, probe.agreement, candidate.minutiae, candidate.agreement)
        low = float(at @ self.low)
        return low + z * max(float(at @ self.high) - low, self.least_span)

    def llr_of(
        self, scores: ArrayLike, probe: PrintFacts = TYPICAL, candidate: PrintFacts = TYPICAL
    ) -> NDArray[np.float64]:
        """Log likelihood ratio, same finger against strangers, of scores of one finger: natural logarithm.

        Bounded on both sides: see `docs/calibration.md`.
        """
        return np.interp(self.standard(scores, probe, candidate), self.z, self.llr)

    def _check(self, path: Path) -> None:
        columns = (self.z, self.log10_fmr, self.log10_fmr_low, self.log10_fmr_high, self.llr)
        if self.low.shape != (3,) or self.high.shape != (3,) or len({len(c) for c in columns}) != 1:
            raise CalibrationError(path, "has columns of different lengths")
        if len(self.z) < 2 or not all(np.isfinite(c).all() for c in columns):
            raise CalibrationError(path, "has too few values, or some that are no numbers")
        if (
            (np.diff(self.z) <= 0).any()
            or (np.diff(self.log10_fmr) > 0).any()
            or (np.diff(self.llr) < 0).any()
        ):
            raise CalibrationError(path, "does not rise or fall as a calibration must")


@cache
def calibration() -> Calibration:
    """The calibration that the program runs with, read once."""
    return Calibration.load()
