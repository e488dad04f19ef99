"""Error versus discard: what remains of the failures when the pairs of the lowest quality are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UP_TO = 0.30  # share discarded up to which areas are taken: more than that no desk can ask for again
POINTS = 301


@dataclass(frozen=True, slots=True, eq=False)
class Mates:
    """The genuine comparisons of one database.

    Attributes:
        finger: (n,) number of the finger, from 0.
        failed: (n,) whether it was a non-match.
        quality: by the measure's name, (n,): the lower one of the two prints'.
    """

    finger: NDArray[np.int64]
    failed: NDArray[np.bool_]
    quality: dict[str, NDArray[np.float64]]


def threshold_at(impostor_scores: NDArray[np.float64], fmr: float) -> float:
    """The lowest threshold at which at most a share `fmr` of the impostors' scores match."""
    falling = np.sort(impostor_scores)[::-1]
    allowed = int(np.floor(fmr * len(falling) + 1e-9))
    return float(np.nextafter(falling[allowed], np.inf)) if allowed < len(falling) else -np.inf


def remaining(
    quality: NDArray[np.float64],
    failed: NDArray[np.bool_],
    shares: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """FNMR of what remains when each of `shares` of the comparisons, the lowest quality first, is discarded.

    Comparisons of one and the same quality are discarded in the mean of all orders, so ties neither help nor harm.

    Args:
        quality: (n,) of the comparisons.
        failed: (n,).
        shares: of the comparisons that are discarded, 0 to less than 1.
        weight: (n,) how often each comparison counts; None is once each.
    """
    count = np.ones(len(quality)) if weight is None else weight
    levels, level = np.unique(quality, return_inverse=True)
    gone = np.concatenate([[0.0], np.cumsum(np.bincount(level, count, len(levels)))])
    gone_failures = np.concatenate([[0.0], np.cumsum(np.bincount(level, count * failed, len(levels)))])
    discarded = shares * gone[-1]
    left = gone_failures[-1] - np.interp(discarded, gone, gone_failures)
    return left / (gone[-1] - discarded)


def area(
    quality: NDArray[np.float64], failed: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
) -> float:
    """Mean FNMR over discards of 0 to `UP_TO`, as a share of the FNMR without any: 1 is no better than chance."""
    curve = remaining(quality, failed, np.linspace(0.0, UP_TO, POINTS), weight)
    return float(curve.mean() / curve[0]) if curve[0] > 0 else float("nan")


def pooled(databases: Sequence[Mates], name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Quality and failure of the comparisons of all databases together."""
    return (
        np.concatenate([d.quality[name] for d in databases]),
        np.concatenate([d.failed for d in databases]),
    )


def area_interval(
    databases: Sequence[Mates], name: str, *, replicates: int = 400, seed: int = 20021
) -> tuple[float, float]:
    """The 95 % interval of the pooled area, from drawing fingers with replacement within each database."""
    rng = np.random.default_rng(seed)
    quality, failed = pooled(databases, name)
    drawn: list[float] = []
    for _ in range(replicates):
        weight = np.concatenate([_draw(d, rng)[d.finger] for d in databases])
        drawn.append(area(quality, failed, weight))
    known = np.array(drawn)[np.isfinite(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def _draw(database: Mates, rng: np.random.Generator) -> NDArray[np.float64]:
    fingers = int(database.finger.max()) + 1
    return rng.multinomial(fingers, np.full(fingers, 1.0 / fingers)).astype(np.float64)
