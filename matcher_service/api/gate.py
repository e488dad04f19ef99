"""The gate before every request: a token, a bounded body, in bounded time; and headers that keep answers private.

Nothing behind the gate sees a request without a right. It is plain ASGI, so that it holds for every path, known or not.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from interchange.logs import facts
from interchange.provisioning import AUTHORITY_PATH, PROVISION_PATH
from matcher_service.api.messages import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from matcher_service.api.tokens import Tokens

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("matcher.api")

# The first meeting with a kiosk: what is asked there proves itself by a one-time code.
OPEN_PATHS = frozenset({"/v1/health", AUTHORITY_PATH, PROVISION_PATH})
BODY_PATIENCE_S = 10.0
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)


class Refused(Exception):  # noqa: N818 - never leaves a gate
    """A request that goes no further. Attributes: status, problem (what the caller does next)."""

    def __init__(self, status: int, problem: str) -> None:
        self.status, self.problem = status, problem
        super().__init__(problem)


class Gate:
    """Wraps the application. Puts the name of the token into the scope, as `caller`, and its `repositories`.

    Names in `confined` may go to paths that begin with one of theirs, and to no other.
    """

    def __init__(
        self, app: App, *, tokens: Tokens, confined: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._confined = dict(confined or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the module."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # web sockets: nobody here speaks that
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_private(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            caller = scope["caller"] = self._caller(scope)
            scope["repositories"] = self._tokens.repositories_of(caller) if caller else frozenset()
            body = await read_body(scope, receive)
        except Refused as refused:
            log.warning("request refused", extra=facts(status=refused.status, reason=refused.problem))
            await _answer(send_private, refused)
            return
        given = False

        async def receive_again() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                return await receive()  # tells when the other side has gone
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send_private)

    def _caller(self, scope: Scope) -> str | None:
        if scope["path"] in OPEN_PATHS:
            return None
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        name = self._tokens.name_of(given[0]) if len(given) == 1 else None
        if name is None:
            raise Refused(401, "send 'Authorization: Bearer TOKEN' with a token of matcher-service api-token")
        if not _within(scope["path"], self._confined.get(name, ("/",))):
            theirs = ", ".join(self._confined[name])
            raise Refused(403, f"this token is for {theirs} alone; ask for one of another name")
        return name


def _within(path: str, places: tuple[str, ...]) -> bool:
    """Whether `path` is one of the places, or below one."""
    return any(path == place or path.startswith(f"{place.rstrip('/')}/") for place in places)


async def read_body(
    scope: Scope, receive: Receive, *, most_bytes: int = MAX_BODY_BYTES, patience_s: float = BODY_PATIENCE_S
) -> bytes:
    """All of a request's body, bounded in size and time. Raises Refused."""
    too_large = Refused(413, f"the body has more than {most_bytes} bytes")
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > most_bytes):
            raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(patience_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, "the body ended early")
                body += message.get("body", b"")
                if len(body) > most_bytes:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, f"the body did not come within {patience_s:g} s") from None


async def _answer(send: Send, refused: Refused) -> None:
    body = json.dumps({"problem": refused.problem}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
