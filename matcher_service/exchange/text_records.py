"""The fields of a text record, read by `nistitl` after the record was checked to be of bounded shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.exchange import parameters
from matcher_service.exchange.errors import EbtsRefused, Problem
from matcher_service.exchange.framing import FS, GS, RS, US

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher_service.exchange.framing import Frame

IMAGE_FIELD = 999
_TAG = re.compile(rb"(\d{1,2})\.(\d{1,4}):")

Subfields = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A text record: its fields by number, each a tuple of subfields, each a tuple of items; and its image.

    Attributes:
        number: its place in the file, from 1.
        type: its type.
        values: all fields but the image.
        image: field 999 where there is one, else empty.
    """

    number: int
    type: int
    values: Mapping[int, Subfields]
    image: bytes

    def bad(self, field: int, reason: str) -> EbtsRefused:
        """What is wrong with a field, to be raised."""
        return EbtsRefused(Problem(self.number, self.type, self.name(field), reason))

    def name(self, field: int) -> str:
        """The field as people write it."""
        return f"{self.type}.{field:03}"

    def rows(self, field: int) -> Subfields:
        """The subfields; none where the field is missing or empty."""
        found = self.values.get(field, ())
        return () if found == (("",),) else found

    def text(self, field: int, *, default: str | None = None) -> str:
        """The single value of a field. Raises EbtsRefused where it has several, or is missing without a default."""
        rows = self.rows(field)
        if not rows:
            if default is None:
                raise self.bad(field, "is missing")
            return default
        if len(rows) != 1 or len(rows[0]) != 1:
            raise self.bad(field, "has several values where one is expected")
        return rows[0][0]

    def whole(self, field: int, low: int, high: int, *, default: int | None = None) -> int:
        """A whole number in bounds. Raises EbtsRefused."""
        text = self.text(field, default=None if default is None else str(default))
        return self.number_in(field, text, low, high)

    def number_in(self, field: int, text: str, low: int, high: int, *, what: str = "") -> int:
        """`text`, which stands in `field`, as a whole number in bounds. Raises EbtsRefused."""
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise self.bad(field, f"{what}{' ' if what else ''}is not a whole number from {low} to {high}")
        return int(text)


def read(frame: Frame) -> TextRecord:
    """The record of a frame without a problem. Raises EbtsRefused that names the record and the field."""
    text, image = _without_image(frame)
    _check_shape(frame, text)
    from nistitl import Message, NistException

    head = b"1.003:1\x1f1\x1e%d\x1f%d\x1d1.004:X" % (frame.type, frame.idc or 0)
    whole = text if frame.type == 1 else _with_length(b"1", head) + text
    message = Message()
    try:
        if frame.type == 1:
            # Alone in its message, so that the table of contents is not compared with records that are not there.
            message.parse(_with_length(b"1", _alone(text)))
        else:
            message.parse(whole)
        record = message[0 if frame.type == 1 else 1]
        values = {int(field.tag): _rows(field.value) for field in record._fields}
    except NistException as error:
        raise EbtsRefused(
            Problem(
                frame.number, frame.type, "", f"cannot be read ({error.error.name.lower().replace('_', ' ')})"
            )
        ) from None
    except (ValueError, KeyError, IndexError, TypeError) as error:
        reason = f"cannot be read ({type(error).__name__})"
        raise EbtsRefused(Problem(frame.number, frame.type, "", reason)) from None
    if frame.type == 1:
        values[3] = tuple(
            tuple(item.decode("latin-1") for item in part.split(US)) for part in _raw(text, 3).split(RS)
        )
    made = TextRecord(frame.number, frame.type, values, image)
    if frame.idc is not None and made.whole(2, 0, 99) != frame.idc:
        raise made.bad(2, "is not the number (IDC) that the table of contents gives this record")
    return made


def _without_image(frame: Frame) -> tuple[bytes, bytes]:
    """The fields before the image, closed by a separator, and the image."""
    marker = b"%d.%d:" % (frame.type, IMAGE_FIELD)
    found = frame.data.find(GS + marker)
    if found < 0:
        return frame.data, b""
    # The length counts the image too: what is left gets one of its own.
    fields = frame.data[:found].partition(GS)[2]
    return _with_length(b"%d" % frame.type, fields), frame.data[found + 1 + len(marker) : -1]


def _check_shape(frame: Frame, text: bytes) -> None:
    def bad(field: str, reason: str) -> EbtsRefused:
        return EbtsRefused(Problem(frame.number, frame.type, field, reason))

    if len(text) > parameters.MAX_TEXT_BYTES:
        raise bad("", f"its text is longer than {parameters.MAX_TEXT_BYTES >> 20} MiB")
    if text.count(GS) > parameters.MAX_FIELDS:
        raise bad("", f"it has more than {parameters.MAX_FIELDS} fields")
    if text.count(RS) + text.count(US) > parameters.MAX_SEPARATORS:
        raise bad("", f"it has more than {parameters.MAX_SEPARATORS} values")
    if FS in text[:-1]:
        raise bad("", "a record separator stands inside the record")
    seen: set[int] = set()
    previous = f"{frame.type}.001"
    for part in text[:-1].split(GS):
        tag = _TAG.match(part)
        if tag is None or int(tag[1]) != frame.type:
            raise bad(previous, f"what follows this field is no field of Type-{frame.type}")
        field = int(tag[2])
        previous = f"{frame.type}.{field:03}"
        if field in seen:
            raise bad(previous, "stands there twice")
        seen.add(field)


def _raw(text: bytes, field: int) -> bytes:
    for part in text[:-1].split(GS):
        tag = _TAG.match(part)
        if tag is not None and int(tag[2]) == field:
            return part[tag.end() :]
    return b""


def _alone(text: bytes) -> bytes:
    """A Type-1 record without its length, with a table of contents that lists nothing else."""
    kept = [part for part in text[:-1].split(GS)[1:] if int(part.partition(b".")[2].partition(b":")[0]) != 3]
    return GS.join([b"1.003:1\x1f0", *kept])


def _with_length(kind: bytes, body: bytes) -> bytes:
    length = 0
    while True:
        made = b"%s.001:%d\x1d%s\x1c" % (kind, length, body)
        if len(made) == length:
            return made
        length = len(made)


def _rows(value: object) -> Subfields:
    if isinstance(value, (list, tuple)):
        return tuple(
            tuple(str(item) for item in row) if isinstance(row, (list, tuple)) else (str(row),)
            for row in value
        )
    return ((str(value),),)
