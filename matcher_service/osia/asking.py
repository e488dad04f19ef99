"""What OSIA's paths have in common: the query, the body, the work on a thread, errors, and their description."""

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

log = logging.getLogger("matcher.osia")

AT_ONCE: Final = 8
TRANSACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_ERROR: Final = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": {"application/json": {"schema": _ERROR}}}
    for status, words in {
        400: "Bad request", 403: "Not allowed", 404: "Unknown record", 409: "Conflict of ids",
        429: "Too much is waiting", 500: "Unexpected error",
    }.items()
}  # fmt: skip


class Said:
    """The query, read. `algorithm` and `accuracyLevel` are hints that change nothing here."""

    def __init__(self, request: Request, *, callback: bool) -> None:
        """`callback`: whether one may be named."""
        given = request.query_params
        self.transaction = given.get("transactionId", "")
        if not TRANSACTION.fullmatch(self.transaction):
            raise OsiaRefusal(400, "transactionId: 1 to 100 letters, digits and . _ : - are needed")
        self.callback = given.get("callback")
        if self.callback is not None and not callback:
            raise OsiaRefusal(400, "callback: this is answered at once; ask without it")
        self.priority = int(_number(given.get("priority"), "priority", 0, 9) or 0)
        most = _number(given.get("maxNbCand"), "maxNbCand", 1, SEARCHED)
        self.most = DEFAULT_CANDIDATES if most is None else int(most)
        self.threshold = _number(given.get("threshold"), "threshold", 0, 100)


class Answering:
    """One request: the work on a thread, and what goes wrong as OSIA's Error."""

    def __init__(self) -> None:
        self._limiter: Any = None

    async def __call__(
        self,
        request: Request,
        work: Callable[[str, Said], object],
        status: int = 200,
        *,
        callback: bool = False,
    ) -> Response:
        """Where the query is that of the ABIS interface."""
        return await self.plain(request, lambda who: work(who, Said(request, callback=callback)), status)

    async def plain(self, request: Request, work: Callable[[str], object], status: int = 200) -> Response:
        """Where it is not. `work` may return a `Response` of its own."""
        from anyio import CapacityLimiter, to_thread

        self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        who = str(request.scope["caller"])
        try:
            made = await to_thread.run_sync(lambda: work(who), limiter=self._limiter)
        except OsiaRefusal as error:
            return _error(error.status, error.words)
        except Exception:
            log.exception("fault in a request")
            return _error(500, "an unexpected error; tell whoever runs this service")
        if isinstance(made, Response):
            return made
        return Response(status_code=status) if made is None else JSONResponse(made, status_code=status)


def accepted(task: dict[str, str]) -> Response:
    """OSIA's TaskId."""
    return JSONResponse(task, status_code=202)


def tree_of(body: bytes) -> dict[str, Any]:
    """The body, a JSON object. Raises OsiaRefusal."""
    try:
        tree: object = json.loads(body)
    except (ValueError, RecursionError):
        raise OsiaRefusal(400, "the body is no JSON") from None
    if not isinstance(tree, dict):
        raise OsiaRefusal(400, "the body is no JSON object")
    return cast("dict[str, Any]", tree)


def one_of(request: Request, name: str) -> str:
    """A parameter of the query that has to be there, once. Raises OsiaRefusal."""
    given = request.query_params.getlist(name)
    if len(given) != 1 or not given[0]:
        raise OsiaRefusal(400, f"{name}: is needed, once")
    return given[0]


def parameters_of(*required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """For the document."""
    kinds = {"priority": "integer", "maxNbCand": "integer", "threshold": "number"}
    special: dict[str, dict[str, Any]] = {
        "transactionId": {"type": "string", "pattern": f"^{TRANSACTION.pattern}$"},
        "callback": {"type": "string", "format": "uri", "maxLength": 340},
        "protocol": {"type": "string", "enum": ["http"]},
        "policy": {"type": "string", "pattern": "^[0-9]{1,6},[0-9]{1,6}$"},
    }
    names = [(name, True) for name in required] + [(name, False) for name in optional]
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": needed,
                "schema": special.get(name, {"type": kinds.get(name, "string")}),
            }
            for name, needed in names
        ]
    }


def query(*more: str) -> dict[str, Any]:
    """That of the ABIS interface, for the document."""
    return parameters_of("transactionId", optional=("priority", *more))


def body() -> dict[str, Any]:
    """A JSON object, for the document."""
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    }


def gives(*, task: bool = False, **properties: str) -> dict[int | str, dict[str, Any]]:
    """What is answered, for the document: an object of these properties, and perhaps a task's id instead."""

    def answer(words: str, names: dict[str, str]) -> dict[str, Any]:
        schema = {
            "type": "object",
            "properties": {name: {"type": kind} for name, kind in names.items()},
            "required": list(names),
        }
        return {"description": words, "content": {"application/json": {"schema": schema}}}

    found: dict[int | str, dict[str, Any]] = dict(ERRORS)
    if properties:
        found[200] = answer("Done", properties)
    if task:
        found[202] = answer("Taken on; the result goes to the callback", {"taskId": "string"})
    return found


def _error(status: int, words: str) -> JSONResponse:
    return JSONResponse({"code": status, "message": words}, status_code=status)


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
