"""What an image says of itself before anything of it is decoded: its kind and size, from the header, within bounds.

WSQ: FBI IAFIS-IC-0110 (V3.1), the frame header (SOF) after tables and comments. PNG: ISO/IEC 15948, the IHDR chunk. A
file that claims far more pixels than its bytes can hold is refused here: it would unfold in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matcher_service.exchange import parameters
from matcher_service.exchange.errors import ImageRefused

_PNG, _IHDR = b"\x89PNG\r\n\x1a\n", b"\0\0\0\x0dIHDR"
_SOI, _SOF, _SOB, _EOI = 0xFFA0, 0xFFA2, 0xFFA3, 0xFFA1
_TABLES = frozenset(
    {0xFFA4, 0xFFA5, 0xFFA6, 0xFFA7, 0xFFA8}
)  # transform, quantisation, Huffman, restart, comment


class ImageKind(StrEnum):
    """How the pixels are packed, as 14.011 CGA names it."""

    RAW = "NONE"
    WSQ = "WSQ20"
    PNG = "PNG"


@dataclass(frozen=True, slots=True)
class Header:
    """Kind and size in pixels."""

    kind: ImageKind
    width: int
    height: int


def look(data: bytes) -> Header:
    """Kind and size of a WSQ or PNG image. Raises ImageRefused for others, and for what cannot be meant."""
    if data.startswith(_PNG):
        header = _png(data)
    elif data.startswith(b"\xff\xa0"):
        header = _wsq(data)
    else:
        from interchange.foreign_formats import named

        other = named(data)
        raise ImageRefused(f"this is {other or 'no WSQ or PNG image'}; give a WSQ or PNG image of one finger")
    check_size(header.width, header.height)
    if header.width * header.height > parameters.MAX_IMAGE_PIXELS_PER_BYTE * len(data):
        raise ImageRefused(
            f"it claims {header.width} x {header.height} pixels in {len(data)} bytes, which cannot be a print; it was"
            " not opened. Have it scanned again"
        )
    return header


def check_size(width: int, height: int) -> None:
    """Raises ImageRefused for a size that no print has."""
    side = parameters.MAX_IMAGE_SIDE_PX
    if not (0 < width <= side and 0 < height <= side) or width * height > parameters.MAX_IMAGE_PIXELS:
        raise ImageRefused(
            f"it claims {width} x {height} pixels; a print has at most {side} on a side and"
            f" {parameters.MAX_IMAGE_PIXELS // 1_000_000} million in all. Cut out the print"
        )


def _png(data: bytes) -> Header:
    if data[8:16] != _IHDR or len(data) < 33:
        raise ImageRefused("its PNG header is damaged or cut short; copy it again")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return Header(ImageKind.PNG, width, height)


def _wsq(data: bytes) -> Header:
    at = 2
    for _ in range(parameters.MAX_MARKER_SEGMENTS):
        marker = int.from_bytes(data[at : at + 2], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(data):
            break
        if marker == _SOF:
            if length < 17:
                break
            if _EOI.to_bytes(2, "big") not in data[-64:]:
                raise ImageRefused("the WSQ image is cut short: its end is missing; copy it again")
            return Header(
                ImageKind.WSQ,
                height=int.from_bytes(data[at + 6 : at + 8], "big"),
                width=int.from_bytes(data[at + 8 : at + 10], "big"),
            )
        if marker not in _TABLES:
            break
        at = end
    raise ImageRefused("its WSQ header is damaged or cut short: no frame header is found; copy it again")
