"""One probe against a packed shelf of prints: the loop over the gallery, compiled and free of the GIL."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matcher_service.search.compare import score
from matcher_service.search.compiled import kernel
from matcher_service.search.template import Array, Template


class Shelf(NamedTuple):
    """Many templates end to end: print k holds minutiae start[k] to start[k + 1], and so the hull's corners."""

    start: Array
    hull_start: Array
    prints: Template


def pack(templates: list[Template]) -> Shelf:
    """Lay templates end to end. Needs at least one."""
    joined = Template(*(np.concatenate(column) for column in zip(*templates, strict=True)))
    start = np.cumsum([0, *(len(t.x) for t in templates)])
    hull_start = np.cumsum([0, *(len(t.hull) for t in templates)])
    return Shelf(start, hull_start, joined)


@kernel
def scan(probe: Template, shelf: Shelf, first: int, last: int, out: Array) -> None:
    """Scores of prints `first` to `last` (exclusive) into `out`, float64 (prints,)."""
    all_ = shelf.prints
    for k in range(first, last):
        low, high = shelf.start[k], shelf.start[k + 1]
        one = Template(
            all_.x[low:high],
            all_.y[low:high],
            all_.angle[low:high],
            all_.bits[low:high],
            all_.mask[low:high],
            all_.valid[low:high],
            all_.hull[shelf.hull_start[k] : shelf.hull_start[k + 1]],
        )
        out[k] = score(probe, one)
