"""Notifications: who was told, what was received, what is overdue; and sending one again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from matcher_service import notify
from matcher_service.accounts import Action, permitted, reach
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import asked, field, signed_in
from matcher_service.notify import looking
from matcher_service.notify.words import HELD_WORDS, Held, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.notify.looking import NoticeRow

NOT_THERE: Final = "There is no notification of this number among those that you may see."
_PURPOSE: Final = "notification of a subscriber"
_DEPTH: Final = 4


def held_words(row: NoticeRow) -> str:
    """Why it is held, or was cancelled, in words."""
    known = row.held_because in set(Held)
    return HELD_WORDS[Held(row.held_because)] if known else row.held_because


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:
    """The pages under /notices."""
    database = console.database

    def found(request: Request, action: Action) -> NoticeRow:
        account, number = signed_in(request), request.path_params["number"]
        try:
            with database.read() as session:
                row = looking.find(session, number)
        except notify.UnknownNotice:
            raise NotThere(NOT_THERE) from None
        if not permitted(account, action, repository=row.repository, ori=row.subscriber_ori):
            console.looked(account, action, purpose=_PURPOSE, outcome="refused", repository=row.repository)
            raise NotThere(NOT_THERE)
        return row

    @console.get("/notices", needs=Action.NOTIFICATION_READ, menu="Notifications", place=27)
    def notices(request: Request) -> Response:
        account = signed_in(request)
        show = asked(request, "show")
        show = show if show in {*State, "overdue"} else ""
        console.looked(account, Action.NOTIFICATION_READ, purpose="console: list of notifications")
        with database.read() as session:
            rows = looking.notices(
                session,
                state=show if show != "overdue" else "",
                overdue=show == "overdue",
                within=reach(account, Action.NOTIFICATION_READ),
            )
        again = {
            row.number
            for row in rows
            if row.state in {State.DEAD, State.FAILED}
            and permitted(
                account, Action.NOTIFICATION_RESEND, repository=row.repository, ori=row.subscriber_ori
            )
        }
        return console.show(
            request,
            "notices.html",
            again=again,
            any_again=bool(again),
            rows=[(row, held_words(row)) for row in rows],
            show=show,
            states=[str(one) for one in State],
        )

    @console.get("/notices/{number}", needs=Action.NOTIFICATION_READ)
    def notice(request: Request) -> Response:
        row = found(request, Action.NOTIFICATION_READ)
        account = signed_in(request)
        console.looked(
            account, Action.NOTIFICATION_READ, purpose="a look at what was sent", subject=row.number,
            repository=row.repository,
        )  # fmt: skip
        with database.read() as session:
            content = looking.show(session, row.number)
        where = {"repository": row.repository, "ori": row.subscriber_ori}
        return console.show(
            request,
            "notice.html",
            row=row,
            held=held_words(row),
            said=list(_said(content)),
            late=row.received_at is None and row.sent_at is not None and row.due_at < now(),
            may_resend=permitted(account, Action.NOTIFICATION_RESEND, **where),
            may_look=permitted(account, Action.IDENTIFICATION_READ, **where),
        )

    @console.post("/notices/{number}/resend", needs=Action.NOTIFICATION_RESEND)
    def resend(request: Request) -> Response:
        row = found(request, Action.NOTIFICATION_RESEND)
        account = signed_in(request)
        show = field(request, "back", most=16, needed=False)  # from the list, or from its own page
        back = f"/notices?show={quote(show, safe='')}" if show else f"/notices/{quote(row.number, safe='')}"
        try:
            with database.write() as session:
                notify.resend(session, row.number, by=account.name, role=account.acting_as)
        except notify.NoticeRefused:
            return console.go(request, back, bad="It was not sent: it is held, or was cancelled.")
        return console.go(request, back, good="It is sent again, under the same number.")


def _said(content: bytes | None) -> Iterator[tuple[str, str]]:
    """What a notification said, field by field."""
    if content is not None:
        yield from _facts(json.loads(content), "", _DEPTH)


def _facts(tree: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict) and depth:
        for key, value in tree.items():
            yield from _facts(value, f"{name} {key}".strip(), depth - 1)
    elif isinstance(tree, list):
        yield name, ", ".join(one if isinstance(one, str) else json.dumps(one) for one in tree)
    elif tree is not None:
        yield name, str(tree)
