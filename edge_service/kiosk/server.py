"""The page's server: uvicorn on the loopback, on a thread of its own, without a log of requests."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

from edge_service.kiosk.errors import KioskError

if TYPE_CHECKING:
    from edge_service.kiosk.guard import App

HOST = "127.0.0.1"
MOST_CONNECTIONS = 32
STOP_WAIT_S = 2
START_WAIT_S = 10.0


class CannotListen(KioskError):  # noqa: N818 - reads as what it is
    """The page's port is taken.

    Attributes:
        port: of the loopback.
    """

    def __init__(self, port: int, problem: str) -> None:
        self.port = port
        super().__init__(
            "notice.store_failed", f"{HOST}:{port}: {problem}. Is the kiosk running already? See kiosk.port."
        )


class PageServer:
    """Serves `app`. The port is taken when it is made, so that a second kiosk is refused at once."""

    def __init__(self, app: App, *, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
        except OSError as error:
            self._socket.close()
            raise CannotListen(port, str(error.strerror)) from None
        config = uvicorn.Config(
            app,  # pyright: ignore[reportArgumentType] - an ASGI application, spelt with our own names
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=STOP_WAIT_S,
            h11_max_incomplete_event_size=16 * 1024,
            http="h11",
            ws="none",
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="kiosk-page", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        deadline = time.monotonic() + START_WAIT_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        """Finish what is being answered, and end."""
        self._server.should_exit = True
        self._thread.join(STOP_WAIT_S + 1.0)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
