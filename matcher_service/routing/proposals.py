"""Activations by two people: one proposes, another approves; only then they stand in the register.

What was proposed is kept here word for word; the request that the second person sees carries its hash, so that exactly
that is entered and nothing else. A proposal is for one repository: whoever owns it has a say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from matcher_service.accounts import Action, require, two_person
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import TwoPersonRequest
from matcher_service.repositories.routing_tables import ActivationProposal
from matcher_service.routing.entering import Entered, enter, turn_clock
from matcher_service.routing.entries import ActivationEntry, activation_of_tree, without_lines
from matcher_service.routing.errors import NotInRegister, RegisterRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account

PURPOSE = "the register of sharing"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something that waits for its second person, or was decided."""

    id: int
    repository: str
    proposed_by: str
    proposed_at: datetime
    reason: str
    state: str
    historic: bool
    entries: tuple[ActivationEntry, ...]


def propose(
    session: Session,
    entries: Sequence[ActivationEntry],
    *,
    by: Account,
    reason: str,
    now: datetime,
    historic: bool = False,
) -> list[int]:
    """Ask for activations; the number of the request, one for each repository. Raises RegisterRefused, NotPermitted.

    They are tried first, so that nobody approves what could not be entered.
    """
    if not entries:
        raise RegisterRefused("empty", "there is nothing to propose")
    try_out(session, entries, now=now, historic=historic)
    numbers: list[int] = []
    for repository in sorted({one.repository for one in entries}):
        its = [one for one in without_lines(entries) if one.repository == repository]
        content = json.dumps({"historic": historic, "entries": [one.tree() for one in its]}, sort_keys=True)
        number = two_person.propose(
            session,
            Action.ACTIVATION_PROPOSE,
            by=by,
            details=_details(content, its),
            repository=repository,
            reason=reason,
            now=now,
        )
        session.add(ActivationProposal(request_id=number, content=content))
        numbers.append(number)
    session.flush()
    return numbers


def approve(session: Session, number: int, *, by: Account, now: datetime) -> list[Entered]:
    """Agree to a proposal of somebody else, and enter it. Raises RegisterRefused, TwoPersonError, NotPermitted."""
    content, historic, entries = _content(session, number)
    turn_clock(session)  # the register's clock is locked before the audit's head, here as everywhere
    if _was_approved(session, number):  # with `accounts approve`; it is still to be entered
        require(by, Action.ACTIVATION_APPROVE, repository=entries[0].repository, ori=by.ori or None)
    else:
        two_person.approve(session, number, by=by, now=now)
    people = two_person.use(
        session,
        number,
        Action.ACTIVATION_PROPOSE,
        actor=by.name,
        details=_details(content, entries),
        repository=entries[0].repository,
        now=now,
    )
    entered = enter(
        session, entries, by=people.requested_by, approved_by=people.decided_by, now=now, historic=historic
    )
    for one in entered:
        record(
            session,
            "activation.approve",
            actor=by.name,
            purpose=PURPOSE,
            subject=f"{one.jurisdiction}/{one.repository}",
            repository=one.repository,
            jurisdiction=one.jurisdiction,
            details={"version": one.version, "state": str(one.state), "proposed_by": people.requested_by},
        )
    return entered


def refuse(session: Session, number: int, *, by: Account, words: str, now: datetime) -> None:
    """Say no to a proposal. Raises TwoPersonError, NotPermitted, NotInRegister."""
    _content(session, number)
    two_person.refuse(session, number, by=by, words=words, now=now)


def proposals(session: Session, *, waiting: bool = True, now: datetime) -> list[Proposal]:
    """Those that wait, or all, the newest first."""
    contents = {row.request_id: row.content for row in session.scalars(select(ActivationProposal))}
    found: list[Proposal] = []
    for one in two_person.requests(session, open_only=waiting, now=now):
        if one.id not in contents:
            continue
        tree = json.loads(contents[one.id])
        entries = tuple(activation_of_tree(entry) for entry in tree["entries"])
        found.append(
            Proposal(
                one.id,
                one.repository,
                one.requested_by,
                one.requested_at,
                one.reason,
                str(one.state),
                tree["historic"],
                entries,
            )
        )
    return found


def try_out(
    session: Session, entries: Iterable[ActivationEntry], *, now: datetime, historic: bool = False
) -> None:
    """Enter them and take it back. Raises RegisterRefused, NotInRegister."""
    with session.begin_nested() as trial:
        enter(session, entries, by="trial", approved_by="trial", now=now, historic=historic)
        trial.rollback()


def _details(content: str, entries: Sequence[ActivationEntry]) -> dict[str, Any]:
    first, more = entries[0], len(entries) - 1
    return {
        "sha256": sha256(content.encode()).hexdigest(),
        "activations": len(entries),
        "jurisdictions": first.jurisdiction + (f" and {more} more" if more else ""),
    }


def _was_approved(session: Session, number: int) -> bool:
    row = session.get(TwoPersonRequest, number)
    return row is not None and row.state == two_person.RequestState.APPROVED


def _content(session: Session, number: int) -> tuple[str, bool, list[ActivationEntry]]:
    row = session.get(ActivationProposal, number)
    if row is None:
        raise NotInRegister("proposal", str(number), "see: matcher-service jurisdictions proposals")
    tree = json.loads(row.content)
    return row.content, tree["historic"], [activation_of_tree(one) for one in tree["entries"]]
