"""What two people decide: one asks, another with the right agrees, and it is done once, exactly as it was asked for.

open -> approved -> used
     -> refused, withdrawn, expired
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import aliased

from matcher_service.accounts import parameters
from matcher_service.accounts.errors import NotPermitted, TwoPersonError
from matcher_service.accounts.people import Account, require
from matcher_service.accounts.permissions import TWO_PEOPLE, Action
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow, TwoPersonRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

Fact = str | int | float | bool | None
_MOST_LISTED = 500


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it stands."""

    id: int
    action: Action
    repository: str
    details: dict[str, Fact]
    reason: str
    state: RequestState
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    expires_at: datetime


def propose(
    session: Session,
    action: Action,
    *,
    by: Account,
    details: Mapping[str, Fact],
    reason: str,
    repository: str = "",
    now: datetime | None = None,
) -> int:
    """Ask for it, in a transaction of `Database.write()`; the request's number. Raises NotPermitted, TwoPersonError.

    `details` is what will be done, in full: only this can be done then. No personal data.
    """
    now = now or datetime.now(UTC)
    if action not in TWO_PEOPLE:
        raise TwoPersonError(0, "", f"{action} needs one person only")
    require(by, action, repository=repository or None)
    if not 0 < len(reason.strip()) <= 200 or not reason.isprintable():
        raise TwoPersonError(0, "", "say why, in 1 to 200 characters")
    row = TwoPersonRequest(
        action=action,
        repository=repository,
        details=_canonical(details),
        reason=reason.strip(),
        requested_by=by.id,
        requested_at=now,
        state=RequestState.OPEN,
        decided_by=None,
        decided_at=None,
        expires_at=now + timedelta(hours=parameters.REQUEST_HOURS),
        used_at=None,
    )
    session.add(row)
    session.flush()
    _record(session, "request.propose", row, by, reason)
    return row.id


def approve(session: Session, request: int, *, by: Account, now: datetime | None = None) -> Request:
    """Agree to it. Raises NotPermitted for whoever asked, or has not the right; TwoPersonError if it is not open."""
    now = now or datetime.now(UTC)
    row = _open(session, request, now)
    _may_decide(row, by)
    row.state, row.decided_by, row.decided_at = RequestState.APPROVED, by.id, now
    row.expires_at = now + timedelta(hours=parameters.USE_HOURS)
    _record(session, "request.approve", row, by, "second person")
    return _request(session, row, now)


def refuse(
    session: Session, request: int, *, by: Account, words: str, now: datetime | None = None
) -> Request:
    """Do not agree. Raises as `approve` does."""
    now = now or datetime.now(UTC)
    row = _open(session, request, now)
    _may_decide(row, by)
    row.state, row.decided_by, row.decided_at = RequestState.REFUSED, by.id, now
    _record(session, "request.refuse", row, by, words or "second person")
    return _request(session, row, now)


def withdraw(session: Session, request: int, *, by: Account, now: datetime | None = None) -> Request:
    """Ask for it no more, as long as it was not used. Raises NotPermitted for anybody but who asked."""
    now = now or datetime.now(UTC)
    row = _row(session, request)
    if row.requested_by != by.id:
        raise NotPermitted(by.name, "request.withdraw", why="Only who asked for it can withdraw it.")
    if _state(row, now) not in {RequestState.OPEN, RequestState.APPROVED}:
        raise TwoPersonError(request, _state(row, now), f"is {_state(row, now)}, and stays so")
    row.state = RequestState.WITHDRAWN
    _record(session, "request.withdraw", row, by, "own request")
    return _request(session, row, now)


def use(
    session: Session,
    request: int,
    action: Action,
    *,
    actor: str,
    details: Mapping[str, Fact],
    repository: str = "",
    now: datetime | None = None,
) -> Request:
    """Take what was agreed to, once, in the transaction of what is done. Raises TwoPersonError.

    The action, the repository and every detail have to be those that were agreed to, and both people still have
    active accounts. Late in the transaction, as everything that records.
    """
    now = now or datetime.now(UTC)
    row = _row(session, request)
    state = _state(row, now)
    if state is RequestState.OPEN:
        raise TwoPersonError(
            request, state, "waits for a second person; ask one who has the right to approve it"
        )
    if state is not RequestState.APPROVED:
        raise TwoPersonError(request, state, f"is {state}; make a new request")
    if (row.action, row.repository, row.details) != (action, repository, _canonical(details)):
        raise TwoPersonError(request, state, "is for something else; make a request for exactly this")
    if row.decided_by is None or row.decided_by == row.requested_by:
        raise TwoPersonError(request, state, "was not approved by a second person; make a new request")
    people = (row.requested_by, row.decided_by)
    if (
        len(
            list(
                session.scalars(
                    select(AccountRow).where(AccountRow.id.in_(people), AccountRow.state == "active")
                )
            )
        )
        < 2
    ):
        raise TwoPersonError(
            request, state, "was made by somebody whose account is disabled now; make a new request"
        )
    row.state, row.used_at = RequestState.USED, now
    found = _request(session, row, now)
    record(
        session,
        "request.use",
        actor=actor,
        purpose=row.reason,
        subject=f"request-{row.id}",
        repository=row.repository,
        details={"of": action, "requested_by": found.requested_by, "approved_by": found.decided_by},
    )
    return found


def requests(session: Session, *, open_only: bool = True, now: datetime | None = None) -> list[Request]:
    """Requests, the newest first; what the reader may see of them is the caller's to decide."""
    now = now or datetime.now(UTC)
    newest = select(TwoPersonRequest).order_by(TwoPersonRequest.id.desc()).limit(_MOST_LISTED)
    found = [_request(session, row, now) for row in session.scalars(newest)]
    alive = {RequestState.OPEN, RequestState.APPROVED}
    return [one for one in found if not open_only or one.state in alive]


def _may_decide(row: TwoPersonRequest, by: Account) -> None:
    needed = TWO_PEOPLE[Action(row.action)]
    if row.requested_by == by.id:
        raise NotPermitted(
            by.name,
            needed,
            repository=row.repository or None,
            why="Another person has to decide what you asked for.",
        )
    require(by, needed, repository=row.repository or None)


def _row(session: Session, request: int) -> TwoPersonRequest:
    row = session.get(TwoPersonRequest, request, with_for_update=True)
    if row is None:
        raise TwoPersonError(request, "", "there is none; see: matcher-service accounts requests")
    return row


def _open(session: Session, request: int, now: datetime) -> TwoPersonRequest:
    row = _row(session, request)
    state = _state(row, now)
    if state is not RequestState.OPEN:
        raise TwoPersonError(request, state, f"is {state} already; make a new request")
    return row


def _state(row: TwoPersonRequest, now: datetime) -> RequestState:
    state = RequestState(row.state)
    alive = state in {RequestState.OPEN, RequestState.APPROVED}
    return RequestState.EXPIRED if alive and now >= row.expires_at else state


def _request(session: Session, row: TwoPersonRequest, now: datetime) -> Request:
    asker, decider = aliased(AccountRow), aliased(AccountRow)
    names = session.execute(
        select(asker.name, decider.name)
        .select_from(TwoPersonRequest)
        .join(asker, asker.id == TwoPersonRequest.requested_by)
        .outerjoin(decider, decider.id == TwoPersonRequest.decided_by)
        .where(TwoPersonRequest.id == row.id)
    ).one()
    return Request(
        id=row.id,
        action=Action(row.action),
        repository=row.repository,
        details=json.loads(row.details),
        reason=row.reason,
        state=_state(row, now),
        requested_by=names[0],
        requested_at=row.requested_at,
        decided_by=names[1] or "",
        decided_at=row.decided_at,
        expires_at=row.expires_at,
    )


def _record(session: Session, action: str, row: TwoPersonRequest, by: Account, purpose: str) -> None:
    record(
        session,
        action,
        actor=by.name,
        role=by.acting_as,
        purpose=purpose,
        subject=f"request-{row.id}",
        repository=row.repository,
        details={"of": row.action},
    )


def _canonical(details: Mapping[str, Fact]) -> str:
    return json.dumps(
        dict(details), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
