"""Which probe is which finger: the best assignment of a submission's probes to a candidate's enrolled fingers.

Positions may be known, unknown or wrong: two fingers swapped, a left hand entered as a right one. A probe may stand
for a finger of another label, but that has to be believed against the label, and so costs evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNKNOWN = 0
# One finger in a hundred is taken under a wrong label (by judgement: operators swap hands or skip a finger now and
# then); believing that costs its logarithm. Two fingers swapped cost it twice.
WRONG_LABEL = math.log(100.0)
_IMPOSSIBLE = -1e6


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which probe was laid on which enrolled finger.

    Attributes:
        pairs: (probe, finger) indices, each at most once.
        penalty: natural logarithm, for labels that must be wrong; to be taken off the evidence.
        alternatives: how many enrolled fingers there were to choose from, multiplied over the probes.
        relabelled: pairs whose known positions differ although the prints agree.
    """

    pairs: tuple[tuple[int, int], ...]
    penalty: float
    alternatives: int
    relabelled: tuple[tuple[int, int], ...]


def assign(llr: NDArray[np.float64], probes: Sequence[int], fingers: Sequence[int]) -> Assignment:
    """The assignment with the most evidence.

    Args:
        llr: float64 (probes, fingers), log likelihood ratio of each probe against each enrolled finger; NaN where
            they were not compared.
        probes: positions of the probes, as in ISO/IEC 19794-2:2005; 0 is unknown.
        fingers: positions of the enrolled fingers.

    A probe whose own finger is enrolled cannot be left out where it does not match: that it does not counts. One
    whose finger is not enrolled says nothing unless it matches another.
    """
    rows, columns = len(probes), len(fingers)
    if llr.shape != (rows, columns):
        raise ValueError(f"a table of {rows} x {columns} was expected, not {llr.shape}")
    cost = np.array([[_label_cost(p, f) for f in fingers] for p in probes]).reshape(rows, columns)
    # A label is only doubted where the prints say more than the doubt costs.
    doubtful = (cost > 0.0) & (llr <= cost)
    worth = np.where(np.isnan(llr) | doubtful, _IMPOSSIBLE, llr - cost)
    # Each probe may stay alone, at the worth that this has for it.
    alone = np.full((rows, rows), _IMPOSSIBLE)
    for i in range(rows):
        own = [llr[i, j] for j in range(columns) if cost[i, j] == 0.0 and not math.isnan(llr[i, j])]
        alone[i, i] = min(0.0, *own) - 1e-9 if own else 0.0
    chosen = _hungarian(-np.concatenate([worth, alone], axis=1)) if rows else []
    pairs = [(i, j) for i, j in enumerate(chosen) if j < columns]
    relabelled = tuple((i, j) for i, j in pairs if cost[i, j] > 0.0)
    # Left alone for want of a free finger, it still did not match where it should have.
    taken = {j for _, j in pairs}
    for i, j in enumerate(chosen):
        if j >= columns:
            free = [
                k
                for k in range(columns)
                if cost[i, k] == 0.0 and k not in taken and not math.isnan(llr[i, k])
            ]
            if free:
                pairs.append((i, free[0]))
                taken.add(free[0])
    open_to = (int(((cost[i] == 0.0) & ~np.isnan(llr[i])).sum()) for i in range(rows))
    return Assignment(
        pairs=tuple(sorted(pairs)),
        penalty=WRONG_LABEL * len(relabelled),
        alternatives=math.prod(max(n, 1) for n in open_to),
        relabelled=relabelled,
    )


def labels_agree(probe: int, finger: int) -> bool:
    """Whether a probe of one position may be a finger of the other without a wrong label."""
    return probe == finger or UNKNOWN in (probe, finger)


def _label_cost(probe: int, finger: int) -> float:
    return 0.0 if labels_agree(probe, finger) else WRONG_LABEL


def _hungarian(cost: NDArray[np.float64]) -> list[int]:
    """Column of each row so that the sum of costs is least; as many columns as rows, or more (Kuhn 1955).

    By shortest augmenting paths with potentials, a row at a time; numbered from 1 inside, 0 being "none yet".
    """
    rows, columns = cost.shape
    row_potential = np.zeros(rows + 1)
    column_potential = np.zeros(columns + 1)
    owner = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        owner[0] = row
        column = 0
        slack = np.full(columns + 1, np.inf)
        came_from = np.zeros(columns + 1, np.int64)
        done = np.zeros(columns + 1, np.bool_)
        while owner[column]:
            done[column] = True
            at = owner[column]
            reduced = cost[at - 1] - row_potential[at] - column_potential[1:]
            better = ~done[1:] & (reduced < slack[1:])
            slack[1:][better] = reduced[better]
            came_from[1:][better] = column
            nearest = int(np.argmin(np.where(done[1:], np.inf, slack[1:]))) + 1
            step = slack[nearest]
            row_potential[owner[done]] += step
            column_potential[done] -= step
            slack[~done] -= step
            column = nearest
        while column:
            previous = int(came_from[column])
            owner[column] = owner[previous]
            column = previous
    found = [0] * rows
    for column in range(1, columns + 1):
        if owner[column]:
            found[owner[column] - 1] = column - 1
    return found
