"""`edge-service extract`: the minutiae of an image file, without a sensor or a matcher."""

from __future__ import annotations

import json
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import fail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_service.extraction import Extractor
    from edge_service.extraction.advice import Reason
    from edge_service.extraction.quality import Assessment
    from edge_service.extraction.trace import Trace
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
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write pictures of what each stage saw, and a page that shows them, into this new folder.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Another model file than the one that ships, to try it; its card is the .json beside it."
        ),
    ] = None,
) -> None:
    """Find the minutiae in an image of one finger.

    Examples:
      edge-service extract thumb.png

      edge-service extract card.wsq --dpi 1000 --out thumb.iso

      edge-service extract thumb.png --picture marked.png --json

      edge-service extract thumb.png --trace looked-at
    """
    from edge_service.extraction import ExtractionError, read_image

    _check_targets(image, out, picture)
    if trace is not None:
        _check_trace(trace, image, out, picture)
    try:
        grey = read_image(image)
        extractor = _load(model)
    except ExtractionError as error:
        fail(error)
    seen = None if trace is None else _new_trace()
    begun = time.perf_counter()
    minutiae, assessment = _assess(extractor, grey, dpi, seen, image=image)
    time_ms = (time.perf_counter() - begun) * 1000.0
    if out is not None:
        _write_record(out, minutiae)
    if picture is not None:
        _draw(picture, grey, minutiae, caption=f"{image.name}: {len(minutiae)} minutiae")
    facts = _facts(minutiae, extractor, assessment.reason, time_ms=time_ms)
    if seen is not None and trace is not None:
        seen.finish(minutiae)
        _write_trace(trace, seen, name=image.name, facts=facts, aside=as_json)
    if as_json:
        typer.echo(json.dumps({"image": str(image), **facts}))
    else:
        written = [target for target in (out, picture) if target is not None]
        if trace is not None:
            written.append(trace / "index.html")
        _tell(minutiae, extractor, assessment.reason, time_ms=time_ms, written=written)


def _load(model: Path | None) -> Extractor:
    """The extractor; a model that somebody names may lack a card, but never contradict it."""
    from edge_service.extraction import Extractor
    from edge_service.extraction.runtimes.model_card import card_path

    if model is None or card_path(model).exists() or not model.is_file():
        return Extractor.load(model)
    extractor = Extractor.load(model, card=False)
    typer.secho(
        f"{model} has no card beside it: nobody can say later which model this was. Enrol and search nothing "
        "with it.",
        fg=typer.colors.YELLOW,
        err=True,
    )
    return extractor


def _assess(
    extractor: Extractor, grey: NDArray[np.uint8], dpi: float, seen: Trace | None, *, image: Path
) -> tuple[Minutiae, Assessment]:
    from edge_service.extraction import ExtractionError, ImageRefused

    try:
        return extractor.assess(grey, dpi, trace=seen)
    except ImageRefused as error:
        fail(f"{image}: {error}")
    except ExtractionError as error:
        fail(error)


def _write_record(out: Path, minutiae: Minutiae) -> None:
    from interchange import TemplateError, iso19794

    try:
        _write(out, iso19794.encode(minutiae))
    except TemplateError as error:
        fail(f"{out}: no record can be made of this print: {error}")


def _facts(
    minutiae: Minutiae, extractor: Extractor, reason: Reason | None, *, time_ms: float
) -> dict[str, Any]:
    return {
        "width": minutiae.width,
        "height": minutiae.height,
        "dpi": minutiae.dpi,
        "minutiae": len(minutiae),
        "quality": minutiae.finger_quality,
        "reason": reason,
        "time_ms": round(time_ms, 2),
        "model_version": extractor.model_version,
        "model_sha256": extractor.model_sha256,
    }


def _tell(
    minutiae: Minutiae,
    extractor: Extractor,
    reason: Reason | None,
    *,
    time_ms: float,
    written: list[Path],
) -> None:
    typer.echo(f"minutiae  {len(minutiae)}")
    typer.echo(f"quality   {minutiae.finger_quality} of 100")
    typer.echo(f"time      {time_ms:.0f} ms")
    typer.echo(
        f"model     {extractor.model_version or 'without a card'}, {extractor.model_sha256[:SHORT_SHA]}"
    )
    for target in written:
        typer.echo(f"written   {target}")
    if minutiae.finger_quality == 0:
        typer.secho("No print was found that could be compared.", fg=typer.colors.YELLOW)
    if reason is not None:
        typer.secho(reason.words(), fg=typer.colors.YELLOW)


def _check_targets(image: Path, *targets: Path | None) -> None:
    """Refuse, before any work, to write over the print or to write two files to one place."""
    taken = [image.absolute()]
    for target in targets:
        if target is None:
            continue
        if any(_same(target, other) for other in taken):
            fail(f"{target}: this would overwrite another file of this command; choose another name")
        taken.append(target.absolute())


def _check_trace(folder: Path, *others: Path | None) -> None:
    """Refuse, before any work, a folder that a trace may not have, or that another file of this command is in."""
    from edge_service.extraction.trace_folder import refusal

    if any(other is not None and _same(folder, other.parent) for other in others):
        fail(f"{folder}: another file of this command is in it; name a new folder for the trace")
    if (reason := refusal(folder)) is not None:
        fail(f"{folder}: {reason}")


def _new_trace() -> Trace:
    from edge_service.extraction.trace import Trace

    return Trace()


def _write_trace(folder: Path, seen: Trace, *, name: str, facts: dict[str, Any], aside: bool) -> None:
    """Write the pictures and say what they are; beside the JSON that is on standard error."""
    from edge_service.extraction.trace_folder import WARNING, write

    try:
        write(folder, seen, name=name, facts=facts)
    except OSError as error:
        fail(f"{folder}: cannot be written ({error.strerror}); name a folder that is yours")
    typer.secho(WARNING, fg=typer.colors.YELLOW, err=aside)


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
