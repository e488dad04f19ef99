"""A cylinder in 128 bits: signs of learned projections, so that mates differ in few bits and strangers in half.

Similarity-preserving binary codes by a linear map and a sign (Charikar, STOC 2002, section 3), the map not drawn at
random but learned from cylinders of the same minutia in different impressions (`models.matching.sketch`). What a
cylinder does not know adds nothing to any projection. The first 64 bits are good by themselves: the index looks at
them first. All sums are of whole numbers, so a sketch is the same on every machine.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.near_lanes import lowest_bit
from matcher_service.search.packed import SKETCH_WORDS
from matcher_service.search.scan import unpack
from matcher_service.search.workers import Workers, read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.search.shelf import Shelf
    from matcher_service.search.template import Array

WEIGHTS_FILE = Path(__file__).with_name("sketch.json")
BITS = 64 * SKETCH_WORDS
_GRID = 64  # places of a section's word; those beyond the disc's 52 cells have no weight
_PRINTS_A_PART = 1024
CYLINDER_PARAMETERS = (
    "CYLINDER_RADIUS_PX",
    "CELLS_ACROSS",
    "DIRECTION_CELLS",
    "SPATIAL_SIGMA_PX",
    "DIRECTION_SIGMA_RAD",
    "BIT_THRESHOLD",
    "HULL_MARGIN_PX",
)
"""What the learned weights depend on: with other cylinders they have to be learned anew."""


class Projection(NamedTuple):
    """The learned map, ready for the kernel: each bit is the sign of a sum.

    Attributes:
        when_set: int32 (DIRECTION_CELLS * 64, BITS), added where a cell is set: twice its weight.
        when_known: int32 (64, BITS), added where a cell is known: less the weights of its sections.
        offset: int32 (BITS,), what a sum begins with.
    """

    when_set: NDArray[np.int32]
    when_known: NDArray[np.int32]
    offset: NDArray[np.int32]


def cylinder_facts() -> dict[str, float]:
    """The parameters that the weights depend on, as the weights' file keeps them."""
    return {name: float(getattr(p, name)) for name in CYLINDER_PARAMETERS}


@lru_cache(maxsize=1)
def projection() -> Projection:
    """The learned map. Raises ValueError if it was learned for other cylinders than those of this program."""
    kept = json.loads(WEIGHTS_FILE.read_text("utf-8"))
    if kept["bits"] != BITS or kept["cylinders"] != cylinder_facts():
        raise ValueError(
            f"{WEIGHTS_FILE.name} was learned for cylinders {kept['cylinders']} and {kept['bits']} bits; "
            "learn it anew with `python -m models.matching.sketch`"
        )
    flat = np.frombuffer(base64.b64decode(kept["weights"]), np.int8).astype(np.int32)
    weights = flat.reshape(BITS, p.DIRECTION_CELLS, _GRID)  # of a cell that is set: +1, known and not set: -1
    return Projection(
        when_set=np.ascontiguousarray(2 * weights.transpose(1, 2, 0).reshape(-1, BITS)),
        when_known=np.ascontiguousarray(-weights.sum(axis=1).T),
        offset=np.array(kept["offset"], np.int32),
    )


def sketch_of(bits: NDArray[np.uint64], mask: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sketches of cylinders, uint64 (n, SKETCH_WORDS), from bits (n, words) and mask (n, mask words)."""
    return sketches(bits, mask, projection())


@kernel
def _add(held: Array, word: int, rows: Array, first: int) -> None:
    left = word
    while left != np.uint64(0):
        row = first + lowest_bit(left)
        left &= left - np.uint64(1)
        for k in range(BITS):
            held[k] += rows[row, k]


@kernel
def sketches(bits: Array, mask: Array, by: Projection) -> Array:
    """See `sketch_of`; for compiled callers."""
    n = len(bits)
    out = np.zeros((n, SKETCH_WORDS), np.uint64)
    held = np.empty(BITS, np.int32)
    for m in range(n):
        held[:] = by.offset
        _add(held, mask[m, 0], by.when_known, 0)
        for s in range(p.DIRECTION_CELLS):
            _add(held, bits[m, s], by.when_set, s * _GRID)
        for k in range(BITS):
            if held[k] > 0:
                out[m, k >> 6] |= np.uint64(1) << np.uint64(k & 63)
    return out


@kernel
def sketch_prints(
    start: Array,
    x: Array,
    y: Array,
    angle: Array,
    info: Array,
    by: Projection,
    first: int,
    last: int,
    out: Array,
) -> None:
    """Sketches of the prints `first` to `last` (exclusive) of a shelf's columns, into `out`, uint64 (n, words)."""
    for k in range(first, last):
        low, high = np.int64(start[k]), np.int64(start[k + 1])
        template = unpack(x[low:high], y[low:high], angle[low:high], info[low:high])
        out[low:high] = sketches(template.bits, template.mask, by)


def sketched(shelf: Shelf, *, threads: int | None = None) -> Shelf:
    """The shelf with its sketches made from the other columns: for prints that were not packed one by one."""
    prints = len(shelf.position)
    out = np.zeros((len(shelf.x), SKETCH_WORDS), np.uint64)
    columns = [read_only(column) for column in (shelf.start, shelf.x, shelf.y, shelf.angle, shelf.info)]
    Workers(threads).run(
        partial(sketch_prints, *columns, projection(), first, min(first + _PRINTS_A_PART, prints), out)
        for first in range(0, prints, _PRINTS_A_PART)
    )
    return shelf._replace(sketch=out)
