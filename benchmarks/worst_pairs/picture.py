"""A genuine pair drawn: both prints with their minutiae, what the matcher paired, and what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction.picture import SCALE, sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from benchmarks.worst_pairs.measures import Seen
    from benchmarks.worst_pairs.motion import Motion
    from benchmarks.worst_pairs.study import WorstPair
    from edge_service.extraction.picture import Colour, Sheet

TRUE, FALSE, UNKNOWN, UNPAIRED, OUTLINE = (
    (20, 140, 80),
    (214, 39, 40),
    (31, 98, 190),
    (200, 115, 0),
    (0, 150, 160),
)
DOT_PX = 2


def draw(pair: WorstPair) -> Image:
    """RGB. Green joins true pairs, red false ones, blue those of which nobody knows; a line bounds the common area."""
    caption = f"{pair.database} {pair.a.name}, {pair.b.name}: score {pair.comparison.score:.2f}"
    known = pair.true is not None
    legend = (
        "joined: paired by the matcher"
        + (", green truly, red falsely" if known else "")
        + "   orange: not paired"
    )
    legend += "   line: area in common" if pair.found is not None else ""
    drawn = sheet([pair.a.image, pair.b.image], caption=caption, legend=legend)
    if pair.found is not None:
        _outline(drawn, pair.a, pair.b, pair.found.motion, of=0)
        _outline(drawn, pair.b, pair.a, pair.found.motion.inverse(), of=1)
    joined = [(ij, _colour(pair.true, k)) for k, ij in enumerate(pair.comparison.pairs.tolist())]
    drawn.join((pair.a.minutiae, pair.b.minutiae), joined, UNPAIRED)
    return drawn.image


def _colour(true: NDArray[np.bool_] | None, number: int) -> Colour:
    if true is None:
        return UNKNOWN
    return TRUE if bool(true[number]) else FALSE


def _outline(drawn: Sheet, here: Seen, there: Seen, motion: Motion, *, of: int) -> None:
    """Dots along the edge of what both prints show, on print number `of`."""
    height, width = here.mask.shape
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.stack([columns.ravel(), -rows.ravel()], axis=1).astype(np.float64)
    shared = here.mask & there.holds(motion.apply(places)).reshape(height, width)
    padded = np.pad(shared, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    left, top = drawn.corners[of]
    for y, x in np.argwhere(shared & ~inner).tolist():
        at = left + SCALE * x, top + SCALE * y
        drawn.draw.rectangle((*at, at[0] + DOT_PX - 1, at[1] + DOT_PX - 1), fill=OUTLINE)
