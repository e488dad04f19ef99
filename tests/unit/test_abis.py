"""The ABIS verbs against a real database, a real gallery and a real server that hands out CBEFF.

One long file on purpose: one desk, one file server, and each of eighteen reasons to fail.
"""

import asyncio
import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import httpx
import pytest

from hardware.bench.made_up import made_up_minutiae
from interchange import iso19794
from interchange.record import Record, record_of
from matcher_service.abis import parameters
from matcher_service.abis.desk import AbisDesk
from matcher_service.abis.failures import AbisFailure, NotInScope, Reason
from matcher_service.abis.fetching import fetch
from matcher_service.abis.galleries import AbisGalleries
from matcher_service.abis.settings import AbisClient, AbisSettings
from matcher_service.api.app import make_app
from matcher_service.api.tokens import Tokens, add_token
from matcher_service.auditing.reading import Filter, newest
from matcher_service.repositories import Database, Repositories
from matcher_service.search import Gallery

ORDER = "mosip.abis."
NUMBERS = count(1)
FINGERS = {2: "Right IndexFinger", 7: "Left IndexFinger"}


def bir(data, *, subtype="Right IndexFinger", kind="Finger", form="2"):
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return (
        "<BIR><BDBInfo><Format><Organization>Mosip</Organization>"
        f"<Type>{form}</Type></Format><Type>{kind}</Type><Subtype>{subtype}</Subtype>"
        "<Quality><Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>"
        f"<Score>80</Score></Quality></BDBInfo><BDB>{text}</BDB></BIR>"
    )


def document(*records, before=""):
    inside = "".join(records)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<BIR xmlns="http://standards.iso.org/iso-iec/19785/-3/ed-2/">{inside}</BIR>'
    ).encode()


def fmr(seed, position=2, **more):
    return iso19794.encode(record_of(made_up_minutiae(seed, **more), position=position))


def person(seed):
    return document(*(bir(fmr(seed + 100 * at, at), subtype=name) for at, name in FINGERS.items()))


BOMB = '<!DOCTYPE BIR [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
TWO_VIEWS = iso19794.encode(
    Record.from_minutiae([made_up_minutiae(1), made_up_minutiae(2)], positions=[2, 7])
)
DOCUMENTS = {
    **{f"person-{seed}": person(seed) for seed in range(1, 6)},
    "empty": b"",
    "no-data": document(bir("")),
    "no-xml": b"not <xml",
    "bomb": document(bir("&b;"), before=BOMB),
    "foreign": b"<BIR><BDB>QUJD</BDB></BIR>",
    "image": document(bir(b"FIR\0image", form="7")),
    "face": document(bir(b"FAC\0image", kind="Face", form="8")),
    "no-base64": document(bir("*****")),
    "no-record": document(bir(b"FMR\0 20\0 but no more")),
    "several": document(bir(TWO_VIEWS)),
    "other-finger": document(bir(fmr(1, 7))),
    "no-finger": document(bir(fmr(1, 0), subtype="Right Toe")),
    "twice": document(bir(fmr(1)), bir(fmr(2))),
    "deep": b'<BIR xmlns="http://standards.iso.org/iso-iec/19785/-3/ed-2/">' + b"<BIR>" * 50,
    "poor": document(bir(fmr(1, count=2))),
    "large": b" " * (parameters.MAX_CBEFF_BYTES + 1),
    "mixed": document(bir(b"FAC\0", kind="Face", form="8"), bir(fmr(1, 0), subtype="Left Thumb")),
}


class _Shares(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/")
        if name in DOCUMENTS:
            self.send_response(200)
            self.send_header("content-length", str(len(DOCUMENTS[name])))
            self.end_headers()
            self.wfile.write(DOCUMENTS[name])
            return
        self.send_response({"moved": 302, "expired": 403}.get(name, 404))
        if name == "moved":
            self.send_header("location", "/person-1")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def shares():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shares)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def client(token, *verbs, repository="registrations"):
    return AbisClient(token=token, repository=repository, verbs=verbs, purpose="deduplication")


ALL = ("insert", "identify", "delete")
SETTINGS = AbisSettings(
    hosts=("127.0.0.1",),
    networks=("127.0.0.1/32",),
    clients=(
        client("mosip-1", *ALL),
        client("mosip-2", *ALL),
        client("reader", "identify"),
        client("lost", *ALL, repository="nowhere"),
    ),
)


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/matcher.db")
    Repositories(made).create("registrations")
    yield made
    made.close()


@pytest.fixture
def desk(database):
    galleries = AbisGalleries(
        database,
        {"registrations", "nowhere"},
        make_gallery=lambda source: Gallery(source=source, threads=1),
        threads=1,
    )
    made = AbisDesk(database, SETTINGS, galleries=galleries, fpir=0.1)
    yield made
    made.close()


def request(verb, **more):
    return {
        "id": ORDER + verb,
        "version": "1.1",
        "requestId": f"request-{next(NUMBERS)}",
        "requesttime": "2026-11-22T07:01:24.692Z",
        **more,
    }


def ask(desk, tree, token="mosip-1"):
    return desk.answer(token, json.dumps(tree).encode())


@pytest.fixture
def put(desk, shares):
    def do(reference, name, token="mosip-1"):
        answer = ask(desk, request("insert", referenceId=reference, referenceURL=f"{shares}/{name}"), token)
        assert answer["returnValue"] == "1", answer
        assert set(answer) == {"id", "requestId", "responsetime", "returnValue"}

    return do


def audited(database, actor):
    with database.read() as session:
        return newest(session, Filter(actor=actor), limit=50)


def found(answer):
    assert answer["returnValue"] == "1", answer
    listed = answer["candidateList"]
    assert listed["count"] == str(len(listed["candidates"]))
    return [one["referenceId"] for one in listed["candidates"]]


def test_an_insert_is_there_for_the_next_identify_and_gone_after_delete(desk, put, shares, database):
    put("a", "person-1")
    by_url = request("identify", referenceURL=f"{shares}/person-1")
    answer = ask(desk, by_url)
    assert found(answer) == ["a"]
    candidate = answer["candidateList"]["candidates"][0]
    assert float(candidate["analytics"]["confidence"]) > 99
    assert candidate["modalities"] == [{"biometricType": "FMR", "analytics": candidate["analytics"]}]
    put("b", "person-1")
    put("c", "person-2")
    assert found(ask(desk, request("identify", referenceURL=f"{shares}/person-1"))) == ["a", "b"]
    assert found(ask(desk, request("identify", referenceId="a", referenceURL=""))) == ["b"]
    assert found(ask(desk, request("identify", referenceURL=f"{shares}/person-3"))) == []
    assert ask(desk, request("referenceCount"))["count"] == "3"
    assert ask(desk, request("delete", referenceId="a"))["returnValue"] == "1"
    assert found(ask(desk, request("identify", referenceURL=f"{shares}/person-1"))) == ["b"]
    assert ask(desk, request("delete", referenceId="b"))["returnValue"] == "1"
    assert found(ask(desk, request("identify", referenceURL=f"{shares}/person-1"))) == []
    assert Repositories(database).summaries()[0].identities == 1
    entries = audited(database, "system:abis/mosip-1")
    assert [one.action for one in reversed(entries)][:3] == ["abis.insert", "abis.identify", "abis.insert"]
    assert {one.purpose for one in entries} == {"deduplication"}
    assert by_url["requestId"] in {one.subject for one in entries}


def test_galleries_and_flags_narrow_what_is_answered(desk, put, shares):
    for name in ("a", "b", "c"):
        put(name, "person-1")
    put("d", "person-2")

    def identify(**more):
        return found(ask(desk, request("identify", referenceURL=f"{shares}/person-1", **more)))

    of = [{"referenceId": "b"}, {"referenceId": "d"}, {"referenceId": "never-inserted"}]
    assert identify(gallery={"referenceIds": of}) == ["b"]
    assert identify(flags={"maxResults": "2", "targetFPIR": "30", "flag1": "unknown"}) == ["a", "b"]
    assert identify(gallery={"referenceIds": []}) == ["a", "b", "c"]


def test_clients_see_their_own_alone_and_what_was_there_before_stays(desk, put, shares, database):
    from matcher_service.abis.cbeff import read_fingers

    prints = [one.print for one in read_fingers(person(4))]
    jails = Repositories(database).enroll("registrations", prints).identity
    put("x", "person-4")
    identify = request("identify", referenceURL=f"{shares}/person-4")
    assert found(ask(desk, {**identify, "requestId": "one"}, "mosip-2")) == []
    assert ask(desk, request("delete", referenceId="x"), "mosip-2")["failureReason"] == "12"
    put("x", "person-4", "mosip-2")
    assert ask(desk, request("delete", referenceId="x"))["returnValue"] == "1"
    assert found(ask(desk, {**identify, "requestId": "two"}, "mosip-2")) == ["x"]
    assert ask(desk, request("delete", referenceId="x"), "mosip-2")["returnValue"] == "1"
    assert Repositories(database).prints("registrations", [jails])


def test_who_is_expunged_is_gone_for_the_client_too(desk, put, database):
    put("a", "person-1")
    identity = Repositories(database).prints("registrations")[0].identity
    Repositories(database).remove("registrations", identity)
    assert ask(desk, request("referenceCount"))["count"] == "0"
    assert ask(desk, request("identify", referenceId="a"))["failureReason"] == "12"


def test_the_same_request_is_done_once_and_answered_alike(desk, put, shares):
    tree = request("insert", referenceId="a", referenceURL=f"{shares}/person-1")
    first = ask(desk, tree)
    assert (ask(desk, tree), first["returnValue"]) == (first, "1")
    assert ask(desk, {**tree, "referenceId": "b"})["failureReason"] == "4"
    again = request("insert", referenceId="a", referenceURL=f"{shares}/person-1")
    refused = ask(desk, again)
    assert refused["failureReason"] == "10"
    assert ask(desk, request("delete", referenceId="a"))["returnValue"] == "1"
    assert ask(desk, again) == refused
    later = request("insert", referenceId="a", referenceURL=f"{shares}/not-yet")
    assert ask(desk, later)["failureReason"] == "7"
    DOCUMENTS["not-yet"] = person(5)
    assert ask(desk, later)["returnValue"] == "1"


def test_ping_and_pending_jobs(desk):
    ping = request("ping")
    answer = ask(desk, ping)
    assert answer == {
        "id": "mosip.abis.ping",
        "requestId": ping["requestId"],
        "responsetime": answer["responsetime"],
        "returnValue": "1",
    }
    assert ask(desk, request("pendingJobs"))["jobscount"] == "0"


def without(key, verb="insert"):
    tree = request(verb, referenceId="z", referenceURL="https://127.0.0.1/x")
    del tree[key]
    return tree


def given(**more):
    return request("insert", referenceId="z", referenceURL="https://127.0.0.1/x") | more


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ([1], 4),
        (given(requestId="two words"), 4),
        (given(referenceId=7), 4),
        (given(referenceURL="https://127.0.0.1/" + "x" * 500), 4),
        (request("identify", referenceId="a", flags={"maxResults": "0"}), 4),
        (request("identify", referenceId="a", flags={"targetFPIR": "1e3"}), 4),
        (request("identify", referenceId="a", flags=[]), 4),
        (request("identify", referenceId="a", gallery={"referenceIds": ["a"]}), 4),
        (without("referenceId"), 5),
        (without("referenceId", "delete"), 5),
        (request("identify"), 5),
        (without("requestId"), 6),
        (without("referenceURL"), 8),
        (without("requesttime"), 9),
        (request("identify", referenceId="nobody"), 12),
        (request("delete", referenceId="nobody"), 12),
        (without("version"), 13),
        (given(version="9"), 13),
        (given(id="mosip.abis.export"), 14),
        (without("id"), 14),
        (given(requesttime="yesterday"), 15),
        (given(requesttime="2026-13-22T07:01:24.692Z"), 15),
        (given(requesttime="2026-11-22 07:01:24"), 15),
    ],
)
def test_what_is_wrong_with_a_request_has_its_reason(desk, tree, reason):
    answer = ask(desk, tree)
    assert (answer["returnValue"], answer["failureReason"]) == ("2", str(reason))
    assert set(answer) == {"id", "requestId", "responsetime", "returnValue", "failureReason"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, 16) for name in ("no-xml", "bomb", "foreign", "image", "face", "no-base64", "no-record")),
        *((name, 16) for name in ("several", "other-finger", "no-finger", "twice", "deep")),
        ("empty", 11),
        ("no-data", 11),
        ("poor", 18),
        ("nowhere", 7),
        ("moved", 7),
        ("large", 7),
        ("expired", 17),
    ],
)
def test_what_is_wrong_with_the_biometrics_has_its_reason(desk, shares, database, name, reason):
    answer = ask(desk, request("insert", referenceId="z", referenceURL=f"{shares}/{name}"))
    assert (answer["returnValue"], answer.get("failureReason")) == ("2", str(reason))
    assert Repositories(database).count_prints("registrations") == 0


def test_a_face_beside_a_finger_is_passed_over(desk, put, database):
    put("a", "mixed")
    assert [one.position for one in Repositories(database).prints("registrations")] == [6]


def test_faults_of_our_own_have_theirs(desk, shares, monkeypatch):
    identify = request("identify", referenceURL=f"{shares}/person-1")
    assert ask(desk, identify, "lost")["failureReason"] == str(int(Reason.UNEXPECTED))
    insert = request("insert", referenceId="a", referenceURL=f"{shares}/person-1")
    with monkeypatch.context() as patch:
        patch.setattr(Repositories, "enroll", lambda *_, **__: 1 / 0)
        assert ask(desk, insert)["failureReason"] == str(int(Reason.INTERNAL))
    desk.close()
    assert ask(desk, insert)["failureReason"] == str(int(Reason.ABORTED))


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("http://127.0.0.1:{port}/person-1", {"networks": ()}),
        ("http://127.0.0.1:{port}/person-1", {"hosts": ("elsewhere.example",)}),
        ("http://localhost:{port}/person-1", {"hosts": ("localhost",)}),
        ("https://user:word@127.0.0.1:{port}/person-1", {}),
        ("file:///etc/passwd", {}),
        ("https://127.0.0.1:{port}/person-1", {}),  # no TLS there
        ("https://[::ffff:10.0.0.1]/x", {}),
    ],
)
def test_nothing_is_fetched_from_elsewhere(shares, url, more):
    settings = AbisSettings(**{"hosts": ("127.0.0.1",), "networks": ("127.0.0.1/32",), **more})
    port = shares.rpartition(":")[2]
    with pytest.raises(AbisFailure) as caught:
        fetch(url.format(port=port), settings, timeout_s=5)
    assert caught.value.reason is Reason.NOT_FETCHED
    assert "127.0.0.1" not in str(caught.value)


def test_a_verb_that_is_not_allowed_is_refused_and_written_down(desk, database):
    with pytest.raises(NotInScope):
        ask(desk, request("insert", referenceId="a", referenceURL="https://127.0.0.1/x"), "reader")
    with pytest.raises(NotInScope):
        ask(desk, request("ping"), "console")
    assert ask(desk, request("ping"), "reader")["returnValue"] == "1"
    entry = audited(database, "system:abis/reader")[0]
    assert (entry.action, entry.facts["outcome"]) == ("abis.insert", "refused")


def test_over_http_each_token_has_its_own_doors(desk, database, shares, tmp_path):
    tokens = tmp_path / "tokens"
    mosip, console = add_token(tokens, "mosip-1"), add_token(tokens, "console")
    app = make_app(database=database, tokens=Tokens.read(tokens), abis=desk)
    body = request("insert", referenceId="a", referenceURL=f"{shares}/person-1")

    async def post(path, token, tree):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://api", timeout=60
        ) as asking:
            return await asking.post(path, json=tree, headers={"Authorization": f"Bearer {token}"})

    def posted(*what):
        return asyncio.run(post(*what))

    done = posted("/v1/abis", mosip, body)
    assert (done.status_code, done.json()["returnValue"]) == (200, "1")
    assert posted("/v1/abis", mosip, {"id": 1}).json()["failureReason"] == "4"
    assert posted("/v1/abis", console, body).status_code == 403
    assert posted("/v1/compare", mosip, {}).status_code == 403
    assert posted("/v1/compare", console, {}).status_code == 400
    assert posted("/v1/abis", "x" * 43, body).status_code == 401


def test_a_token_stands_in_the_settings_once():
    with pytest.raises(ValueError, match="twice"):
        AbisSettings(clients=(client("a", *ALL), client("a")))
    assert client("a").verbs == ()
