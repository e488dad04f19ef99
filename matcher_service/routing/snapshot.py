"""The register in memory: read once, followed by its clock, asked without the database.

The clock is read from the database at each decision, because another process may have changed the register: a row of
two columns. What is entered is only ever added, so that after a change only what is new is read.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from matcher_service.repositories.routing_tables import (
    Activation,
    ActivationVersion,
    Jurisdiction,
    RoutingClock,
)
from matcher_service.routing.rules import Mode, Place, Rule, RuleState, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session
    from sqlalchemy.pool import Pool

# Set in a session that changed the register and has not committed yet: what it sees is nobody else's.
CHANGED = "routing.changed"

_snapshots: WeakKeyDictionary[Pool, Snapshot] = WeakKeyDictionary()
_lock = threading.Lock()


def current(session: Session) -> Snapshot:
    """The register as it is now, as `session` sees it."""
    version, mode = clock(session)
    if session.info.get(CHANGED):
        return _load(session, version, mode, before=None)
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    known = _snapshots.get(engine.pool)
    if known is not None and known.version == version:
        return known
    with _lock:
        known = _snapshots.get(engine.pool)
        if known is None or known.version != version:
            # A clock that went back is that of another database, put here from a copy.
            before = known if known is not None and known.version < version else None
            known = _snapshots[engine.pool] = _load(session, version, mode, before=before)
        return known


def as_of(session: Session, version: int, mode: Mode, *, jurisdictions: Collection[int]) -> Snapshot:
    """The rules of these jurisdictions as they stood at an earlier turn of the clock."""
    return _load(session, version, mode, before=None, only=jurisdictions)


def clock(session: Session) -> tuple[int, Mode]:
    """The register's clock, and whether its rules are in force."""
    version, mode = session.execute(
        select(RoutingClock.version, RoutingClock.mode).where(RoutingClock.id == 1)
    ).one()
    return version, Mode(mode)


def _load(
    session: Session,
    version: int,
    mode: Mode,
    *,
    before: Snapshot | None,
    only: Collection[int] | None = None,
) -> Snapshot:
    places = {
        row.id: Place(row.id, row.code, row.name, row.parent_id)
        for row in session.execute(
            select(Jurisdiction.id, Jurisdiction.code, Jurisdiction.name, Jurisdiction.parent_id)
        )
    }
    v = ActivationVersion
    query = (
        select(
            Activation.jurisdiction_id,
            Activation.repository_id,
            v.activation_id,
            v.version,
            v.state,
            v.from_at,
            v.until_at,
            v.conditions,
            v.signed_by,
            v.registry_version,
        )
        .join(Activation, Activation.id == v.activation_id)
        .where(v.registry_version <= version)
        .order_by(v.activation_id, v.version)
    )
    if before is not None:
        query = query.where(v.registry_version > before.version)
    if only is not None:
        query = query.where(Activation.jurisdiction_id.in_(only))
    rules = {} if before is None else dict(before.rules)
    fresh: dict[tuple[int, int], list[Rule]] = {}
    for (
        jurisdiction,
        repository,
        activation,
        number,
        state,
        from_at,
        until,
        text,
        by,
        known,
    ) in session.execute(query):
        rule = Rule(activation, number, RuleState(state), from_at, until, text, by, known)
        fresh.setdefault((jurisdiction, repository), []).append(rule)
    for key, added in fresh.items():
        rules[key] = (*rules.get(key, ()), *added)
    return Snapshot(version=version, mode=mode, places=places, rules=rules)
