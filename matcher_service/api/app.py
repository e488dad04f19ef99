"""The application: three questions about two prints, whether it is well, and the door for new kiosks.

POST /v1/compare                              two templates: the score and what it means
POST /v1/explain                              two templates: all figures, or the picture (Accept: image/svg+xml)
GET  /v1/candidates/{reference}/explanation   the same for a candidate of a recorded search, finger by finger
POST /v1/abis                                 MOSIP's ABIS, for the tokens that are for it: see `abis.http`
/v1/persons, identify, verify, galleries, tasks, topics, subscriptions
                                              a part of OSIA, for the tokens that are for it: see `osia.http`
GET  /v1/health                               whether it is well, without a token
GET  /v1/provision/authority, POST /v1/provision   the first meeting with a kiosk: see `provisioning`
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy import text

from interchange.errors import MessageError
from interchange.fingers import finger_name
from interchange.messages import decode_message
from matcher_service.abis.http import PATH as ABIS_PATH
from matcher_service.abis.http import add_abis
from matcher_service.api.accept import prefers_svg
from matcher_service.api.describing import ALWAYS, DescribedApi, takes
from matcher_service.api.gate import Gate
from matcher_service.api.messages import (
    SVG,
    Compared,
    Health,
    LookPurpose,
    Problem,
    ScoreMeaning,
    TwoTemplates,
)
from matcher_service.api.provisioning import add_provisioning
from matcher_service.auditing import note
from matcher_service.candidates import CandidateExplained, UnknownCandidate, explain_candidate
from matcher_service.errors import StoreError
from matcher_service.explaining import CAUTION, Explanation, explain
from matcher_service.explaining.drawing import draw
from matcher_service.osia.http import PREFIXES as OSIA_PREFIXES
from matcher_service.osia.http import add_osia
from matcher_service.reading import UnusableTemplate, choose_pair, read_bytes

if TYPE_CHECKING:
    from fastapi import FastAPI

    from matcher_service.abis.desk import AbisDesk
    from matcher_service.api.gate import App
    from matcher_service.api.tokens import Tokens
    from matcher_service.authority.registrar import Registrar
    from matcher_service.osia.desk import OsiaDesk
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.api")

# In this pattern `$` is the very end: the document gives it to readers who know no other sign for it.
Reference = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
PURPOSES = ", ".join(LookPurpose)
_TAKES_TWO = takes(TwoTemplates)
_GIVES_BOTH: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {SVG: {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}}
    },
    406: {"model": Problem, "description": "Neither JSON nor SVG is accepted"},
}


class _Refusal(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, status: int, problem: str) -> None:
        self.status, self.problem = status, problem
        super().__init__(problem)


def make_app(
    *,
    database: Database,
    tokens: Tokens,
    registrar: Registrar | None = None,
    abis: AbisDesk | None = None,
    osia: OsiaDesk | None = None,
) -> App:
    """The application behind its gate; `database` stays the caller's to close. `registrar` lets kiosks in.

    `abis` and `osia` answer the tokens that are for them, and those tokens open nothing else.
    """
    inner = make_inner(database=database, registrar=registrar, abis=abis, osia=osia)
    confined = dict.fromkeys(abis.clients if abis else (), (ABIS_PATH,))
    confined |= dict.fromkeys(osia.clients.names if osia else (), OSIA_PREFIXES)
    return Gate(inner, tokens=tokens, confined=confined)


def make_inner(
    *,
    database: Database,
    registrar: Registrar | None = None,
    abis: AbisDesk | None = None,
    osia: OsiaDesk | None = None,
) -> FastAPI:
    """What is behind the gate; see `make_app`."""
    look = partial(_look, database)
    app = DescribedApi(
        title="Whorl", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json",
        responses=ALWAYS,
    )  # fmt: skip

    @app.post("/v1/compare", openapi_extra=_TAKES_TWO)
    async def compare(request: Request) -> Compared:
        found = await run_in_threadpool(_explain_two, await request.body())
        await look("template.compare", request, purpose="compare", score=round(found.score, 3))
        return Compared(
            score=round(found.score, 3), pairs=len(found.pairs), meaning=_meaning(found), caution=CAUTION
        )

    @app.post("/v1/explain", openapi_extra=_TAKES_TWO, responses=_GIVES_BOTH)
    async def explain_two(
        request: Request, accept: Annotated[str, Header(max_length=500)] = "*/*"
    ) -> Response:
        svg = _wants_svg(accept)
        found = await run_in_threadpool(_explain_two, await request.body())
        await look("template.explain", request, purpose="explain", score=round(found.score, 3))
        return await run_in_threadpool(_picture, found) if svg else JSONResponse(found.as_json())

    @app.get("/v1/candidates/{reference}/explanation", responses={**_GIVES_BOTH, 404: {"model": Problem}})
    async def explain_a_candidate(
        request: Request,
        reference: Reference,
        whorl_purpose: Annotated[str | None, Header(max_length=40)] = None,
        accept: Annotated[str, Header(max_length=500)] = "*/*",
        finger: Annotated[int | None, Query(ge=0, le=10)] = None,
    ) -> Response:
        svg = _wants_svg(accept)
        if whorl_purpose not in set(LookPurpose):
            raise _Refusal(400, f"send 'Whorl-Purpose:' with why you look at these prints: one of {PURPOSES}")
        seen = partial(look, "candidate.explain", request, purpose=str(whorl_purpose), subject=reference)
        try:
            theirs = request.scope["repositories"]
            found = await run_in_threadpool(explain_candidate, database, reference, repositories=theirs)
        except UnknownCandidate as error:
            await seen(outcome=error.outcome, repository=error.elsewhere)
            raise
        await seen(repository=found.repository, tcn=found.tcn)
        if not svg:
            return JSONResponse(_candidate_json(found, finger))
        best = found.best(finger)
        if best is None:
            raise _Refusal(
                404, "the candidate has no print of this finger; ask without ?finger= for the best one"
            )
        return await run_in_threadpool(_picture, best)

    @app.get("/v1/health", responses={503: {"model": Health, "description": "The database does not answer"}})
    async def health(response: Response) -> Health:
        well = await run_in_threadpool(_answers, database)
        if not well:
            response.status_code = 503
        return Health(status="ok" if well else "database does not answer", database=well)

    _ = compare, explain_two, explain_a_candidate, health
    add_provisioning(app, registrar)
    add_abis(app, abis)
    add_osia(app, osia)
    _handle_errors(app)
    return app


async def _look(database: Database, action: str, request: Request, **what: Any) -> None:  # noqa: ANN401 - as `note` has it
    """Into the audit first: what cannot be written down is not shown."""
    await run_in_threadpool(note, database, action, actor=f"system:api/{request.scope['caller']}", **what)


def _explain_two(body: bytes) -> Explanation:
    asked = decode_message(TwoTemplates, body)
    probe = read_bytes(asked.probe, name="probe")
    candidate = read_bytes(asked.candidate, name="candidate")
    a, b = choose_pair(probe, candidate, asked.finger)
    return explain(a.minutiae, b.minutiae, positions=(a.position, b.position))


def _wants_svg(accept: str) -> bool:
    wanted = prefers_svg(accept)
    if wanted is None:
        raise _Refusal(406, f"only application/json and {SVG} can be had here")
    return wanted


def _picture(found: Explanation) -> Response:
    return Response(draw(found), media_type=SVG)


def _meaning(found: Explanation) -> ScoreMeaning:
    meaning = found.meaning
    return ScoreMeaning(
        headline=meaning.headline,
        sentence=meaning.sentence,
        log10_fmr=meaning.log10_fmr,
        interval=meaning.interval,
    )


def _candidate_json(found: CandidateExplained, finger: int | None) -> dict[str, Any]:
    return {
        "reference": found.reference,
        "tcn": found.tcn,
        "repository": found.repository,
        "score": round(found.score, 3),
        "caution": CAUTION,
        "fingers": [
            {
                "finger": one.position,
                "finger_name": finger_name(one.position),
                "explanation": None if one.explanation is None else one.explanation.as_json(),
            }
            for one in found.fingers
            if finger in (None, one.position)
        ],
    }


def _answers(database: Database) -> bool:
    try:
        with database.read() as session:
            return session.scalar(text("SELECT 1")) == 1
    except StoreError:
        return False


def _handle_errors(app: FastAPI) -> None:
    def problem(status: int, words: str) -> JSONResponse:
        return JSONResponse({"problem": words}, status_code=status)

    @app.exception_handler(_Refusal)
    async def refusal(_request: Request, error: _Refusal) -> JSONResponse:
        return problem(error.status, error.problem)

    @app.exception_handler(MessageError)
    @app.exception_handler(UnusableTemplate)
    async def unreadable(_request: Request, error: Exception) -> JSONResponse:
        return problem(400, str(error))

    @app.exception_handler(UnknownCandidate)
    async def unknown(_request: Request, error: UnknownCandidate) -> JSONResponse:
        return problem(404, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]  # its "input" is not repeated
        return problem(400, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")

    @app.exception_handler(StoreError)
    async def store(_request: Request, _error: StoreError) -> JSONResponse:
        log.error("the database failed; see its own log")
        return problem(503, "the database does not answer; try again, then tell whoever runs this service")

    _ = refusal, unreadable, unknown, invalid, store
