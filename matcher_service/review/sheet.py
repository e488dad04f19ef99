"""One print by itself, as SVG: its minutiae, and its image below them where there is one, at one scale for all.

An image is there only where the submission carried it by rule (`matcher_service.images`). What is drawn shows a
person's minutiae; treat it as the print.
"""

from __future__ import annotations

import base64
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
    from numpy.typing import NDArray

    from interchange import Minutiae


def draw_print(minutiae: Minutiae, *, title: str, image: bytes = b"") -> str:
    """The whole of it: well-formed XML without script or reference to anything outside of it.

    `image` is PNG of the minutiae's own size, which `print_image` has read. The marks are a group "minutiae".
    """
    at = minutiae.at_dpi(DPI)
    width, height = (side * MM_PER_PX * SHEET_PER_MM + 2 * SHEET_MARGIN for side in (at.width, at.height))
    # `View` keeps room for a scale bar below; a sheet has none, its scale is fixed.
    view = View(SHEET_PER_MM, (at.width / 2, at.height / 2), width, height + p.SCALE_BAR_ROOM)
    paper = Paper(width, height, title=title, description=f"{len(at)} minutiae")
    places = view.place(np.stack([at.x, at.y], axis=1).astype(np.float64))
    with paper.within("g"):
        paper.add("rect", width="100%", height="100%", rx=6, fill=p.PANEL, stroke=p.FRAME)
        if image:
            _lay(paper, image, view.place(_corners(at)))
        with paper.within("g", class_="minutiae"):
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


def _corners(at: Minutiae) -> NDArray[np.float64]:
    """Of the image: a minutia's place counts from the middle of the first pixel."""
    return np.array([[-0.5, -0.5], [at.width - 0.5, at.height - 0.5]])


def _lay(paper: Paper, image: bytes, corners: NDArray[np.float64]) -> None:
    (left, top), (right, bottom) = corners.tolist()
    paper.add(
        "image",
        x=left,
        y=top,
        width=right - left,
        height=bottom - top,
        preserveAspectRatio="none",
        href="data:image/png;base64," + base64.b64encode(image).decode("ascii"),
    )
