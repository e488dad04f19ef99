"""The campaign of docs/endurance.md in short: a few faults of each kind, and nothing lost, sent twice or unanswered.

Thirty seconds on two free cores: three starts of a matcher, three of an edge service and two dozen faults.
"""

import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256

import pytest

from benchmarks.endurance.judging import judge
from benchmarks.endurance.ledger import LedgerReader, LedgerWriter
from benchmarks.endurance.plan import Fault, plan_of
from benchmarks.endurance.proxy import Proxy

pytestmark = pytest.mark.system

FEW = 50


@pytest.mark.timeout(400)
def test_what_was_said_to_be_saved_arrives_once_and_is_answered_whatever_fails(tmp_path):
    out = tmp_path / "campaign"
    command = [sys.executable, "-m", "benchmarks.endurance", "--out", out, "--submissions", str(FEW)]
    try:
        done = subprocess.run(
            [*command, "--seed", "3", "--rate", "12", "--haste", "4"],
            capture_output=True,
            text=True,
            timeout=380,
            check=False,
        )
    finally:
        subprocess.run(["umount", "--quiet", out / "kiosk"], check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout)
    assert figures["must_be_0"]
    assert not any(figures["must_be_0"].values())
    assert figures["counts"]["saved"] == figures["counts"]["at the matcher"] == FEW
    for fault in set(Fault) - set(figures["left_out"]):
        assert figures["faults"][fault] >= 2, fault


def test_a_plan_is_the_same_for_the_same_seed_and_holds_enough_of_each_kind():
    plan = plan_of(seed=5, submissions=10_000)
    assert plan == plan_of(seed=5, submissions=10_000) != plan_of(seed=6, submissions=10_000)
    assert [incident.number for incident in plan] == list(range(len(plan)))
    assert sum(incident.kind is Fault.EDGE_KILL for incident in plan) == 120
    assert not [i for i in plan if i.kind is Fault.EDGE_KILL and 5000 <= i.at < 7500], (
        "spared, to show growth"
    )
    assert not [i for i in plan if i.at > 9700], "the end is quiet"


def test_a_ledger_forgets_the_half_line_of_a_killed_officer_and_nothing_else(tmp_path):
    file = tmp_path / "ledger.jsonl"
    writer = LedgerWriter(file)
    writer.note("intent", "kiosk-1.A", n=0, sha256="a")
    writer.note("saved", "kiosk-1.A", looked=False)
    writer.note("intent", "kiosk-1.B", n=1, sha256="b")
    with file.open("ab") as half:
        half.write(b'{"what": "saved", "tcn": "kio')
    again = LedgerWriter(file)
    assert again.account.bookings["kiosk-1.A"].saved
    assert again.account.bookings["kiosk-1.B"].undecided
    again.note("void", "kiosk-1.B", why="killed")
    assert LedgerReader(file).follow().declined == 1


def test_every_broken_promise_is_seen(tmp_path):
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    for n, (tcn, saved) in enumerate({"kept": 1, "lost": 1, "changed": 1, "unsaid": 0, "silent": 1}.items()):
        writer.note("intent", tcn, n=n, sha256=sha256(tcn.encode()).hexdigest())
        if not saved:
            writer.note("void", tcn, why="disk")
            continue
        writer.note("saved", tcn, looked=False)
        if tcn != "silent":
            writer.note("replied", tcn, sha256=sha256(b"reply").hexdigest())
    writer.note("intent", "again", n=0, sha256=sha256(b"again").hexdigest())
    writer.note("saved", "again", looked=False)
    writer.note("replied", "again", sha256=sha256(b"another reply").hexdigest())
    with closing(sqlite3.connect(tmp_path / "matcher.db")) as database:
        database.executescript(
            "CREATE TABLE submission (id INTEGER PRIMARY KEY, tcn, payload, reply, outcome);"
            "CREATE TABLE search (id INTEGER PRIMARY KEY, submission_id);"
            "CREATE TABLE candidate (search_id, identity_id);"
            "CREATE TABLE refused (tcn, field, reason);"
        )
        there = {"kept": "kept", "changed": "other", "unsaid": "unsaid", "again": "again", "stray": "stray"}
        for tcn, payload in {**there, "silent": "silent"}.items():
            row = (tcn, payload.encode(), b"reply", "answered")
            found = database.execute(
                "INSERT INTO submission (tcn, payload, reply, outcome) VALUES (?, ?, ?, ?)", row
            )
            database.execute("INSERT INTO search (submission_id) VALUES (?)", (found.lastrowid,))
        database.commit()
    verdict = judge(
        writer.account, tmp_path / "matcher.db", seed=1, submissions=6, identities=["someone"] * 1000
    )
    assert not verdict.kept
    assert {name: count for name, count in verdict.bars.items() if count} == {
        "lost: saved and not at the matcher": 1,
        "booked twice: another TCN of it is there too": 1,
        "changed on the way": 1,
        "at the matcher, though the officer was told 'not saved'": 1,
        "at the matcher, and nobody's": 1,
        "bookings never saved": 2,
        "replies missing at the kiosk": 1,
        "replies other than the matcher's": 1,
    }


@pytest.fixture
def through_proxy():
    """A connection through a proxy: the proxy, the client's end, the other end."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Proxy(target_port=server.getsockname()[1], seed=1) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client,
        server.accept()[0] as other,
    ):
        other.settimeout(10)
        client.sendall(b"before")
        assert other.recv(100) == b"before"
        yield proxy, client, other


def test_the_network_can_be_reset(through_proxy):
    proxy, client, other = through_proxy
    proxy.reset()
    for end in (client, other):
        with pytest.raises(ConnectionResetError):
            end.recv(1)


def test_the_network_can_change_a_byte(through_proxy):
    proxy, client, other = through_proxy
    proxy.garble()
    client.sendall(b"hello")
    heard = other.recv(100)
    assert len(heard) == 5
    assert sum(a != b for a, b in zip(heard, b"hello", strict=True)) == 1


def test_the_network_can_swallow_everything_and_then_break(through_proxy):
    proxy, client, other = through_proxy
    end = proxy.silence()
    client.sendall(b"into the void")
    other.settimeout(0.3)
    with pytest.raises(TimeoutError):
        other.recv(1)
    end()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_the_network_can_leave_a_connection_half_open(through_proxy):
    proxy, *ends = through_proxy
    proxy.half_open()
    told = 0
    for end in ends:
        end.settimeout(0.5)
        try:
            end.recv(1)
        except ConnectionResetError:
            told += 1
        except TimeoutError:
            end.sendall(b"is anybody there?")
    assert told == 1


def test_the_network_can_be_cut_and_come_back(through_proxy):
    proxy, *_ = through_proxy
    end = proxy.cut()
    address = ("127.0.0.1", proxy.port)
    with socket.create_connection(address, timeout=10) as refused, pytest.raises(ConnectionResetError):
        refused.recv(1)
    end()
    with socket.create_connection(address, timeout=0.3) as accepted, pytest.raises(TimeoutError):
        accepted.recv(1)
