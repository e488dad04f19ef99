"""Templates and pictures from one format to another, by the ending of the file's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interchange import card19794, templates, xyt
from interchange.card19794 import CardSize
from interchange.errors import TemplateError
from interchange.record import record_of
from interchange.template_format import TemplateFormat
from matcher_service.exchange import images
from matcher_service.exchange.errors import ImageRefused
from matcher_service.exchange.image_headers import ImageKind
from matcher_service.exchange.parameters import MAX_FILE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from interchange.minutiae import Minutiae

RECORDS = {
    ".iso": TemplateFormat.ISO_19794_2_2005,
    ".378": TemplateFormat.INCITS_378_2004,
    ".fmr": TemplateFormat.INCITS_378_2004,
}
CARDS = {".cn": CardSize.NORMAL, ".cc": CardSize.COMPACT}
PICTURES = {".wsq": ImageKind.WSQ, ".png": ImageKind.PNG}
TEXT = ".xyt"
ENDINGS = (*RECORDS, *CARDS, TEXT, *PICTURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person says because the file cannot."""

    finger: int = 0
    view: int | None = None
    width: int | None = None
    height: int | None = None
    dpi: float = 500.0


def converted(source: Path, target: Path, given: Given) -> bytes:
    """What is to be written to `target`. Raises TemplateError, ImageRefused."""
    endings = source.suffix.lower(), target.suffix.lower()
    for path, ending in zip((source, target), endings, strict=True):
        if ending not in ENDINGS:
            raise ImageRefused(f"{path}: its ending is none of {', '.join(ENDINGS)}; rename it by what it is")
    try:
        with source.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ImageRefused(f"{source}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ImageRefused(f"{source}: is larger than {MAX_FILE_BYTES >> 20} MiB")
    pictures = [ending in PICTURES for ending in endings]
    if all(pictures):
        return images.encode(images.decode(data), PICTURES[endings[1]])
    if any(pictures):
        raise ImageRefused(
            "minutiae are found in a picture with edge-service extract, and no picture can be made of minutiae"
        )
    position, minutiae = _read(data, endings[0], given)
    return _write(position, minutiae, endings[1])


def _read(data: bytes, ending: str, given: Given) -> tuple[int, Minutiae]:
    if ending == TEXT:
        return given.finger, xyt.decode(data, width=given.width, height=given.height, dpi=given.dpi)
    if ending in CARDS:
        return given.finger, card19794.decode(data, size=CARDS[ending])
    record = templates.decode(data)
    view = given.view or 0
    minutiae = record.minutiae(view)
    if len(record.views) > 1 and given.view is None:
        raise TemplateError(
            "finger views", expected="one, or --view NUMBER from 0", found=f"{len(record.views)} fingers"
        )
    return record.views[view].position or given.finger, minutiae


def _write(position: int, minutiae: Minutiae, ending: str) -> bytes:
    if ending == TEXT:
        return xyt.encode(minutiae)
    if ending in CARDS:
        return card19794.encode(minutiae, size=CARDS[ending])
    return templates.encode(record_of(minutiae, position=position, format=RECORDS[ending]))
