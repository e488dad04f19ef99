"""Appending to the audit, in the same transaction as what the entry tells of: both happen, or neither."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine, insert, select, update

from interchange.logs import facts
from matcher_service.auditing import parameters
from matcher_service.auditing.chain import COLUMNS, entry_hash, instant, moment
from matcher_service.auditing.errors import BadEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from matcher_service.repositories.database import Database

log = logging.getLogger("matcher.audit")

Fact = str | int | float | bool | None

# Account names, "device:NAME", "system:PART", "system:PART/NAME".
_ACTOR = re.compile(r"(?:device:|system:)?[a-z0-9](?:[A-Za-z0-9_./-]{0,68}[A-Za-z0-9])?")
_ACTION = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST = {"role": 120, "purpose": 200, "subject": 120, "repository": 64, "jurisdiction": 32}
_SHELL_SIGN = re.compile(r"[^a-z0-9_.-]")


def record(
    session: Session,
    action: str,
    *,
    actor: str,
    purpose: str,
    subject: str = "",
    repository: str = "",
    jurisdiction: str = "",
    role: str = "",
    details: Mapping[str, Fact] | None = None,
    now: datetime | None = None,
) -> int:
    """Append an entry and return its number. `session` is one of `Database.write()`.

    Args:
        session: the transaction of what the entry tells of. Others wait from here until it ends.
        action: what was done, in words joined by dots and hyphens: one of `accounts.Action`, or more special.
        actor: an account's name, "device:NAME", or "system:PART".
        purpose: why, in a word or a sentence. No names of persons whose prints these are.
        subject: what it was done to: a TCN, or an opaque reference.
        repository: where.
        jurisdiction: for whom.
        role: as what the actor acted.
        details: other facts, by short names; neither prints nor personal data.
        now: the time, if not the clock's.

    Raises:
        BadEntry: for what no entry can hold; the transaction should not go on.
    """
    from matcher_service.repositories.audit_tables import AuditEntry, AuditHead

    _must_write(session)
    texts = _checked(action, actor, role=role, purpose=purpose, subject=subject, repository=repository,
                     jurisdiction=jurisdiction)  # fmt: skip
    at = instant(now or datetime.now(UTC))
    head = session.execute(
        select(AuditHead.seq, AuditHead.hash, AuditHead.at).where(AuditHead.id == 1).with_for_update()
    ).one()
    told = dict(details or {})
    if at < head.at:
        told["clock_went_back_s"] = round((moment(head.at) - moment(at)).total_seconds(), 3)
    values: dict[str, object] = {
        "seq": head.seq + 1, "at": at, **texts, "details": _written(told), "previous": head.hash,
    }  # fmt: skip
    made = entry_hash([values[column] for column in COLUMNS])
    session.execute(insert(AuditEntry).values(**values, hash=made))
    session.execute(update(AuditHead).where(AuditHead.id == 1).values(seq=head.seq + 1, hash=made, at=at))
    return head.seq + 1


def note(
    database: Database,
    action: str,
    *,
    actor: str,
    purpose: str,
    outcome: str = "done",
    subject: str = "",
    repository: str = "",
    jurisdiction: str = "",
    role: str = "",
    **details: Fact,
) -> int:
    """Record something that changes nothing, such as a look, in a transaction of its own; and a line in the log.

    Call it before anybody is shown anything: no entry, no look. Raises BadEntry, StoreError.
    """
    with database.write() as session:
        seq = record(
            session,
            action,
            actor=actor,
            purpose=purpose,
            subject=subject,
            repository=repository,
            jurisdiction=jurisdiction,
            role=role,
            details={"outcome": outcome, **details},
        )
    told = {"subject": subject, "repository": repository, "jurisdiction": jurisdiction}
    log.info(
        "audit",
        extra=facts(
            seq=seq,
            action=action,
            by=actor,
            purpose=purpose,
            outcome=outcome,
            **{key: value for key, value in told.items() if value},
            **details,
        ),
    )
    return seq


def shell(user: str) -> str:
    """The actor behind a command at the machine itself: the account of the machine, which is none of ours."""
    return f"system:shell/{_SHELL_SIGN.sub('-', user.lower()).strip('.-')[:40] or 'unknown'}"


def _must_write(session: Session) -> None:
    bind = session.get_bind()
    if isinstance(bind, Engine) and "whorl_writer" not in bind.get_execution_options():
        raise BadEntry("session", "is one that only reads; entries are written in Database.write()")


def _checked(action: str, actor: str, **texts: str) -> dict[str, str]:
    if not _ACTION.fullmatch(action):
        raise BadEntry("action", f"'{action[:80]}' is none: a-z, 0-9, '.', '_' and '-', at most 64")
    if not _ACTOR.fullmatch(actor):
        raise BadEntry("actor", "is an account's name, device:NAME or system:PART")
    if not texts["purpose"].strip():
        raise BadEntry("purpose", "is missing: say why")
    for field, text in texts.items():
        if len(text) > _LONGEST[field]:
            raise BadEntry(field, f"has {len(text)} characters, and at most {_LONGEST[field]} are kept")
        if not text.isprintable():
            raise BadEntry(field, "has signs in it that cannot be printed")
    return {"actor": actor, "action": action, **texts}


def _written(details: Mapping[str, Fact]) -> str:
    if len(details) > parameters.MAX_DETAILS:
        raise BadEntry("details", f"are {len(details)}, and at most {parameters.MAX_DETAILS} are kept")
    for key, value in details.items():
        if not _KEY.fullmatch(key):
            raise BadEntry("details", f"'{key[:40]}' is no name of a fact: a-z, 0-9 and '_', at most 40")
        if isinstance(value, str):
            if len(value) > parameters.MAX_DETAIL_CHARACTERS or not value.isprintable():
                raise BadEntry(
                    f"details.{key}", f"is longer than {parameters.MAX_DETAIL_CHARACTERS} printable signs"
                )
        elif value is not None and not isinstance(value, (bool, int, float)):  # pyright: ignore[reportUnnecessaryIsInstance] - for callers without types
            raise BadEntry(f"details.{key}", "is neither text nor number")
    try:
        return json.dumps(details, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    except ValueError:
        raise BadEntry("details", "hold a number that is none") from None
