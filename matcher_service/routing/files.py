"""The register as files: CSV, one kind of entry a file, or JSON with all three. Bytes in, entries out; no database.

Reading is strict: the first thing that is wrong is named with its line and column, and then nothing is taken.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from matcher_service.routing import parameters
from matcher_service.routing.conditions import NAMES, BadCondition, Conditions, conditions_of
from matcher_service.routing.entries import (
    ActivationEntry,
    AgencyEntry,
    BadEntry,
    JurisdictionEntry,
    checked_activation,
    checked_agency,
    checked_jurisdiction,
    read_time,
    write_time,
)
from matcher_service.routing.errors import BadRegisterFile
from matcher_service.routing.json_lines import BadJson, items_with_lines
from matcher_service.routing.rules import RuleState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FORMAT_VERSION = 1
JURISDICTION_COLUMNS = ("code", "kind", "fips", "name", "parent")
AGENCY_COLUMNS = ("ori", "name", "jurisdiction", "active")
ACTIVATION_COLUMNS = (
    "jurisdiction",
    "repository",
    "state",
    "from",
    "until",
    *NAMES,
    "signed_by",
    "document_sha256",
    "reason",
)
TABLES = {
    "jurisdictions": JURISDICTION_COLUMNS,
    "agencies": AGENCY_COLUMNS,
    "activations": ACTIVATION_COLUMNS,
}
_LISTS = frozenset(
    {"transactions", "charge_classes", "dispositions", "notify_charge_classes", "notify_dispositions"}
)
_YES_NO = {"yes": True, "no": False}
_SWITCHES = frozenset({"active", "needs_second_examiner", "images"})
# Came later: a file without it is read as one that says no.
_LATER = {"images": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterContent:
    """What a file holds."""

    jurisdictions: tuple[JurisdictionEntry, ...] = ()
    agencies: tuple[AgencyEntry, ...] = ()
    activations: tuple[ActivationEntry, ...] = ()


def read_register(data: bytes, source: str) -> RegisterContent:
    """The content of a file, JSON if it begins with a brace, else CSV. Raises BadRegisterFile."""
    if len(data) > parameters.MAX_FILE_BYTES:
        raise BadRegisterFile(
            source, 0, "", f"is larger than {parameters.MAX_FILE_BYTES // 2**20} MB; divide it"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadRegisterFile(source, line, "", "is not UTF-8; save it as UTF-8") from None
    if text.lstrip()[:1] == "{":
        return _read_json(text, source)
    return _read_csv(text, source)


def write_csv(content: RegisterContent, table: str) -> str:
    """One table of `TABLES`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TABLES[table])
    for tree in _trees(content)[table]:
        writer.writerow([_cell(tree[column]) for column in TABLES[table]])
    return out.getvalue()


def write_json(content: RegisterContent) -> str:
    """All of it, an entry a line."""
    parts = [f'{{\n"version": {FORMAT_VERSION}']
    for table, trees in _trees(content).items():
        rows = ",\n".join("  " + json.dumps(tree, ensure_ascii=False) for tree in trees)
        parts.append(f'"{table}": [\n{rows}\n]' if rows else f'"{table}": []')
    return ",\n".join(parts) + "\n}\n"


def _trees(content: RegisterContent) -> dict[str, list[dict[str, object]]]:
    return {
        "jurisdictions": [
            {k: getattr(one, k) for k in JURISDICTION_COLUMNS} for one in content.jurisdictions
        ],
        "agencies": [{k: getattr(one, k) for k in AGENCY_COLUMNS} for one in content.agencies],
        "activations": [_activation_tree(one) for one in content.activations],
    }


def _activation_tree(one: ActivationEntry) -> dict[str, object]:
    tree: dict[str, object] = {
        "jurisdiction": one.jurisdiction,
        "repository": one.repository,
        "state": str(one.state),
        "from": write_time(one.from_at),
        "until": "" if one.until_at is None else write_time(one.until_at),
    }
    for name in NAMES:
        value = getattr(one.conditions, name)
        tree[name] = list(value) if name in _LISTS else value
    return tree | {
        "signed_by": one.signed_by,
        "document_sha256": one.document_sha256,
        "reason": one.reason,
    }


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ";".join(str(one) for one in cast("list[object]", value))
    return str(value)


# -- CSV


def _read_csv(text: str, source: str) -> RegisterContent:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            rows.append((before + 1, row))
            before = reader.line_num
            if len(rows) > parameters.MAX_ROWS + 1:
                raise BadRegisterFile(source, before, "", f"more than {parameters.MAX_ROWS} rows; divide it")
    except csv.Error as error:
        raise BadRegisterFile(source, before + 1, "", f"is not CSV: {error}") from None
    if not rows:
        raise BadRegisterFile(source, 0, "", "is empty")
    header = tuple(rows[0][1])
    found = set(header)
    table = next(
        (name for name, columns in TABLES.items() if found <= set(columns) <= found | _LATER.keys()), None
    )
    if table is None or len(set(header)) != len(header):
        raise BadRegisterFile(source, 1, *_about_header(header))
    entries: list[Any] = []
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise BadRegisterFile(
                source, line, "", f"has {len(row)} columns, the first line has {len(header)}"
            )
        for column, cell in zip(header, row, strict=True):
            if len(cell) > parameters.MAX_CELL_CHARACTERS or not all(c.isprintable() for c in cell):
                raise BadRegisterFile(
                    source,
                    line,
                    column,
                    "is longer than "
                    f"{parameters.MAX_CELL_CHARACTERS} characters, or holds some that cannot be printed",
                )
        tree: dict[str, object] = dict(zip(header, row, strict=True))
        entries.append(_placed(source, line, lambda t=tree, n=line: _from_cells(table, t, n)))
    return _content(source, {table: entries})


def _about_header(header: Sequence[str]) -> tuple[str, str]:
    near = max(TABLES.values(), key=lambda columns: len(set(columns) & set(header)))
    extra = [name for name in header if name not in near]
    missing = [name for name in near if name not in header]
    column = (extra or missing or [""])[0][:40]
    what = "is no column of it" if extra else "is missing" if missing else "stands there twice"
    return column, f"{what}. A register has one of these first lines: " + " | ".join(
        ",".join(columns) for columns in TABLES.values()
    )


def _from_cells(table: str, cells: dict[str, object], line: int) -> object:
    tree = dict(cells)
    for name in _SWITCHES:
        if name in tree:
            if tree[name] not in _YES_NO:
                raise BadEntry(name, "is 'yes' or 'no'")
            tree[name] = _YES_NO[cast("str", tree[name])]
    for name in _LISTS & tree.keys():
        tree[name] = [word.strip() for word in cast("str", tree[name]).split(";") if word.strip()]
    if "min_fingers" in tree:
        number = cast("str", tree["min_fingers"])
        if not (number.isascii() and number.isdigit()) or len(number) > 2:
            raise BadEntry("min_fingers", "is a number of fingers, 1 to 10")
        tree["min_fingers"] = int(number)
    return _MAKERS[table](tree, line)


# -- JSON


def _read_json(text: str, source: str) -> RegisterContent:
    try:
        tree, lines = items_with_lines(text)
    except BadJson as error:
        raise BadRegisterFile(source, error.line, "", error.reason) from None
    for key in tree:
        if key != "version" and key not in TABLES:
            raise BadRegisterFile(
                source, 0, key[:40], f"is not part of a register; it has version, {', '.join(TABLES)}"
            )
    if tree.get("version") != FORMAT_VERSION:
        raise BadRegisterFile(source, 0, "version", f"is {FORMAT_VERSION} in files that are read here")
    found: dict[str, list[Any]] = {}
    total = 0
    for table, columns in TABLES.items():
        items = tree.get(table, [])
        if not isinstance(items, list):
            raise BadRegisterFile(source, 0, table, "is a list")
        entries = cast("list[object]", items)
        total += len(entries)
        if total > parameters.MAX_ROWS:
            raise BadRegisterFile(source, 0, table, f"more than {parameters.MAX_ROWS} entries; divide it")
        found[table] = [
            _placed(source, line, lambda e=entry, n=line, t=table, c=columns: _from_json(t, c, e, n))
            for entry, line in zip(entries, lines.get(table, []), strict=True)
        ]
    return _content(source, found)


def _from_json(table: str, columns: Sequence[str], entry: object, line: int) -> object:
    if not isinstance(entry, dict):
        raise BadEntry(table, "is a list of objects")
    tree = cast("dict[str, object]", entry)
    for name in tree:
        if name not in columns:
            raise BadEntry(name[:40], f"is not known; an entry of {table} has {', '.join(columns)}")
    for name in columns:
        if name not in tree and name not in _LATER:
            raise BadEntry(name, "is missing")
        plain = name not in _LISTS | _SWITCHES | {"min_fingers"} and name in tree
        if plain and not isinstance(tree[name], str):
            raise BadEntry(name, "is a text")
    if "active" in tree and not isinstance(tree["active"], bool):
        raise BadEntry("active", "is true or false")
    return _MAKERS[table](dict(tree), line)


# -- both


def _jurisdiction(tree: dict[str, Any], line: int) -> JurisdictionEntry:
    return checked_jurisdiction(JurisdictionEntry(**tree, line=line))


def _agency(tree: dict[str, Any], line: int) -> AgencyEntry:
    return checked_agency(AgencyEntry(**tree, line=line))


def _activation(tree: dict[str, Any], line: int) -> ActivationEntry:
    try:
        conditions: Conditions = conditions_of({name: (_LATER | tree)[name] for name in NAMES})
    except BadCondition as error:
        raise BadEntry(error.field, error.reason) from None
    if tree["state"] not in set(RuleState):
        raise BadEntry("state", f"is one of {', '.join(RuleState)}")
    return checked_activation(
        ActivationEntry(
            jurisdiction=tree["jurisdiction"],
            repository=tree["repository"],
            state=RuleState(tree["state"]),
            from_at=read_time("from", tree["from"]),
            until_at=read_time("until", tree["until"]) if tree["until"] else None,
            conditions=conditions,
            signed_by=tree["signed_by"],
            document_sha256=tree["document_sha256"],
            reason=tree["reason"],
            line=line,
        )
    )


_MAKERS: dict[str, Callable[[dict[str, Any], int], object]] = {
    "jurisdictions": _jurisdiction,
    "agencies": _agency,
    "activations": _activation,
}


def _placed(source: str, line: int, make: Callable[[], object]) -> object:
    try:
        return make()
    except BadEntry as error:
        raise BadRegisterFile(source, line, error.field, error.reason) from None


def _content(source: str, found: dict[str, list[Any]]) -> RegisterContent:
    jurisdictions: list[JurisdictionEntry] = found.get("jurisdictions", [])
    agencies: list[AgencyEntry] = found.get("agencies", [])
    _refuse_repeated(source, "code", ((one.code, one.line) for one in jurisdictions))
    _refuse_repeated(source, "ori", ((one.ori, one.line) for one in agencies))
    return RegisterContent(
        jurisdictions=tuple(jurisdictions),
        agencies=tuple(agencies),
        activations=tuple(found.get("activations", [])),
    )


def _refuse_repeated(source: str, column: str, keys: Iterable[tuple[str, int]]) -> None:
    seen: dict[str, int] = {}
    for key, line in keys:
        if key in seen:
            raise BadRegisterFile(source, line, column, f"{key} stands in line {seen[key]} already")
        seen[key] = line
