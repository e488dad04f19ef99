"""The image of one print as it travels and is kept: a small part of PNG (ISO/IEC 15948), 8-bit greyscale.

Exactly four chunks, IHDR, pHYs, IDAT and IEND, without interlace, rows filtered as none, left or above. Any browser
shows it; no decoder of a library is let near bytes from a wire. Lossless, since minutiae are judged in it. A sensor's
16 grey levels take some 25 KB for 256x288 pixels, and 43 KB where they are mere noise.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interchange.errors import MessageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# In base64 60 KB: with what stands around it no more than any other message may be (`messages.MAX_PAYLOAD_BYTES`).
MAX_IMAGE_BYTES = 45 * 1024
# A sensor's window; the largest of today has 256x288.
MIN_SIDE_PX, MAX_SIDE_PX = 16, 512
MIN_IMAGE_DPI, MAX_IMAGE_DPI = 200.0, 1100.0

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_METRES_PER_INCH = 0.0254
_HEADER = struct.Struct(">IIBBBBB")
_SCALE = struct.Struct(">IIB")
_GREY = (8, 0, 0, 0, 0)  # bits, greyscale, deflate, the five filters, no interlace
_NONE, _LEFT, _ABOVE = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class PrintImage:
    """One image: uint8 (height, width), origin top left, ridges dark; pixels per inch."""

    pixels: NDArray[np.uint8] = field(repr=False)
    dpi: float

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])


def encode_image(pixels: NDArray[np.uint8], *, dpi: float) -> bytes:
    """The image as PNG. Raises MessageError if it is larger than an image may be, in pixels or in bytes."""
    height, width = pixels.shape
    _check_size(width, height, dpi)
    above = pixels.copy()
    above[1:] -= pixels[:-1]
    packed = min((_packed(pixels, _NONE), _packed(above, _ABOVE)), key=len)
    per_metre = round(dpi / _METRES_PER_INCH)
    data = _SIGNATURE + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"IHDR", _HEADER.pack(width, height, *_GREY)),
            (b"pHYs", _SCALE.pack(per_metre, per_metre, 1)),
            (b"IDAT", packed),
            (b"IEND", b""),
        )
    )
    if len(data) > MAX_IMAGE_BYTES:
        raise MessageError("image", f"has {len(data)} bytes, at most {MAX_IMAGE_BYTES} are sent")
    return data


def decode_image(data: bytes) -> PrintImage:
    """What `encode_image` wrote. Raises MessageError, whatever the bytes are; unpacks no more than the header says."""
    if len(data) > MAX_IMAGE_BYTES:
        raise MessageError("image", f"has {len(data)} bytes, at most {MAX_IMAGE_BYTES} are read")
    header, scale, packed = _chunks(data)
    if len(header) != _HEADER.size or len(scale) != _SCALE.size:
        raise MessageError("image", "its first chunks are of the wrong length")
    width, height, *kind = _HEADER.unpack(header)
    if tuple(kind) != _GREY:
        raise MessageError("image", "is no 8-bit greyscale image without interlace")
    across, down, unit = _SCALE.unpack(scale)
    if across != down or unit != 1:
        raise MessageError("image", "has no resolution, or another one across than down")
    dpi = round(across * _METRES_PER_INCH, 1)
    _check_size(width, height, dpi)
    wanted = height * (width + 1)
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(packed, wanted + 1)
    except zlib.error:
        raise MessageError("image", "its pixels cannot be unpacked") from None
    if len(raw) != wanted or not unpacking.eof or unpacking.unused_data:
        raise MessageError("image", "has more or fewer pixels than its header says")
    return PrintImage(_unfiltered(np.frombuffer(raw, np.uint8).reshape(height, width + 1)), dpi)


def _check_size(width: int, height: int, dpi: float) -> None:
    if not (MIN_SIDE_PX <= width <= MAX_SIDE_PX and MIN_SIDE_PX <= height <= MAX_SIDE_PX):
        raise MessageError(
            "image", f"is {width}x{height} pixels; each side has {MIN_SIDE_PX} to {MAX_SIDE_PX}"
        )
    if not MIN_IMAGE_DPI <= dpi <= MAX_IMAGE_DPI:
        raise MessageError("image", f"has {dpi:.0f} dpi; {MIN_IMAGE_DPI:.0f} to {MAX_IMAGE_DPI:.0f} are read")


def _packed(rows: NDArray[np.uint8], how: int) -> bytes:
    marked = np.concatenate([np.full((len(rows), 1), how, np.uint8), rows], axis=1)
    return zlib.compress(marked.tobytes(), 9)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _chunks(data: bytes) -> list[bytes]:
    """The contents of the first three of the four chunks."""
    if not data.startswith(_SIGNATURE):
        raise MessageError("image", "is no PNG")
    at, found = len(_SIGNATURE), list[bytes]()
    for wanted in (b"IHDR", b"pHYs", b"IDAT", b"IEND"):
        length = int.from_bytes(data[at : at + 4], "big")
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if name != wanted or len(content) != length or check != struct.pack(">I", zlib.crc32(name + content)):
            raise MessageError(
                "image", f"its chunk {wanted.decode()} is missing, damaged or not where it belongs"
            )
        found.append(content)
        at += 12 + length
    if at != len(data) or found[-1]:
        raise MessageError("image", "goes on after its end")
    return found[:3]


def _unfiltered(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width + 1), each row with its filter in front, to pixels; sums wrap round as the standard has it."""
    pixels = np.empty((rows.shape[0], rows.shape[1] - 1), np.uint8)
    before = np.zeros(pixels.shape[1], np.uint8)
    for k, (how, row) in enumerate(zip(rows[:, 0].tolist(), rows[:, 1:], strict=True)):
        if how == _NONE:
            pixels[k] = row
        elif how == _LEFT:
            pixels[k] = np.cumsum(row, dtype=np.uint8)
        elif how == _ABOVE:
            pixels[k] = row + before
        else:
            raise MessageError("image", "has a row that is filtered in another way than is read here")
        before = pixels[k]
    return pixels
