"""Roll-outs: several jurisdictions opened on one day under one set of conditions, as a file that can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from matcher_service.routing import parameters
from matcher_service.routing.conditions import BadCondition, Conditions, conditions_of
from matcher_service.routing.entries import ActivationEntry, BadEntry, checked_activation, read_time
from matcher_service.routing.errors import BadRegisterFile
from matcher_service.routing.json_lines import BadJson, items_with_lines

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

DATA = Path(__file__).parent / "data"
_KEYS = ("version", "title", "repository", "from", "conditions", "signed_by", "jurisdictions")


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a file says; `names` are those of its jurisdictions as it gives them, by code."""

    title: str
    names: dict[str, str]
    entries: tuple[ActivationEntry, ...]


def shipped() -> dict[str, Path]:
    """The roll-outs that come with this program, by their day."""
    return {path.stem.removeprefix("rollout_"): path for path in sorted(DATA.glob("rollout_*.json"))}


def read_rollout(data: bytes, source: str, *, from_at: datetime | None = None) -> Rollout:
    """A file's content; `from_at` instead of its own day. The document is the file itself. Raises BadRegisterFile."""
    if len(data) > parameters.MAX_FILE_BYTES:
        raise BadRegisterFile(source, 0, "", "is too large for a roll-out")
    try:
        tree, lines = items_with_lines(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRegisterFile(source, 0, "", "is not UTF-8; save it as UTF-8") from None
    except BadJson as error:
        raise BadRegisterFile(source, error.line, "", error.reason) from None
    _check(tree, source)
    try:
        conditions: Conditions = conditions_of(tree["conditions"])
    except BadCondition as error:
        raise BadRegisterFile(source, 0, f"conditions.{error.field}", error.reason) from None
    entries: list[ActivationEntry] = []
    names: dict[str, str] = {}
    items: list[object] = tree["jurisdictions"]
    for item, line in zip(items, lines["jurisdictions"], strict=True):
        try:
            code, name = _place(item, names)
            entries.append(
                checked_activation(
                    ActivationEntry(
                        jurisdiction=code,
                        repository=tree["repository"],
                        from_at=from_at or read_time("from", tree["from"]),
                        conditions=conditions,
                        signed_by=tree["signed_by"],
                        document_sha256=sha256(data).hexdigest(),
                        reason=tree["title"],
                        line=line,
                    )
                )
            )
        except BadEntry as error:
            raise BadRegisterFile(source, line, error.field, error.reason) from None
        names[code] = name
    return Rollout(tree["title"], names, tuple(entries))


def _check(tree: dict[str, Any], source: str) -> None:
    for key in tree:
        if key not in _KEYS:
            raise BadRegisterFile(
                source, 0, key[:40], f"is not part of a roll-out; it has {', '.join(_KEYS)}"
            )
    for key in _KEYS:
        kind = {"version": int, "conditions": dict, "jurisdictions": list}.get(key, str)
        if not isinstance(tree.get(key), kind):
            raise BadRegisterFile(source, 0, key, "is missing, or of another kind than it should be")
    if tree["version"] != 1:
        raise BadRegisterFile(source, 0, "version", "is 1 in files that are read here")


def _place(item: object, before: Collection[str]) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise BadEntry("jurisdictions", "is a list of objects with a code and a name")
    place = cast("dict[str, object]", item)
    code, name = place.get("code"), place.get("name")
    if len(place) != 2 or not isinstance(code, str) or not isinstance(name, str):
        raise BadEntry("jurisdictions", "is a list of objects with a code and a name")
    if code in before:
        raise BadEntry("code", f"{code} stands there twice")
    return code, name
