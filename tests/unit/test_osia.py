"""A part of OSIA's ABIS interface, asked over HTTP, against a real database and a real gallery."""

import asyncio
import base64

import httpx
import pytest

from hardware.bench.made_up import made_up_minutiae
from interchange import iso19794
from interchange.record import record_of
from matcher_service.abis.galleries import AbisGalleries
from matcher_service.abis.opening import open_desk, open_link
from matcher_service.abis.settings import AbisClient, AbisSettings
from matcher_service.accounts.key_file import Sealer
from matcher_service.api.app import make_app
from matcher_service.api.tokens import Tokens, add_token
from matcher_service.auditing.reading import Filter, newest
from matcher_service.errors import MatcherError
from matcher_service.osia.desk import OsiaDesk
from matcher_service.osia.opening import open_osia
from matcher_service.osia.settings import OsiaClient, OsiaSettings
from matcher_service.repositories import Database, Repositories
from matcher_service.search import Gallery
from matcher_service.settings import MatcherSettings

ALL = ("abis.encounter.write", "abis.encounter.read", "abis.identify", "abis.verify", "abis.gallery.read")
SETTINGS = OsiaSettings(
    clients=(
        OsiaClient(token="registry-1", repository="registrations", scopes=ALL, purpose="civil registry"),
        OsiaClient(token="registry-2", repository="registrations", scopes=ALL, purpose="civil registry"),
        OsiaClient(token="reader", repository="registrations", purpose="nothing yet"),
    )
)
SUBTYPES = {2: "RIGHT_INDEX", 7: "LEFT_INDEX"}


def finger(seed, position=2, **more):
    record = iso19794.encode(record_of(made_up_minutiae(seed), position=position))
    made = {
        "biometricType": "FINGER",
        "biometricSubType": SUBTYPES[position],
        "template": base64.b64encode(record).decode(),
        "templateFormat": "ISO_19794_2",
    }
    return {**made, **more}


def person(seed):
    return [finger(seed), finger(seed + 100, 7)]


def encounter(seed, **more):
    return {"status": "ACTIVE", "encounterType": "REGISTRATION", "biometricData": person(seed), **more}


@pytest.fixture
def place(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/matcher.db")
    Repositories(database).create("registrations")
    tokens = {name: add_token(tmp_path / "tokens", name) for name in (*_NAMES, "console")}
    galleries = AbisGalleries(
        database,
        {"registrations"},
        make_gallery=lambda source: Gallery(source=source, threads=1),
        threads=1,
    )
    desk = OsiaDesk(
        database, SETTINGS, galleries=galleries, fpir=0.1, verify_fmr=1e-4, sealer=lambda: Sealer(b"k" * 32)
    )
    app = make_app(database=database, tokens=Tokens.read(tmp_path / "tokens"), osia=desk)

    def ask(verb, path, tree=None, *, who="registry-1", transaction="t-1", **query):
        async def exchange():
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://api", timeout=60
            ) as client:
                return await client.request(
                    verb,
                    path,
                    params={"transactionId": transaction, **query},
                    json=tree,
                    headers={"Authorization": f"Bearer {tokens[who]}"},
                )

        return asyncio.run(exchange())

    yield ask, database
    desk.close()
    database.close()


_NAMES = ("registry-1", "registry-2", "reader")


def test_a_person_with_encounters_is_found_until_the_last_one_is_deleted(place):
    ask, database = place
    path = "/v1/persons/p-1/encounters"
    assert ask("POST", f"{path}/e-1", encounter(1)).status_code == 201
    assert ask("POST", f"{path}/e-2", encounter(2)).status_code == 201
    assert ask("POST", f"{path}/e-1", encounter(3)).status_code == 409
    assert ask("POST", "/v1/persons/p-2/encounters/e-1", encounter(4)).status_code == 201

    def found(seed, gallery="ALL", who="registry-1", **query):
        tree = {"filter": {}, "biometricData": person(seed)}
        answer = ask("POST", f"/v1/identify/{gallery}", tree, who=who, **query)
        assert answer.status_code == 200, answer.text
        return [(one["personId"], one["rank"]) for one in answer.json()]

    assert found(1) == found(2, "registrations") == [("p-1", 1)]
    assert found(4, maxNbCand=1, priority=9) == [("p-2", 1)]
    assert found(5) == found(1, threshold=99) == found(1, who="registry-2") == []
    back = ask("GET", f"{path}/e-2").json()
    assert [one["encounterId"] for one in ask("GET", path).json()] == ["e-1", "e-2"]
    assert [one["biometricSubType"] for one in back["biometricData"]] == ["RIGHT_INDEX", "LEFT_INDEX"]
    assert back["biometricData"][0]["template"] == finger(2)["template"]
    assert ask("DELETE", f"{path}/e-2").status_code == 204
    assert (found(1), found(2)) == ([("p-1", 1)], [])
    assert ask("DELETE", f"{path}/e-1").status_code == 204
    assert found(1) == []
    assert ask("DELETE", "/v1/persons/p-2").status_code == 204
    assert ask("DELETE", "/v1/persons/p-2").status_code == 404
    made = ask("POST", "/v1/persons", encounter(6)).json()
    more = ask("POST", f"/v1/persons/{made['personId']}/encounters", encounter(7)).json()
    assert (more["personId"], len({*made.values(), *more.values()})) == (made["personId"], 3)
    assert found(6) == found(7) == [(made["personId"], 1)]
    assert ask("DELETE", f"/v1/persons/{made['personId']}").status_code == 204
    assert Repositories(database).summaries()[0].identities == 0
    with database.read() as session:
        entries = newest(session, Filter(actor="system:osia/registry-1"), limit=50)
    assert {one.purpose for one in entries} == {"civil registry"}
    assert {"osia.create", "osia.identify", "osia.read", "osia.delete"} <= {one.action for one in entries}


def test_verify_and_galleries(place):
    ask, _ = place
    assert ask("POST", "/v1/persons/p-1/encounters/e-1", encounter(1)).status_code == 201

    def verified(seed, **query):
        return ask("POST", "/v1/verify/ALL/p-1", {"biometricData": person(seed)}, **query)

    same = verified(1).json()
    assert same["decision"] is True
    assert same["scores"][0]["score"] > 4
    assert verified(2).json()["decision"] is False
    assert verified(1, threshold=100).json()["decision"] is False
    assert verified(1, who="registry-2").status_code == 404
    assert ask("GET", "/v1/galleries").json() == ["registrations"]


@pytest.mark.parametrize(
    ("tree", "query"),
    [
        ([], {}),
        (encounter(1, biometricData=[]), {}),
        (encounter(1, biometricData=[{"biometricType": "FINGER", "image": "AAAA"}]), {}),
        (encounter(1, biometricData=[finger(1, biometricSubType="LEFT_INDEX")]), {}),
        (encounter(1, biometricData=[finger(1, templateFormat="OTHER")]), {}),
        (encounter(1, biometricData=[finger(1, template="AAAA")]), {}),
        (encounter(1, biometricData=[finger(1), finger(2)]), {}),
        (encounter(1, biographicData={"name": "made up"}), {}),
        (encounter(1, status="INACTIVE"), {}),
        (encounter(1), {"callback": "http://client.example/"}),
        (encounter(1), {"callback": "https://10.0.0.1/"}),
        (encounter(1), {"callback": "https://client.example/" + "a" * 480}),
        (encounter(1), {"priority": "10"}),
        (encounter(1), {"transaction": ""}),
    ],
)
def test_what_is_not_done_is_said(place, tree, query):
    ask, database = place
    answer = ask("POST", "/v1/persons/p-1/encounters/e-1", tree, **query)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}
    assert "made up" not in answer.text
    assert Repositories(database).count_prints("registrations") == 0


def test_there_is_only_what_the_settings_open(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/matcher.db")
    where = {"repository": "registrations", "purpose": "a test"}
    nothing = MatcherSettings()
    assert open_desk(nothing, database) is open_osia(nothing, database) is open_link(nothing, None) is None
    both = MatcherSettings(
        abis=AbisSettings(clients=(AbisClient(token="a", **where),)),
        osia=OsiaSettings(clients=(OsiaClient(token="a", **where),)),
    )
    desk = open_desk(both, database)
    assert desk.clients == {"a"}
    assert open_link(both, desk) is None
    with pytest.raises(MatcherError, match="same token"):
        open_osia(both, database)
    database.close()


def test_a_token_has_its_scopes_and_no_more(place):
    ask, _ = place
    assert ask("POST", "/v1/persons/p-1/encounters/e-1", encounter(1), who="reader").status_code == 403
    assert ask("GET", "/v1/galleries", who="console").status_code == 403
    assert ask("POST", "/v1/compare", {}).status_code == 403
    tree = {"filter": {}, "biometricData": person(1)}
    assert ask("POST", "/v1/identify/elsewhere", tree).status_code == 403
