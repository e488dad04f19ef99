"""The first meeting with a kiosk, over HTTPS.

GET  /v1/provision/authority   the authority's certificate, which the kiosk compares with its code
POST /v1/provision             the code's secret, a certificate request and public keys: all that a kiosk needs, once

Nobody has a token yet: the code is the right. Wrong ones are counted for each address.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from interchange.logs import facts
from interchange.messages import decode_message, encode_message
from interchange.provisioning import AUTHORITY_PATH, PROVISION_PATH, Provisioned, ProvisionRequest
from matcher_service.api.describing import takes
from matcher_service.api.messages import Problem
from matcher_service.authority import AuthorityError, BadRequest
from matcher_service.repositories import NotAdmitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.authority.registrar import Registrar

log = logging.getLogger("matcher.provisioning")

WRONG_TRIES = 10
WRONG_TRIES_WINDOW_S = 600.0
"""Ten slips in ten minutes are a person; of 85 random bits a thousand million tries find nothing anyway."""
ADDRESSES_KEPT = 1000
_JSON, _PEM = "application/json", "application/x-pem-file"
_TEXT = {"schema": {"type": "string"}}


class WrongTries:
    """How often each address was wrong lately. Safe from several threads; bounded."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_address: OrderedDict[str, list[float]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Whether `address` has to wait."""
        with self._lock:
            return len(self._recent(address)) >= WRONG_TRIES

    def add(self, address: str) -> None:
        """It was wrong once more."""
        with self._lock:
            self._by_address[address] = [*self._recent(address), self._clock()][-WRONG_TRIES:]
            self._by_address.move_to_end(address)
            if len(self._by_address) > ADDRESSES_KEPT:
                self._by_address.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - WRONG_TRIES_WINDOW_S
        return [when for when in self._by_address.get(address, ()) if when > since]


def add_provisioning(app: FastAPI, registrar: Registrar | None, *, tries: WrongTries | None = None) -> None:
    """Put the two paths into `app`; without a registrar there is nobody behind them."""
    if registrar is None:
        return
    counted = tries or WrongTries()

    @app.get(AUTHORITY_PATH, response_class=Response, responses={200: {"content": {_PEM: _TEXT}}})
    async def authority() -> Response:
        return Response(registrar.root_pem, media_type=_PEM)

    @app.post(
        PROVISION_PATH,
        openapi_extra=takes(ProvisionRequest),
        responses={
            200: {"model": Provisioned},
            403: {"model": Problem, "description": "The code is not, or no longer, good"},
            429: {"model": Problem, "description": "Too many wrong codes from this address"},
        },
    )
    async def provision(request: Request) -> Response:
        address = request.client.host if request.client else "unknown"
        if counted.too_many(address):  # in the audit once, below: a flood must not fill it
            minutes = WRONG_TRIES_WINDOW_S / 60
            return JSONResponse(
                {"problem": f"too many wrong codes from this address; wait {minutes:g} minutes"},
                status_code=429,
                headers={"retry-after": f"{WRONG_TRIES_WINDOW_S:.0f}"},
            )
        asked = decode_message(ProvisionRequest, await request.body())
        try:
            answer = await run_in_threadpool(registrar.provision, asked, address=address)
        except (NotAdmitted, BadRequest) as error:
            counted.add(address)
            if counted.too_many(address):
                await run_in_threadpool(registrar.refused_to, address, "too many tries")
            return JSONResponse({"problem": error.reason}, status_code=403)
        except AuthorityError as error:
            log.error("a kiosk could not be provisioned", extra=facts(address=address, reason=error))  # noqa: TRY400
            await run_in_threadpool(registrar.refused_to, address, "failed")
            return JSONResponse(
                {"problem": "the authority failed; tell whoever runs the centre"}, status_code=503
            )
        return Response(encode_message(answer), media_type=_JSON)

    _ = authority, provision
