"""The console's application: its pages, its errors in plain English, and the gate before them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from matcher_service.accounts import AccountError, Action, NotPermitted
from matcher_service.accounts.key_file import sealer_of
from matcher_service.accounts.sessions import Sessions
from matcher_service.auditing import note
from matcher_service.console.cookies import Cookies
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.gate import Gate
from matcher_service.console.pages import OPEN, TITLES, Console
from matcher_service.errors import MatcherError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher.console")

STATIC = Path(__file__).with_name("static")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def make_console(
    settings: MatcherSettings,
    *,
    database: Database,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Console:
    """All pages. Raises KeyFileError, StoreError, AuthorityError."""
    from matcher_service.console import (
        account_pages,
        activation_pages,
        audit_pages,
        case_pages,
        certificate_pages,
        challenge_pages,
        device_pages,
        door_pages,
        expunge_pages,
        identification_pages,
        link_pages,
        notice_pages,
        own_pages,
        owner_pages,
        place_pages,
        relay_pages,
        report_pages,
        repository_pages,
        request_pages,
        retention_pages,
        review_pages,
        start_pages,
        submission_pages,
        subscriber_pages,
    )

    console = Console(database=database, cookies=Cookies(secure=settings.console.secure))
    sealer = sealer_of(settings.accounts, database)
    door_pages.add_pages(console, settings=settings.accounts, sealer=sealer, now=now)
    own_pages.add_pages(console, settings=settings.accounts, sealer=sealer, now=now)
    start_pages.add_pages(console)
    submission_pages.add_pages(console, now=now)
    case_pages.add_pages(console, now=now)
    review_pages.add_pages(console, now=now)
    notice_pages.add_pages(console, now=now)
    identification_pages.add_pages(console, now=now)
    challenge_pages.add_pages(console, now=now)
    subscriber_pages.add_pages(console, sealer=sealer, now=now)
    place_pages.add_pages(console, now=now)
    activation_pages.add_pages(console, now=now)
    repository_pages.add_pages(console)
    owner_pages.add_pages(console, settings=settings, now=now)
    retention_pages.add_pages(console, settings=settings, now=now)
    expunge_pages.add_pages(console, settings=settings, now=now)
    certificate_pages.add_pages(console, settings=settings, now=now)
    link_pages.add_pages(console, now=now)
    relay_pages.add_pages(console, settings=settings, now=now)
    request_pages.add_pages(console, now=now)
    audit_pages.add_pages(console, settings=settings)
    report_pages.add_pages(console, public_report=settings.console.public_report, now=now)
    device_pages.add_pages(console, settings=settings)
    account_pages.add_pages(console, settings=settings.accounts, sealer=sealer, now=now)
    _add_static(console)
    _add_errors(console)
    return console


def make_app(
    settings: MatcherSettings,
    *,
    database: Database,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    patience_s: float | None = None,
) -> Gate:
    """The ASGI application."""
    console = make_console(settings, database=database, now=now)
    more = {} if patience_s is None else {"patience_s": patience_s}
    return Gate(
        console.fastapi,
        sessions=Sessions(database, settings=settings.accounts, now=now),
        cookies=console.cookies,
        names=settings.console.names,
        refused_page=console.bare_problem,
        **more,
    )


def _add_static(console: Console) -> None:
    # Read once: what is not among them cannot be asked for, whatever the path.
    files = {
        file.name: (file.read_bytes(), _TYPES[file.suffix])
        for file in sorted(STATIC.iterdir())
        if file.suffix in _TYPES
    }

    @console.get("/static/{name}", needs=OPEN)
    def static(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            raise NotThere("There is no such file.")
        return Response(found[0], media_type=found[1], headers={"cache-control": "max-age=300"})


def _add_errors(console: Console) -> None:
    def not_permitted(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotPermitted)
        session = request.scope.get("whorl.session")
        if session is not None:
            action = error.action if error.action in set(Action) else "console.refused"
            note(
                console.database,
                action,
                actor=session.account.name,
                role=session.account.acting_as,
                purpose="console",
                outcome="refused",
                repository=error.repository or "",
            )
        return console.problem(request, 403, "Not for your role", str(error))

    def not_there(request: Request, error: Exception) -> Response:
        return console.problem(request, 404, "Not found", str(error))

    def bad_form(request: Request, error: Exception) -> Response:
        return console.problem(request, 400, "Something is missing", str(error))

    def on_purpose(request: Request, error: Exception) -> Response:
        return console.problem(request, 409, TITLES[409], str(error))

    def store(request: Request, error: Exception) -> Response:
        log.error("the database cannot be used: %s", error)
        return console.problem(request, 503, TITLES[503], "The centre's database cannot be used just now.")

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        words = {404: "Look at the address, or begin at the start page.", 405: "That page takes no form."}
        return console.problem(
            request, error.status_code, TITLES.get(error.status_code, "That did not work"),
            words.get(error.status_code, "Go back and try again."),
        )  # fmt: skip

    def unforeseen(request: Request, error: Exception) -> Response:
        log.error("a page failed", exc_info=error)
        return console.problem(
            request,
            500,
            TITLES[500],
            "It is in the log. If it happens again, tell your administrator when it did.",
        )

    for kind, handler in (
        (NotPermitted, not_permitted),
        (NotThere, not_there),
        (BadForm, bad_form),
        (AccountError, on_purpose),
        (StoreError, store),
        (MatcherError, on_purpose),
        (HTTPException, http),
        (Exception, unforeseen),
    ):
        console.fastapi.add_exception_handler(kind, handler)
