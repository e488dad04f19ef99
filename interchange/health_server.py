"""The three pages of a service for its own machine: /healthz, /readyz, /metrics. GET only, on 127.0.0.1 only.

Python's own server, because it costs nothing on top of `prometheus-client`, which brings it along. A request is
bounded in bytes and in time before anything looks at it, and so is the number of requests at one time.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final

from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interchange.health import Condition

log = logging.getLogger("interchange.health")

HOST: Final = "127.0.0.1"
MOST_AT_ONCE: Final = 4
MOST_BYTES: Final = 4096
PATIENCE_S: Final = 2.0
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class CannotListen(Exception):  # noqa: N818 - reads as what it is
    """The port is taken.

    Attributes:
        port: of the loopback.
    """

    def __init__(self, port: int, problem: str | None) -> None:
        self.port = port
        super().__init__(f"{HOST}:{port}: {problem}. Choose another port in the settings, under [ops].")


class HealthServer:
    """Answers on its own threads from what it is given to ask. The port is taken when it is made.

    Attributes:
        port: where it listens.
    """

    def __init__(
        self,
        *,
        port: int,
        alive: Callable[[], Sequence[Condition]],
        ready: Callable[[], Sequence[Condition]],
        metrics: Callable[[], bytes],
    ) -> None:
        """Raises CannotListen."""
        pages: dict[str, Callable[[], _Page]] = {
            "/healthz": lambda: _conditions(alive()),
            "/readyz": lambda: _conditions(ready()),
            "/metrics": lambda: (HTTPStatus.OK, METRICS_TYPE, metrics()),
        }
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            raise CannotListen(port, error.strerror) from None
        self.port = int(self._server.server_address[1])
        self._server.pages = pages
        self._server.hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        log.info("health pages", extra=facts(port=self.port))

    def stop(self) -> None:
        """Give the port back."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join(PATIENCE_S)
        self._server.server_close()


_Page = tuple[HTTPStatus, str, bytes]


def _conditions(conditions: Sequence[Condition]) -> _Page:
    good = all(condition.holds for condition in conditions)
    checks = [{"name": c.name, "ok": c.holds, "words": c.words} for c in conditions]
    body = json.dumps({"ok": good, "checks": checks}).encode()
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, "application/json", body


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - as the base class has it
        self.pages: dict[str, Callable[[], _Page]] = {}
        self.hosts: frozenset[str] = frozenset()
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """As the base of the base: the name of the machine is nothing to look up in a name server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """On a thread, while one is free; more than that at one time is nobody whom we know."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base
        """The request, then its place is free again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - as in the base class
        """Who hangs up early is nothing to talk about."""
        log.debug("a request ended early")


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - the one above
    server_version, sys_version = "whorl", ""
    timeout = PATIENCE_S

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BytesIO(self._head())

    def do_GET(self) -> None:
        if self.headers.get_all("Host", []) != [self.headers.get("Host")] or (
            self.headers.get("Host") not in self.server.hosts
        ):
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"another machine's name\n")
            return
        page = self.server.pages.get(self.path)
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"/healthz /readyz /metrics\n")
            return
        try:
            answer = page()
        except Exception:
            log.exception("fault in a health page")
            answer = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"fault, see the log\n"
        self._answer(*answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        log.debug(format, *args)

    def _head(self) -> bytes:
        """The request up to its blank line; nothing if that takes too long or too much."""
        deadline = time.monotonic() + PATIENCE_S
        head = b""
        while b"\r\n\r\n" not in head:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or len(head) > MOST_BYTES:
                return b""
            self.connection.settimeout(left_s)
            try:
                more = self.connection.recv(MOST_BYTES)
            except OSError:
                return b""
            if not more:
                return b""
            head += more
        self.connection.settimeout(PATIENCE_S)
        return head

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
