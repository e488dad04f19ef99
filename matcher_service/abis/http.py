"""The verbs over HTTP: ``POST /v1/abis``, one request in, its answer out. MOSIP itself speaks over a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotation at run time
from fastapi.responses import JSONResponse

from matcher_service.abis.failures import NotInScope, Reason
from matcher_service.abis.requests import VERSION, Verb
from matcher_service.api.messages import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

    from matcher_service.abis.desk import AbisDesk

PATH: Final = "/v1/abis"
AT_ONCE: Final = 8
"""Requests that are worked on; the rest wait, and leave the API's other threads alone."""
_TEXT: Final = {"type": "string"}
_REFERENCE: Final = {"type": "object", "properties": {"referenceId": _TEXT}, "required": ["referenceId"]}
_ANALYTICS: Final = {
    "type": "object",
    "properties": {
        "internalScore": {**_TEXT, "description": "-log10 of the false match rate"},
        "confidence": {**_TEXT, "description": "Of 100 searches for strangers, how many find less than this"},
    },
    "required": ["internalScore", "confidence"],
}
REQUEST: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"enum": [verb.value for verb in Verb]},
        "version": {"const": VERSION},
        "requestId": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"},
        "requesttime": {"type": "string", "format": "date-time"},
        "referenceId": _TEXT,
        "referenceURL": {**_TEXT, "description": "HTTPS, of a host in abis.hosts; gives CBEFF in XML"},
        "flags": {
            "type": "object",
            "properties": {
                "maxResults": {"type": "string", "pattern": "^[0-9]{1,3}$"},
                "targetFPIR": {
                    "type": "string",
                    "pattern": "^[0-9]{2}$",
                    "description": "-10 log10 of the rate",
                },
            },
        },
        "gallery": {"type": "object", "properties": {"referenceIds": {"type": "array", "items": _REFERENCE}}},
    },
    "required": ["id", "version", "requestId", "requesttime"],
}
_CANDIDATE: Final = {
    "type": "object",
    "properties": {
        "referenceId": _TEXT,
        "analytics": _ANALYTICS,
        "modalities": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"biometricType": {"const": "FMR"}, "analytics": _ANALYTICS},
                "required": ["biometricType", "analytics"],
            },
        },
    },
    "required": ["referenceId", "analytics", "modalities"],
}
ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "requestId": _TEXT,
        "responsetime": {"type": "string", "format": "date-time"},
        "returnValue": {"enum": ["1", "2"]},
        "failureReason": {"enum": [str(int(reason)) for reason in Reason]},
        "candidateList": {
            "type": "object",
            "properties": {"count": _TEXT, "candidates": {"type": "array", "items": _CANDIDATE}},
            "required": ["count", "candidates"],
        },
        "count": _TEXT,
        "jobscount": _TEXT,
    },
    "required": ["id", "requestId", "responsetime", "returnValue"],
    "additionalProperties": False,
}


def add_abis(app: FastAPI, desk: AbisDesk | None) -> None:
    """Put the path into `app`; without a desk there is none."""
    if desk is None:
        return
    from anyio import CapacityLimiter, to_thread

    limiter: CapacityLimiter | None = None

    @app.post(
        PATH,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": REQUEST}}}
        },
        responses={
            200: {"content": {"application/json": {"schema": ANSWER}}, "description": "Also of failures"},
            403: {"model": Problem, "description": "The token may not do this"},
        },
    )
    async def abis(request: Request) -> JSONResponse:
        nonlocal limiter
        limiter = limiter or CapacityLimiter(AT_ONCE)
        body = await request.body()
        caller = str(request.scope["caller"])
        try:
            answer = await to_thread.run_sync(desk.answer, caller, body, limiter=limiter)
        except NotInScope as error:
            return JSONResponse({"problem": str(error)}, status_code=403)
        return JSONResponse(answer)

    _ = abis
