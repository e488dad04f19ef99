"""Changes of the register, within a caller's transaction: checked against what is there, added, never altered.

Each change turns the register's clock first. That locks its row, so that changes come one after the other, and every
matcher sees at its next decision that there is something new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from matcher_service.repositories.routing_tables import (
    Activation,
    ActivationVersion,
    Jurisdiction,
    RoutingClock,
    RoutingDecision,
    RoutingModeChange,
    SubmissionFacts,
)
from matcher_service.repositories.schema import Repository
from matcher_service.routing.conditions import Conditions
from matcher_service.routing.entries import ActivationEntry, write_time
from matcher_service.routing.errors import NotInRegister, RegisterRefused
from matcher_service.routing.parameters import BACKDATING_TOLERANCE
from matcher_service.routing.rules import Mode, RuleState
from matcher_service.routing.snapshot import CHANGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import InstrumentedAttribute, Session

NO_DOCUMENT = "0" * 64  # switching off needs none


@dataclass(frozen=True, slots=True)
class Entered:
    """A version that was added."""

    jurisdiction: str
    repository: str
    version: int
    state: RuleState


@dataclass(frozen=True, slots=True)
class _Known:
    """What matters of an earlier version."""

    version: int
    state: RuleState
    from_at: datetime
    until_at: datetime | None
    stored: bool


def turn_clock(session: Session, *, mode: Mode | None = None) -> int:
    """The register's clock, one further; what is added in this transaction is stamped with it."""
    values: dict[str, object] = {"version": RoutingClock.version + 1}
    if mode is not None:
        values["mode"] = mode
    turned = session.scalar(
        update(RoutingClock)
        .where(RoutingClock.id == 1)
        .values(values)
        .returning(RoutingClock.version)
        .execution_options(synchronize_session=False)
    )
    assert turned is not None
    if mode is not None:
        session.add(RoutingModeChange(registry_version=turned, mode=mode))
    session.info[CHANGED] = True
    return turned


def enter(
    session: Session,
    entries: Iterable[ActivationEntry],
    *,
    by: str,
    approved_by: str,
    now: datetime,
    historic: bool = False,
) -> list[Entered]:
    """Add versions that two people agreed on. Raises RegisterRefused, NotInRegister: then undo the transaction.

    `historic` takes dates of the past, for a roll-out that is replayed or a register that is brought back, where
    there is no rule yet and nothing was decided since.
    """
    turned = turn_clock(session)
    jurisdictions = _numbers(session, Jurisdiction.code, Jurisdiction.id)
    repositories = _numbers(session, Repository.name, Repository.id)
    activations: dict[tuple[int, int], Activation] = {}
    known: dict[tuple[int, int], list[_Known]] = {}
    entered: list[Entered] = []
    for entry in entries:
        key = (
            _number(jurisdictions, "jurisdiction", entry.jurisdiction),
            _number(repositories, "repository", entry.repository),
        )
        if key not in activations:
            activations[key] = _activation(session, *key)
            known[key] = _versions(session, activations[key])
        checked = _checked(session, entry, key, known[key], now=now, historic=historic)
        entered.append(
            _add(
                session,
                activations[key],
                checked,
                known[key],
                turned,
                by=by,
                approved_by=approved_by,
                now=now,
            )
        )
    session.flush()
    return entered


def switch_off(
    session: Session,
    state: RuleState,
    jurisdiction: str,
    repository: str | None,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> list[Entered]:
    """Suspend or end at once what a jurisdiction has with a repository, or with all. Raises NotInRegister.

    Where it has no rule of its own, it gets one that says so: it may be covered by its state's.
    """
    turned = turn_clock(session)
    place = session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == jurisdiction))
    if place is None:
        raise NotInRegister("jurisdiction", jurisdiction, "see: matcher-service jurisdictions list --all")
    query = select(Repository.name, Repository.id).order_by(Repository.name)
    if repository is not None:
        query = query.where(Repository.name == repository)
    found = session.execute(query).all()
    if not found:
        raise NotInRegister("repository", repository or "", "see: matcher-service repositories")
    entered: list[Entered] = []
    for name, number in found:
        activation = _activation(session, place, number)
        versions = _versions(session, activation)
        if versions and versions[-1].state is state:
            continue
        last = _last_row(session, activation)
        entry = ActivationEntry(
            jurisdiction=jurisdiction,
            repository=name,
            from_at=now,
            state=state,
            signed_by=by,
            document_sha256=NO_DOCUMENT if last is None else last.document_sha256,
            reason=reason,
        )
        text = Conditions().encoded() if last is None else last.conditions
        entered.append(
            _add(
                session, activation, entry, versions, turned, by=by, approved_by="", now=now, conditions=text
            )
        )
    session.flush()
    return entered


def limit(
    session: Session,
    jurisdiction: str,
    repository: str,
    until: datetime,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Entered:
    """End what a jurisdiction has with a repository on a day to come. Raises RegisterRefused, NotInRegister."""
    turned = turn_clock(session)
    row = session.execute(
        select(ActivationVersion, Activation)
        .join(Activation, Activation.id == ActivationVersion.activation_id)
        .join(Jurisdiction, Jurisdiction.id == Activation.jurisdiction_id)
        .join(Repository, Repository.id == Activation.repository_id)
        .where(Jurisdiction.code == jurisdiction, Repository.name == repository)
        .order_by(ActivationVersion.version.desc())
        .limit(1)
    ).first()
    if row is None or row[0].state != RuleState.ACTIVE:
        raise RegisterRefused(
            "not active", f"'{repository}' is not open to {jurisdiction}: there is nothing to end"
        )
    last, activation = row
    if until <= now or (last.until_at is not None and until > last.until_at) or until <= last.from_at:
        raise RegisterRefused(
            "date",
            "the day on which it ends has to come after now and after its beginning, and cannot be later than what was"
            " agreed: for that, propose a new version",
        )
    entry = ActivationEntry(
        jurisdiction=jurisdiction,
        repository=repository,
        from_at=max(now, last.from_at),
        until_at=until,
        signed_by=last.signed_by,
        document_sha256=last.document_sha256,
        reason=reason,
    )
    known = _versions(session, activation)
    entered = _add(
        session, activation, entry, known, turned, by=by, approved_by="", now=now, conditions=last.conditions
    )
    session.flush()
    return entered


def _checked(
    session: Session,
    entry: ActivationEntry,
    key: tuple[int, int],
    known: Sequence[_Known],
    *,
    now: datetime,
    historic: bool,
) -> ActivationEntry:
    """The entry as it is added. Raises RegisterRefused."""
    if entry.state is not RuleState.ACTIVE:
        if entry.from_at > now:
            raise _refusal(entry, "from", "date", "what is switched off is off at once; give no day to come")
    elif entry.from_at < now:
        if historic:
            _refuse_backdated(session, entry, key, known)
        elif entry.from_at < now - BACKDATING_TOLERANCE:
            raise _refusal(
                entry,
                "from",
                "backdated",
                f"{write_time(entry.from_at)} is past: nobody can agree today to what was searched then",
            )
        else:
            entry = replace(entry, from_at=now)
    if not historic and entry.until_at is not None and entry.until_at <= now:
        raise _refusal(entry, "until", "date", "it would be over already")
    _refuse_overlap(entry, known)
    return entry


def _refuse_backdated(
    session: Session, entry: ActivationEntry, key: tuple[int, int], known: Sequence[_Known]
) -> None:
    if any(one.stored for one in known):
        raise _refusal(
            entry,
            "from",
            "backdated",
            f"{write_time(entry.from_at)} is past, and {entry.jurisdiction} has a rule for '{entry.repository}'"
            " already; propose one that begins now",
        )
    within = select(Jurisdiction.id).where((Jurisdiction.id == key[0]) | (Jurisdiction.parent_id == key[0]))
    decided = session.scalar(
        select(RoutingDecision.id)
        .join(SubmissionFacts, SubmissionFacts.submission_id == RoutingDecision.submission_id)
        .where(
            RoutingDecision.repository_id == key[1],
            RoutingDecision.decided_at >= entry.from_at,
            SubmissionFacts.jurisdiction_id.in_(within),
        )
        .limit(1)
    )
    if decided is not None:
        raise _refusal(
            entry,
            "from",
            "backdated",
            f"{write_time(entry.from_at)} is past, and submissions of {entry.jurisdiction} were decided since;"
            " propose one that begins now",
        )


def _refuse_overlap(entry: ActivationEntry, known: Sequence[_Known]) -> None:
    last = known[-1] if known else None
    if entry.replaces is not None:
        if last is None or last.version != entry.replaces:
            newest = "there is none yet" if last is None else f"the newest is {last.version}"
            raise _refusal(
                entry, "", "replaces", f"it takes over from version {entry.replaces}, but {newest}"
            )
        return
    if last is None or last.state is not RuleState.ACTIVE:
        return
    if last.until_at is None or entry.from_at < last.until_at:
        until = "without an end" if last.until_at is None else f"until {write_time(last.until_at)}"
        raise _refusal(
            entry,
            "from",
            "overlap",
            f"version {last.version} for {entry.jurisdiction} and '{entry.repository}' holds from"
            f" {write_time(last.from_at)} {until}: begin after it, end it first, or say that this one replaces it"
            f" (--replaces {last.version})",
        )


def _refusal(entry: ActivationEntry, column: str, outcome: str, reason: str) -> RegisterRefused:
    return RegisterRefused(outcome, reason, line=entry.line, column=column)


def _numbers(
    session: Session, name: InstrumentedAttribute[str], number: InstrumentedAttribute[int]
) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(select(name, number))}


def _number(known: dict[str, int], what: str, name: str) -> int:
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, known, n=1)
        raise NotInRegister(what, name, f"did you mean {near[0]}?" if near else f"make the {what} first")
    return known[name]


def _activation(session: Session, jurisdiction: int, repository: int) -> Activation:
    found = session.scalar(
        select(Activation).where(
            Activation.jurisdiction_id == jurisdiction, Activation.repository_id == repository
        )
    )
    if found is None:
        found = Activation(jurisdiction_id=jurisdiction, repository_id=repository)
        session.add(found)
        session.flush()
    return found


def _versions(session: Session, activation: Activation) -> list[_Known]:
    v = ActivationVersion
    query = (
        select(v.version, v.state, v.from_at, v.until_at)
        .where(v.activation_id == activation.id)
        .order_by(v.version)
    )
    return [
        _Known(number, RuleState(state), from_at, until, stored=True)
        for number, state, from_at, until in session.execute(query)
    ]


def _last_row(session: Session, activation: Activation) -> ActivationVersion | None:
    return session.scalar(
        select(ActivationVersion)
        .where(ActivationVersion.activation_id == activation.id)
        .order_by(ActivationVersion.version.desc())
        .limit(1)
    )


def _add(
    session: Session,
    activation: Activation,
    entry: ActivationEntry,
    known: list[_Known],
    turned: int,
    *,
    by: str,
    approved_by: str,
    now: datetime,
    conditions: str | None = None,
) -> Entered:
    number = known[-1].version + 1 if known else 1
    session.add(
        ActivationVersion(
            activation_id=activation.id,
            version=number,
            state=entry.state,
            from_at=entry.from_at,
            until_at=entry.until_at,
            conditions=conditions or entry.conditions.encoded(),
            signed_by=entry.signed_by,
            document_sha256=entry.document_sha256,
            entered_by=by[:64],
            approved_by=approved_by[:64],
            entered_at=now,
            reason=entry.reason,
            registry_version=turned,
        )
    )
    known.append(_Known(number, entry.state, entry.from_at, entry.until_at, stored=False))
    return Entered(entry.jurisdiction, entry.repository, number, entry.state)
