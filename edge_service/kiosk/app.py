"""The application: one page, one stream of what it shows, and a request for each thing that an officer can do.

Every answer to a request is empty or says what was wrong with it by the id of a message; what came of it arrives
through the stream. Whoever has not unlocked the kiosk sees the status line and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Cookie, Depends, FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from edge_service.errors import EdgeError
from edge_service.kiosk import parameters
from edge_service.kiosk.catalogue import LANGUAGES, catalogue
from edge_service.kiosk.errors import KioskError, Locked
from edge_service.kiosk.form import BookingForm, FingerPlan, FingerState, Position
from edge_service.kiosk.guard import Guard
from edge_service.kiosk.page import render_page
from edge_service.kiosk.stream import events
from interchange.fields import Tcn

if TYPE_CHECKING:
    from edge_service.kiosk.desk import CaptureDesk
    from edge_service.kiosk.gate import Gate
    from edge_service.kiosk.guard import App
    from edge_service.kiosk.hub import Hub
    from edge_service.kiosk.status import StatusLine

COOKIE, LANGUAGE_COOKIE = "whorl_session", "whorl_language"
STATIC = Path(__file__).parent / "static"

SessionToken = Annotated[str | None, Cookie(alias=COOKIE, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Body):
    """What was typed or scanned to unlock the kiosk."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ThisPress(_Body):
    """The press that the officer saw when deciding, so that a late tap does not decide on the next one."""

    position: Position
    attempt: Annotated[int, Field(ge=1, le=10)]


class LeftOut(ThisPress):
    """Why this finger cannot be taken."""

    reason: FingerState


class Which(_Body):
    """An earlier booking."""

    tcn: Tcn


class _NotUnlocked(Exception):  # noqa: N818 - never leaves this module
    pass


def make_app(  # noqa: C901 - one small function for each thing that an officer can do
    *,
    desk: CaptureDesk,
    gate: Gate,
    status: StatusLine,
    hub: Hub,
    device: str,
    port: int,
    language: str,
    call: str = "",
) -> App:
    """The application behind its guard; `call` is whom an officer calls when the centre does not trust the kiosk."""
    app = FastAPI(title="Whorl kiosk", docs_url=None, redoc_url=None, openapi_url=None)

    def unlocked(whorl_session: SessionToken = None) -> None:
        if not gate.admits(whorl_session, touch=True):
            raise _NotUnlocked

    officer = [Depends(unlocked)]

    def state(token: str | None) -> dict[str, Any]:
        if not gate.admits(token):
            return {"step": "locked", "users": _has_users(gate)}
        return {**desk.view(), "officer": gate.officer}

    @app.get("/")
    def page(whorl_language: Annotated[str | None, Cookie(max_length=8)] = None) -> HTMLResponse:
        chosen = whorl_language if whorl_language in LANGUAGES else language
        return HTMLResponse(render_page(chosen, device=device, call=call))

    @app.get("/messages/{wanted}.json")
    def messages(wanted: str) -> Response:
        return JSONResponse(catalogue(wanted)) if wanted in LANGUAGES else Response(status_code=404)

    @app.get("/stream")
    def stream(whorl_session: SessionToken = None) -> Response:
        if len(hub) >= parameters.MAX_STREAMS:
            return Response(status_code=503)
        flow = events(hub, state=lambda: state(whorl_session), status=status.view)
        return StreamingResponse(flow, media_type="text/event-stream")

    @app.get("/picture/{key}", dependencies=officer)
    def picture(key: str) -> Response:
        png = desk.pictures.png(key)
        return Response(status_code=404) if png is None else Response(png, media_type="image/png")

    @app.post("/api/unlock", status_code=204)
    def unlock(body: Code, response: Response) -> None:
        token = gate.unlock(body.code)
        # Not `secure`: there is no TLS on the loopback, and the cookie never leaves it.
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
        hub.changed()

    @app.post("/api/lock", status_code=204, dependencies=officer)
    def lock() -> None:
        gate.lock()
        hub.changed()

    @app.post("/api/touch", status_code=204, dependencies=officer)
    def touch() -> None:
        pass  # asking was enough

    @app.post("/api/new", status_code=204, dependencies=officer)
    def new() -> None:
        desk.new()

    @app.post("/api/form", status_code=204, dependencies=officer)
    def form(body: BookingForm) -> None:
        desk.fill_in(body)

    @app.post("/api/back", status_code=204, dependencies=officer)
    def back() -> None:
        desk.back()

    @app.post("/api/take", status_code=204, dependencies=officer)
    def take(body: FingerPlan) -> None:
        desk.take(body)

    @app.post("/api/accept", status_code=204, dependencies=officer)
    def accept(body: ThisPress) -> None:
        desk.accept(body.position, body.attempt)

    @app.post("/api/again", status_code=204, dependencies=officer)
    def again(body: ThisPress) -> None:
        desk.again(body.position, body.attempt)

    @app.post("/api/leave-out", status_code=204, dependencies=officer)
    def leave_out(body: LeftOut) -> None:
        desk.leave_out(body.position, body.attempt, body.reason)

    @app.post("/api/cancel", status_code=204, dependencies=officer)
    def cancel() -> None:
        desk.cancel()

    @app.post("/api/look-at", status_code=204, dependencies=officer)
    def look_at(body: Which) -> None:
        desk.look_at(body.tcn)

    @app.post("/api/done", status_code=204, dependencies=officer)
    def done() -> None:
        desk.done()

    app.mount("/static", StaticFiles(directory=STATIC))
    _add_refusals(app)
    return Guard(app, port=port)  # pyright: ignore[reportArgumentType] - Starlette's scope is ours by another name


def _has_users(gate: Gate) -> bool:
    try:
        return bool(gate.users.all())
    except KioskError:
        return False


def _add_refusals(app: FastAPI) -> None:
    """Every refusal is the id of a message; none repeats what was sent."""

    async def not_unlocked(_request: object, _error: Exception) -> Response:
        return JSONResponse({"word": "unlock.needed"}, 401)

    async def refused(_request: object, error: Exception) -> Response:
        if isinstance(error, Locked):
            return JSONResponse({"word": error.word, "wait_s": round(error.wait_s, 1)}, 403)
        if isinstance(error, KioskError):
            return JSONResponse({"word": error.word}, 409)
        return JSONResponse({"word": "notice.store_failed"}, 507)

    async def invalid(_request: object, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [str(part) for part in error.errors()[0]["loc"] if part != "body"]
        return JSONResponse({"word": "form.invalid", "field": fields[0] if fields else ""}, 422)

    app.add_exception_handler(_NotUnlocked, not_unlocked)
    app.add_exception_handler(EdgeError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
