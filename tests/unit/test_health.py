"""Pulse, vitals, the words to systemd, and the three pages: over real sockets."""

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from interchange.health import Condition, Pulse, Vitals
from interchange.health_server import MOST_AT_ONCE, CannotListen, HealthServer
from interchange.sd_notify import Notifier

PATIENCE_S = 20.0


class Supervisor:
    """What systemd is to a service: a datagram socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE_S)

    def hear(self):
        return self.socket.recv(4096).decode()

    def hear_until(self, words):
        heard = []
        while not heard or heard[-1] != words:
            heard.append(self.hear())
        return heard

    def quiet_for(self, seconds):
        """Whether nothing but status lines is heard for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.hear().startswith("STATUS="):
                    return False
            except TimeoutError:
                break
        self.socket.settimeout(PATIENCE_S)
        return True


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(str(tmp_path / "notify"))
    yield supervisor
    supervisor.socket.close()


def notifier(supervisor, *, watchdog_s=None):
    return Notifier(supervisor.socket.getsockname(), watchdog_s=watchdog_s)


# -- sd_notify


def test_all_words_arrive(supervisor):
    told = notifier(supervisor)
    told.ready()
    told.alive()
    told.status("two\nlines")
    told.stopping()
    assert [supervisor.hear() for _ in range(4)] == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=two lines",
        "STOPPING=1",
    ]


def test_an_abstract_address():
    name = f"whorl-test-{os.getpid()}"
    supervisor = Supervisor("\0" + name)
    Notifier("@" + name).ready()
    assert supervisor.hear() == "READY=1"
    supervisor.socket.close()


@pytest.mark.parametrize("address", [None, "/nowhere/notify", "@whorl-nobody-listens"])
def test_without_systemd_nothing_fails(address):
    told = Notifier(address)
    told.ready()
    told.status("x")
    assert told.heard == (address is not None)


def test_a_supervisor_that_does_not_read_stops_nobody(supervisor):
    told = notifier(supervisor)
    for _ in range(2000):
        told.status("x" * 200)


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_environment(environ, watchdog_s):
    assert Notifier.from_environment(environ).watchdog_s == watchdog_s


# -- vitals


def test_the_watchdog_is_fed_while_progress_is_proven_and_not_otherwise(supervisor):
    moving = threading.Event()
    moving.set()
    vitals = Vitals(
        prove=lambda: "" if moving.is_set() else "the loop stands still",
        status=lambda: "all is well",
        notifier=notifier(supervisor, watchdog_s=0.15),
    )
    vitals.start()
    assert supervisor.hear() == "READY=1"
    assert supervisor.hear_until("WATCHDOG=1")[0] == "STATUS=all is well"
    assert supervisor.hear_until("WATCHDOG=1")  # again
    assert vitals.alive().holds
    moving.clear()
    supervisor.hear_until("STATUS=the loop stands still")
    assert supervisor.quiet_for(0.5)
    assert not vitals.alive().holds
    assert "the loop stands still" in vitals.alive().words
    moving.set()
    supervisor.hear_until("WATCHDOG=1")
    assert vitals.alive().holds
    vitals.stop()
    supervisor.hear_until("STOPPING=1")


@pytest.mark.parametrize("how", ["hangs", "fails"])
def test_a_proof_that_hangs_or_fails_feeds_nobody(supervisor, how):
    released = threading.Event()
    rounds = []

    def prove():
        rounds.append(1)
        if len(rounds) > 1:
            if how == "fails":
                raise ValueError(how)
            released.wait(PATIENCE_S)
        return ""

    vitals = Vitals(prove=prove, status=lambda: "", notifier=notifier(supervisor, watchdog_s=0.15))
    vitals.start()
    supervisor.hear_until("WATCHDOG=1")
    while len(rounds) < 2:
        time.sleep(0.01)
    assert supervisor.quiet_for(0.5)
    assert not vitals.alive().holds
    released.set()
    vitals.stop()


def test_a_pulse_ages():
    now = [100.0]
    pulse = Pulse(clock=lambda: now[0])
    now[0] = 107.5
    assert pulse.age_s == 7.5
    pulse.beat()
    assert pulse.age_s == 0.0


# -- the pages


CONDITIONS = {}


@pytest.fixture(autouse=True)
def conditions():
    CONDITIONS.update(alive=[Condition("progress", holds=True)], ready=[Condition("broker", holds=True)])
    return CONDITIONS


@pytest.fixture(scope="module")
def server():
    server = HealthServer(
        port=0,
        alive=lambda: CONDITIONS["alive"],
        ready=lambda: CONDITIONS["ready"],
        metrics=lambda: b"x_total 1\n",
    )
    server.start()
    yield server
    server.stop()


def ask(server, path, *, method="GET", host=None):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    if host is not None:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def raw(server, content):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as line:
        line.sendall(content)
        answer = b""
        while more := line.recv(4096):
            answer += more
    return answer


def test_the_three_pages(server, conditions):
    assert ask(server, "/metrics") == (200, b"x_total 1\n")
    assert ask(server, "/healthz")[0] == 200
    status, body = ask(server, "/readyz")
    assert (status, json.loads(body)) == (
        200,
        {"ok": True, "checks": [{"name": "broker", "ok": True, "words": ""}]},
    )
    conditions["ready"] = [*conditions["ready"], Condition("spool", holds=False, words="full")]
    status, body = ask(server, "/readyz")
    assert status == 503
    assert json.loads(body)["checks"][1] == {"name": "spool", "ok": False, "words": "full"}
    assert ask(server, "/healthz")[0] == 200
    conditions["alive"] = [Condition("progress", holds=False, words="no")]
    assert ask(server, "/healthz")[0] == 503


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics?x=1", "/../etc/passwd", "/healthz%00"])
def test_nothing_else_is_there(server, path):
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_only_get(server, method):
    assert ask(server, "/healthz", method=method)[0] == 501


@pytest.mark.parametrize(
    "host", ["kiosk.example", "127.0.0.1", "127.0.0.1:1", "localhost.example:{port}", ""]
)
def test_only_under_its_own_name(server, host):
    """A page in a browser on this machine cannot read it by a name that somebody points at 127.0.0.1."""
    assert ask(server, "/metrics", host=host.format(port=server.port))[0] == 421


def test_its_own_names(server):
    for name in ("127.0.0.1", "localhost"):
        assert ask(server, "/metrics", host=f"{name}:{server.port}")[0] == 200


def test_two_names_or_none_are_refused(server):
    own = f"Host: 127.0.0.1:{server.port}\r\n".encode()
    assert b" 421 " in raw(server, b"GET /metrics HTTP/1.1\r\n" + own + b"Host: x\r\n\r\n")
    assert b" 421 " in raw(server, b"GET /metrics HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("content", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"x" * 9000])
def test_rubbish_is_refused_and_the_next_is_answered(server, content):
    try:
        answer = raw(server, content)
    except ConnectionError:
        answer = b""
    assert b" 200 " not in answer
    assert ask(server, "/healthz")[0] == 200


def test_who_says_nothing_is_let_go_and_holds_nobody_up_for_long(server):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST_AT_ONCE)]
    deadline = time.monotonic() + PATIENCE_S
    while True:  # the places are taken; they are free again after some seconds
        try:
            assert ask(server, "/healthz")[0] == 200
            break
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    for line in silent:
        line.settimeout(PATIENCE_S)
        assert line.recv(1) == b""
        line.close()


def test_a_fault_in_a_page_is_said_without_its_words(conditions):
    def broken():
        raise ValueError("secret")

    server = HealthServer(port=0, alive=broken, ready=broken, metrics=broken)
    server.start()
    status, body = ask(server, "/metrics")
    assert (status, b"secret" in body) == (500, False)
    server.stop()


def test_a_port_that_is_taken(server):
    with pytest.raises(CannotListen, match=r"\[ops\]"):
        HealthServer(port=server.port, alive=list, ready=list, metrics=bytes)
