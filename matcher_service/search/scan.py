"""One probe against many prints: the loops over a gallery, compiled and free of the GIL.

`score_chosen` and `score_all` walk a `shelf.Shelf`, which keeps eight bytes a minutia: each print is made a
template again, compared and forgotten. `scan` walks prints that were prepared once and kept whole, which takes
seventy bytes a minutia, and less time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.search.compare import score
from matcher_service.search.compiled import kernel
from matcher_service.search.packed import ANGLE_STEPS, QUALITY_STEPS, STEPS_PER_PX
from matcher_service.search.template import Array, Template, template_from
from matcher_service.search.workers import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.search.shelf import Shelf as PackedShelf

_PX_PER_STEP = np.float32(1.0 / STEPS_PER_PX)
_RAD_PER_STEP = np.float32(2.0 * np.pi / ANGLE_STEPS)
_PER_QUALITY_STEP = np.float32(1.0 / QUALITY_STEPS)


@kernel
def unpack(x: Array, y: Array, angle: Array, info: Array) -> Template:
    """A print's template from its columns, uint16 (n,) each; see `packed.Packed`."""
    n = len(x)
    px, py, direction = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    kind, quality = np.empty(n, np.uint8), np.empty(n, np.float32)
    for m in range(n):
        px[m] = np.float32(x[m]) * _PX_PER_STEP
        py[m] = -np.float32(y[m]) * _PX_PER_STEP
        direction[m] = np.float32(angle[m]) * _RAD_PER_STEP
        kind[m] = info[m] >> 8
        quality[m] = np.float32(info[m] & 255) * _PER_QUALITY_STEP
    return template_from(px, py, direction, kind, quality)


@kernel
def _score_chosen(
    probe: Template,
    start: Array,
    x: Array,
    y: Array,
    angle: Array,
    info: Array,
    chosen: Array,
    out: Array,
) -> None:
    for k in range(len(chosen)):
        low, high = start[chosen[k]], start[chosen[k] + 1]
        out[k] = score(probe, unpack(x[low:high], y[low:high], angle[low:high], info[low:high]))


def score_chosen(
    probe: Template, shelf: PackedShelf, chosen: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Scores of the prints numbered `chosen`, int64 (k,), into `out`, float64 (k,); deleted prints too.

    Lets go of the GIL: called by several threads, each with its own part of `chosen` and `out`, it uses as many
    cores. Raises IndexError for a number that the shelf does not have, ValueError for an `out` of another length.
    """
    if len(out) != len(chosen):
        raise ValueError(f"{len(chosen)} prints were chosen, but there is room for {len(out)} scores")
    if len(chosen) and not 0 <= chosen.min() <= chosen.max() < len(shelf.start) - 1:
        raise IndexError(f"the shelf has prints 0 to {len(shelf.start) - 2} only")
    columns = (read_only(c) for c in (shelf.start, shelf.x, shelf.y, shelf.angle, shelf.info, chosen))
    _score_chosen(probe, *columns, out)


def score_all(probe: Template, shelf: PackedShelf, first: int, last: int, out: NDArray[np.float64]) -> None:
    """Scores of prints `first` to `last` (exclusive) into the same places of `out`, float64 (prints,)."""
    score_chosen(probe, shelf, np.arange(first, last), out[first:last])


class PreparedShelf(NamedTuple):
    """Many templates end to end: print k holds minutiae start[k] to start[k + 1], and so the hull's corners."""

    start: Array
    hull_start: Array
    prints: Template


def pack(templates: list[Template]) -> PreparedShelf:
    """Lay templates end to end. Needs at least one."""
    joined = Template(*(np.concatenate(column) for column in zip(*templates, strict=True)))
    start = np.cumsum([0, *(len(t.x) for t in templates)])
    hull_start = np.cumsum([0, *(len(t.hull) for t in templates)])
    return PreparedShelf(start, hull_start, joined)


@kernel
def taken(shelf: PreparedShelf, k: int) -> Template:
    """Print k of a prepared shelf; nothing is copied."""
    prints, low, high = shelf.prints, shelf.start[k], shelf.start[k + 1]
    return Template(
        prints.x[low:high],
        prints.y[low:high],
        prints.angle[low:high],
        prints.type[low:high],
        prints.quality[low:high],
        prints.bits[low:high],
        prints.mask[low:high],
        prints.valid[low:high],
        prints.hull[shelf.hull_start[k] : shelf.hull_start[k + 1]],
    )


@kernel
def scan(probe: Template, shelf: PreparedShelf, first: int, last: int, out: Array) -> None:
    """Scores of prints `first` to `last` (exclusive) into `out`, float64 (prints,)."""
    for k in range(first, last):
        out[k] = score(probe, taken(shelf, k))
