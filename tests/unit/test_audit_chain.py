"""The audit's chain: what goes in, and that every way of changing it afterwards is found, at its first place.

One long file on purpose: one chain, and every way to spoil it.
"""

import base64
import hashlib
import json
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from matcher_service.auditing import BadAnchor, BadEntry, NoSigningKey, note, record, shell
from matcher_service.auditing.anchoring import Anchoring
from matcher_service.auditing.chain import COLUMNS, FIRST_PREVIOUS, entry_hash, instant, moment
from matcher_service.auditing.heads import read_heads, sign_head
from matcher_service.auditing.keys import HeadKey, HeadPublicKey, known_keys, signing_key
from matcher_service.auditing.reading import Filter, as_line, newest, oldest_first
from matcher_service.auditing.verifying import Fault, verify
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.errors import StoreError
from matcher_service.repositories import Database
from matcher_service.repositories.migrations.audit_triggers import SQLITE_TRIGGERS
from matcher_service.settings import AuthoritySettings, MatcherSettings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = ", ".join((*COLUMNS, "hash"))


@pytest.fixture
def database(tmp_path):
    opened = Database(f"sqlite:///{tmp_path}/matcher.db")
    yield opened
    opened.close()


@pytest.fixture
def chain(database):
    """Ten entries."""
    for number in range(1, 11):
        with database.write() as session:
            record(
                session,
                "review.decide",
                actor="examiner-1",
                role="examiner",
                purpose="review",
                subject=f"kiosk-1-{number:04d}",
                repository="criminal",
                details={"decision": "exclusion", "number": number},
                now=NOON + timedelta(seconds=number),
            )
    return database


class Tamperer:
    """Somebody with the database's file and all rights, who knows how the chain is made."""

    def __init__(self, database):
        self.database = database
        with database.connection() as connection:
            if connection.dialect.name == "postgresql":
                for table in ("audit_entry", "audit_head"):
                    connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
                return
            for trigger in SQLITE_TRIGGERS:
                connection.execute(text(f"DROP TRIGGER {trigger}"))

    def run(self, statement, **values):
        with self.database.connection() as connection:
            return connection.execute(text(statement), values)

    def row(self, seq):
        found = self.run(f"SELECT {ALL} FROM audit_entry WHERE seq = :seq", seq=seq)
        return dict(found.mappings().one())

    def put(self, row):
        names = ", ".join(row)
        self.run(f"INSERT INTO audit_entry ({names}) VALUES ({', '.join(':' + name for name in row)})", **row)

    def remove(self, *numbers):
        for seq in numbers:
            self.run("DELETE FROM audit_entry WHERE seq = :seq", seq=seq)

    def rewrite_from(self, seq):
        """Hash everything from `seq` on anew, and set the head, so that the chain holds again."""
        last = self.run("SELECT seq FROM audit_head").scalar_one()
        previous = self.row(seq - 1)["hash"] if seq > 1 else FIRST_PREVIOUS
        for number in range(seq, last + 1):
            row = self.row(number) | {"previous": previous}
            previous = entry_hash([row[name] for name in COLUMNS])
            self.run(
                "UPDATE audit_entry SET previous = :previous, hash = :hash WHERE seq = :seq",
                previous=row["previous"], hash=previous, seq=number,
            )  # fmt: skip
        self.run("UPDATE audit_head SET hash = :hash", hash=previous)


def first(database, **more):
    found = verify(database, **more)
    assert not found.holds
    return found.findings[0].seq, found.findings[0].fault


# -- what goes in


def test_entries_follow_each_other(chain):
    found = verify(chain)
    assert found.holds
    assert found.entries == 10
    with chain.read() as session:
        entries = list(oldest_first(session, Filter()))
    assert [one.seq for one in entries] == list(range(1, 11))
    assert entries[0].previous == FIRST_PREVIOUS
    assert [one.previous for one in entries[1:]] == [one.hash for one in entries[:-1]]
    assert entries[4].facts == {"decision": "exclusion", "number": 5}


def test_an_empty_chain_holds(database):
    assert verify(database).holds
    assert verify(database).last == (0, FIRST_PREVIOUS)


def test_the_hash_as_the_document_defines_it(chain):
    """Computed from the exported line by nothing but the document: docs/audit.md."""
    with chain.read() as session:
        lines = [json.loads(as_line(entry)) for entry in oldest_first(session, Filter())]
    order = [
        "seq",
        "at",
        "actor",
        "role",
        "action",
        "purpose",
        "subject",
        "repository",
        "jurisdiction",
        "details",
    ]
    for line in lines:
        array = ["whorl-audit-1", *(line[name] for name in order), line["previous"]]
        written = json.dumps(array, ensure_ascii=False, separators=(",", ":"))
        assert hashlib.sha256(written.encode()).hexdigest() == line["hash"]


def test_a_hash_that_never_changes():
    values = [1, "2026-03-01T12:00:00.000000Z", "jdoe", "examiner", "review.decide", 'says "no"\\', "T-1",
              "criminal", "US-MO-019", '{"a":"é"}', FIRST_PREVIOUS]  # fmt: skip
    assert entry_hash(values) == "53de2c0e477aee6d36a10f8d3d7308b9eb8766e4e207531a20d60726f0c06d19"


@given(st.lists(st.text(max_size=20), min_size=10, max_size=10), st.integers(0, 9), st.text(max_size=20))
def test_no_two_entries_are_written_alike(texts, place, other):
    """Also where a text moves from one field into the next."""
    try:
        before = entry_hash([1, *texts])
        changed = [*texts]
        changed[place] = other
        assert (entry_hash([1, *changed]) == before) == (changed == texts)
        shifted = ["", *texts[:-1]]
        assert (entry_hash([1, *shifted]) == before) == (shifted == texts)
    except UnicodeEncodeError:
        assert any(0xD800 <= ord(sign) < 0xE000 for sign in "".join((*texts, other)))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001
def test_instants_sort_as_they_follow(when):
    at = when.replace(tzinfo=UTC)
    assert len(instant(at)) == 27
    assert moment(instant(at)) == at
    assert instant(at) < instant(at + timedelta(microseconds=1))


def test_what_is_undone_leaves_no_entry(database):
    def fail_after_recording():
        with database.write() as session:
            record(session, "case.evaluate", actor="jdoe", purpose="evaluation")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_recording()
    assert verify(database).entries == 0
    with database.write() as session:
        assert record(session, "case.evaluate", actor="jdoe", purpose="evaluation") == 1


def test_what_only_reads_cannot_record(database):
    """It would be lost: a session that reads is never committed."""
    with database.read() as session, pytest.raises(BadEntry, match=r"Database\.write"):
        record(session, "case.read", actor="jdoe", purpose="evaluation")


def test_many_at_once_make_one_chain(database):
    def add(name):
        for _ in range(25):
            note(database, "case.read", actor=name, purpose="evaluation")

    threads = [threading.Thread(target=add, args=(f"officer-{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert verify(database).holds
    assert verify(database).entries == 100


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("action", {"action": "Review!"}),
        ("action", {"action": ""}),
        ("actor", {"actor": "John Doe"}),
        ("actor", {"actor": ""}),
        ("actor", {"actor": "nobody:x"}),
        ("purpose", {"purpose": "  "}),
        ("purpose", {"purpose": "x" * 201}),
        ("subject", {"subject": "two\nlines"}),
        ("subject", {"subject": "x" * 121}),
        ("repository", {"repository": "\ud800"}),
        ("details", {"details": {"No Name": 1}}),
        ("details", {"details": {"x": float("nan")}}),
        ("details", {"details": {f"fact_{at}": at for at in range(30)}}),
        ("details.x", {"details": {"x": b"a print"}}),
        ("details.x", {"details": {"x": ["a", "list"]}}),
        ("details.x", {"details": {"x": "y" * 301}}),
    ],
)
def test_what_no_entry_can_hold(database, field, values):
    whole = {"action": "case.read", "actor": "jdoe", "purpose": "evaluation"} | values
    with pytest.raises(BadEntry) as caught, database.write() as session:
        record(session, whole.pop("action"), **whole)
    assert caught.value.field == field
    assert verify(database).entries == 0


@pytest.mark.parametrize("user", ["root", "Jane.Doe", "", "DOMAIN\\jane", "x" * 100, "-.-", "é"])
def test_any_account_of_the_machine_can_be_an_actor(database, user):
    note(database, "audit.read", actor=shell(user), purpose="test")


def test_a_look_leaves_an_entry_and_a_line(database, caplog):
    caplog.set_level("INFO", "matcher.audit")
    note(database, "candidate.explain", actor="jdoe", purpose="review", subject="ref-12345678", score=3.5)
    (line,) = [r.facts for r in caplog.records if r.name == "matcher.audit"]
    assert (line["seq"], line["by"], line["action"], line["subject"], line["score"]) == (
        1, "jdoe", "candidate.explain", "ref-12345678", 3.5,
    )  # fmt: skip


def test_a_clock_that_is_set_back(database):
    for seconds in (0, 60, -3600, -3590):
        with database.write() as session:
            record(session, "case.read", actor="jdoe", purpose="x", now=NOON + timedelta(seconds=seconds))
    found = verify(database)
    assert found.holds
    assert found.clock_back == [3]
    with database.read() as session:
        assert [one.facts.get("clock_went_back_s") for one in oldest_first(session, Filter())] == [
            None, None, 3660.0, None,
        ]  # fmt: skip


# -- what cannot be done to it


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'somebody' WHERE seq = 3",
        "DELETE FROM audit_entry WHERE seq = 10",
        "DELETE FROM audit_entry",
        pytest.param(
            "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE seq = 3",
            marks=pytest.mark.sqlite,  # PostgreSQL knows no such words
        ),
        f"INSERT INTO audit_entry ({ALL}) SELECT seq + 100, {ALL[5:]} FROM audit_entry WHERE seq = 3",
        "DELETE FROM audit_head",
    ],
)
def test_the_database_refuses_it(chain, statement):
    with pytest.raises(StoreError, match="audit entr"), chain.write() as session:
        session.execute(text(statement))
    assert verify(chain).holds


@pytest.mark.parametrize("column", [*COLUMNS[1:], "hash"])
@pytest.mark.parametrize("seq", [1, 5, 10])
def test_a_change_is_found(chain, column, seq):
    tamperer = Tamperer(chain)
    other = "0" * 64 if column == "hash" else "changed"
    tamperer.run(f"UPDATE audit_entry SET {column} = :other WHERE seq = :seq", other=other, seq=seq)
    assert first(chain)[0] == seq


def test_a_value_of_another_kind_is_found(chain):
    tamperer = Tamperer(chain)
    tamperer.run("UPDATE audit_entry SET details = x'00ff' WHERE seq = 4")
    assert first(chain) == (4, Fault.CHANGED)


def test_a_change_with_its_own_hash_made_anew_is_found(chain):
    tamperer = Tamperer(chain)
    row = tamperer.row(5) | {"actor": "somebody"}
    made = entry_hash([row[name] for name in COLUMNS])
    tamperer.run("UPDATE audit_entry SET actor = 'somebody', hash = :hash WHERE seq = 5", hash=made)
    assert first(chain) == (6, Fault.ORDER)
    assert "entry 6 does not follow entry 5" in verify(chain).findings[0].words


@pytest.mark.parametrize("gone", [[1], [5], [4, 5, 6], [1, 2, 9]])
def test_a_deletion_is_found(chain, gone):
    Tamperer(chain).remove(*gone)
    assert first(chain) == (gone[0], Fault.MISSING)


def test_a_deletion_with_the_rest_moved_up_is_found(chain):
    tamperer = Tamperer(chain)
    tamperer.remove(5)
    for seq in range(6, 11):
        tamperer.run("UPDATE audit_entry SET seq = :down WHERE seq = :seq", down=seq - 1, seq=seq)
    tamperer.run("UPDATE audit_head SET seq = 9")
    assert first(chain) == (5, Fault.ORDER)


def test_another_order_is_found(chain):
    tamperer = Tamperer(chain)
    for old, new in ((4, 99), (5, 4), (99, 5)):
        tamperer.run("UPDATE audit_entry SET seq = :new WHERE seq = :old", old=old, new=new)
    assert first(chain) == (4, Fault.ORDER)


@pytest.mark.parametrize("place", [0, -3])
def test_an_insertion_before_the_first_is_found(chain, place):
    tamperer = Tamperer(chain)
    tamperer.put(tamperer.row(3) | {"seq": place})
    assert first(chain) == (place, Fault.INSERTED)


def test_an_insertion_in_the_middle_is_found(chain):
    tamperer = Tamperer(chain)
    for seq in range(10, 5, -1):
        tamperer.run("UPDATE audit_entry SET seq = :up WHERE seq = :seq", up=seq + 1, seq=seq)
    made = tamperer.row(5) | {"seq": 6, "previous": tamperer.row(5)["hash"], "actor": "somebody"}
    tamperer.put(made | {"hash": entry_hash([made[name] for name in COLUMNS])})
    tamperer.run("UPDATE audit_head SET seq = 11")
    assert first(chain) == (7, Fault.ORDER)


def test_an_insertion_past_the_head_is_found(chain):
    tamperer = Tamperer(chain)
    made = tamperer.row(10) | {"seq": 11, "previous": tamperer.row(10)["hash"]}
    tamperer.put(made | {"hash": entry_hash([made[name] for name in COLUMNS])})
    assert first(chain) == (11, Fault.INSERTED)


def test_a_cut_at_the_end_is_found_by_the_head(chain):
    Tamperer(chain).remove(8, 9, 10)
    assert first(chain) == (8, Fault.CUT)
    assert "entries 8 to 10" in verify(chain).findings[0].words


def test_another_head_is_found(chain):
    Tamperer(chain).run("UPDATE audit_head SET hash = :hash", hash="a" * 64)
    assert first(chain) == (10, Fault.REWRITTEN)


def test_any_one_change_of_one_sign_is_found(chain):
    """At random, in places that nobody thought of."""
    tamperer, chance = Tamperer(chain), random.Random(7)
    for _ in range(40):
        seq, column = chance.randint(1, 10), chance.choice([*COLUMNS[1:], "hash"])
        whole = tamperer.row(seq)[column]
        if not whole:
            continue
        at = chance.randrange(len(whole))
        other = whole[:at] + chr((ord(whole[at]) + 1) % 128 or 65) + whole[at + 1 :]
        tamperer.run(f"UPDATE audit_entry SET {column} = :other WHERE seq = :seq", other=other, seq=seq)
        assert first(chain)[0] in {seq, seq + 1}
        tamperer.run(f"UPDATE audit_entry SET {column} = :whole WHERE seq = :seq", whole=whole, seq=seq)
    assert verify(chain).holds


def test_all_faults_are_counted_and_the_first_is_told_first(chain):
    tamperer = Tamperer(chain)
    tamperer.run("UPDATE audit_entry SET actor = 'x' WHERE seq IN (3, 7)")
    tamperer.remove(9)
    found = verify(chain)
    assert [(one.seq, one.fault) for one in found.findings] == [
        (3, Fault.CHANGED), (7, Fault.CHANGED), (9, Fault.MISSING),
    ]  # fmt: skip
    assert found.faults == 3


def test_a_broken_head_lets_nothing_be_written(chain):
    """What cannot be audited is not done."""
    Tamperer(chain).run("UPDATE audit_head SET seq = 7")
    with pytest.raises(StoreError):
        note(chain, "case.read", actor="jdoe", purpose="x")


# -- anchors


@pytest.fixture
def key(tmp_path):
    return HeadKey.make(tmp_path / "key" / "audit.key")


def signed(database, key, file, now=NOON):
    with database.read() as session:
        _, line = sign_head(session, key, now=now)
    with file.open("a") as opened:
        opened.write(line + "\n")
    return read_heads(file, keys=[key.public])


def test_an_anchor_confirms(chain, key, tmp_path):
    found = verify(chain, anchors=signed(chain, key, tmp_path / "heads"))
    assert found.holds
    assert found.anchored_to == 10
    note(chain, "case.read", actor="jdoe", purpose="x")
    assert verify(chain, anchors=read_heads(tmp_path / "heads", keys=[key.public])).anchored_to == 10


def test_a_cut_that_the_head_was_set_back_for_is_found_only_against_an_anchor(chain, key, tmp_path):
    anchors = signed(chain, key, tmp_path / "heads")
    tamperer = Tamperer(chain)
    tamperer.run("UPDATE audit_head SET seq = 7, hash = :hash", hash=tamperer.row(7)["hash"])
    tamperer.remove(8, 9, 10)
    assert verify(chain).holds
    assert first(chain, anchors=anchors) == (8, Fault.CUT)


def test_a_chain_written_anew_is_found_only_against_an_anchor(chain, key, tmp_path):
    anchors = signed(chain, key, tmp_path / "heads")
    tamperer = Tamperer(chain)
    tamperer.run("UPDATE audit_entry SET actor = 'somebody' WHERE seq = 4")
    tamperer.rewrite_from(4)
    assert verify(chain).holds
    assert first(chain, anchors=anchors) == (10, Fault.REWRITTEN)


def test_several_anchors_narrow_it_down(database, key, tmp_path):
    file = tmp_path / "heads"
    signed(database, key, file)
    for at in range(6):
        note(database, "case.read", actor="jdoe", purpose=f"look {at}")
        anchors = signed(database, key, file)
    assert [one.seq for one in anchors] == list(range(7))
    assert verify(database, anchors=anchors).anchored_to == 6
    tamperer = Tamperer(database)
    tamperer.run("UPDATE audit_entry SET actor = 'somebody' WHERE seq = 4")
    tamperer.rewrite_from(4)
    found = verify(database, anchors=anchors)
    assert [one.seq for one in found.findings] == [4, 5, 6]
    assert found.anchored_to == 3


def test_an_emptied_audit_is_found_against_an_anchor(chain, key, tmp_path):
    anchors = signed(chain, key, tmp_path / "heads")
    tamperer = Tamperer(chain)
    tamperer.run("DELETE FROM audit_entry")
    tamperer.run("UPDATE audit_head SET seq = 0, hash = :hash", hash=FIRST_PREVIOUS)
    assert verify(chain).holds
    assert first(chain, anchors=anchors) == (1, Fault.CUT)


@pytest.mark.parametrize(
    "change", [{"seq": 5}, {"hash": "0" * 64}, {"at": "x"}, {"signature": "AAAA"}, {"signature": 5}]
)
def test_an_anchor_that_was_changed(chain, key, tmp_path, change):
    file = tmp_path / "heads"
    signed(chain, key, file)
    file.write_text("\n" + json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(BadAnchor, match="line 2: its signature is wrong"):
        read_heads(file, keys=[key.public])


@pytest.mark.parametrize(
    "content",
    ["", "\n\n", "nonsense", "[]", "{}", '{"format": "whorl-audit-head-1", "seq": true}', "[" * 100_000],
)
def test_what_is_no_anchor(tmp_path, key, content):
    (tmp_path / "heads").write_text(content)
    with pytest.raises(BadAnchor):
        read_heads(tmp_path / "heads", keys=[key.public])


def test_an_anchor_by_an_unknown_key(chain, key, tmp_path):
    signed(chain, key, tmp_path / "heads")
    other = HeadKey.make(tmp_path / "other.key")
    with pytest.raises(BadAnchor, match="--key"):
        read_heads(tmp_path / "heads", keys=[other.public])


def test_the_key_of_its_own_is_made_once_and_is_private(tmp_path, database):
    settings = MatcherSettings()
    made = signing_key(settings, database)
    file = tmp_path / "audit-signing.key"
    assert file.stat().st_mode & 0o077 == 0
    assert signing_key(settings, database).public.id == made.public.id
    assert [one.id for one in known_keys(settings, database)] == [made.public.id]
    assert HeadPublicKey.read(made.public.pem).id == made.public.id
    file.write_text("damaged")
    with pytest.raises(NoSigningKey, match="restore"):
        signing_key(settings, database)


def test_the_authoritys_key_signs_and_older_generations_are_known(tmp_path, chain):
    folder = tmp_path / "authority"
    keyring = CentreKeyring(folder)
    settings = MatcherSettings(authority=AuthoritySettings(folder=folder))
    keyring.rotate()
    signed(chain, signing_key(settings, chain), tmp_path / "heads")
    keyring.rotate()
    signed(chain, signing_key(settings, chain), tmp_path / "heads2")
    (tmp_path / "heads").open("a").write((tmp_path / "heads2").read_text())
    anchors = read_heads(tmp_path / "heads", keys=known_keys(settings, chain))
    assert len(anchors) == 2
    assert verify(chain, anchors=anchors).holds
    assert {json.loads(line)["algorithm"] for line in (tmp_path / "heads").read_text().splitlines()} == {
        "ECDSA-P256-SHA256"
    }


def test_the_signature_as_the_document_defines_it(chain, key, tmp_path):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    signed(chain, key, tmp_path / "heads")
    head = json.loads((tmp_path / "heads").read_text())
    array = [head["format"], head["seq"], head["hash"], head["at"], head["key"]]
    data = json.dumps(array, separators=(",", ":")).encode()
    load_pem_public_key(key.public.pem).verify(base64.b64decode(head["signature"]), data)


def test_heads_are_signed_from_time_to_time(chain, key, tmp_path):
    published = []
    anchoring = Anchoring(
        database=chain, key=lambda: key, every_s=0.01, file=tmp_path / "heads", publish=published.append
    )
    assert anchoring.sign()
    assert not anchoring.sign()  # nothing new
    anchoring.start()
    note(chain, "case.read", actor="jdoe", purpose="x")
    anchoring.stop()
    anchors = read_heads(tmp_path / "heads", keys=[key.public])
    assert [one.seq for one in anchors] == [10, 11]
    assert (tmp_path / "heads").read_text().splitlines() == published


def test_a_place_for_heads_that_is_gone_stops_nothing(chain, key, tmp_path, caplog):
    anchoring = Anchoring(database=chain, key=lambda: key, every_s=0.01, file=tmp_path / "gone" / "heads")
    anchoring.start()
    anchoring.stop()
    assert "tried again" in caplog.text
    (tmp_path / "gone").mkdir()
    assert anchoring.sign()


# -- reading


def test_filters(chain):
    note(chain, "case.read", actor="jdoe", purpose="x", subject="kiosk-1-0003", repository="immigration")
    cases = [
        (Filter(), 11),
        (Filter(actor="jdoe"), 1),
        (Filter(action="review."), 10),
        (Filter(action="review"), 0),
        (Filter(action="case.read"), 1),
        (Filter(action="%."), 0),
        (Filter(subject="kiosk-1-0003"), 2),
        (Filter(subject="kiosk-1-0003", repository="criminal"), 1),
        (Filter(since=NOON + timedelta(seconds=4), until=NOON + timedelta(seconds=7)), 3),
        (Filter(actor="' OR 1=1 --"), 0),
    ]
    with chain.read() as session:
        for wanted, count in cases:
            assert len(newest(session, wanted)) == count, wanted
            assert len(list(oldest_first(session, wanted))) == count
        assert [one.seq for one in newest(session, Filter(), limit=2)] == [11, 10]
        assert [one.seq for one in newest(session, Filter(), limit=2, before=10)] == [9, 8]
