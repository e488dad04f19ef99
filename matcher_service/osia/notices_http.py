"""OSIA's paths over HTTP: the notification interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response

from matcher_service.osia.asking import ERRORS, gives, one_of, parameters_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from matcher_service.osia.asking import Answering
    from matcher_service.osia.desk import OsiaDesk

NOTICE_PREFIXES: Final = ("/v1/topics", "/v1/subscriptions")
_GONE: Final[dict[str, Any]] = {"status_code": 204, "response_class": Response, "responses": ERRORS}
_TEXT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def add_notices(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    """Put topics and subscriptions into `app`."""
    _add_topics(app, desk, answer)
    _add_subscriptions(app, desk, answer)


def _add_topics(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    @app.get("/v1/topics", responses=ERRORS)
    async def topics(request: Request) -> Response:
        return await answer.plain(request, desk.notices.topics)

    @app.post(
        "/v1/topics", openapi_extra=parameters_of("name"), responses=gives(uuid="string", name="string")
    )
    async def make_topic(request: Request) -> Response:
        return await answer.plain(request, lambda who: desk.notices.make_topic(who, one_of(request, "name")))

    @app.delete("/v1/topics/{topic_id}", **_GONE)
    async def delete_topic(request: Request, topic_id: str) -> Response:
        return await answer.plain(request, lambda who: desk.notices.delete_topic(who, topic_id), 204)

    @app.post(
        "/v1/topics/{topic_id}/publish",
        response_class=Response,
        openapi_extra=parameters_of(optional=("subject",)) | _TEXT,
        responses=ERRORS,
    )
    async def publish(request: Request, topic_id: str) -> Response:
        raw = await request.body()
        subject = request.query_params.get("subject", "")
        return await answer.plain(request, lambda who: desk.notices.publish(who, topic_id, subject, raw))

    _ = topics, make_topic, delete_topic, publish


def _add_subscriptions(app: FastAPI, desk: OsiaDesk, answer: Answering) -> None:
    @app.get("/v1/subscriptions", responses=ERRORS)
    async def subscriptions(request: Request) -> Response:
        return await answer.plain(request, desk.notices.subscriptions)

    @app.post(
        "/v1/subscriptions",
        openapi_extra=parameters_of("topic", "address", optional=("protocol", "policy")),
        responses=gives(
            uuid="string",
            topic="string",
            protocol="string",
            address="string",
            policy="string",
            active="boolean",
        ),
    )
    async def subscribe(request: Request) -> Response:
        given = request.query_params

        def work(who: str) -> object:
            return desk.notices.subscribe(
                who, one_of(request, "topic"), given.get("protocol", "http"), one_of(request, "address"),
                given.get("policy"),
            )  # fmt: skip

        return await answer.plain(request, work)

    @app.get(
        "/v1/subscriptions/confirm",
        response_class=Response,
        openapi_extra=parameters_of("token"),
        responses=ERRORS,
    )
    async def confirm(request: Request) -> Response:
        return await answer.plain(request, lambda who: desk.notices.confirm(who, one_of(request, "token")))

    @app.delete("/v1/subscriptions/{subscription_id}", **_GONE)
    async def unsubscribe(request: Request, subscription_id: str) -> Response:
        return await answer.plain(request, lambda who: desk.notices.unsubscribe(who, subscription_id), 204)

    _ = subscriptions, subscribe, confirm, unsubscribe
