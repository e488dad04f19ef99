"""Error rates from scores, as the Fingerprint Verification Competitions define them.

Maio, Maltoni, Cappelli, Wayman, Jain, "FVC2000: Fingerprint Verification Competition", IEEE TPAMI 24(3),
2002, section 4. A comparison is a match at threshold t when its score is at least t, so

- FMR(t), the false match rate, is the share of impostor scores >= t, and falls with t;
- FNMR(t), the false non-match rate, is the share of genuine scores < t, and rises with t.

Scores are finitely many, so the two need not meet. With t1 the highest threshold where FNMR <= FMR and t2
the lowest where FNMR >= FMR, the EER is the middle of the interval between the two rates at whichever of
t1 and t2 has the smaller sum of them.

All rates here are fractions, 0 to 1; reports turn them into percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.parameters import FMR100, FMR1000

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRICS = ("eer", "fmr100", "fmr1000", "zerofmr")


@dataclass(frozen=True, slots=True)
class Rates:
    """Error rates of one set of scores, or of many: each attribute is float64 of shape (replicates,).

    Attributes:
        eer: equal error rate.
        fmr100: lowest FNMR at which FMR <= 1 %.
        fmr1000: lowest FNMR at which FMR <= 0.1 %.
        zerofmr: lowest FNMR at which FMR = 0.
    """

    eer: NDArray[np.float64]
    fmr100: NDArray[np.float64]
    fmr1000: NDArray[np.float64]
    zerofmr: NDArray[np.float64]


def rates(
    scores: NDArray[np.float64],
    genuine: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Rates:
    """Error rates of `scores`, which rise with similarity.

    Args:
        scores: (n,), finite.
        genuine: (n,), true where both impressions are of one finger.
        weights: (replicates, n): how often each comparison counts in each bootstrap replicate. Every
            replicate must give weight to a genuine and to an impostor comparison. None: once each.

    Raises ValueError if there is no genuine or no impostor comparison.
    """
    if genuine.all() or not genuine.any():
        raise ValueError("error rates need both genuine and impostor comparisons")
    fmr, fnmr = error_curves(scores, genuine, weights)
    return Rates(
        eer=equal_error_rate(fmr, fnmr),
        fmr100=fnmr_at(fmr, fnmr, FMR100),
        fmr1000=fnmr_at(fmr, fnmr, FMR1000),
        zerofmr=fnmr_at(fmr, fnmr, 0.0),
    )


def error_curves(
    scores: NDArray[np.float64],
    genuine: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FMR and FNMR, each (replicates, thresholds), at every distinct score in rising order and above all."""
    counts = np.ones((1, len(scores))) if weights is None else weights
    thresholds = np.append(np.unique(scores), np.inf)
    below: list[NDArray[np.float64]] = []
    for kind in (~genuine, genuine):
        order = np.argsort(scores[kind], kind="stable")
        cumulated = np.cumsum(counts[:, kind][:, order], axis=1)
        cumulated = np.concatenate([np.zeros((len(counts), 1)), cumulated], axis=1)
        position = np.searchsorted(scores[kind][order], thresholds, side="left")
        below.append(cumulated[:, position])
    impostors_below, genuine_below = below
    # at the last threshold, infinity, everything is below; weights are whole numbers, so sums are exact
    impostors, mates = impostors_below[:, -1:], genuine_below[:, -1:]
    return (impostors - impostors_below) / impostors, genuine_below / mates


def equal_error_rate(fmr: NDArray[np.float64], fnmr: NDArray[np.float64]) -> NDArray[np.float64]:
    """EER of each row, by the definition at the top of this file."""
    rows = np.arange(len(fmr))
    last = fmr.shape[1] - 1
    t1 = last - np.argmax((fnmr <= fmr)[:, ::-1], axis=1)
    t2 = np.argmax(fnmr >= fmr, axis=1)
    sum1 = fmr[rows, t1] + fnmr[rows, t1]
    sum2 = fmr[rows, t2] + fnmr[rows, t2]
    return np.minimum(sum1, sum2) / 2.0


def fnmr_at(fmr: NDArray[np.float64], fnmr: NDArray[np.float64], fmr_limit: float) -> NDArray[np.float64]:
    """Lowest FNMR of each row at which FMR is at most `fmr_limit`."""
    return fnmr[np.arange(len(fmr)), np.argmax(fmr <= fmr_limit, axis=1)]
