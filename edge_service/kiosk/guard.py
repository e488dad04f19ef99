"""Before every request: only from this machine's own screen, and only what the page itself asks.

Plain ASGI, so that it holds for every path. Another web page in the same browser cannot get in (its `Host` or
`Origin` is another one, and it cannot send our header), nor can a name that somebody points at 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from edge_service.kiosk import parameters
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("edge.kiosk")

OUR_HEADER = b"x-whorl-kiosk"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), usb=(), serial=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, status: int, problem: str) -> None:
        self.status, self.problem = status, problem
        super().__init__(problem)


class Guard:
    """Wraps the application that listens on `port` of the loopback."""

    def __init__(self, app: App, *, port: int) -> None:
        self._app = app
        self._hosts = {f"{host}:{port}".encode() for host in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the module."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in _HEADERS}
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                message["headers"] = [*kept, *_HEADERS]
            await send(message)

        try:
            self._check(scope)
            body = await _body(scope, receive)
        except _Refused as refused:
            log.warning("request refused", extra=facts(status=refused.status, reason=refused.problem))
            await _answer(send_guarded, refused)
            return
        given = False

        async def receive_again() -> Message:
            nonlocal given
            if given:
                return await receive()  # tells when the page has gone
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send_guarded)

    def _check(self, scope: Scope) -> None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise _Refused(
                421, "this page is for the kiosk's own screen: open http://127.0.0.1 with its port"
            )
        origins = headers.get(b"origin", [])
        if any(origin != b"http://" + hosts[0] for origin in origins):
            raise _Refused(403, "the request comes from another page")
        if scope["method"] in {"GET", "HEAD"}:
            return
        if scope["method"] != "POST":
            raise _Refused(405, "only GET and POST")
        if len(origins) != 1 or headers.get(OUR_HEADER) != [b"1"]:
            raise _Refused(403, "the request does not come from the kiosk's page")


async def _body(scope: Scope, receive: Receive) -> bytes:
    too_large = _Refused(413, f"the body has more than {parameters.MAX_BODY_BYTES} bytes")
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > parameters.MAX_BODY_BYTES):
            raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(parameters.BODY_PATIENCE_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Refused(400, "the body ended early")
                body += message.get("body", b"")
                if len(body) > parameters.MAX_BODY_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _Refused(408, "the body did not come in time") from None


async def _answer(send: Send, refused: _Refused) -> None:
    body = json.dumps({"problem": refused.problem}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status in {408, 413}:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
