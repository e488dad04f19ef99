"""Small counts are not shown, and cannot be worked out from the rest of their table.

A count from 1 to one below `SMALLEST_CELL` could point at a person. Where a row or a column has only one such count,
its total would give it away: the smallest other count beside it is hidden too. Zero is shown: nobody was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.oversight.parameters import SMALLEST_CELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that may be shown: (rows, columns) counts, and which of them are hidden.

    Totals are those of all counts. They are hidden where they are small themselves, or where they would give away the
    one hidden count of a line that has no other.
    """

    counts: NDArray[np.int64]
    hidden: NDArray[np.bool_]
    smallest: int

    def text(self, row: int, column: int) -> str:
        """A cell as it is written."""
        return "hidden" if self.hidden[row, column] else f"{self.counts[row, column]:,}"

    def row_total(self, row: int) -> str:
        """The total of a row as it is written."""
        return self._total(self.counts[row], self.hidden[row])

    def column_total(self, column: int) -> str:
        """The total of a column as it is written."""
        return self._total(self.counts[:, column], self.hidden[:, column])

    def _total(self, counts: NDArray[np.int64], hidden: NDArray[np.bool_]) -> str:
        total = int(counts.sum())
        if hidden.sum() == 1 and total >= self.smallest:
            return "hidden"
        return text_of_count(total, smallest=self.smallest)


def text_of_count(count: int, *, smallest: int = SMALLEST_CELL) -> str:
    """A count that stands alone, as it is written."""
    return f"fewer than {smallest}" if 0 < count < smallest else f"{count:,}"


def suppress(
    counts: Sequence[Sequence[int]], *, smallest: int = SMALLEST_CELL, rows_add_up: bool = True
) -> Shown:
    """Hide the small counts of a table whose columns add up to totals that are shown, and its rows too, mostly.

    With `smallest` 1 nothing is hidden.
    """
    table = np.array(counts, dtype=np.int64).reshape(len(counts), -1 if counts else 1)
    hidden = (table > 0) & (table < smallest)
    changed = bool(hidden.any())
    while changed:
        changed = _cover_lines(table.T, hidden.T, smallest)
        if rows_add_up:
            changed |= _cover_lines(table, hidden, smallest)
    return Shown(table, hidden, smallest)


def _cover_lines(table: NDArray[np.int64], hidden: NDArray[np.bool_], smallest: int) -> bool:
    """In each row whose hidden counts could be worked out from its total, hide the smallest other. True if any was.

    They can be where one alone is hidden, and where what is hidden together is below `smallest`.
    """
    changed = False
    for counts, covers in zip(table, hidden, strict=True):
        while covers.any() and (covers.sum() == 1 or counts[covers].sum() < smallest):
            others = np.flatnonzero(~covers & (counts > 0))
            if not len(others):
                others = np.flatnonzero(~covers)  # only zeros are left: one of them helps as well
            if not len(others):
                break  # the line is hidden altogether, and its total is small and hidden by itself
            covers[others[np.argmin(counts[others])]] = True
            changed = True
    return changed
