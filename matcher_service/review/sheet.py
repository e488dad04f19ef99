"""One print drawn by itself, as SVG: its minutiae, at a scale that is the same for every print.

There are no images: a submission carries templates. What is drawn shows a person's minutiae; treat it as the print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher_service.explaining import Standing
from matcher_service.explaining import parameters as p
from matcher_service.explaining.explanation import MM_PER_PX
from matcher_service.explaining.marks import mark
from matcher_service.explaining.svg import Paper
from matcher_service.explaining.view import View
from matcher_service.review.parameters import SHEET_MARGIN, SHEET_PER_MM
from matcher_service.search.parameters import DPI

if TYPE_CHECKING:
    from interchange import Minutiae


def draw_print(minutiae: Minutiae, *, title: str) -> str:
    """The whole of it: well-formed XML without script or reference to anything outside of it."""
    at = minutiae.at_dpi(DPI)
    width, height = (side * MM_PER_PX * SHEET_PER_MM + 2 * SHEET_MARGIN for side in (at.width, at.height))
    # `View` keeps room for a scale bar below; a sheet has none, its scale is fixed.
    view = View(SHEET_PER_MM, (at.width / 2, at.height / 2), width, height + p.SCALE_BAR_ROOM)
    paper = Paper(width, height, title=title, description=f"{len(at)} minutiae")
    places = view.place(np.stack([at.x, at.y], axis=1).astype(np.float64))
    with paper.within("g"):
        paper.add("rect", width="100%", height="100%", rx=6, fill=p.PANEL, stroke=p.FRAME)
        for k, (x, y) in enumerate(places.tolist()):
            mark(
                paper,
                x,
                y,
                float(at.angle[k]),
                kind=int(at.type[k]),
                standing=Standing.PAIRED,
                quality=float(at.quality[k]),
                filled=False,
            )
    return paper.finish()
