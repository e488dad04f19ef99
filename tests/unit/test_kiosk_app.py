"""The page's requests, as the browser sends them and as others might."""

import logging
import socket
import threading
import time

import httpx
import pytest

from edge_service.clock import SystemClock
from edge_service.kiosk.kiosk import Kiosk
from edge_service.kiosk.server import CannotListen
from edge_service.kiosk.settings import KioskSettings
from edge_service.kiosk.users import Users
from edge_service.sensors import NoFinger
from edge_service.settings import CaptureSettings, SpoolSettings
from edge_service.spool import Spool

PIN = "493817"
HEADER = {"X-Whorl-Kiosk": "1"}


class Sensor:
    def connect(self, *, timeout_s, cancel=None):
        pass

    def capture(self, *, timeout_s, progress=None, cancel=None):
        cancel.wait()
        raise NoFinger(path="test", waited_s=0.0, cancelled=True)

    def close(self):
        pass


class Extractor:
    model_sha256 = "ab" * 32
    model_version = "3.0"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def users_file(tmp_path_factory):
    users = Users(tmp_path_factory.mktemp("users") / "kiosk-users.json")
    users.add("d104", PIN, kind="pin")
    return users.path


def open_kiosk(folder, spool, users_file, **settings):
    return Kiosk(
        KioskSettings(port=free_port(), users=users_file, **settings),
        device="kiosk-1",
        sensor=Sensor(),
        extractor=Extractor(),
        spool=spool,
        clock=SystemClock(store=spool),
        capture=CaptureSettings(),
        spool_settings=SpoolSettings(),
        wake_uplink=lambda: None,
        connected=lambda: True,
    )


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool.db", device="kiosk-1") as opened:
        yield opened


class Browser:
    """An HTTP client that behaves as the page does."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def post(self, path, body=None, **headers):
        return self.client.post(f"/api/{path}", json=body, headers={**HEADER, "Origin": self.url} | headers)

    def unlock(self):
        assert self.post("unlock", {"code": PIN}).status_code == 204
        return self

    def state(self):
        """The first state of the stream."""
        with self.client.stream("GET", "/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            text = ""
            for piece in answer.iter_text():
                text += piece
                if "\n\n" in text and "event: state" in text:
                    return text
        raise AssertionError(text)


@pytest.fixture
def kiosk(tmp_path, spool, users_file):
    with open_kiosk(tmp_path, spool, users_file) as opened:
        yield opened


@pytest.fixture
def browser(kiosk):
    browser = Browser(kiosk._server._socket.getsockname()[1])
    yield browser
    browser.client.close()


def test_the_page_comes_with_headers_that_let_nothing_else_in(browser):
    answer = browser.client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/messages/es.json", "/nothing", "/picture/abc"])
def test_nothing_is_kept_by_the_browser(browser, path):
    assert browser.client.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["whorl.example", "127.0.0.1:80", "127.0.0.1", "evil.test:8321", ""])
def test_a_name_that_was_pointed_at_the_loopback_is_refused(browser, host):
    assert browser.client.get("/", headers={"Host": host}).status_code in {400, 421}


def test_localhost_is_this_machine_too(browser):
    port = browser.url.rpartition(":")[2]
    assert browser.client.get("/", headers={"Host": f"localhost:{port}"}).status_code == 200


def test_it_listens_on_the_loopback_only(kiosk):
    assert kiosk._server._socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"X-Whorl-Kiosk": "0"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_another_page_cannot_speak_for_the_officer(browser, headers):
    browser.unlock()
    answer = browser.post("new", **headers)
    assert answer.status_code == 403
    assert "home" in browser.state()


def test_a_form_of_another_page_cannot_either(browser):
    browser.unlock()
    assert browser.client.post("/api/new", data={"a": "b"}).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(browser, method):
    assert browser.client.request(method, "/api/new").status_code == 405


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("lock", None), ("touch", None), ("new", None), ("back", None), ("cancel", None), ("done", None),
        ("form", {"number": "B-1", "charge_class": "felony", "disposition": "charged"}),
        ("take", {"fingers": {"2": "print"}}),
        ("accept", {"position": 2, "attempt": 1}),
        ("again", {"position": 2, "attempt": 1}),
        ("leave-out", {"position": 2, "attempt": 1, "reason": "missing"}),
        ("look-at", {"tcn": "kiosk-1.01M81ESAEJ5HMARQ2X3NPM08ZP"}),
    ],
)  # fmt: skip
def test_nothing_can_be_done_while_it_is_locked(browser, path, body):
    assert browser.post(path, body).status_code == 401


def test_whoever_has_not_unlocked_sees_nothing_of_the_booking(kiosk, browser):
    other = Browser(browser.url.rpartition(":")[2])
    browser.unlock()
    browser.post("new")
    browser.post("form", {"number": "B-77", "charge_class": "felony", "disposition": "charged"})
    assert "B-77" in browser.state()
    assert "B-77" not in other.state()
    assert '"step":"locked"' in other.state()
    assert other.client.get("/picture/whatever").status_code == 401
    other.client.close()


def test_the_cookie_is_for_this_page_alone(browser):
    cookie = browser.post("unlock", {"code": PIN}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "expires" not in cookie
    assert "max-age" not in cookie


def test_wrong_codes(browser):
    for wait_s in (0, 0, 5):
        answer = browser.post("unlock", {"code": "111111"})
        assert answer.status_code == 403
        assert answer.json() == {"word": "unlock.wrong", "wait_s": wait_s}
    answer = browser.post("unlock", {"code": PIN})
    assert answer.json()["word"] == "unlock.wait"


def test_guessing_at_once_is_no_way_around_the_wait(browser):
    answers = []
    guesses = [
        threading.Thread(target=lambda n=n: answers.append(browser.post("unlock", {"code": f"22222{n}"})))
        for n in range(8)
    ]
    for guess in guesses:
        guess.start()
    for guess in guesses:
        guess.join()
    words = sorted(a.json()["word"] for a in answers)
    assert words == ["unlock.wait"] * 5 + ["unlock.wrong"] * 3


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("form", {"number": "B 1", "charge_class": "felony", "disposition": "charged"}, "number"),
        ("form", {"number": "B-1", "charge_class": "murder", "disposition": "charged"}, "charge_class"),
        ("form", {"number": "B-1", "charge_class": "felony", "disposition": "guilty"}, "disposition"),
        ("form", {"number": "B-1", "charge_class": "felony", "disposition": "charged", "x": 1}, "x"),
        ("take", {"fingers": {}}, ""),
        ("take", {"fingers": {"0": "print"}}, "fingers"),
        ("take", {"fingers": {"2": "eaten"}}, "fingers"),
        ("accept", {"position": 0, "attempt": 1}, "position"),
        ("unlock", {}, "code"),
        ("unlock", None, ""),
    ],
)
def test_what_is_not_right_is_refused_by_field_and_not_repeated(browser, path, body, field):
    browser.unlock()
    answer = browser.post(path, body)
    assert answer.status_code == 422
    assert answer.json() == {"word": "form.invalid", "field": field}


def test_a_body_that_is_too_large(browser):
    assert browser.post("unlock", {"code": "1" * 5000}).status_code == 413


def test_a_step_that_it_is_not_at(browser):
    answer = browser.unlock().post("done")
    assert answer.status_code == 409
    assert answer.json()["word"] == "notice.wrong_step"


def test_no_code_no_number_and_no_address_in_the_logs(browser, caplog):
    caplog.set_level(logging.DEBUG)
    browser.post("unlock", {"code": "777777"})
    browser.unlock()
    browser.post("new")
    browser.post("form", {"number": "B-4711", "charge_class": "felony", "disposition": "charged"})
    browser.post("take", {"fingers": {"2": "print"}})
    browser.post("cancel")
    ours = "\n".join(
        f"{record.getMessage()} {getattr(record, 'facts', '')}"
        for record in caplog.records
        if not record.name.startswith(
            ("http", "uvicorn.access")
        )  # the client's; and one that only pytest hears
    )
    assert "kiosk unlocked" in ours
    for secret in ("777777", PIN, "B-4711", "d104", "felony"):
        assert secret not in ours


def test_left_alone_it_locks_and_the_stream_says_so(tmp_path, spool, users_file):
    with open_kiosk(tmp_path, spool, users_file, idle_lock_s=5) as kiosk:
        browser = Browser(kiosk._server._socket.getsockname()[1]).unlock()
        kiosk.gate._touched -= 4.5
        deadline = time.monotonic() + 20
        while "locked" not in browser.state():
            assert time.monotonic() < deadline
        assert browser.post("new").status_code == 401
        browser.client.close()


def test_streams_are_counted(browser):
    open_streams, pieces = [], []
    try:
        codes = []
        for _ in range(6):
            stream = browser.client.stream("GET", "/stream")
            answer = stream.__enter__()
            open_streams.append(stream)
            codes.append(answer.status_code)
            pieces.append(answer.iter_raw())
            next(pieces[-1])
        assert codes[0] == 200
        assert codes[-1] == 503
    except StopIteration:
        assert codes[-1] == 503
    finally:
        for stream in open_streams:
            stream.__exit__(None, None, None)


def test_a_second_kiosk_on_the_same_port_is_refused(kiosk, browser, tmp_path, users_file):
    port = int(browser.url.rpartition(":")[2])
    with (
        Spool(tmp_path / "other.db", device="kiosk-1") as other,
        pytest.raises(CannotListen, match="running"),
    ):
        Kiosk(
            KioskSettings(port=port, users=users_file),
            device="kiosk-1",
            sensor=Sensor(),
            extractor=Extractor(),
            spool=other,
            clock=SystemClock(store=other),
            capture=CaptureSettings(),
            spool_settings=SpoolSettings(),
            wake_uplink=lambda: None,
            connected=lambda: True,
        )


def test_settings_are_checked():
    with pytest.raises(ValueError, match="twice"):
        KioskSettings(positions=(2, 2))
    with pytest.raises(ValueError, match="host"):
        KioskSettings(host="0.0.0.0")
