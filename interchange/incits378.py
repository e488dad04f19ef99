"""Finger minutiae records of ANSI/INCITS 378-2004, clause 6: bytes to `Record` and back.

The header has 26 bytes: "FMR" and " 20", each with a zero byte; the total length in 2; the CBEFF product
identifier, owner 2 and type 2; then the image and the finger views as in `fmr_body`. A record of more than
65535 bytes has 0 for its length, the length itself in the next 4 bytes, and so a header of 30. Angles are in
steps of 2 degrees.
"""

from __future__ import annotations

import struct
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
from interchange.fmr_checks import check_number
from interchange.fmr_faults import explained
from interchange.record import Record
from interchange.template_format import TemplateFormat

if TYPE_CHECKING:
    from interchange.minutiae import Minutiae

FORMAT = TemplateFormat.INCITS_378_2004
LENGTH_AT = 8
MAX_SHORT_LENGTH = 0xFFFF
EXTRA_LENGTH_BYTES = 4
PRODUCT = struct.Struct(">HH")


def encode(template: Record | Minutiae) -> bytes:
    """The record's bytes; bare minutiae are written as one view of an unknown finger.

    The length takes 2 bytes where it fits, unless `Record.long_length` asks for 6. Raises `TemplateError`,
    without an offset, for anything that the standard does not allow.
    """
    record = as_record(template, FORMAT)
    for field, value in (
        ("CBEFF product owner", record.product_owner),
        ("CBEFF product type", record.product_type),
    ):
        check_number(field, value, 0, 0xFFFF, None)
    rest = PRODUCT.pack(record.product_owner, record.product_type) + write_body(record)
    length = len(MAGIC) + len(VERSION) + 2 + len(rest)
    if record.long_length or length > MAX_SHORT_LENGTH:
        size = struct.pack(">HI", 0, length + EXTRA_LENGTH_BYTES)
    else:
        size = struct.pack(">H", length)
    return check_size(MAGIC + VERSION + size + rest)


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
    here = LENGTH_AT + 2
    length = int.from_bytes(raw[LENGTH_AT:here], "big")
    long_form = length == 0
    if long_form:
        raw = open_record(raw, at_least=FORMAT.header_bytes + EXTRA_LENGTH_BYTES)
        length = int.from_bytes(raw[here : here + EXTRA_LENGTH_BYTES], "big")
        check_length(length, len(raw), at=here)
        here += EXTRA_LENGTH_BYTES
    else:
        check_length(length, len(raw), at=LENGTH_AT)
    owner, kind = PRODUCT.unpack_from(raw, here)
    header = Record(
        format=FORMAT,
        width=0,
        height=0,
        x_resolution=0,
        y_resolution=0,
        product_owner=owner,
        product_type=kind,
        long_length=long_form and len(raw) - EXTRA_LENGTH_BYTES <= MAX_SHORT_LENGTH,
    )
    return read_body(raw, here + PRODUCT.size, header)
