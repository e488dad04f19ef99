"""All pictures of a trace on one sheet, for a document or a wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.extraction.trace_canvas import MARGIN_PX, PAPER, framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from edge_service.extraction.trace_pictures import Picture

COLUMNS, CELL_PX, GAP_PX = 4, 480, 24


def overview(drawn: Sequence[Picture]) -> Image:
    """The pictures in their order, row by row, each as large as its cell allows, tops aligned."""
    from PIL import Image

    panels = [p.image for p in drawn]
    usual = panels[2].width if len(panels) > 2 else CELL_PX  # the second has the tiles, which may be larger
    first = framed(_shrunk(panels[0], (usual - 2 * MARGIN_PX) / panels[0].width), drawn[0].title, ())
    small = [_shrunk(p, min(CELL_PX / usual, CELL_PX / p.width)) for p in (first, *panels[1:])]
    rows = [small[start : start + COLUMNS] for start in range(0, len(small), COLUMNS)]
    heights = [max(p.height for p in row) for row in rows]
    width = min(COLUMNS, len(panels)) * (CELL_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, sum(heights) + GAP_PX * (len(rows) + 1)), PAPER)
    top = GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            sheet.paste(panel, (GAP_PX + column * (CELL_PX + GAP_PX) + (CELL_PX - panel.width) // 2, top))
        top += height + GAP_PX
    return sheet


def _shrunk(image: Image, share: float) -> Image:
    from PIL import Image as Pillow

    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    return image.resize(size, Pillow.Resampling.LANCZOS)
