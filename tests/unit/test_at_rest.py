"""The spool and the kiosk's notes at rest: sealed, migrated, under another key, damaged, and killed in the middle.

One long file on purpose: the same two files, and all that may happen to them or to their key.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_service.at_rest import Unreadable, Vault, key_file_of
from edge_service.at_rest.keys import KeyFile, NoKeys, new_key
from edge_service.at_rest.rekey import rekey
from edge_service.errors import SpoolDamaged, SpoolError, SpoolKeyError
from edge_service.kiosk.draft import kept_draft
from edge_service.kiosk.form import BookingForm, FingerPlan, FingerState
from edge_service.kiosk.gate import FAILURES
from edge_service.kiosk.store import KioskStore
from edge_service.spool import Spool, SpoolState
from interchange.messages import Submission, decode_message

DATA = Path(__file__).parent / "data" / "at_rest"
PRINTS = b"FMR-SECRET-RIDGES" * 40
REPLY = b"SECRET-REPLY" * 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


def open_spool(path, **more):
    return Spool(path, device="kiosk-1", **more)


def everything(folder):
    """All bytes in all files but the keys."""
    return b"".join(p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and p.suffix != ".key")


def form():
    return BookingForm(number="2026-SECRET-17", charge_class="felony", disposition="charged")


def plan():
    return FingerPlan(fingers={2: FingerState.PRINT, 7: FingerState.BANDAGED})


# -- what is kept


def test_nothing_of_a_person_is_in_the_files_while_they_are_in_use_or_after(path):
    with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
        for number in range(20):
            spool.add(f"t{number}", PRINTS)
            spool.keep_reply(f"t{number}", REPLY)
            notes.note(f"t{number}", form(), plan(), officer="SECRET-officer")
            notes.put("draft", {"number": "SECRET-18"})
        assert spool.payload("t3") == PRINTS
        assert spool.entry("t3").reply == REPLY
        assert notes.note_of("t3").number == "2026-SECRET-17"
        assert notes.note_of("t3").left_out == {7: "bandaged"}
        assert (path.with_name("spool.db-wal")).stat().st_size > 0
        assert b"SECRET" not in everything(path.parent)
    assert b"SECRET" not in everything(path.parent)


def test_the_key_is_made_once_for_its_owner_alone_and_shared(path):
    with open_spool(path) as spool:
        spool.add("t1", PRINTS)
        key = path.with_name("spool.key")
        assert key.stat().st_mode & 0o777 == 0o600
        before = key.read_text()
        with open_spool(path) as other:
            assert other.payload("t1") == PRINTS
    assert key.read_text() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["spool.db", "spool.key"]


def test_a_value_does_not_open_in_another_row_column_or_file(path):
    with open_spool(path) as spool:
        for tcn in ("t1", "t2"):
            spool.add(tcn, PRINTS + tcn.encode())
        spool._file.connection.execute(
            "UPDATE submission SET payload = (SELECT payload FROM submission WHERE tcn = 't1') WHERE tcn = 't2'"
        )
        spool._file.connection.execute("UPDATE submission SET reply = payload WHERE tcn = 't1'")
        assert spool.payload("t1") == PRINTS + b"t1"
        assert spool.entry("t1").reply is None
        assert spool.payload("t2") is None
        assert spool.entry("t2").state is SpoolState.DAMAGED


# -- where the key is


def test_the_credential_is_first_then_the_settings_then_beside_the_spool(path, tmp_path):
    assert key_file_of(path, environment={}).path == tmp_path / "spool.key"
    named = tmp_path / "usb" / "k"
    assert key_file_of(path, named=named, environment={}).path == named
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert key_file_of(path, named=named, environment=environment).path == named
    (credentials / "spool-key").write_text(new_key().hex())
    found = key_file_of(path, named=named, environment=environment)
    assert (found.path, found.ours) == (credentials / "spool-key", False)


def test_a_lost_key_stops_the_start_and_touches_nothing(path):
    with open_spool(path) as spool:
        spool.add("t1", PRINTS)
    key = path.with_name("spool.key")
    kept = key.read_text()
    key.unlink()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(SpoolKeyError, match=r"spool\.key is missing.*--start-empty"):
            open_spool(path)
    assert not key.exists()
    key.write_text(new_key().hex())
    with pytest.raises(SpoolKeyError, match="another key"):
        open_spool(path)
    assert path.read_bytes() == before
    key.write_text(kept)
    with open_spool(path) as spool:
        assert spool.payload("t1") == PRINTS


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "Z" * 64, f"{'0' * 64}\n" * 5, "0" * 2000])
def test_a_file_that_is_no_key(path, text):
    with open_spool(path):
        pass
    path.with_name("spool.key").write_text(text)
    with pytest.raises(SpoolKeyError, match="not a key file"):
        open_spool(path, start_empty=True)  # nor is that a reason to begin anew
    assert path.exists()


def test_only_a_person_goes_on_without_the_key_and_the_file_is_kept(path):
    with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
        spool.add("t1", PRINTS)
        notes.note("t1", form(), plan(), officer="o")
    path.with_name("spool.key").rename(path.with_name("found-later.key"))
    with open_spool(path, start_empty=True) as fresh:
        assert fresh.undelivered() == []
        with KioskStore(path.with_name("kiosk.db"), vault=fresh.vault) as notes:
            assert notes.notes(limit=5) == []
        aside = fresh.quarantined()
    later = KeyFile(path.with_name("found-later.key"), aside[0])
    with open_spool(aside[0], keys=later) as old:
        assert old.payload("t1") == PRINTS


def test_without_the_key_what_is_plain_can_be_looked_at(path):
    with open_spool(path) as spool:
        spool.add("t1", PRINTS)
        spool.keep_reply("t1", REPLY)
    with open_spool(path, vault=Vault(NoKeys())) as looking:
        entry = looking.entry("t1")
        assert (entry.state, entry.reply) == (SpoolState.QUEUED, None)
        with pytest.raises(SpoolKeyError):
            looking.add("t2", b"x")
        with pytest.raises(SpoolError, match="without its key"):
            looking.payload("t1")
    with open_spool(path) as spool:
        assert spool.payload("t1") == PRINTS
        assert spool.entry("t1").reply == REPLY


def test_root_makes_the_key_for_the_folders_owner(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can make files for others")
    os.chown(tmp_path, 4711, 4712)
    with open_spool(tmp_path / "spool.db"):
        pass
    for name in ("spool.db", "spool.key"):
        owner = (tmp_path / name).stat()
        assert (owner.st_uid, owner.st_gid) == (4711, 4712)


# -- a new key


def test_a_new_key_and_the_old_one_opens_nothing_any_more(path):
    keys = key_file_of(path)
    with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
        spool.add("t1", PRINTS)
        spool.keep_reply("t1", REPLY)
        notes.note("t1", form(), plan(), officer="o")
        old = keys.load()
        assert rekey(keys, [spool, notes]) == 3
        assert spool.payload("t1") == PRINTS
        spool.add("t2", PRINTS)
    assert len(keys.load()) == 1
    assert keys.load() != old
    with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
        assert (spool.payload("t1"), spool.payload("t2")) == (PRINTS, PRINTS)
        assert notes.note_of("t1").officer == "o"
    keys.replace(old)
    with pytest.raises(SpoolKeyError):
        open_spool(path)


def test_a_new_first_line_is_taken_over_at_the_start(path):
    """How a key that comes as a credential is changed: the program cannot write it."""
    keys = key_file_of(path)
    with open_spool(path) as spool:
        spool.add("t1", PRINTS)
    old, new = keys.load()[0], new_key()
    keys.replace([new, old])
    with open_spool(path):
        pass
    keys.replace([new])
    with open_spool(path) as spool:
        assert spool.payload("t1") == PRINTS
    with pytest.raises(SpoolKeyError, match="credential"):
        rekey(KeyFile(keys.path, path, ours=False), [])


def test_another_process_that_has_the_file_open_notices_a_new_key(path):
    with open_spool(path) as spool, open_spool(path) as other:
        spool.add("t1", PRINTS)
        rekey(key_file_of(path), [spool])
        other.add("t2", PRINTS)
        assert other.payload("t1") == PRINTS
        assert spool.payload("t2") == PRINTS


# -- the first format


def first_format(folder):
    for kind in ("spool", "kiosk"):
        shutil.copy(DATA / f"{kind}_format_1.db", folder / f"{kind}.db")
    return folder / "spool.db"


def check_migrated(path):
    with open_spool(path) as spool:
        states = [entry.state for entry in reversed(spool.entries())]
        assert states == [
            SpoolState.QUEUED, SpoolState.SENT, SpoolState.ACKNOWLEDGED, SpoolState.REPLIED, SpoolState.REFUSED,
        ]  # fmt: skip
        tcns = [entry.tcn for entry in reversed(spool.entries())]
        for tcn in (tcns[0], tcns[1], tcns[4]):
            assert decode_message(Submission, spool.payload(tcn)).tcn == tcn
        assert spool.payload(tcns[2]) is spool.payload(tcns[3]) is None
        assert b"SECRET-REPLY" in spool.entry(tcns[3]).reply
        assert spool.entry(tcns[4]).refused_reason == "broken"
        assert spool.clock_floor_ms() == 1_700_000_000_000
        assert spool._file.read("SELECT seq FROM sqlite_sequence") == [(5,)]
        with KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
            assert [n.officer for n in notes.notes(limit=5)] == ["d105", "d104"]
            assert notes.notes(limit=1)[0].left_out == {7: "bandaged"}
            assert notes.get(FAILURES) == 4
            assert kept_draft(notes).form.number == "2026-SECRET-17"
    assert b"SECRET" not in everything(path.parent)
    assert b'"prints"' not in everything(path.parent)
    assert sorted(p.name for p in path.parent.iterdir()) == ["kiosk.db", "spool.db", "spool.key"]


def test_files_of_the_first_format_are_brought_up_to_date(tmp_path):
    path = first_format(tmp_path)
    assert b"SECRET" in everything(tmp_path)
    check_migrated(path)


def test_one_whose_service_was_killed_with_a_full_log(tmp_path):
    path = first_format(tmp_path)
    script = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute(\"INSERT INTO submission (tcn, state, payload, saved_ms) VALUES ('late', 'queued', x'41', 1)\")\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False)
    assert path.with_name("spool.db-wal").stat().st_size > 0
    with open_spool(path) as spool:
        assert spool.payload("late") == b"A"
        assert len(spool.undelivered()) == 3


def test_no_room_to_migrate_leaves_it_as_it_is(tmp_path, monkeypatch):
    path = first_format(tmp_path)
    before = path.read_bytes()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    with pytest.raises(SpoolError, match="newer format"):
        open_spool(path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    check_migrated(path)


# -- killed in the middle


def killed_after(steps, what, path):
    """Do it in a child that is killed before step `steps`; how many were left, None if it was killed.

    Every statement of SQLite's, every sync and every naming of a file is a step.
    """
    child = os.fork()
    if child:
        code = os.waitpid(child, 0)[1]
        return None if os.WIFSIGNALED(code) else steps - int((path.parent / "steps").read_text())
    left = steps

    def step(*_):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)

    def counted(real, after=None):
        def call(*values, **named):
            step()
            result = real(*values, **named)
            return result if after is None else after(result)

        return call

    def watched(connection):
        connection.set_trace_callback(step)
        return connection

    try:
        for name in ("fsync", "link", "rename", "replace", "unlink"):
            setattr(os, name, counted(getattr(os, name)))
        sqlite3.connect = counted(sqlite3.connect, watched)
        with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault) as notes:
            if what == "rekey":
                rekey(key_file_of(path), [spool, notes])
        (path.parent / "steps").write_text(str(steps - left))
    finally:
        os._exit(0)


@pytest.mark.parametrize("what", ["migrate", "rekey"])
def test_killed_at_any_step_nothing_is_lost(tmp_path, what):
    def ready(name):
        folder = tmp_path / name
        folder.mkdir()
        path = first_format(folder)
        if what == "rekey":
            with open_spool(path) as spool, KioskStore(folder / "kiosk.db", vault=spool.vault):
                pass
        return path

    path = ready("whole")
    steps = 100_000 - killed_after(100_000, what, path)
    assert steps > 40
    for number in range(0, steps, 4):
        path = ready(f"at-{number}")
        assert killed_after(number, what, path) is None
        with open_spool(path) as spool, KioskStore(path.with_name("kiosk.db"), vault=spool.vault):
            pass
        for half in path.parent.glob("*.new*"):
            assert b"SECRET" not in half.read_bytes()
            half.unlink()  # the half of something that never had a name
        check_migrated(path)


# -- damage


def test_flipped_bits_cost_one_row_and_not_the_others(path):
    chance = random.Random(5)
    with open_spool(path) as spool:
        for number in range(30):
            spool.add(f"t{number}", PRINTS + bytes([number]))
        for number in range(0, 30, 2):
            look = "SELECT payload FROM submission WHERE tcn = ?"
            blob = bytearray(spool._file.read(look, (f"t{number}",))[0][0])
            if number % 4:
                blob[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
            else:
                blob = bytearray(chance.randbytes(chance.choice([0, 1, 20, 36, 37, 500])))
            spool._file.write("UPDATE submission SET payload = ? WHERE tcn = ?", (bytes(blob), f"t{number}"))
        read = {tcn: spool.payload(tcn) for tcn in spool.undelivered()}
        assert all(
            (read[f"t{n}"] == PRINTS + bytes([n])) if n % 2 else (read[f"t{n}"] is None) for n in range(30)
        )
        assert spool.stats().by_state[SpoolState.DAMAGED] == 15
        assert len(spool.undelivered()) == 15
        assert spool.acknowledge("t0")  # it was sent before it was damaged, and the matcher has it


def test_a_damaged_reply_is_asked_for_again(path):
    with open_spool(path) as spool:
        spool.add("t1", PRINTS)
        spool.acknowledge("t1")
        spool.keep_reply("t1", REPLY)
        spool._file.write("UPDATE submission SET reply = ? WHERE tcn = 't1'", (b"x" * 100,))
        assert spool.entry("t1").reply is None
        assert spool.awaiting_reply() == ["t1"]
        assert spool.keep_reply("t1", REPLY)
        assert spool.entry("t1").reply == REPLY


def test_a_damaged_note_is_left_out(path):
    with KioskStore(path) as notes:
        for number in range(3):
            notes.note(f"t{number}", form(), plan(), officer="o")
        notes.put("draft", {"a": 1})
        notes._file.write("UPDATE note SET said = ? WHERE tcn = 't1'", (b"x" * 80,))
        notes._file.write("UPDATE fact SET value = ? WHERE key = 'draft'", (b"",))
        assert [n.tcn for n in notes.notes(limit=5)] == ["t2", "t0"]
        assert notes.get("draft") is None


def test_a_damaged_file_without_its_key_is_damaged_first(path):
    with open_spool(path):
        pass
    path.write_bytes(b"no database" * 1000)
    path.with_name("spool.key").unlink()
    with pytest.raises(SpoolDamaged):
        open_spool(path)
    with open_spool(path, start_empty=True) as fresh:
        assert fresh.undelivered() == []


def test_values_by_chance_never_open(path):
    path.with_name("spool.key").write_text(new_key().hex())
    vault = Vault(key_file_of(path))
    chance = random.Random(1)
    sealed = vault.seal(b"value", place=b"here")
    assert vault.unseal(sealed, place=b"here") == b"value"
    for _ in range(500):
        blob = bytearray(sealed)
        blob[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
        with pytest.raises(Unreadable):
            vault.unseal(bytes(blob), place=b"here")
        with pytest.raises(Unreadable):
            vault.unseal(chance.randbytes(chance.randrange(80)), place=b"here")
    for other in (None, 7, "text", b""):
        with pytest.raises(Unreadable):
            vault.unseal(other, place=b"here")


def test_the_copy_made_before_a_migration_is_whole(tmp_path):
    from edge_service.at_rest.file import open_file
    from edge_service.at_rest.migration import copy_path
    from edge_service.spool.format import FORMAT

    path = first_format(tmp_path)
    shutil.copy(path, copy_path(path, 1))  # as a killed migration leaves it
    connection = open_file(path, FORMAT, key_id="", start_empty=False)
    connection.close()
    with closing(sqlite3.connect(f"file:{copy_path(path, 1)}?immutable=1", uri=True)) as copy:
        assert copy.execute("SELECT COUNT(*) FROM submission").fetchone() == (5,)
    check_migrated(path)
