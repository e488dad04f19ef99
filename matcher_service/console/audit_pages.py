"""The audit: looked through, and its chain checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from matcher_service.accounts import Action
from matcher_service.auditing import note
from matcher_service.auditing.heads import current_head
from matcher_service.auditing.reading import Filter, newest
from matcher_service.auditing.verifying import verify
from matcher_service.console.errors import BadForm
from matcher_service.console.pages import asked, signed_in
from matcher_service.console.parameters import ROWS_SHOWN

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

_FILTERS = ("actor", "action", "subject", "repository")


def add_pages(console: Console, *, settings: MatcherSettings) -> None:
    """The pages under /audit."""
    database = console.database

    @console.get("/audit", needs=Action.AUDIT_READ, menu="Audit", place=60)
    def audit(request: Request) -> Response:
        account = signed_in(request)
        given = {name: asked(request, name) for name in _FILTERS}
        since, until = asked(request, "since", most=10), asked(request, "until", most=10)
        wanted = Filter(
            **given,
            since=_day("since", since) if since else None,
            until=_day("until", until) + timedelta(days=1) if until else None,
        )
        before = asked(request, "before", most=18)
        note(
            database, Action.AUDIT_READ, actor=account.name, role=account.acting_as, purpose="console",
            subject=wanted.subject, repository=wanted.repository, **wanted.as_details(),
        )  # fmt: skip
        with database.read() as session:
            entries = newest(
                session,
                wanted,
                limit=ROWS_SHOWN + 1,
                before=int(before) if before.isdecimal() else None,
            )
        return console.show(
            request,
            "audit.html",
            entries=entries[:ROWS_SHOWN],
            more=len(entries) > ROWS_SHOWN,
            given=given | {"since": since, "until": until},
        )

    def chain(request: Request, found: object = None) -> Response:
        with database.read() as session:
            seq, last = current_head(session)
        return console.show(
            request,
            "audit_chain.html",
            seq=seq,
            last=last,
            found=found,
            heads_file=str(settings.audit.heads_file or ""),
            minutes=settings.audit.sign_every_minutes,
        )

    @console.get("/audit/chain", needs=Action.AUDIT_VERIFY, menu="Audit chain", place=61)
    def look_at_chain(request: Request) -> Response:
        return chain(request)

    @console.post("/audit/chain", needs=Action.AUDIT_VERIFY)
    def check(request: Request) -> Response:
        account = signed_in(request)
        found = verify(database)
        note(
            database, Action.AUDIT_VERIFY, actor=account.name, role=account.acting_as, purpose="console",
            outcome="holds" if found.holds else "does not hold", entries=found.entries, faults=found.faults,
        )  # fmt: skip
        return chain(request, found)


def _day(name: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadForm(name, f"'{name}' is a day, written as 2026-11-22.") from None
