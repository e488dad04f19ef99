"""Reading the audit: entries by what they are about, a screen at a time or all as JSON lines. Record the look first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from matcher_service.auditing import parameters
from matcher_service.auditing.chain import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is looked for; empty means any. An action that ends in "." means all that begin so."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    repository: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def as_details(self) -> dict[str, str]:
        """For the entry about the look itself; the subject is that entry's own."""
        told = {
            "by_actor": self.actor,
            "by_action": self.action,
            "since": instant(self.since) if self.since else "",
            "until": instant(self.until) if self.until else "",
        }
        return {key: value[: parameters.MAX_DETAIL_CHARACTERS] for key, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored; `details` is the text of a JSON object."""

    seq: int
    at: str
    actor: str
    role: str
    action: str
    purpose: str
    subject: str
    repository: str
    jurisdiction: str
    details: str
    previous: str
    hash: str

    @property
    def facts(self) -> dict[str, Any]:
        """The details, read; empty if they were tampered with beyond reading."""
        try:
            tree: object = json.loads(self.details)
        except (ValueError, TypeError):
            return {}
        return cast("dict[str, Any]", tree) if isinstance(tree, dict) else {}


def newest(
    session: Session, wanted: Filter, *, limit: int = parameters.SHOW_LIMIT, before: int | None = None
) -> list[Entry]:
    """The newest that fit, newest first; `before` a number, for the next page."""
    table, query = _query(wanted)
    if before is not None:
        query = query.where(table.c.seq < before)
    rows = session.execute(query.order_by(table.c.seq.desc()).limit(limit))
    return [Entry(*row) for row in rows]


def oldest_first(session: Session, wanted: Filter) -> Iterator[Entry]:
    """All that fit, in the order of the chain, read a batch at a time."""
    table, query = _query(wanted)
    after = None
    while True:
        batch = query if after is None else query.where(table.c.seq > after)
        rows = session.execute(batch.order_by(table.c.seq).limit(parameters.VERIFY_BATCH)).all()
        if not rows:
            return
        for row in rows:
            yield Entry(*row)
        after = rows[-1][0]


def as_line(entry: Entry) -> str:
    """An entry as a line of JSON, from which its hash can be computed again."""
    return json.dumps({name: getattr(entry, name) for name in Entry.__slots__}, ensure_ascii=False)


def _query(wanted: Filter) -> tuple[Any, Any]:
    from matcher_service.repositories.audit_tables import AuditEntry

    table = AuditEntry.__table__
    query = select(*(table.c[name] for name in Entry.__slots__))
    for name in ("actor", "subject", "repository"):
        if getattr(wanted, name):
            query = query.where(table.c[name] == getattr(wanted, name))
    if wanted.action.endswith("."):
        query = query.where(table.c.action.startswith(wanted.action, autoescape=True))
    elif wanted.action:
        query = query.where(table.c.action == wanted.action)
    if wanted.since is not None:
        query = query.where(table.c.at >= instant(wanted.since))
    if wanted.until is not None:
        query = query.where(table.c.at < instant(wanted.until))
    return table, query
