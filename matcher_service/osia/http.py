"""OSIA's paths over HTTP: the ABIS interface and its tasks. What names a callback is answered with a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response

from matcher_service.osia.asking import ERRORS, Answering, Said, accepted, body, gives, query, tree_of
from matcher_service.osia.notices_http import NOTICE_PREFIXES, add_notices

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from matcher_service.osia.desk import OsiaDesk

PREFIXES: Final = (
    "/v1/persons", "/v1/identify", "/v1/verify", "/v1/galleries", "/v1/tasks", *NOTICE_PREFIXES
)  # fmt: skip
_ENCOUNTERS: Final = "/v1/persons/{person_id}/encounters"
_ENCOUNTER: Final = _ENCOUNTERS + "/{encounter_id}"
_IDS: Final = gives(task=True, personId="string", encounterId="string")
_GONE: Final[dict[str, Any]] = {
    "status_code": 204, "response_class": Response, "openapi_extra": query(), "responses": ERRORS
}  # fmt: skip


def add_osia(app: FastAPI, desk: OsiaDesk | None) -> None:
    """Put the paths into `app`; without a desk there are none."""
    if desk is None:
        return
    answer = Answering()
    _add_creation(app, desk, answer)
    _add_persons(app, desk, answer)
    _add_searches(app, desk, answer)
    _add_tasks(app, desk, answer)
    add_notices(app, desk, answer)


def _or_later(
    desk: OsiaDesk, verb: str, asked: dict[str, Any], now: Callable[[str, Said], object]
) -> Callable[[str, Said], object]:
    """The work of a request: now, or with a callback as a task."""

    def work(who: str, said: Said) -> object:
        if said.callback is None:
            return now(who, said)
        whole = {**asked, "most": said.most, "threshold": said.threshold}
        task = desk.later(who, verb, whole, said.transaction, callback=said.callback, priority=said.priority)
        return accepted(task)

    return work


def _add_creation(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    async def make(request: Request, person: str | None, encounter: str | None) -> Response:
        raw = await request.body()

        def work(who: str, said: Said) -> object:
            tree = tree_of(raw)

            def now(who: str, said: Said) -> object:
                ids = desk.create(who, person, encounter, tree, said.transaction)
                return None if encounter is not None else ids

            asked = {"person": person, "encounter": encounter, "tree": tree}
            return _or_later(desk, "create", asked, now)(who, said)

        return await answer(request, work, 200 if encounter is None else 201, callback=True)

    made: dict[str, Any] = {"openapi_extra": query("algorithm", "callback") | body(), "responses": _IDS}

    @app.post("/v1/persons", **made)
    async def create_person(request: Request) -> Response:
        return await make(request, None, None)

    @app.post(_ENCOUNTERS, **made)
    async def create_encounter(request: Request, person_id: str) -> Response:
        return await make(request, person_id, None)

    @app.post(
        _ENCOUNTER,
        status_code=201,
        response_class=Response,
        openapi_extra=query("algorithm", "callback") | body(),
        responses=gives(task=True),
    )
    async def create(request: Request, person_id: str, encounter_id: str) -> Response:
        return await make(request, person_id, encounter_id)

    _ = create_person, create_encounter, create


def _add_persons(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    @app.get(_ENCOUNTERS, openapi_extra=query(), responses=ERRORS)
    async def read_all(request: Request, person_id: str) -> Response:
        return await answer(request, lambda who, said: desk.read(who, person_id, None, said.transaction))

    @app.get(_ENCOUNTER, openapi_extra=query(), responses=ERRORS)
    async def read(request: Request, person_id: str, encounter_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.read(who, person_id, encounter_id, said.transaction)[0]
        )

    @app.delete(_ENCOUNTER, **_GONE)
    async def remove(request: Request, person_id: str, encounter_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.remove(who, person_id, encounter_id, said.transaction), 204
        )

    @app.delete("/v1/persons/{person_id}", **_GONE)
    async def remove_all(request: Request, person_id: str) -> Response:
        return await answer(
            request, lambda who, said: desk.remove(who, person_id, None, said.transaction), 204
        )

    _ = read_all, read, remove, remove_all


def _add_searches(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    @app.post(
        "/v1/identify/{gallery_id}",
        openapi_extra=query("maxNbCand", "threshold", "accuracyLevel", "callback") | body(),
        responses=gives(task=True),
    )
    async def identify(request: Request, gallery_id: str) -> Response:
        raw = await request.body()

        def work(who: str, said: Said) -> object:
            tree = tree_of(raw)

            def now(who: str, said: Said) -> object:
                return desk.identify(
                    who, gallery_id, tree, said.transaction, most=said.most, threshold=said.threshold
                )

            return _or_later(desk, "identify", {"gallery": gallery_id, "tree": tree}, now)(who, said)

        return await answer(request, work, callback=True)

    @app.post(
        "/v1/verify/{gallery_id}/{person_id}",
        openapi_extra=query("threshold", "accuracyLevel", "callback") | body(),
        responses=gives(task=True),
    )
    async def verify(request: Request, gallery_id: str, person_id: str) -> Response:
        raw = await request.body()

        def work(who: str, said: Said) -> object:
            tree = tree_of(raw)

            def now(who: str, said: Said) -> object:
                return desk.verify(
                    who, gallery_id, person_id, tree, said.transaction, threshold=said.threshold
                )

            asked = {"gallery": gallery_id, "person": person_id, "tree": tree}
            return _or_later(desk, "verify", asked, now)(who, said)

        return await answer(request, work, callback=True)

    @app.get("/v1/galleries", openapi_extra=query(), responses=ERRORS)
    async def galleries(request: Request) -> Response:
        return await answer(request, lambda who, _said: desk.galleries(who))

    _ = identify, verify, galleries


def _add_tasks(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    @app.get("/v1/tasks/{task_id}/status", responses=ERRORS)
    async def status(request: Request, task_id: str) -> Response:
        return await answer.plain(request, lambda who: desk.tasks.status(who, task_id))

    @app.post("/v1/tasks/{task_id}/redeliver", status_code=204, response_class=Response, responses=ERRORS)
    async def redeliver(request: Request, task_id: str) -> Response:
        return await answer.plain(request, lambda who: desk.tasks.redeliver(who, task_id), 204)

    _ = status, redeliver
