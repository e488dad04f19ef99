"""The part of a record that both formats share, byte for byte: the image and the finger views.

ISO/IEC 19794-2:2005, clause 7, and INCITS 378-2004, clause 6, differ in their length and product fields and
in the step of the angle. From the capture equipment to the last extended data they are laid out alike,
big-endian:

    capture equipment 2 (4 bits certification, 12 bits device id), width 2, height 2, x resolution 2,
    y resolution 2, number of finger views 1, reserved 1 (0); then each finger view: position 1, view number
    and impression 1 (4 bits each), finger quality 1, number of minutiae 1, 6 bytes a minutia, extended
    data length 2, extended data.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from interchange.errors import TemplateError
from interchange.finger_view import MINUTIA_BYTES, FingerView
from interchange.fmr_checks import MAX_VIEWS, check_image, check_view, check_view_numbers
from interchange.minutiae import Minutiae
from interchange.record import Record, record_of
from interchange.template_parameters import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from interchange.template_format import TemplateFormat

MAGIC = b"FMR\0"
VERSION = b" 20\0"
IMAGE = struct.Struct(">HHHHHBB")
VIEW_HEADER_BYTES = 4
EXTENDED_LENGTH_BYTES = 2


def open_record(data: bytes | bytearray | memoryview, *, at_least: int) -> bytes:
    """The bytes of a record whose identifier, version and size are in order; `TemplateError` if not."""
    raw = memoryview(data).tobytes()
    if len(raw) > MAX_RECORD_BYTES:
        raise TemplateError(
            "record",
            expected=f"at most {MAX_RECORD_BYTES} bytes",
            found=f"{len(raw)} bytes",
            offset=MAX_RECORD_BYTES,
        )
    if raw[:4] != MAGIC:
        raise TemplateError("format identifier", expected=repr(MAGIC), found=repr(raw[:4]), offset=0)
    if raw[4:8] != VERSION:
        raise TemplateError("version number", expected=repr(VERSION), found=repr(raw[4:8]), offset=4)
    if len(raw) < at_least:
        raise TemplateError(
            "record header", expected=f"{at_least} bytes", found=f"only {len(raw)} bytes", offset=len(raw)
        )
    return raw


def check_length(declared: int, actual: int, *, at: int) -> None:
    """The record length, which stands at `at`, against the bytes there are."""
    if declared != actual:
        rest = actual - declared
        found = f"{declared} ({f'{rest} left over' if rest > 0 else f'{-rest} missing'})"
        expected = f"{actual}, which is how many bytes there are"
        raise TemplateError("record length", expected=expected, found=found, offset=at)


def read_body(raw: bytes, at: int, header: Record) -> Record:
    """Read from the capture equipment at `at` to the end; `header` brings the fields that came before."""
    equipment, width, height, x_resolution, y_resolution, count, reserved = IMAGE.unpack_from(raw, at)
    record = replace(
        header,
        width=width,
        height=height,
        x_resolution=x_resolution,
        y_resolution=y_resolution,
        certification=equipment >> 12,
        device_id=equipment & 0xFFF,
    )
    check_image(record, at=at)
    if reserved:
        raise TemplateError("reserved byte", expected="0", found=reserved, offset=at + 11)
    views: list[tuple[FingerView, int | None]] = []
    here = at + IMAGE.size
    for number in range(1, count + 1):
        view, after = _read_view(raw, here, number=number)
        check_view(view, record, number=number, at=here)
        views.append((view, here))
        here = after
    if here != len(raw):
        raise TemplateError(
            "end of record",
            expected=f"nothing after finger view {count} of {count}",
            found=f"{len(raw) - here} more bytes",
            offset=here,
        )
    check_view_numbers(views)
    return replace(record, views=tuple(view for view, _ in views))


def write_body(record: Record) -> bytes:
    """The bytes from the capture equipment to the end; `TemplateError` for what the format does not allow."""
    check_image(record, at=None)
    if len(record.views) > MAX_VIEWS:
        raise TemplateError(
            "number of finger views", expected=f"at most {MAX_VIEWS}", found=len(record.views)
        )
    equipment = record.certification << 12 | record.device_id
    resolution = (record.x_resolution, record.y_resolution)
    parts = [IMAGE.pack(equipment, record.width, record.height, *resolution, len(record.views), 0)]
    for number, view in enumerate(record.views, 1):
        check_view(view, record, number=number, at=None)
        kind = view.view_number << 4 | view.impression
        parts += (
            bytes((view.position, kind, view.finger_quality, len(view))),
            view.packed,
            len(view.extended).to_bytes(EXTENDED_LENGTH_BYTES, "big"),
            view.extended,
        )
    check_view_numbers([(view, None) for view in record.views])
    return b"".join(parts)


def check_size(encoded: bytes) -> bytes:
    """`encoded`, unless it is larger than any reader here accepts."""
    if len(encoded) > MAX_RECORD_BYTES:
        raise TemplateError(
            "record", expected=f"at most {MAX_RECORD_BYTES} bytes", found=f"{len(encoded)} bytes"
        )
    return encoded


def as_record(template: Record | Minutiae, wanted: TemplateFormat) -> Record:
    """`template` as a record of the format `wanted`; bare minutiae become one of an unknown finger."""
    if isinstance(template, Minutiae):
        return record_of(template, format=wanted)
    if template.format is not wanted:
        raise TemplateError(
            "format",
            expected=f"a record of {wanted.value}; to convert, build one with Record.from_minutiae",
            found=template.format.value,
        )
    return template


def _read_view(raw: bytes, at: int, *, number: int) -> tuple[FingerView, int]:
    """The finger view whose header begins at `at`, and where the next begins; lengths are checked here."""
    left = len(raw) - at
    if left < VIEW_HEADER_BYTES:
        raise TemplateError(
            f"header of finger view {number}",
            expected=f"{VIEW_HEADER_BYTES} bytes",
            found=f"{left} bytes",
            offset=at,
        )
    position, kind, quality, count = raw[at : at + VIEW_HEADER_BYTES]
    begin = at + VIEW_HEADER_BYTES
    end = begin + MINUTIA_BYTES * count
    room = (len(raw) - begin - EXTENDED_LENGTH_BYTES) // MINUTIA_BYTES
    if count > room:
        raise TemplateError(
            "number of minutiae",
            expected=f"at most {max(room, 0)}, for which there are bytes, in finger view {number}",
            found=count,
            offset=at + 3,
        )
    body = end + EXTENDED_LENGTH_BYTES
    extended = int.from_bytes(raw[end:body], "big")
    if extended > len(raw) - body:
        raise TemplateError(
            "extended data length",
            expected=f"at most {len(raw) - body}, the bytes left after it, in finger view {number}",
            found=extended,
            offset=end,
        )
    view = FingerView(
        position=position,
        impression=kind & 15,
        view_number=kind >> 4,
        finger_quality=quality,
        packed=raw[begin:end],
        extended=raw[body : body + extended],
    )
    return view, body + extended
