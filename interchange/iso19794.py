"""Finger minutiae records of ISO/IEC 19794-2:2005, clause 7: bytes to `Record` and back.

The header has 24 bytes: "FMR" and " 20", each with a zero byte; the total length in 4; then the image and the
finger views as in `fmr_body`. Angles are in steps of 360/256 degree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.errors import TemplateError
from interchange.fmr_body import (
    MAGIC,
    VERSION,
    as_record,
    check_length,
    check_size,
    open_record,
    read_body,
    write_body,
)
from interchange.fmr_faults import explained
from interchange.record import Record
from interchange.template_format import TemplateFormat

if TYPE_CHECKING:
    from interchange.minutiae import Minutiae

FORMAT = TemplateFormat.ISO_19794_2_2005
LENGTH_AT = 8
BODY_AT = 12


def encode(template: Record | Minutiae) -> bytes:
    """The record's bytes; bare minutiae are written as one view of an unknown finger.

    Raises `TemplateError`, without an offset, for anything that the standard does not allow: more than 255
    minutiae, a coordinate outside the image, a field out of its range, a field that only INCITS records have.
    """
    record = as_record(template, FORMAT)
    for field, value in (
        ("CBEFF product owner", record.product_owner),
        ("CBEFF product type", record.product_type),
        ("length in 6 bytes", record.long_length),
    ):
        if value:
            raise TemplateError(
                field, expected=f"none, since records of {FORMAT.value} have no such field", found=value
            )
    body = write_body(record)
    return check_size(MAGIC + VERSION + (BODY_AT + len(body)).to_bytes(4, "big") + body)


def decode(data: bytes | bytearray | memoryview) -> Record:
    """The record in `data`, which must hold it and nothing else.

    Raises `TemplateError` with the field, its byte offset, what the standard asks for and what was found;
    where a known fault of other writers fits, the error says so.
    """
    raw = memoryview(data).tobytes()
    try:
        return _decode(raw)
    except TemplateError as error:
        raise explained(error, raw, FORMAT) from None


def _decode(data: bytes) -> Record:
    raw = open_record(data, at_least=FORMAT.header_bytes)
    check_length(int.from_bytes(raw[LENGTH_AT:BODY_AT], "big"), len(raw), at=LENGTH_AT)
    return read_body(raw, BODY_AT, Record(format=FORMAT, width=0, height=0, x_resolution=0, y_resolution=0))
