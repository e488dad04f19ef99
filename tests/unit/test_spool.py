import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from edge_service import parameters
from edge_service.errors import SpoolDamaged, SpoolError, SpoolFull
from edge_service.spool import Spool, SpoolState

NEVER = threading.Event()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path):
    with Spool(path, device="kiosk-1") as opened:
        yield opened


def test_a_submission_goes_its_way(spool):
    spool.add("t1", b"prints")
    assert spool.entry("t1").state is SpoolState.QUEUED
    assert spool.undelivered() == ["t1"]
    spool.mark_sent("t1")
    assert spool.entry("t1").state is SpoolState.SENT
    assert spool.payload("t1") == b"prints"
    assert spool.acknowledge("t1")
    assert spool.entry("t1").state is SpoolState.ACKNOWLEDGED
    assert spool.undelivered() == []
    assert spool.awaiting_reply() == ["t1"]
    assert spool.keep_reply("t1", b"reply")
    assert spool.entry("t1").state is SpoolState.REPLIED
    assert spool.entry("t1").reply == b"reply"
    assert spool.awaiting_reply() == []


def test_only_the_acknowledgement_lets_prints_go(spool):
    spool.add("t1", b"prints")
    spool.mark_sent("t1")
    assert spool.keep_reply("t1", b"reply")  # its acknowledgement was lost
    assert spool.payload("t1") == b"prints"
    assert spool.undelivered() == ["t1"]
    assert spool.acknowledge("t1")
    assert spool.payload("t1") is None
    assert spool.entry("t1").state is SpoolState.REPLIED


def test_acknowledged_prints_are_not_in_the_file_any_more(path):
    with Spool(path, device="kiosk-1") as spool:
        spool.add("t1", b"FMR-SECRET-RIDGES" * 50)
        spool.acknowledge("t1")
    assert b"SECRET-RIDGES" not in path.read_bytes()
    assert not path.with_name("spool.db-wal").exists()


def test_acknowledging_twice_or_something_unknown_does_nothing(spool):
    spool.add("t1", b"prints")
    assert spool.acknowledge("t1")
    assert not spool.acknowledge("t1")
    assert not spool.acknowledge("other")
    assert not spool.keep_reply("other", b"reply")


def test_refused_is_kept_and_not_sent_again(spool):
    spool.add("t1", b"prints")
    assert spool.refuse("t1", field="prints.0.template", reason="broken")
    entry = spool.entry("t1")
    assert (entry.state, entry.refused_field, entry.refused_reason) == (
        SpoolState.REFUSED,
        "prints.0.template",
        "broken",
    )
    assert spool.payload("t1") == b"prints"
    assert spool.undelivered() == []
    assert not spool.acknowledge("t1")


def test_it_survives_being_closed_in_order(path):
    with Spool(path, device="kiosk-1") as spool:
        for number in range(5):
            spool.add(f"t{number}", b"x" * number)
        spool.mark_sent("t0")
    with Spool(path, device="kiosk-1") as again:
        assert again.undelivered() == [f"t{number}" for number in range(5)]


def test_what_was_added_is_there_after_a_kill(path, tmp_path):
    script = (
        "import os, sys, pathlib\n"
        "from edge_service.spool import Spool\n"
        "spool = Spool(pathlib.Path(sys.argv[1]), device='kiosk-1')\n"
        "spool.add('t1', b'prints')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == -9
    with Spool(path, device="kiosk-1") as spool:
        assert spool.payload("t1") == b"prints"


def test_a_tcn_is_saved_once(spool):
    spool.add("t1", b"prints")
    with pytest.raises(SpoolError, match="already"):
        spool.add("t1", b"others")
    assert spool.payload("t1") == b"prints"


def test_full_of_bookings(path):
    with Spool(path, device="kiosk-1", max_submissions=5) as spool:
        for number in range(3):
            spool.add(f"t{number}", b"x")
        assert not spool.stats().nearly_full
        spool.add("t3", b"x")
        assert spool.stats().nearly_full
        spool.add("t4", b"x")
        with pytest.raises(SpoolFull, match="no more can be saved") as caught:
            spool.add("t5", b"x")
        assert caught.value.limit == "bookings"
        assert len(spool.undelivered()) == 5  # none was dropped to make room
        spool.acknowledge("t0")
        spool.add("t5", b"x")


def test_full_of_bytes(path):
    with Spool(path, device="kiosk-1", max_bytes=1000) as spool:
        spool.add("t0", b"x" * 700)
        with pytest.raises(SpoolFull) as caught:
            spool.add("t1", b"x" * 400)
        assert caught.value.limit == "bytes"
        spool.add("t2", b"x" * 200)
        assert spool.stats().held_bytes == 900


def test_the_disk_reserve_is_left_alone(path):
    with Spool(path, device="kiosk-1", disk_reserve_bytes=2**60) as spool:
        with pytest.raises(SpoolFull, match="disk is full") as caught:
            spool.add("t0", b"x")
        assert caught.value.limit == "disk"


def test_a_disk_that_fills_while_writing(path):
    with Spool(path, device="kiosk-1") as spool:
        spool.add("t0", b"x")
        pages = spool._file.connection.execute("PRAGMA page_count").fetchone()[0]
        spool._file.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(SpoolFull, match="nothing was saved"):
            spool.add("t1", b"x" * 100_000)
        assert spool.undelivered() == ["t0"]
        spool._file.connection.execute("PRAGMA max_page_count = 100000")
        spool.add("t1", b"x" * 100_000)


@pytest.mark.parametrize("damage", ["header", "middle", "foreign", "empty"])
def test_a_damaged_file_is_set_aside_and_nothing_begun_until_somebody_says_so(path, damage):
    with Spool(path, device="kiosk-1") as spool:
        for number in range(50):
            spool.add(f"t{number}", b"x" * 3000)
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:40] = b"\xff" * 40
    elif damage == "middle":
        content[4096 : len(content) - 4096] = b"\xa5" * (len(content) - 8192)
    elif damage == "foreign":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE something (x)")
        content = bytearray(path.read_bytes())
    else:
        content.clear()
    path.write_bytes(content)

    with pytest.raises(SpoolDamaged, match="--start-empty") as caught:
        Spool(path, device="kiosk-1")
    assert caught.value.quarantined.read_bytes() == content
    assert not path.exists()
    with pytest.raises(SpoolDamaged):  # a supervisor's restart is not a person's word
        Spool(path, device="kiosk-1")
    with Spool(path, device="kiosk-1", start_empty=True) as fresh:
        fresh.add("new", b"x")
        assert fresh.quarantined() == [caught.value.quarantined]
    with Spool(path, device="kiosk-1") as again:
        assert again.undelivered() == ["new"]


def test_the_log_of_a_file_that_is_gone_is_not_replayed_into_a_new_one(path):
    with Spool(path, device="kiosk-1") as spool:
        spool.add("t0", b"x")
        wal = path.with_name("spool.db-wal").read_bytes()
    path.unlink()
    path.with_name("spool.db-wal").write_bytes(wal)
    with pytest.raises(SpoolDamaged):
        Spool(path, device="kiosk-1")


def test_another_devices_spool_is_left_alone(path):
    with Spool(path, device="kiosk-1"):
        pass
    with pytest.raises(SpoolError, match="device 'kiosk-1'"):
        Spool(path, device="kiosk-2")


def test_a_newer_format_is_left_alone(path):
    with Spool(path, device="kiosk-1") as spool:
        spool._file.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SpoolError, match="update"):
        Spool(path, device="kiosk-1")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SpoolError, match="mounted"):
        Spool(tmp_path / "none" / "spool.db", device="kiosk-1")


def test_only_its_owner_can_read_it(spool, path):
    spool.add("t1", b"prints")
    for file in (path, path.with_name("spool.db-wal")):
        assert file.stat().st_mode & 0o077 == 0


def test_sessions_only_grow(path):
    with Spool(path, device="kiosk-1") as spool:
        first = spool.next_session()
        second = spool.next_session()
    with Spool(path, device="kiosk-1") as spool:
        third = spool.next_session()
    assert first < second < third


def test_sessions_grow_over_a_clock_that_went_back(spool, monkeypatch):
    first = spool.next_session()
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    assert spool.next_session() == first + 1


def test_the_clocks_floor_only_rises(spool):
    assert spool.clock_floor_ms() == 0
    spool.raise_clock_floor(1000)
    spool.raise_clock_floor(500)
    assert spool.clock_floor_ms() == 1000


def test_waiting_ends_when_it_is_reached(spool):
    spool.add("t1", b"x")
    threading.Timer(0.1, lambda: spool.refuse("t1", field="f", reason="r")).start()
    entry = spool.wait_for(
        "t1", lambda e: e.state is SpoolState.REFUSED, timeout_s=10, cancel=threading.Event()
    )
    assert entry.state is SpoolState.REFUSED


def test_waiting_sees_another_process(spool, path):
    spool.add("t1", b"x")
    other = Spool(path, device="kiosk-1")
    threading.Timer(0.1, lambda: other.acknowledge("t1")).start()
    entry = spool.wait_for(
        "t1", lambda e: e.state is SpoolState.ACKNOWLEDGED, timeout_s=10, cancel=threading.Event()
    )
    assert entry.state is SpoolState.ACKNOWLEDGED
    other.close()


def test_waiting_ends_by_time_and_by_cancel(spool):
    spool.add("t1", b"x")
    entry = spool.wait_for("t1", lambda _: False, timeout_s=0.05, cancel=threading.Event())
    assert entry.state is SpoolState.QUEUED
    cancelled = threading.Event()
    cancelled.set()
    assert spool.wait_for("t1", lambda _: False, timeout_s=60, cancel=cancelled) is not None
    assert spool.wait_for("unknown", lambda _: False, timeout_s=60, cancel=threading.Event()) is None


def test_finished_ones_are_forgotten_in_the_end_and_waiting_ones_never(spool, monkeypatch):
    monkeypatch.setattr(parameters, "KEPT_REPLIED", 3)
    for number in range(6):
        spool.add(f"t{number}", b"x")
        if number:
            spool.acknowledge(f"t{number}")
            spool.keep_reply(f"t{number}", b"r")
    assert [e.tcn for e in spool.entries()] == ["t5", "t4", "t3", "t0"]


def test_a_reply_that_was_long_in_coming_is_not_forgotten_the_moment_it_has_come(spool, monkeypatch):
    monkeypatch.setattr(parameters, "KEPT_REPLIED", 3)
    for number in range(6):
        spool.add(f"t{number}", b"x")
        spool.acknowledge(f"t{number}")
    for number in (1, 2, 3, 4, 5, 0):
        spool.keep_reply(f"t{number}", b"r")
    assert spool.entry("t0").reply == b"r"
    assert [e.tcn for e in spool.entries()] == ["t5", "t4", "t0"]


def test_many_threads(spool):
    def add(start):
        for number in range(start, start + 20):
            spool.add(f"t{number}", b"x")
            spool.mark_sent(f"t{number}")
            spool.acknowledge(f"t{number}")

    threads = [threading.Thread(target=add, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.stats().by_state[SpoolState.ACKNOWLEDGED] == 80
