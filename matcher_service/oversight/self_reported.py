"""What people said of themselves, summed up by their jail: beside the report, never in the database.

It is optional, it holds no submission's number and nothing of any single person, and so can be joined with nothing that
this centre keeps. A CSV file with one line for each jurisdiction, month and group:

    jurisdiction,month,group,booked,notified
    US-MO-019,2026-01,group a,120,3
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError
from matcher_service.oversight.parameters import MAX_SELF_REPORTED_BYTES, MAX_SELF_REPORTED_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("jurisdiction", "month", "group", "booked", "notified")
_MONTH = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])")
_JURISDICTION = re.compile(r"US-[A-Z]{2}(-[0-9]{3})?")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_LONGEST_GROUP = 60
_FORMULA = ("=", "+", "-", "@")


class BadSelfReport(MatcherError):  # noqa: N818 - reads as what it is
    """A file of which nothing is used.

    Attributes:
        line: where, from 1; 0 for the file as a whole.
        column: which; "" for the whole line.
    """

    def __init__(self, source: str, line: int, column: str, reason: str) -> None:
        self.line, self.column = line, column
        where = source + (f", line {line}" if line else "") + (f", {column}" if column else "")
        super().__init__(f"{where}: {reason}. Nothing was taken from the file.")


@dataclass(frozen=True, slots=True)
class SelfReported:
    """Of so many who were booked and called themselves of a group, so many were told that somebody was notified."""

    jurisdiction: str
    month: str
    group: str
    booked: int
    notified: int


def read_self_reported(data: bytes, source: str) -> list[SelfReported]:
    """All lines of a file, or none. Raises BadSelfReport with the line and the column."""
    if len(data) > MAX_SELF_REPORTED_BYTES:
        raise BadSelfReport(source, 0, "", f"is larger than {MAX_SELF_REPORTED_BYTES >> 20} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSelfReport(source, data[: error.start].count(b"\n") + 1, "", "is not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[SelfReported] = []
    seen: set[tuple[str, str, str]] = set()
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise BadSelfReport(source, 1, "", f"the first line has to be: {','.join(COLUMNS)}")
        for row in rows:
            one = _read(row, source, rows.line_num)
            key = (one.jurisdiction, one.month, one.group)
            if key in seen:
                raise BadSelfReport(source, rows.line_num, "group", "stands there already for this month")
            seen.add(key)
            found.append(one)
            if len(found) > MAX_SELF_REPORTED_ROWS:
                raise BadSelfReport(source, rows.line_num, "", f"more than {MAX_SELF_REPORTED_ROWS} lines")
    except csv.Error as error:
        raise BadSelfReport(source, rows.line_num, "", f"is not CSV: {error}") from None
    return found


def by_group(rows: Iterable[SelfReported], *, first: str, last: str) -> dict[str, tuple[int, int]]:
    """Booked and notified of each group, over all jurisdictions and the months from `first` to `last`."""
    sums: dict[str, tuple[int, int]] = {}
    for one in rows:
        if first <= one.month <= last:
            booked, notified = sums.get(one.group, (0, 0))
            sums[one.group] = booked + one.booked, notified + one.notified
    return dict(sorted(sums.items()))


def _read(row: list[str], source: str, line: int) -> SelfReported:
    if len(row) != len(COLUMNS):
        raise BadSelfReport(source, line, "", f"has {len(row)} columns, and {len(COLUMNS)} are expected")
    jurisdiction, month, group, booked, notified = (cell.strip() for cell in row)
    if not _JURISDICTION.fullmatch(jurisdiction):
        raise BadSelfReport(source, line, "jurisdiction", "is a code such as US-MO-019")
    if not _MONTH.fullmatch(month):
        raise BadSelfReport(source, line, "month", "is written as 2026-01")
    if not 0 < len(group) <= _LONGEST_GROUP or not group.isprintable() or group.startswith(_FORMULA):
        raise BadSelfReport(
            source, line, "group", f"is a text of at most {_LONGEST_GROUP} signs, and no formula"
        )
    for column, cell in (("booked", booked), ("notified", notified)):
        if not _COUNT.fullmatch(cell):
            raise BadSelfReport(source, line, column, "is a whole number")
    if int(notified) > int(booked):
        raise BadSelfReport(source, line, "notified", "is more than were booked")
    return SelfReported(jurisdiction, month, group, int(booked), int(notified))
