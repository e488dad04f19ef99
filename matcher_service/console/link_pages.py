"""Links: an examiner says that two identities of different repositories are one person, or that they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher_service.accounts import Action
from matcher_service.console.errors import BadForm
from matcher_service.console.pages import field, signed_in
from matcher_service.console.repository_desk import Typed, plain, typed_in
from matcher_service.retention import RetentionRefused, linking
from matcher_service.retention.parameters import MAX_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console

_MOST_DIGITS: Final = 15


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:
    """The pages under /links."""
    database = console.database

    def page(request: Request, typed: Typed | None = None) -> Response:
        account = signed_in(request)
        console.looked(account, Action.REVIEW_DECIDE, purpose="console: links of identities")
        with database.read() as session:
            possible = linking.possible(session, account)
            linked = linking.in_force(session, account)
        return console.show(
            request,
            "links.html",
            status=409 if typed is not None else 200,
            possible=possible,
            linked=linked,
            typed=typed or Typed(),
            most_words=MAX_WORDS,
        )

    @console.get("/links", needs=Action.REVIEW_DECIDE, menu="Links", place=22)
    def links(request: Request) -> Response:
        return page(request)

    @console.post("/links", needs=Action.REVIEW_DECIDE)
    def link(request: Request) -> Response:
        account, first = signed_in(request), field(request, "first", most=32)
        try:
            with database.write() as session:
                linking.link(
                    session, _number(field(request, "task", most=_MOST_DIGITS)), first,
                    field(request, "second", most=32), by=account, reason=field(request, "reason", most=MAX_WORDS),
                    now=now(),
                )  # fmt: skip
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, "link", plain(error)))
        return console.go(request, "/links", good="Linked: the two are one person. It can be undone below.")

    @console.post("/links/{link}/undo", needs=Action.REVIEW_DECIDE)
    def undo(request: Request) -> Response:
        account, number = signed_in(request), _number(request.path_params["link"])
        try:
            with database.write() as session:
                linking.unlink(
                    session, number, by=account, reason=field(request, "reason", most=MAX_WORDS), now=now()
                )
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, f"undo-{number}", plain(error)))
        return console.go(request, "/links", good=f"Link {number} is undone.")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
