"""An ANSI/NIST-ITL file cut into its records, by the table of contents and each record's length; no field is read.

ANSI/NIST-ITL 1-2011, Annex B: Type-1 comes first and lists the others (1.003); records of types 3 to 8 are binary and
begin with their length in four bytes, all others are text whose first field is the length. All of a file is in memory,
and nothing is copied before its size is known to be in bounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from matcher_service.exchange import parameters
from matcher_service.exchange.errors import EbtsRefused, Problem

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
BINARY_TYPES = frozenset({3, 4, 5, 6, 7, 8})
_FIRST = re.compile(rb"(\d{1,2})\.0{0,2}1:(\d{1,9})\x1d")
_TYPES = frozenset({1, 2, *BINARY_TYPES, *range(9, 23), 98, 99})


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as bytes. `problem` says why its bytes are not what its length claims.

    Attributes:
        number: its place in the file, from 1.
        type: as the table of contents has it.
        idc: as the table of contents has it, None for Type-1.
        data: its bytes, of a text record with the separator at the end.
        problem: None if all is well.
    """

    number: int
    type: int
    idc: int | None
    data: bytes
    problem: Problem | None = None


def frames(data: bytes) -> list[Frame]:
    """All records of a file, Type-1 first; damaged ones with their problem, as far as they can be told apart.

    Raises EbtsRefused if it is no such file, or its Type-1 record is not in order.
    """
    if len(data) > parameters.MAX_FILE_BYTES:
        raise _file(f"it is larger than {parameters.MAX_FILE_BYTES >> 20} MiB; send fewer images in one file")
    first = _FIRST.match(data)
    if first is None or first[1] != b"1":
        raise _file("this is no ANSI/NIST-ITL file: it does not begin with a Type-1 record (field 1.001)")
    length = int(first[2])
    if length > parameters.MAX_TEXT_BYTES or length > len(data) or data[length - 1 : length] != FS:
        raise EbtsRefused(
            Problem(1, 1, "1.001", "the length is not that of the record; have the file written anew")
        )
    head = data[:length]
    contents = _contents(head)
    made = [Frame(1, 1, None, head)]
    at = length
    for place, (kind, idc) in enumerate(contents):
        number = place + 2
        following = contents[place + 1][0] if place + 1 < len(contents) else None
        frame = _next(data, at, number, kind=kind, idc=idc, following=following)
        made.append(frame)
        at += len(frame.data)
    if at < len(data):
        made.append(
            Frame(
                len(made) + 1, 0, None, b"",
                Problem(1, 1, "1.003", f"{len(data) - at} bytes follow that the table of contents does not list"),
            )
        )  # fmt: skip
    return made


def _contents(head: bytes) -> list[tuple[int, int]]:
    """Type and IDC of each record after the first."""
    field = next((part for part in head[:-1].split(GS) if re.match(rb"1\.0{0,2}3:", part)), None)
    if field is None:
        raise EbtsRefused(Problem(1, 1, "1.003", "the table of contents is missing"))
    entries = [part.split(US) for part in field.partition(b":")[2].split(RS)]
    if any(
        len(entry) != 2 or not all(re.fullmatch(rb"\d{1,3}", item) for item in entry) for entry in entries
    ):
        raise EbtsRefused(Problem(1, 1, "1.003", "the table of contents is not made of pairs of numbers"))
    kind, count = (int(item) for item in entries[0])
    if kind != 1 or count != len(entries) - 1:
        raise EbtsRefused(
            Problem(1, 1, "1.003", f"it announces {count} records and lists {len(entries) - 1}")
        )
    if count > parameters.MAX_RECORDS:
        raise EbtsRefused(
            Problem(1, 1, "1.003", f"it lists {count} records; at most {parameters.MAX_RECORDS} are read")
        )
    listed = [(int(entry[0]), int(entry[1])) for entry in entries[1:]]
    for kind, _ in listed:
        if kind not in _TYPES or kind == 1:
            raise EbtsRefused(Problem(1, 1, "1.003", f"there are no records of Type-{kind} after the first"))
    return listed


def _next(data: bytes, at: int, number: int, *, kind: int, idc: int, following: int | None) -> Frame:
    if at >= len(data):
        return Frame(number, kind, idc, b"", Problem(number, kind, "", "the file ends before this record"))
    if kind in BINARY_TYPES:
        length = int.from_bytes(data[at : at + 4], "big")
        if length >= 5 and at + length <= len(data):
            return Frame(number, kind, idc, data[at : at + length])
        problem = Problem(
            number, kind, f"{kind}.001", "the length is not that of the record; what follows is lost"
        )
        return Frame(number, kind, idc, data[at:], problem)
    begins = _FIRST.match(data, at, at + 32)
    if begins is not None and int(begins[1]) == kind:
        length = int(begins[2])
        if length > 0 and at + length <= len(data) and data[at + length - 1 : at + length] == FS:
            return Frame(number, kind, idc, data[at : at + length])
        reason = "the length is not that of the record"
    else:
        reason = f"a Type-{kind} record with its length should begin here, as field 1.003 says"
    return Frame(
        number,
        kind,
        idc,
        data[at : _resume(data, at, following)],
        Problem(number, kind, f"{kind}.001", reason),
    )


def _resume(data: bytes, at: int, following: int | None) -> int:
    """Where the record after a damaged one begins: at the next separator behind which such a record starts."""
    if following is None or following in BINARY_TYPES:
        return len(data)
    found = re.compile(rb"\x1c(?=%d\.0{0,2}1:\d)" % following).search(data, at)
    return len(data) if found is None else found.end()


def _file(reason: str) -> EbtsRefused:
    return EbtsRefused(Problem(0, 0, "", reason))
