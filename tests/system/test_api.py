"""The API: a real server on loopback, asked by a client that nobody here wrote."""

import base64
import contextlib
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from xml.etree import ElementTree as ET

import httpx
import pytest

from hardware.bench.made_up import made_up_minutiae
from interchange import iso19794
from interchange.messages import Purpose
from interchange.record import Record, record_of
from matcher_service import desk_search
from matcher_service.api.server import CannotListen, make_server
from matcher_service.api.settings import ApiSettings
from matcher_service.api.tokens import add_token
from matcher_service.auditing.reading import Filter, newest
from matcher_service.desk_right import ForAgency
from matcher_service.reading import read_bytes
from matcher_service.repositories import Database, NewPrint, Repositories
from matcher_service.routing import Mode
from matcher_service.routing.register import Register
from matcher_service.search import Gallery, colour

pytestmark = pytest.mark.system

PERSON = [NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(7, made_up_minutiae(2))]
REVIEW = {"Whorl-Purpose": "review"}
SVG = {"Accept": "image/svg+xml"}


def b64(data):
    return base64.b64encode(data).decode()


def record(seed, position=2, **more):
    return b64(iso19794.encode(record_of(made_up_minutiae(seed, **more), position=position)))


SAME = {"probe": record(1), "candidate": record(1)}


@contextlib.contextmanager
def serving(settings, database):
    server = make_server(settings, database=database)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    database = Database(f"sqlite:///{folder}/matcher.db")
    store = Repositories(database)
    store.create("criminal")
    store.enroll("criminal", PERSON[:1])
    Register(database).set_mode(Mode.EVERYTHING, by="system:test")
    token = add_token(folder / "tokens", "console", ["criminal"])
    others = [add_token(folder / "tokens", "desk", ["immigration"]), add_token(folder / "tokens", "nobody")]
    with serving(ApiSettings(port=0, tokens=folder / "tokens"), database) as port:
        yield database, port, token, others
    database.close()


@pytest.fixture
def database(place):
    return place[0]


@pytest.fixture
def client(place):
    _, port, token, _ = place
    # A machine that never ran it compiles the comparison first.
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=90
    ) as made:
        yield made


@pytest.fixture
def reference(database):
    prints = [one for p in PERSON for one in read_bytes(p.record, name="booked")]
    found = desk_search.search(
        database,
        "criminal",
        prints,
        purpose=Purpose.BOOKING,
        right=ForAgency(),
        actor="system:test",
        make_gallery=lambda source: Gallery(source=source, threads=1),
        colour=colour,
        limit=3,
    )
    return found.candidates[0].reference


def test_compare(client):
    same = client.post("/v1/compare", json=SAME)
    assert same.status_code == 200
    assert same.json()["pairs"] == 40
    assert "never a verdict" in same.json()["caution"]
    other = client.post("/v1/compare", json={"probe": record(1), "candidate": record(2)})
    assert other.json()["score"] < 10 < same.json()["score"]
    assert same.headers["cache-control"] == "no-store"
    assert "server" not in same.headers


def test_explain_in_figures_and_as_a_picture(client):
    figures = client.post("/v1/explain", json=SAME)
    assert figures.headers["content-type"] == "application/json"
    assert len(figures.json()["pairs"]) == 40
    picture = client.post("/v1/explain", json=SAME, headers=SVG)
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert ET.fromstring(picture.content).tag.endswith("svg")
    assert "default-src 'none'" in picture.headers["content-security-policy"]
    assert client.post("/v1/explain", json=SAME, headers={"Accept": "text/html"}).status_code == 406


def test_several_fingers_in_a_template(client):
    both = Record.from_minutiae([made_up_minutiae(1), made_up_minutiae(2)], positions=[2, 7])
    ten = b64(iso19794.encode(both))
    asked = client.post("/v1/compare", json={"probe": ten, "candidate": ten})
    assert asked.status_code == 400
    assert "several fingers" in asked.json()["problem"]
    assert (
        client.post("/v1/compare", json={"probe": ten, "candidate": ten, "finger": 7}).json()["pairs"] == 40
    )


@pytest.mark.parametrize("count", [0, 1, 3, 255])
def test_any_number_of_minutiae_has_a_score(client, count):
    answer = client.post("/v1/compare", json={"probe": record(1, count=count), "candidate": record(1)})
    assert answer.status_code == 200
    assert answer.json()["score"] >= 0


def test_a_candidate_of_a_recorded_search(client, reference):
    path = f"/v1/candidates/{reference}/explanation"
    answer = client.get(path, headers=REVIEW)
    assert answer.status_code == 200
    index, left = answer.json()["fingers"]
    assert (index["finger_name"], len(index["explanation"]["pairs"])) == ("right index", 40)
    assert left["explanation"] is None  # not enrolled
    picture = client.get(path, headers=REVIEW | SVG)
    assert ET.fromstring(picture.content).tag.endswith("svg")
    assert client.get(path, headers=REVIEW | SVG, params={"finger": 7}).status_code == 404
    assert len(client.get(path, headers=REVIEW, params={"finger": 7}).json()["fingers"]) == 1


def test_a_candidate_is_shown_for_a_purpose_only(client, reference):
    path = f"/v1/candidates/{reference}/explanation"
    for headers in ({}, {"Whorl-Purpose": "curiosity"}, {"Whorl-Purpose": ""}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 400
        assert "review, challenge, audit" in answer.json()["problem"]


def test_an_unknown_candidate(client):
    answer = client.get("/v1/candidates/AAAAAAAAAAAAAAAA/explanation", headers=REVIEW)
    assert answer.status_code == 404
    assert "copy it from" in answer.json()["problem"]
    assert client.get("/v1/candidates/x%27--/explanation", headers=REVIEW).status_code == 400


def test_a_token_shows_nothing_of_a_repository_that_it_was_not_made_for(client, place, reference, caplog):
    caplog.set_level(logging.INFO)
    unknown = client.get("/v1/candidates/AAAAAAAAAAAAAAAA/explanation", headers=REVIEW)
    for token in place[3]:
        other = REVIEW | {"Authorization": f"Bearer {token}"}
        answer = client.get(f"/v1/candidates/{reference}/explanation", headers=other)
        assert (answer.status_code, answer.json()) == (404, unknown.json())
        assert client.post("/v1/compare", json=SAME, headers=other).status_code == 200
    lines = [r.facts for r in caplog.records if r.name == "matcher.audit"]
    denied = [line for line in lines if line["outcome"] == "denied"]
    assert [line["by"] for line in denied] == ["system:api/desk", "system:api/nobody"]
    assert {line["subject"] for line in denied} == {reference}


def test_every_look_is_audited_and_no_print_is_in_it(client, database, reference, caplog):
    caplog.set_level(logging.DEBUG)
    client.get(f"/v1/candidates/{reference}/explanation", headers=REVIEW)
    client.get("/v1/candidates/AAAAAAAAAAAAAAAA/explanation", headers=REVIEW)
    client.post("/v1/compare", json=SAME)
    client.post("/v1/compare", json={"probe": "Zm9v" * 20, "candidate": record(1)})
    lines = [r.facts for r in caplog.records if r.name == "matcher.audit"]
    assert [line["action"] for line in lines] == [
        "candidate.explain",
        "candidate.explain",
        "template.compare",
    ]
    assert [line["outcome"] for line in lines] == ["done", "unknown", "done"]
    assert lines[0]["by"] == "system:api/console"
    assert (lines[0]["purpose"], lines[0]["subject"]) == ("review", reference)
    with database.read() as session:
        entries = newest(session, Filter(), limit=3)[::-1]
    assert [entry.seq for entry in entries] == [line["seq"] for line in lines]
    assert entries[0].facts["tcn"].startswith("desk.")
    text = caplog.text + str([getattr(r, "facts", "") for r in caplog.records])
    assert record(1)[40:80] not in text
    assert "Zm9vZm9v" not in text


def test_health_needs_no_token_and_everything_else_does(place, client):
    base = f"http://127.0.0.1:{place[1]}"
    assert httpx.get(f"{base}/v1/health").json() == {"status": "ok", "database": True}
    paths = [("GET", "/"), ("GET", "/v1/openapi.json"), ("GET", "/v1/health/"), ("POST", "/v1/compare"),
             ("GET", "/v1/candidates/AAAAAAAAAAAAAAAA/explanation"), ("DELETE", "/v1/anything")]  # fmt: skip
    for method, path in paths:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic Zm9v"}):
            answer = httpx.request(method, base + path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
    twice = [("Authorization", client.headers["Authorization"])] * 2
    assert httpx.get(f"{base}/v1/openapi.json", headers=twice).status_code == 401
    assert "/v1/explain" in client.get("/v1/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "message"),
        (b"\x00\xff", "message"),
        (b"[]", "message"),
        (json.dumps(SAME | {"extra": 1}).encode(), "extra"),
        (json.dumps({"probe": record(1)}).encode(), "candidate"),
        (json.dumps(SAME | {"probe": "not base64!"}).encode(), "probe"),
        (json.dumps(SAME | {"probe": b64(b"x" * 40)}).encode(), "probe"),
        (json.dumps(SAME | {"probe": b64(b"x" * 5000)}).encode(), "probe"),
        (json.dumps(SAME | {"finger": "2"}).encode(), "finger"),
        (json.dumps(SAME | {"finger": 11}).encode(), "finger"),
        (json.dumps(SAME | {"finger": 3}).encode(), "probe"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "message"),
    ],
)
def test_bad_bodies_are_refused_by_field(client, body, field):
    answer = client.post("/v1/compare", content=body)
    assert answer.status_code == 400
    assert answer.json()["problem"].startswith(field), answer.json()


def test_a_large_body_is_refused(client):
    def endless():
        for _ in range(10_000):
            yield b" " * 1024

    assert client.post("/v1/compare", content=b" " * (64 * 1024 + 1)).status_code == 413
    # The connection may be closed while the client still writes.
    with contextlib.suppress(httpx.TransportError):
        assert client.post("/v1/compare", content=endless()).status_code == 413


def test_a_body_that_never_comes_holds_nobody_up(place, client, monkeypatch):
    monkeypatch.setattr("matcher_service.api.gate.BODY_PATIENCE_S", 0.3)
    with socket.create_connection(("127.0.0.1", place[1])) as slow:
        head = f"POST /v1/compare HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
        slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert client.post("/v1/compare", json=SAME).status_code == 200
        slow.settimeout(10)
        assert re.match(rb"HTTP/1.1 408 ", slow.recv(4096))


def test_many_at_once(client):
    answers = []

    def ask():
        answers.append(client.post("/v1/compare", json=SAME).status_code)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16


def test_tls_on_another_address(place, tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not here")
    database, _, token, _ = place
    pem, key = tmp_path / "api.pem", tmp_path / "api.key"
    asked = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([openssl, *asked.split(), "-keyout", key, "-out", pem], check=True, capture_output=True)
    add_token(tmp_path / "tokens", "console")
    wide = ApiSettings(host="0.0.0.0", port=0, tokens=tmp_path / "tokens", certificate=pem, key=key)
    with serving(wide, database) as port:
        trust = ssl.create_default_context(cafile=pem)
        assert httpx.get(f"https://localhost:{port}/v1/health", verify=trust).json()["database"]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/v1/health")
        wrong = {"Authorization": f"Bearer {token}"}  # another server's
        assert (
            httpx.get(f"https://localhost:{port}/v1/openapi.json", verify=trust, headers=wrong).status_code
            == 401
        )
    pem.write_text("no certificate")
    with pytest.raises(CannotListen, match="certificate or key cannot be used"):
        make_server(wide, database=database)
