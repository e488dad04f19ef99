"""The gate before every request: the name asked for, a bounded body in bounded time, the session, and the CSRF token.

Whatever changes something has to bring the token of its own session; no page can forget to ask. It is plain ASGI, so
that it holds for every path, known or not.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread

from interchange.logs import facts
from matcher_service.accounts.sessions import csrf_of, right_csrf
from matcher_service.api.gate import Refused, read_body
from matcher_service.console.cookies import Cookies, read_cookies
from matcher_service.console.parameters import BODY_PATIENCE_S, MAX_FORM_BYTES, MAX_FORM_FIELDS
from matcher_service.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from matcher_service.accounts.sessions import Session, Sessions
    from matcher_service.api.gate import App, Receive, Scope, Send

log = logging.getLogger("matcher.console")

CSRF_FIELD, CSRF_HEADER = "csrf", b"x-csrf-token"
SAFE = frozenset({"GET", "HEAD"})
SIGN_IN = "/sign-in"
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")


class Gate:
    """Wraps the application; see the module.

    Puts into the scope: `whorl.session` (or None), `whorl.form` (of a POST: name to values) and `whorl.door`.
    """

    def __init__(
        self,
        app: App,
        *,
        sessions: Sessions,
        cookies: Cookies,
        names: frozenset[str],
        refused_page: Callable[[int, str], bytes],
        patience_s: float = BODY_PATIENCE_S,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._cookies = cookies
        self._names = names
        self._refused_page = refused_page
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_safely(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_headers(message.get("headers", ()), secure=self._cookies.secure)
            await send(message)

        try:
            body = await self._look_at(scope, receive)
        except Refused as refused:
            log.warning("request refused", extra=facts(status=refused.status, reason=refused.problem))
            await self._answer(send_safely, refused)
            return
        except StoreError as error:
            log.exception("the database cannot be used")
            await self._answer(send_safely, Refused(503, f"The centre's database cannot be used: {error}"))
            return
        given = False

        async def receive_again() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send_safely)

    async def _look_at(self, scope: Scope, receive: Receive) -> bytes:
        headers = scope["headers"]
        self._check_host(headers)
        cookies = read_cookies(headers)
        token, door = self._cookies.get(cookies, "session"), self._cookies.get(cookies, "door")
        scope["whorl.cookies"], scope["whorl.door"], scope["whorl.form"] = cookies, door, {}
        body = await read_body(scope, receive, most_bytes=MAX_FORM_BYTES, patience_s=self._patience_s)
        session = await anyio.to_thread.run_sync(self._sessions.find, token) if token else None
        scope["whorl.session"] = session
        if scope["method"] in SAFE:
            return body
        if scope["method"] != "POST":
            raise Refused(405, "Pages are read and forms are sent; there is nothing else here.")
        _check_origin(headers)
        form = _form(headers, body)
        scope["whorl.form"] = form
        _check_csrf(scope, session, door, form, headers)
        return body

    def _check_host(self, headers: list[tuple[bytes, bytes]]) -> None:
        given = [value for name, value in headers if name == b"host"]
        host = urlsplit("//" + given[0].decode("latin-1")).hostname if len(given) == 1 else None
        if host is None or (self._names and host.lower() not in self._names):
            raise Refused(421, "This console has another name. Ask your administrator for its address.")

    async def _answer(self, send: Send, refused: Refused) -> None:
        body = self._refused_page(refused.status, refused.problem)
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        if refused.status in (408, 413):
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _with_headers(headers: Any, *, secure: bool) -> list[tuple[bytes, bytes]]:  # noqa: ANN401 - ASGI's are loose
    made = [*headers, *_HEADERS]
    names = {name.lower() for name, _ in made}
    if b"content-security-policy" not in names:
        made.append((b"content-security-policy", CONTENT_POLICY.encode()))
    if b"cache-control" not in names:
        made.append((b"cache-control", b"no-store"))
    if secure:
        made.append(_TLS_ONLY)
    return made


def _check_origin(headers: list[tuple[bytes, bytes]]) -> None:
    """A browser says where a form was; another site's is refused before its token is looked at."""
    known = dict(headers)
    origin = known.get(b"origin", b"")
    if known.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none") or (
        origin and urlsplit(origin.decode("latin-1")).netloc.encode() != known.get(b"host", b"")
    ):
        raise Refused(403, "This form was sent from another site. Nothing was done.")


def _form(headers: list[tuple[bytes, bytes]], body: bytes) -> dict[str, list[str]]:
    kind = dict(headers).get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind not in (b"application/x-www-form-urlencoded", b"") or (not kind and body):
        raise Refused(415, "Forms are sent as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"
        )
    except ValueError:
        raise Refused(400, "The form cannot be read. Go back, load the page again, and repeat it.") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _check_csrf(
    scope: Scope,
    session: Session | None,
    door: str,
    form: dict[str, list[str]],
    headers: list[tuple[bytes, bytes]],
) -> None:
    given = form.pop(CSRF_FIELD, None) or [
        value.decode("latin-1") for name, value in headers if name == CSRF_HEADER
    ]
    if len(given) == 1:
        if scope["path"] == SIGN_IN:
            # Nobody is signed in yet: the token belongs to the cookie that came with the sign-in page.
            if door and hmac.compare_digest(given[0].encode("utf-8", "replace"), csrf_of(door).encode()):
                return
        elif session is not None and right_csrf(session, given[0]):
            return
    if session is None and scope["path"] != SIGN_IN:
        raise Refused(401, "You are not signed in, or no longer. Nothing was done: sign in and repeat it.")
    raise Refused(
        403,
        "This form is too old, or was not made for you. Nothing was done: go back, load the page again, and repeat it.",
    )
