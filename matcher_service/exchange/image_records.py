"""Type-14 and Type-4 records: an image of a finger and what is said of it. Nothing of the image is decoded here.

ANSI/NIST-ITL 1-2011, 8.14 (Type-14) and ANSI/NIST-ITL 1-2007, 8.4 (Type-4, binary, no longer written by newer
systems but still sent).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.exchange.errors import EbtsRefused, ImageRefused, Problem
from matcher_service.exchange.image_headers import ImageKind, check_size, look

if TYPE_CHECKING:
    from matcher_service.exchange.framing import Frame
    from matcher_service.exchange.text_records import TextRecord

_TYPE_4 = struct.Struct(">IBB6sBHHB")  # LEN, IDC, IMP, FGP, ISR, HLL, VLL, GCA
_TYPE_4_DPI = 500.0  # the minimum scanning resolution, 19.69 pixels per mm; what Type-1 says is no more exact
_TYPE_4_KINDS = {0: ImageKind.RAW, 1: ImageKind.WSQ}
_BY_NAME = {"NONE": ImageKind.RAW, "WSQ20": ImageKind.WSQ, "WSQ": ImageKind.WSQ, "PNG": ImageKind.PNG}
_OTHERS = {"JPEGB": "JPEG", "JPEGL": "JPEG", "JP2": "JPEG 2000", "JP2L": "JPEG 2000"}
PPI, PPCM = 1, 2


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a print: `position` is the friction ridge position of the standard (Table 8), 0 to 15 and more."""

    position: int
    impression: int
    kind: ImageKind
    width: int
    height: int
    dpi: float
    data: bytes


def read_type_14(record: TextRecord) -> FoundImage:
    """The image of a Type-14 record. Raises EbtsRefused with the record and the field."""
    impression = record.whole(3, 0, 29)
    position = record.number_in(13, (record.rows(13) or (("",),))[0][0], 0, 99)
    width, height = record.whole(6, 1, 99_999), record.whole(7, 1, 99_999)
    unit = record.whole(8, 0, PPCM)
    if unit == 0:
        raise record.bad(8, "gives no unit of the resolution: the prints' size is unknown")
    dpi = record.whole(9, 1, 9_999) * (2.54 if unit == PPCM else 1.0)
    if not 300 <= dpi <= 1100:
        raise record.bad(9, f"the resolution is {dpi:.0f} dpi; 300 to 1100 can be used")
    name = record.text(11)
    if name not in _BY_NAME:
        raise record.bad(
            11, f"{_OTHERS.get(name, 'this compression')} is not read here; send NONE, WSQ20 or PNG"
        )
    if record.whole(12, 1, 16) != 8:
        raise record.bad(12, "8 bits a pixel are expected")
    if not record.image:
        raise record.bad(999, "is missing: there is no image")
    found = FoundImage(position, impression, _BY_NAME[name], width, height, dpi, record.image)
    return _checked(found, Problem(record.number, record.type, record.name(999), ""))


def read_type_4(frame: Frame) -> FoundImage:
    """The image of a Type-4 record. Raises EbtsRefused with the record and the field."""

    def bad(field: str, reason: str) -> EbtsRefused:
        return EbtsRefused(Problem(frame.number, 4, field, reason))

    if len(frame.data) <= _TYPE_4.size:
        raise bad("4.001", "is shorter than the header of such a record")
    _, idc, impression, fingers, scanned, width, height, algorithm = _TYPE_4.unpack_from(frame.data)
    if idc != frame.idc:
        raise bad("4.002", "is not the number (IDC) that the table of contents gives this record")
    if scanned not in {0, 1}:
        raise bad("4.005", "is neither 0 nor 1")
    if algorithm not in _TYPE_4_KINDS:
        raise bad("4.008", "this compression is not read here; send 0 (none) or 1 (WSQ)")
    found = FoundImage(
        fingers[0],
        impression,
        _TYPE_4_KINDS[algorithm],
        width,
        height,
        _TYPE_4_DPI,
        frame.data[_TYPE_4.size :],
    )
    return _checked(found, Problem(frame.number, 4, "4.009", ""))


def write_type_4(image: FoundImage) -> bytes:
    """The value of a Type-4 record after its length and IDC, as nistitl takes it."""
    algorithm = next(code for code, kind in _TYPE_4_KINDS.items() if kind is image.kind)
    packed = _TYPE_4.pack(
        0, 0, image.impression, bytes([image.position, *[255] * 5]), 0, image.width, image.height, algorithm
    )
    return packed[5:] + image.data


def _checked(found: FoundImage, where: Problem) -> FoundImage:
    """The image, if its own header agrees with the record's fields."""
    try:
        _check_size(found)
    except ImageRefused as error:
        raise EbtsRefused(Problem(where.record, where.type, where.field, error.reason)) from None
    return found


def _check_size(found: FoundImage) -> None:
    if found.kind is ImageKind.RAW:
        check_size(found.width, found.height)
        if len(found.data) != found.width * found.height:
            raise ImageRefused(
                f"{len(found.data)} bytes are not {found.width} x {found.height} pixels of 8 bits"
            )
        return
    header = look(found.data)
    if header.kind is not found.kind:
        raise ImageRefused(f"this is {header.kind.name}, and the record says {found.kind.name}")
    if (header.width, header.height) != (found.width, found.height):
        raise ImageRefused(
            f"the image has {header.width} x {header.height} pixels, and the record says {found.width} x"
            f" {found.height}"
        )
