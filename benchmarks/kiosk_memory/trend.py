"""Whether a series grows: a straight line through the means of blocks, with the interval of its slope.

Resident memory moves in steps and one sample resembles the next, so that a line through all samples would claim to know
its slope far too well. Blocks of 25 bookings are near enough to independent for the t interval to mean something.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = 25
EDGE = 50
# Two-sided 95 % of Student's t, by degrees of freedom; in between, the smaller number's, which is the wider interval.
_T95 = {
    1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 14: 2.14, 18: 2.10, 28: 2.05, 58: 2.00,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trend:
    """Of one series.

    Attributes:
        slope: a booking.
        low, high: its 95 % interval.
        first, last: medians of the first and the last 50 samples.
        count: samples.
    """

    slope: float
    low: float
    high: float
    first: float
    last: float
    count: int

    @property
    def grows(self) -> bool:
        """The interval lies above nothing, and the last samples above the first."""
        return self.low > 0 and self.last > self.first


def trend_of(values: Sequence[float], *, block: int = BLOCK) -> Trend | None:
    """The trend; None with fewer than three blocks of samples."""
    blocks = len(values) // block
    if blocks < 3:
        return None
    kept = values[len(values) - blocks * block :]
    means = [statistics.fmean(kept[n * block : (n + 1) * block]) for n in range(blocks)]
    at = [(n + 0.5) * block for n in range(blocks)]
    slope, level = statistics.linear_regression(at, means)
    spread = sum((x - statistics.fmean(at)) ** 2 for x in at)
    left = sum((y - level - slope * x) ** 2 for x, y in zip(at, means, strict=True))
    error = math.sqrt(left / (blocks - 2) / spread)
    t95 = _T95[max(freedom for freedom in _T95 if freedom <= blocks - 2)]
    edge = min(EDGE, len(values) // 2)
    return Trend(
        slope=slope,
        low=slope - t95 * error,
        high=slope + t95 * error,
        first=statistics.median(values[:edge]),
        last=statistics.median(values[-edge:]),
        count=len(values),
    )
