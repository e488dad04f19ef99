"""Signing in and out: name, password and code, or the identity provider."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from matcher_service.accounts.sessions import Sessions, csrf_of
from matcher_service.accounts.signing_in import Refusal, SignIn, Why
from matcher_service.console.pages import OPEN, OWING, asked, field, local, session_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.accounts.sessions import Session
    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.console.pages import Console


def add_pages(  # noqa: C901 - a list of pages, each for itself
    console: Console, *, settings: AccountsSettings, sealer: Sealer, now: Callable[[], datetime]
) -> None:
    """The door."""
    database = console.database
    sign_in = SignIn(database, settings=settings, sealer=sealer, now=now)
    sessions = Sessions(database, settings=settings, now=now)

    def page(request: Request, *, to: str, problem: str = "", name: str = "", status: int = 200) -> Response:
        door = request.scope["whorl.door"] or secrets.token_urlsafe(32)
        response = console.show(
            request,
            "sign_in.html",
            status=status,
            door_csrf=csrf_of(door),
            to=to,
            problem=problem,
            name=name,
            provider=settings.oidc is not None,
        )
        console.cookies.set(response, "door", door)
        return response

    def let_in(session: Session, to: str) -> Response:
        response = RedirectResponse("/own" if session.duties else local(to), status_code=303)
        console.cookies.set(response, "session", session.token)
        console.cookies.forget(response, "door")
        return response

    @console.get("/sign-in", needs=OPEN)
    def sign_in_page(request: Request) -> Response:
        return page(request, to=local(asked(request, "next", most=300) or "/"))

    @console.post("/sign-in", needs=OPEN)
    def try_to_sign_in(request: Request) -> Response:
        to = local(field(request, "next", needed=False) or "/")
        name = field(request, "name", most=80, needed=False)
        form = request.scope["whorl.form"]
        done = sign_in.sign_in(
            name,
            form.get("password", [""])[0][:1000],
            field(request, "code", most=80, needed=False),
            source=request.client.host if request.client else "",
            old_token=_old_token(console, request),
        )
        if isinstance(done, Refusal):
            status = 429 if done.why is Why.WAIT else 401
            response = page(request, to=to, problem=done.words, name=name, status=status)
            if done.wait_s:
                response.headers["retry-after"] = str(int(done.wait_s) + 1)
            return response
        return let_in(done, to)

    @console.post("/sign-out", needs=OWING)
    def sign_out(request: Request) -> Response:
        sessions.end(session_of(request).token)
        response = RedirectResponse("/sign-in", status_code=303)
        for kind in ("session", "flash"):
            console.cookies.forget(response, kind)
        response.headers["clear-site-data"] = '"cache"'
        return response

    if settings.oidc is None:
        return

    from matcher_service.accounts.oidc import OidcDoor

    provider = OidcDoor(database, settings=settings.oidc, sessions=sessions, now=now)

    @console.get("/sign-in/provider", needs=OPEN)
    def to_provider(request: Request) -> Response:
        departure = provider.begin()
        if isinstance(departure, Refusal):
            return page(request, to="/", problem=departure.words, status=503)
        response = RedirectResponse(departure.url, status_code=303)
        console.cookies.set(response, "provider", departure.browser, lax=True)
        return response

    @console.get("/sign-in/back", needs=OPEN)
    def from_provider(request: Request) -> Response:
        done = provider.finish(
            code=asked(request, "code", most=4000),
            state=asked(request, "state", most=500),
            browser=console.cookies.get(request.scope["whorl.cookies"], "provider"),
            iss=asked(request, "iss", most=500) or None,
            old_token=_old_token(console, request),
        )
        if isinstance(done, Refusal):
            return page(request, to="/", problem=done.words, status=401)
        # A redirect would still count as the provider's, and a strict cookie would stay away from it.
        response = console.show(request, "welcome_back.html")
        console.cookies.set(response, "session", done.token)
        console.cookies.forget(response, "provider")
        return response


def _old_token(console: Console, request: Request) -> str | None:
    return console.cookies.get(request.scope["whorl.cookies"], "session") or None
