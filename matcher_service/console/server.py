"""The console's server: uvicorn, bounded, TLS where the settings name it, with the house's logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from matcher_service.api.server import CannotListen
from matcher_service.console.app import make_app
from matcher_service.console.parameters import KEEP_ALIVE_S, MOST_CONNECTIONS, STOP_WAIT_S

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


def make_server(settings: MatcherSettings, *, database: Database) -> uvicorn.Server:
    """A server that is ready to `run()`. Raises CannotListen, KeyFileError, StoreError."""
    where = settings.console
    config = uvicorn.Config(
        make_app(settings, database=database),
        host=where.host,
        port=where.port,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
        log_config=None,
        access_log=False,  # the audit says who did what; addresses hold numbers of submissions
        server_header=False,
        lifespan="off",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WAIT_S,
        h11_max_incomplete_event_size=16 * 1024,
        http="h11",
        ws="none",
        proxy_headers=False,
    )
    try:
        config.load()  # reads the TLS files
    except OSError as error:
        raise CannotListen(
            f"{where.host}:{where.port}", f"the certificate or key cannot be used: {error}"
        ) from None
    return uvicorn.Server(config)
