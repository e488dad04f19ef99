"""docs/asyncapi.yaml and docs/openapi.json: current, valid by the standards' own schemas, and true."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import hypothesis
import jsonschema
import pytest
import schemathesis
import yaml
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from interchange.messages import (
    Ack,
    AckStatus,
    Colour,
    Reply,
    RepositoryReply,
    decode_message,
    encode_message,
)
from interchange.topics import Down, Notice, Up
from matcher_service.abis.desk import AbisDesk
from matcher_service.abis.settings import AbisClient, AbisSettings
from matcher_service.api.app import make_app
from matcher_service.api.documents import ASYNCAPI_FILE, OPENAPI_FILE, documents, write
from matcher_service.api.tokens import Tokens, add_token
from matcher_service.osia.desk import OsiaDesk
from matcher_service.osia.settings import OsiaClient, OsiaSettings
from matcher_service.repositories import Database, Repositories

ROOT = Path(__file__).parents[2]
ASYNCAPI_OWN = Path(__file__).parent / "data" / "asyncapi" / "asyncapi-3.0.0.json"
TCN = "kiosk-1." + "0" * 26
HEADERS = {"anybody": {}, "mosip": {}, "registry": {}}


@pytest.fixture(scope="module")
def asyncapi():
    return yaml.safe_load((ROOT / "docs" / ASYNCAPI_FILE).read_text())


@pytest.mark.parametrize("name", [ASYNCAPI_FILE, OPENAPI_FILE])
def test_the_files_are_what_the_program_says_of_itself(name):
    assert (ROOT / "docs" / name).read_text() == documents()[name], (
        "run: python -m matcher_service.api.documents docs"
    )


def test_both_are_written(tmp_path):
    write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {ASYNCAPI_FILE, OPENAPI_FILE}


def test_the_asyncapi_document_obeys_asyncapis_own_schema(asyncapi):
    own = jsonschema.Draft7Validator(json.loads(ASYNCAPI_OWN.read_text()))
    assert not list(own.iter_errors(asyncapi))
    broken = {**asyncapi, "channels": {"upStatus": {"adress": "fp/v1/{device}/up/status"}}}
    assert list(own.iter_errors(broken))


def test_every_topic_is_in_it_and_every_reference_leads_somewhere(asyncapi):
    addresses = {channel["address"] for channel in asyncapi["channels"].values()}
    assert addresses == {
        *(f"fp/v1/{{device}}/up/{kind}" for kind in Up),
        *(f"fp/v1/{{device}}/down/{kind}" for kind in Down),
        *(f"notify/v1/{{subscriber}}/{kind}" for kind in Notice),
        "audit/v1/head",
        "abis/v1/{client}/request",
        "abis/v1/{client}/response",
    }
    references = list(_references(asyncapi))
    assert len(references) > 80
    for reference in references:
        place = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def _references(tree):
    if isinstance(tree, dict):
        if isinstance(tree.get("$ref"), str):
            yield tree["$ref"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _references(part)


@pytest.fixture(scope="module")
def checked(asyncapi):
    def check(name, tree):
        schema = {"$ref": f"#/components/schemas/{name}", "components": asyncapi["components"]}
        return list(jsonschema.Draft7Validator(schema).iter_errors(tree))

    return check


def test_what_is_sent_is_what_the_schema_allows(checked):
    reply = Reply(
        tcn=TCN,
        answered_at=datetime.now(UTC),
        repositories=(RepositoryReply(name="criminal", colour=Colour.GREEN),),
        timings_ms={"total": 12.5},
    )
    assert not checked("Reply", json.loads(encode_message(reply)))
    ack = json.loads(encode_message(Ack(tcn=TCN, status=AckStatus.ACCEPTED)))
    assert not checked("Ack", ack)
    for wrong in (
        {**ack, "version": 2},
        {**ack, "tcn": "a person's name"},
        {**ack, "status": "perhaps"},
        {**ack, "new": 1},
        {key: value for key, value in ack.items() if key != "version"},
    ):
        assert checked("Ack", wrong)
        with pytest.raises(Exception, match=r"version|tcn|status|new"):
            decode_message(Ack, json.dumps(wrong).encode())


class NoGalleries:
    """Nobody is enrolled, so nobody is found."""

    def search(self, repository, prints, *, limit):
        return [], 0

    def close(self):
        pass


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    database = Database(f"sqlite:///{folder}/matcher.db")
    Repositories(database).create("registrations")
    for name in HEADERS:
        HEADERS[name] = {"Authorization": f"Bearer {add_token(folder / 'tokens', name)}"}
    where = {"repository": "registrations", "purpose": "a test"}
    verbs = ("insert", "identify", "delete")
    scopes = (
        "abis.encounter.write",
        "abis.encounter.read",
        "abis.identify",
        "abis.verify",
        "abis.gallery.read",
    )
    abis = AbisSettings(clients=(AbisClient(token="mosip", verbs=verbs, **where),))
    osia = OsiaSettings(clients=(OsiaClient(token="registry", scopes=scopes, **where),))
    yield make_app(
        database=database,
        tokens=Tokens.read(folder / "tokens"),
        abis=AbisDesk(database, abis, galleries=NoGalleries(), fpir=0.1),
        osia=OsiaDesk(database, osia, galleries=NoGalleries(), fpir=0.1, verify_fmr=1e-4),
    )
    database.close()


@pytest.fixture(scope="module")
def promised(api):
    return schemathesis.openapi.from_asgi("/v1/openapi.json", api, headers=HEADERS["anybody"])


# Random base64 is no fingerprint: what obeys the schema may still be refused.
NOT_CHECKED = [checks.positive_data_acceptance]
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
PAIRS = [
    ("anybody", "GET", "/v1/health", RIGHT),
    ("anybody", "POST", "/v1/compare", RIGHT),
    ("anybody", "POST", "/v1/compare", WRONG),
    ("anybody", "POST", "/v1/explain", RIGHT),
    ("anybody", "GET", "/v1/candidates/{reference}/explanation", RIGHT),
    ("anybody", "GET", "/v1/candidates/{reference}/explanation", WRONG),
    ("mosip", "POST", "/v1/abis", RIGHT),
    ("registry", "POST", "/v1/persons/{person_id}/encounters/{encounter_id}", RIGHT),
    ("registry", "DELETE", "/v1/persons/{person_id}", RIGHT),
    ("registry", "POST", "/v1/identify/{gallery_id}", RIGHT),
    ("registry", "GET", "/v1/galleries", WRONG),
]


@pytest.mark.parametrize(("who", "method", "path", "mode"), PAIRS)
def test_the_api_answers_as_its_document_promises(promised, who, method, path, mode):
    @hypothesis.settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=promised[path][method].as_strategy(generation_mode=mode))
    def check(case):
        answer = case.call(headers=HEADERS[who])
        # Too large is a refusal as well, but not one of those that the check for broken data knows.
        more = [checks.negative_data_rejection] if answer.status_code == 413 else []
        case.validate_response(answer, headers=HEADERS[who], excluded_checks=[*NOT_CHECKED, *more])

    check()


def test_the_document_says_where_no_token_is_needed(api):
    transport = httpx.ASGITransport(api)

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return [await client.get(path) for path in ("/v1/health", "/v1/openapi.json")]

    health, document = asyncio.run(ask())
    assert (health.status_code, document.status_code) == (200, 401)
    written = json.loads((ROOT / "docs" / OPENAPI_FILE).read_text())
    assert written["paths"]["/v1/health"]["get"]["security"] == []
    assert "security" not in written["paths"]["/v1/compare"]["post"]
    assert written["security"] == [{"token": []}]
