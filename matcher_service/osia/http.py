"""OSIA's paths over HTTP, answered at once: a `callback` is refused, so there are no tasks to ask about."""

from __future__ import annotations

import json
import logging
import math
import re
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from matcher_service.osia.desk import DEFAULT_CANDIDATES, SEARCHED
from matcher_service.osia.errors import OsiaRefusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from matcher_service.osia.desk import OsiaDesk

log = logging.getLogger("matcher.osia")

PREFIXES: Final = ("/v1/persons/", "/v1/identify/", "/v1/verify/", "/v1/galleries")
AT_ONCE: Final = 8
_TRANSACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_ENCOUNTER: Final = "/v1/persons/{person_id}/encounters/{encounter_id}"
_ERROR: Final = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": {"application/json": {"schema": _ERROR}}}
    for status, words in {
        400: "Bad request", 403: "Not allowed", 404: "Unknown record", 409: "Conflict of ids", 500: "Unexpected error",
    }.items()
}  # fmt: skip


def _query(*more: str) -> dict[str, Any]:
    kinds = {"priority": "integer", "maxNbCand": "integer", "threshold": "number"}
    transaction = {"type": "string", "pattern": f"^{_TRANSACTION.pattern}$"}
    optional = [(name, {"type": kinds.get(name, "string")}) for name in ("priority", *more)]
    return {
        "parameters": [
            {"name": "transactionId", "in": "query", "required": True, "schema": transaction},
            *(
                {"name": name, "in": "query", "required": False, "schema": schema}
                for name, schema in optional
            ),
        ]
    }


def _body() -> dict[str, Any]:
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    }


def add_osia(app: FastAPI, desk: OsiaDesk | None) -> None:
    """Put the paths into `app`; without a desk there are none."""
    if desk is None:
        return
    answer = _Answering()

    @app.post(
        _ENCOUNTER,
        status_code=201,
        response_class=Response,
        openapi_extra=_query("algorithm") | _body(),
        responses=_ERRORS,
    )
    async def create(request: Request, person_id: str, encounter_id: str) -> Response:
        body = await request.body()
        return await answer(
            request,
            lambda who, said: desk.create(who, person_id, encounter_id, _tree(body), said.transaction),
            201,
        )

    @app.get(_ENCOUNTER, openapi_extra=_query(), responses=_ERRORS)
    async def read(request: Request, person_id: str, encounter_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.read(who, person_id, encounter_id, said.transaction)
        )

    @app.delete(
        _ENCOUNTER, status_code=204, response_class=Response, openapi_extra=_query(), responses=_ERRORS
    )
    async def remove(request: Request, person_id: str, encounter_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.remove(who, person_id, encounter_id, said.transaction), 204
        )

    @app.delete(
        "/v1/persons/{person_id}",
        status_code=204,
        response_class=Response,
        openapi_extra=_query(),
        responses=_ERRORS,
    )
    async def remove_all(request: Request, person_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.remove(who, person_id, None, said.transaction), 204
        )

    @app.post(
        "/v1/identify/{gallery_id}",
        openapi_extra=_query("maxNbCand", "threshold", "accuracyLevel") | _body(),
        responses=_ERRORS,
    )
    async def identify(request: Request, gallery_id: str) -> Response:
        body = await request.body()
        return await answer(
            request,
            lambda who, said: desk.identify(
                who, gallery_id, _tree(body), said.transaction, most=said.most, threshold=said.threshold
            ),
        )

    @app.post(
        "/v1/verify/{gallery_id}/{person_id}",
        openapi_extra=_query("threshold", "accuracyLevel") | _body(),
        responses=_ERRORS,
    )
    async def verify(request: Request, gallery_id: str, person_id: str) -> Response:
        body = await request.body()
        return await answer(
            request,
            lambda who, said: desk.verify(
                who, gallery_id, person_id, _tree(body), said.transaction, threshold=said.threshold
            ),
        )

    @app.get("/v1/galleries", openapi_extra=_query(), responses=_ERRORS)
    async def galleries(request: Request) -> Response:
        return await answer(request, lambda who, _said: desk.galleries(who))

    _ = create, read, remove, remove_all, identify, verify, galleries


class _Said:
    """The query, read. `priority`, `algorithm` and `accuracyLevel` are hints that change nothing here."""

    def __init__(self, request: Request) -> None:
        given = request.query_params
        self.transaction = given.get("transactionId", "")
        if not _TRANSACTION.fullmatch(self.transaction):
            raise OsiaRefusal(400, "transactionId: 1 to 100 letters, digits and . _ : - are needed")
        if "callback" in given:
            raise OsiaRefusal(400, "callback: everything is answered at once here; ask without it")
        _number(given.get("priority"), "priority", 0, 9)
        most = _number(given.get("maxNbCand"), "maxNbCand", 1, SEARCHED)
        self.most = DEFAULT_CANDIDATES if most is None else int(most)
        self.threshold = _number(given.get("threshold"), "threshold", 0, 100)


class _Answering:
    """One request: the work on a thread, and what goes wrong as OSIA's Error."""

    def __init__(self) -> None:
        self._limiter: Any = None

    async def __call__(
        self, request: Request, work: Callable[[str, _Said], object], status: int = 200
    ) -> Response:
        from anyio import CapacityLimiter, to_thread

        self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        try:
            said, who = _Said(request), str(request.scope["caller"])
            made = await to_thread.run_sync(lambda: work(who, said), limiter=self._limiter)
        except OsiaRefusal as error:
            return _error(error.status, error.words)
        except Exception:
            log.exception("fault in a request")
            return _error(500, "an unexpected error; tell whoever runs this service")
        return JSONResponse(made, status_code=status) if status == 200 else Response(status_code=status)


def _error(status: int, words: str) -> JSONResponse:
    return JSONResponse({"code": status, "message": words}, status_code=status)


def _tree(body: bytes) -> dict[str, Any]:
    try:
        tree: object = json.loads(body)
    except (ValueError, RecursionError):
        raise OsiaRefusal(400, "the body is no JSON") from None
    if not isinstance(tree, dict):
        raise OsiaRefusal(400, "the body is no JSON object")
    return cast("dict[str, Any]", tree)


def _number(text: str | None, name: str, least: float, most: float) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise OsiaRefusal(400, f"{name}: a number from {least:g} to {most:g} is read")
    return value
