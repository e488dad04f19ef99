"""`edge-service extract`: the minutiae of an image file, without a sensor or a matcher."""

from __future__ import annotations

import json
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import fail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interchange import Minutiae

SHORT_SHA = 12  # characters of a SHA-256 that a person compares


def extract(
    image: Annotated[
        Path, typer.Argument(help="Image of one finger: PNG, TIFF, BMP or WSQ.", show_default=False)
    ],
    *,
    dpi: Annotated[
        float, typer.Option(help="Resolution of the image, 300 to 1100. What the file says is not looked at.")
    ] = 500,
    out: Annotated[
        Path | None, typer.Option(help="Write the template here, as an ISO/IEC 19794-2:2005 record.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the print with its minutiae here, as a PNG.")
    ] = None,
) -> None:
    """Find the minutiae in an image of one finger.

    Examples:
      edge-service extract thumb.png

      edge-service extract card.wsq --dpi 1000 --out thumb.iso

      edge-service extract thumb.png --picture marked.png --json
    """
    from edge_service.extraction import ExtractionError, Extractor, ImageRefused, read_image
    from interchange import TemplateError, iso19794

    _check_targets(image, out, picture)
    try:
        grey = read_image(image)
        extractor = Extractor.load()
    except ExtractionError as error:
        fail(error)
    begun = time.perf_counter()
    try:
        minutiae = extractor.extract(grey, dpi)
    except ImageRefused as error:
        fail(f"{image}: {error}")
    except ExtractionError as error:
        fail(error)
    time_ms = (time.perf_counter() - begun) * 1000.0
    if out is not None:
        try:
            _write(out, iso19794.encode(minutiae))
        except TemplateError as error:
            fail(f"{out}: no record can be made of this print: {error}")
    if picture is not None:
        _draw(picture, grey, minutiae, caption=f"{image.name}: {len(minutiae)} minutiae")
    if as_json:
        typer.echo(_json(image, minutiae, time_ms=time_ms, model_sha256=extractor.model_sha256))
    else:
        written = [target for target in (out, picture) if target is not None]
        _tell(minutiae, time_ms=time_ms, model_sha256=extractor.model_sha256, written=written)


def _json(image: Path, minutiae: Minutiae, *, time_ms: float, model_sha256: str) -> str:
    facts = {
        "image": str(image),
        "width": minutiae.width,
        "height": minutiae.height,
        "dpi": minutiae.dpi,
        "minutiae": len(minutiae),
        "quality": minutiae.finger_quality,
        "time_ms": round(time_ms, 2),
        "model_sha256": model_sha256,
    }
    return json.dumps(facts)


def _tell(minutiae: Minutiae, *, time_ms: float, model_sha256: str, written: list[Path]) -> None:
    typer.echo(f"minutiae  {len(minutiae)}")
    typer.echo(f"quality   {minutiae.finger_quality} of 100")
    typer.echo(f"time      {time_ms:.0f} ms")
    typer.echo(f"model     {model_sha256[:SHORT_SHA]}")
    for target in written:
        typer.echo(f"written   {target}")
    if minutiae.finger_quality == 0:
        typer.secho("No print was found that could be compared.", fg=typer.colors.YELLOW)


def _check_targets(image: Path, *targets: Path | None) -> None:
    """Refuse, before any work, to write over the print or to write two files to one place."""
    taken = [image.absolute()]
    for target in targets:
        if target is None:
            continue
        if any(_same(target, other) for other in taken):
            fail(f"{target}: this would overwrite another file of this command; choose another name")
        taken.append(target.absolute())


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except (OSError, ValueError):  # a name that no file can have is refused when it is opened
        return False


def _draw(target: Path, grey: NDArray[np.uint8], minutiae: Minutiae, *, caption: str) -> None:
    from io import BytesIO

    from edge_service.extraction.picture import with_minutiae

    drawn = BytesIO()
    with_minutiae(grey, minutiae, caption).save(drawn, format="PNG")
    _write(target, drawn.getvalue())


def _write(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        fail(f"{target}: cannot be written ({reason}); name a file in a folder that is yours")
