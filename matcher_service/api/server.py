"""The server: uvicorn, bounded, with the house's logs and none of its own about requests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import uvicorn

from interchange.logs import facts
from matcher_service.api.app import make_app
from matcher_service.api.tokens import Tokens
from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from matcher_service.abis.desk import AbisDesk
    from matcher_service.api.settings import ApiSettings
    from matcher_service.authority.registrar import Registrar
    from matcher_service.osia.desk import OsiaDesk
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.api")

MOST_CONNECTIONS = 64
KEEP_ALIVE_S = 5
STOP_WAIT_S = 5


class CannotListen(MatcherError):  # noqa: N818 - reads as what it is
    """An address or TLS files that cannot be used.

    Attributes:
        address: host and port.
    """

    def __init__(self, address: str, problem: str) -> None:
        self.address = address
        super().__init__(f"{address}: {problem}")


def make_server(
    settings: ApiSettings,
    *,
    database: Database,
    registrar: Registrar | None = None,
    abis: AbisDesk | None = None,
    osia: OsiaDesk | None = None,
) -> uvicorn.Server:
    """A server that is ready to `run()`. Raises BadTokens, CannotListen.

    With a `registrar` it lets kiosks in, for which it needs no tokens.
    """
    nobody = registrar is not None and not settings.tokens.exists()
    tokens = Tokens({}) if nobody else Tokens.read(settings.tokens)
    config = uvicorn.Config(
        make_app(database=database, tokens=tokens, registrar=registrar, abis=abis, osia=osia),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        log_config=None,
        access_log=False,  # the audit lines say who did what
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
    address = f"{settings.host}:{settings.port}"
    try:
        config.load()  # reads the TLS files
    except OSError as error:
        raise CannotListen(address, f"the certificate or key cannot be used: {error}") from None
    return uvicorn.Server(config)


def warm_up() -> None:
    """Compile or load the comparison now, so that the first answer is as fast as the next."""
    import numpy as np

    from interchange import Minutiae
    from matcher_service.explaining import explain

    turn = np.arange(12) * 0.5
    trial = Minutiae.make(150 + 40 * np.cos(turn * 3), 150 + 12 * turn, turn, width=300, height=300)
    explain(trial, trial)
    log.info("warm", extra=facts(pairs=len(trial)))
