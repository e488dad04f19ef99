"""Charge and disposition out of Type-2 fields, by a table that is data. No other value of Type-2 is looked at."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from interchange.charges import AT_BOOKING, ChargeClass, Disposition, LeftOut, LeftOutReason
from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher_service.exchange.text_records import TextRecord

SHIPPED: Final = Path(__file__).parent / "data" / "charges.csv"
_COLUMNS = ["field", "item", "match", "literal", "sets", "value"]
_MATCHES = frozenset({"present", "exact", "word"})
_MAX_TABLE_BYTES, _MAX_ROWS = 256 * 1024, 5000
_SERIOUS = (ChargeClass.FELONY, ChargeClass.MISDEMEANOR, ChargeClass.TRAFFIC, ChargeClass.OTHER)
_FURTHEST = (
    Disposition.NOT_ACCUSED,  # protects, and so goes before all else that a record says
    Disposition.CONVICTED,
    Disposition.CHARGED,
    Disposition.HELD,
    Disposition.ARRESTED,
)
AMPUTATED: Final = 84  # 2.084 AMP: finger and code, XX amputated, UP unable to print
_MISSING = {"XX": LeftOutReason.MISSING, "UP": LeftOutReason.UNPRINTABLE}


class BadChargeTable(MatcherError):  # noqa: N818 - reads as what it is
    """A table that cannot be used.

    Attributes:
        line: where, from 1.
    """

    def __init__(self, path: Path, line: int, reason: str) -> None:
        self.line = line
        super().__init__(f"{path}, line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class ChargeRule:
    """One line of the table."""

    field: int
    item: int
    match: str
    literal: str
    value: ChargeClass | Disposition


@dataclass(frozen=True, slots=True)
class Charged:
    """What was found; None where the record says nothing that the table knows."""

    charge_class: ChargeClass | None
    disposition: Disposition | None


def read_table(path: Path = SHIPPED) -> list[ChargeRule]:
    """The rules of a table. Raises BadChargeTable with the line."""
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            text = opened.read(_MAX_TABLE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise BadChargeTable(
            path, 1, f"cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from None
    if len(text) > _MAX_TABLE_BYTES:
        raise BadChargeTable(path, 1, f"the table is larger than {_MAX_TABLE_BYTES >> 10} KiB")
    lines = [
        (number, line) for number, line in enumerate(text.splitlines(), start=1) if line and line[0] != "#"
    ]
    if not lines or lines[0][1].split(",") != _COLUMNS:
        raise BadChargeTable(
            path, lines[0][0] if lines else 1, f"the first line has to be: {','.join(_COLUMNS)}"
        )
    if len(lines) > _MAX_ROWS:
        raise BadChargeTable(path, lines[_MAX_ROWS][0], f"more than {_MAX_ROWS} lines")
    return [_rule(path, number, line) for number, line in lines[1:]]


def charged(record: TextRecord, rules: Sequence[ChargeRule]) -> Charged:
    """The most serious charge class and the furthest disposition that the rules find."""
    found = {rule.value for rule in rules if _holds(record, rule)}
    charge = next((one for one in _SERIOUS if one in found), None)
    disposition = next((one for one in _FURTHEST if one in found), None)
    return Charged(charge, disposition)


def left_out(record: TextRecord) -> list[LeftOut]:
    """The fingers that 2.084 says could not be taken. Raises EbtsRefused with the field."""
    made: dict[int, LeftOut] = {}
    for row in record.rows(AMPUTATED):
        if len(row) != 2 or row[1] not in _MISSING:
            raise record.bad(AMPUTATED, "a finger and XX (amputated) or UP (unable to print) belong there")
        position = record.number_in(AMPUTATED, row[0], 1, 10, what="the finger")
        made[position] = LeftOut(position=position, reason=_MISSING[row[1]])
    return list(made.values())


def _holds(record: TextRecord, rule: ChargeRule) -> bool:
    for row in record.rows(rule.field):
        value = row[rule.item - 1].strip().upper() if len(row) >= rule.item else ""
        if rule.match == "present" and value:
            return True
        if rule.match == "exact" and value == rule.literal:
            return True
        if rule.match == "word" and rule.literal in re.findall(r"[A-Z]+", value):
            return True
    return False


def _rule(path: Path, number: int, line: str) -> ChargeRule:
    row = next(csv.reader([line]))
    if len(row) != len(_COLUMNS):
        raise BadChargeTable(path, number, f"{len(row)} columns, and {len(_COLUMNS)} are expected")
    field, item, match, literal, sets, value = (cell.strip() for cell in row)
    if not (re.fullmatch(r"[0-9]{1,4}", field) and re.fullmatch(r"[1-9][0-9]?", item)):
        raise BadChargeTable(path, number, "field and item are numbers")
    if match not in _MATCHES or (match == "present") == bool(literal):
        raise BadChargeTable(path, number, "match is present (without a literal), exact or word (with one)")
    try:
        meant = {"charge_class": ChargeClass, "disposition": Disposition}[sets](value)
    except (KeyError, ValueError):
        raise BadChargeTable(
            path, number, "sets is charge_class or disposition, and value one of its words"
        ) from None
    if isinstance(meant, Disposition) and meant not in AT_BOOKING:
        raise BadChargeTable(path, number, f"'{meant}' comes after a booking; it is reported, not booked")
    return ChargeRule(int(field), int(item), match, literal.upper(), meant)
