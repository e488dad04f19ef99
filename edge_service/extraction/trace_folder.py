"""A trace written to a folder: pictures, numbers, and a page that shows them without a network or scripts.

The pictures are a person's print, so the folder is 0700 and each file 0600, and nothing of anybody else's is ever
written over: the folder must be new, empty, or hold an earlier trace only.
"""

from __future__ import annotations

import html
import io
import json
import os
from typing import TYPE_CHECKING, Any

from edge_service.extraction import parameters as p
from edge_service.extraction.trace_page import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_service.extraction.trace import Trace
    from edge_service.extraction.trace_pictures import Picture
    from interchange import Minutiae

FACTS, INDEX, OVERVIEW = "trace.json", "index.html", "00-overview.png"
NAMES = frozenset(
    {
        "01-image.png",
        "02-resampled-500dpi.png",
        "03-mask.png",
        "04-heat.png",
        "05-directions.png",
        "06-peaks.png",
        "07-minutiae.png",
        OVERVIEW,
        FACTS,
        INDEX,
    }
)
NO_PRINT = "This was judged to be no print that can be compared: none of its minutiae leaves the extractor."
FOLDER_MODE, FILE_MODE = 0o700, 0o600
WARNING = "These pictures show the print: keep or delete them as you would the print."


def refusal(folder: Path) -> str | None:
    """Why no trace may be written to this folder; None if one may."""
    try:
        if not folder.exists():
            return None
        if not folder.is_dir():
            return "this is a file; name a new folder"
        others = sorted(entry.name for entry in folder.iterdir() if entry.name not in NAMES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"cannot be looked into ({reason}); name a folder that is yours"
    if others:
        return f"the folder holds other things ({others[0]}); name a new or empty folder"
    return None


def write(folder: Path, trace: Trace, *, name: str, facts: Mapping[str, Any]) -> None:
    """Write a trace. Raises OSError if it cannot be written; call `refusal` before.

    Args:
        folder: made if it is not there.
        trace: of one extraction, finished.
        name: of the image, for the page.
        facts: what else `trace.json` tells; quality, reason, model_version and model_sha256 are on the page.
    """
    from edge_service.extraction.trace_overview import overview
    from edge_service.extraction.trace_pictures import pictures

    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    for old in NAMES:
        (folder / old).unlink(missing_ok=True)
    drawn = list(pictures(trace))
    for picture_name, image in [(OVERVIEW, overview(drawn)), *((q.name, q.image) for q in drawn)]:
        content = io.BytesIO()
        image.save(content, format="PNG")
        _put(folder / picture_name, content.getvalue())
    numbers = {"image": name, **facts, **numbers_of(trace)}
    _put(folder / FACTS, (json.dumps(numbers, indent=1) + "\n").encode())
    _put(folder / INDEX, page(drawn, numbers).encode())


def numbers_of(trace: Trace) -> dict[str, Any]:
    """What `trace.json` holds: sizes, times and minutiae; angles in radians, counter-clockwise, y downwards."""
    assert trace.image is not None
    resampled = None if trace.resampled is None else list(trace.resampled.shape[::-1])
    output = None if trace.output is None else list(trace.output.shape)
    return {
        "image_px": list(trace.image.shape[::-1]),
        "dpi": trace.dpi,
        "resampled_px": resampled,
        "tile_px": None if trace.tile is None else list(trace.tile[::-1]),
        "tile_corners_px": [[x, y] for y, x in trace.corners],
        "output_rows_columns_planes": output,
        "least_heat": p.LEAST_HEAT,
        "timings_ms": {stage: round(ms, 3) for stage, ms in trace.timings_ms.items()},
        "minutiae_at_500_dpi": _listed(trace.decoded),
        "minutiae_in_the_image": _listed(trace.minutiae),
    }


def page(drawn: list[Picture], numbers: Mapping[str, Any]) -> str:
    """The page that shows a trace; it refers to nothing but the pictures beside it."""
    figures = "\n".join(
        f'<figure><a href="{picture.name}"><img src="{picture.name}" alt="{html.escape(picture.title)}"></a>'
        f"<figcaption><b>{picture.name[:2]} {html.escape(picture.title)}.</b> {html.escape(picture.says)}"
        "</figcaption></figure>"
        for picture in drawn
    )
    times = numbers["timings_ms"]
    rows = "".join(f"<tr><td>{stage}</td><td>{ms:.2f} ms</td></tr>" for stage, ms in times.items())
    told = {
        "Minutiae": str(len(numbers["minutiae_in_the_image"] or ())),
        "Quality": f"{numbers['quality']} of 100" + (f" ({numbers['reason']})" if numbers["reason"] else ""),
        "Model": f"{numbers['model_version'] or 'without a card'}, {numbers['model_sha256'][:12]}",
        "Time": f"{sum(times.values()):.0f} ms, of a first run",
    }
    return PAGE.format(
        name=html.escape(str(numbers["image"])),
        warning=WARNING,
        facts="".join(f"<tr><td>{k}</td><td>{html.escape(v)}</td></tr>" for k, v in told.items()),
        times=rows,
        figures=figures,
        end="" if numbers["minutiae_in_the_image"] else f"<p>{NO_PRINT}</p>",
    )


def _listed(minutiae: Minutiae | None) -> list[dict[str, Any]] | None:
    if minutiae is None:
        return None
    return [
        {
            "x": round(float(minutiae.x[k]), 2),
            "y": round(float(minutiae.y[k]), 2),
            "angle": round(float(minutiae.angle[k]), 4),
            "type": ("other", "ending", "bifurcation")[int(minutiae.type[k])],
            "certainty": round(float(minutiae.quality[k]), 4),
        }
        for k in range(len(minutiae))
    ]


def _put(path: Path, content: bytes) -> None:
    """A new file that only its owner can read, from its first moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
