"""Retention: what is sealed, what expires, what is expunged and proven. On a made-up centre with real files.

One long file on purpose: one centre with somebody of each kind in it, and what becomes of each.
"""

import base64
import importlib.util
import json
import logging
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import Disposition
from interchange.messages import encode_message
from matcher_service import cli, retention, routing
from matcher_service.accounts import Account, Action, NotPermitted, Role
from matcher_service.accounts.errors import TwoPersonError
from matcher_service.accounts.two_person import approve, propose
from matcher_service.auditing.keys import HeadKey
from matcher_service.galleries import LiveGalleries
from matcher_service.repositories import (
    Database,
    Filed,
    NewPrint,
    Outcome,
    Repositories,
    SearchOutcome,
)
from matcher_service.repositories.case_tables import CaseFile
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.retention_tables import DeletionCertificate, PersonKey, SubmissionKey
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import CandidateRecord, EnrolledTemplate, StoredSubmission
from matcher_service.repositories.submissions import add_searches
from matcher_service.retention import certificates, holding, linking, owners
from matcher_service.retention.errors import BadCertificate, RecordErased, RecordKeyError, RetentionRefused
from matcher_service.retention.expiry import expire
from matcher_service.retention.expunging import details_of, expunge, foreseen
from matcher_service.retention.foresight import foresee
from matcher_service.retention.gallery_files import Rid
from matcher_service.retention.keeper import Keeper
from matcher_service.retention.policies import lift_hold, place_hold, policies, set_policy
from matcher_service.retention.resealing import change_key, seal_all
from matcher_service.routing.router import Router
from matcher_service.search.packed import pack_print
from matcher_service.searching import Searching
from matcher_service.settings import MatcherSettings

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
Centre, REPOSITORY = notify_centre.Centre, notify_centre.REPOSITORY

ASKS = Account.made_of("one", Role.REPOSITORY_OWNER, repositories=(REPOSITORY,))
AGREES = Account.made_of("two", Role.REPOSITORY_OWNER, repositories=(REPOSITORY,))


def whoever(account, name):
    return Account(id=name, name=name, grants=account.grants)


ASKS, AGREES = whoever(ASKS, "one"), whoever(AGREES, "two")


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    made.activate()
    yield made
    made.database.close()


@pytest.fixture
def key(tmp_path):
    return HeadKey.make(tmp_path / "signing.key")


def rule(centre, outcome, days, source="agreement"):
    with centre.database.write() as session:
        return set_policy(session, REPOSITORY, outcome, days, source=source, by="one", now=centre.clock.now)


def green(centre, **said):
    """A booking in which nobody was found."""
    made = made_up_submission("kiosk-1", {2: made_up_minutiae(77)}).model_copy(update=said)
    payload = encode_message(made)
    centre.submissions.file(made, payload, routing.Arrival(ori="MO0100000"))
    waiting = centre.submissions.begin_next()
    search = SearchOutcome(
        repository=REPOSITORY, searched_at=centre.clock.now, duration_ms=1.0, gallery_prints=2, colour="green"
    )
    assert centre.submissions.finish(waiting, b'{"reply": 1}', [search], Outcome.ANSWERED)
    return made, payload


def run(centre, days=0.0, *, ahead=0.0, **more):
    """When all bookings are so many days old, by a clock that is so many days ahead."""
    with centre.database.write() as session:
        for row in session.scalars(select(StoredSubmission)):
            row.received_at = datetime.now(UTC) - timedelta(days=days)
    return expire(centre.database, by="system:test", now=datetime.now(UTC) + timedelta(days=ahead), **more)


def row_of(database, tcn):
    with database.read() as session:
        return session.scalars(select(StoredSubmission).where(StoredSubmission.tcn == tcn)).one()


def agreed(centre, **what):
    what = details_of(what.get("identity", ""), what.get("tcns", ()))
    with centre.database.write() as session:
        number = propose(
            session, Action.EXPUNGE_REQUEST, by=ASKS, details=what, reason="court order", repository=REPOSITORY
        )  # fmt: skip
    with centre.database.write() as session:
        approve(session, number, by=AGREES)
    return number


def do_expunge(centre, key, *, request=None, galleries=None, **what):
    request = agreed(centre, **what) if request is None else request
    return expunge(
        centre.database, repository=REPOSITORY, request=request, actor="one", key=key, galleries=galleries,
        now=centre.clock.now, **what,
    )  # fmt: skip


def everything_in(folder):
    return b"".join(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


# -- sealed at rest


def test_what_is_stored_is_sealed_and_read_as_it_came(centre):
    prints = [NewPrint.of(3, made_up_minutiae(9)), NewPrint.of(4, made_up_minutiae(10))]
    store = Repositories(centre.database)
    person = store.enroll(REPOSITORY, prints).identity
    made, payload = green(centre)
    assert {one.record for one in store.prints(REPOSITORY, [person])} == {one.record for one in prints}
    assert store.enroll_many(REPOSITORY, [prints])[0].identity == person  # the same prints are known still
    assert centre.submissions.reply_to(made.tcn).payload == b'{"reply": 1}'
    with centre.database.read() as session:
        assert retention.payload_of(session, row_of(centre.database, made.tcn).id) == payload
        records = list(session.scalars(select(EnrolledTemplate.record)))
    assert all(retention.is_sealed(one) for one in records)
    assert len({one[4:16] for one in records}) == len(records)  # nonces
    stored = everything_in(centre.folder)
    assert not any(one.record in stored for one in prints)
    assert payload not in stored
    assert made.prints[0].template[:60] not in stored


def test_a_record_cannot_be_passed_off_as_another_persons(centre):
    store = Repositories(centre.database)
    mine, other = (store.enroll(REPOSITORY, [NewPrint.of(1, made_up_minutiae(n))]).identity for n in (9, 10))
    with centre.database.connection() as connection:
        connection.execute(
            text(
                "UPDATE template SET record = (SELECT t.record FROM template t JOIN encounter e ON"
                " e.id = t.encounter_id WHERE e.identity_id = :other) WHERE encounter_id ="
                " (SELECT id FROM encounter WHERE identity_id = :mine)"
            ),
            {"mine": mine, "other": other},
        )
    assert [one.record for one in store.prints(REPOSITORY, [mine])] == [
        b""
    ]  # damaged, and nobody else's with it
    assert store.prints(REPOSITORY, [other])[0].record


def test_a_missing_key_is_said_and_never_made_anew(centre, tmp_path):
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    centre.database.settle()
    shutil.copy(centre.folder / "m.db", copy)
    with pytest.raises(RecordKeyError, match=r"records.key: is missing.*backup"):
        Repositories(Database(f"sqlite:///{copy}/m.db")).prints(REPOSITORY, [centre.person])
    assert not (copy / "records.key").exists()
    (copy / "records.key").write_bytes(bytes(32))
    (copy / "records.key").chmod(0o600)
    with pytest.raises(RecordKeyError, match="is not the key"):
        Repositories(Database(f"sqlite:///{copy}/m.db")).prints(REPOSITORY, [centre.person])
    (copy / "records.key").chmod(0o644)
    with pytest.raises(RecordKeyError, match="chmod 600"):
        Repositories(Database(f"sqlite:///{copy}/m.db")).prints(REPOSITORY, [centre.person])


def test_what_was_stored_before_there_were_keys_is_read_and_then_sealed(centre):
    store = Repositories(centre.database)
    before = store.prints(REPOSITORY, [centre.person])
    made, payload = green(centre)
    with centre.database.write() as session:  # as an older version left it
        for row, plain in zip(session.scalars(select(EnrolledTemplate)), before, strict=True):
            row.record = plain.record
        session.execute(text("DELETE FROM person_key"))
        session.execute(text("DELETE FROM submission_key"))
        stored = session.scalars(select(StoredSubmission).where(StoredSubmission.tcn == made.tcn)).one()
        stored.payload, stored.reply = payload, b'{"reply": 1}'
    assert store.prints(REPOSITORY, [centre.person]) == before
    walked = []
    done = seal_all(
        centre.database, by="system:test", watch=lambda rows, _: (walked.append(r) or r for r in rows)
    )
    assert (done.templates, done.submissions, done.before, len(walked)) == (2, 1, 0, 3)
    assert store.prints(REPOSITORY, [centre.person]) == before
    assert centre.submissions.reply_to(made.tcn).payload == b'{"reply": 1}'
    stored = everything_in(centre.folder)
    assert not any(one.record in stored for one in before)
    assert payload not in stored
    assert seal_all(centre.database, by="system:test").before == 3


@pytest.mark.sqlite
def test_the_centres_key_can_be_changed_and_older_copies_open_no_more(centre, tmp_path):
    store = Repositories(centre.database)
    before = store.prints(REPOSITORY, [centre.person])
    made, _ = green(centre)
    centre.database.settle()
    old = tmp_path / "backup"
    old.mkdir()
    shutil.copy(centre.folder / "m.db", old / "m.db")
    assert change_key(centre.database, by="system:test") == 2
    assert store.prints(REPOSITORY, [centre.person]) == before
    assert centre.submissions.reply_to(made.tcn).payload == b'{"reply": 1}'
    shutil.copy(centre.folder / "records.key", old / "records.key")
    with pytest.raises(RecordKeyError):
        Repositories(Database(f"sqlite:///{old}/m.db")).prints(REPOSITORY, [centre.person])


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
def test_a_change_of_the_key_survives_a_crash_on_either_side_of_the_commit(centre, monkeypatch, stored):
    before = Repositories(centre.database).prints(REPOSITORY, [centre.person])

    def crash(key, commit):
        real = centre.database.door
        with monkeypatch.context() as patch:
            patch.setattr(
                "matcher_service.retention.vault._put", lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            type(real).change(
                real, key, commit if stored else (lambda: (_ for _ in ()).throw(KeyboardInterrupt))
            )

    centre.database.door.change = crash
    with pytest.raises(KeyboardInterrupt):
        change_key(centre.database, by="system:test")
    again = Database(f"sqlite:///{centre.folder}/m.db")
    assert Repositories(again).prints(REPOSITORY, [centre.person]) == before
    assert not (centre.folder / "records.key.next").exists()
    again.close()


# -- expiry


def test_a_booking_whose_time_is_up_leaves_a_tombstone_and_its_tcn_is_never_used_again(centre):
    made, payload = green(centre)
    rule(centre, "no_candidates", 2)
    assert run(centre, 1).kept == {}  # not so old as the shortest rule
    dry = run(centre, 3, dry=True)
    assert (dry.erased, dry.by_outcome) == (1, {f"{REPOSITORY}: no_candidates": 1})
    assert centre.submissions.reply_to(made.tcn) is not None
    assert run(centre, 3).erased == 1
    row = row_of(centre.database, made.tcn)
    assert (row.payload, row.reply, row.outcome) == (b"", None, Outcome.ERASED)
    with centre.database.read() as session:
        gone = session.get(SubmissionKey, row.id)
        assert (gone.sealed_key, gone.destroyed_at is not None) == (b"", True)
        with pytest.raises(RecordErased):
            retention.seal_part(session, row.id, made.tcn, retention.Part.REPLY, b"x")
    # It comes once more: known. The TCN with other content: refused.
    assert centre.submissions.file(made, payload) is Filed.KNOWN
    other = made_up_submission("kiosk-1", {2: made_up_minutiae(5)}, tcn=made.tcn)
    assert centre.submissions.file(other, encode_message(other)) is Filed.OTHER
    assert centre.submissions.begin_next() is None
    assert centre.submissions.untold(limit=9) == []
    assert centre.submissions.redeliver(made.tcn) is False
    assert centre.submissions.count()[Outcome.ERASED] == 1
    (entry,) = centre.audited("submission.erased")
    assert entry["rules"] == f"{REPOSITORY} no_candidates v1: 2 days"
    assert run(centre, 3.5).erased == 0


def test_each_outcome_has_its_rule_and_what_is_worked_on_stays(centre):
    for outcome in ("no_candidates", "identified", "excluded", "retracted", "dismissed", "unreviewed"):
        rule(centre, outcome, 1)
    green(centre)
    open_task = centre.searched()
    identified_tcn, identification = centre.confirmed()
    dismissed = centre.searched()
    with centre.database.write() as session:
        for task, state in ((dismissed[1], "withdrawn"),):
            session.get_one(ReviewTask, task).state = state
    centre.report(dismissed[0], Disposition.DISMISSED)
    done = run(centre, 2, dry=True)
    assert done.by_outcome == {f"{REPOSITORY}: no_candidates": 1, f"{REPOSITORY}: dismissed": 1}
    assert done.kept == {"under_way": 2}  # in review; with an open case
    centre.deliver()
    centre.retract(identification)
    centre.deliver()
    with centre.database.write() as session:
        session.execute(text("UPDATE notification SET state = 'received'"))
        assert {one.state for one in session.scalars(select(CaseFile))} == {"withdrawn"}
    done = run(centre, 2)
    assert done.by_outcome[f"{REPOSITORY}: retracted"] == 1
    assert done.kept == {"under_way": 1}
    assert row_of(centre.database, identified_tcn).payload == b""
    assert row_of(centre.database, open_task[0]).payload != b""
    with centre.database.read() as session:
        assert session.get_one(Identification, identification).identity_id is None
        left = session.scalar(
            select(func.count(CandidateRecord.id)).where(CandidateRecord.identity_id.is_not(None))
        )
    assert left == 1


def test_a_repository_without_a_rule_keeps_everything_and_a_hold_is_stronger_than_any_rule(centre):
    made, _ = green(centre)
    rule(centre, "excluded", 1)
    assert run(centre, 3).kept == {"no_policy": 1}
    rule(centre, "no_candidates", 1)
    with centre.database.write() as session:
        hold = place_hold(session, tcn=made.tcn, reason="court order", by="one")
    assert run(centre, 3.1).kept == {"held": 1}
    with centre.database.write() as session:
        lift_hold(session, hold, reason="order ended", by="one")
        with pytest.raises(RetentionRefused, match="not in force"):
            lift_hold(session, hold, reason="again", by="one")
    rule(centre, "no_candidates", None, source="taken back")
    assert run(centre, 3.2).kept == {"no_policy": 1}
    rule(centre, "no_candidates", 1)
    assert run(centre, 3.3).erased == 1
    with centre.database.read() as session:
        assert [(p.outcome, p.version) for p in policies(session)] == [("excluded", 1), ("no_candidates", 3)]
        assert len(policies(session, history=True)) == 4


def test_what_was_searched_nowhere_goes_by_the_settings(centre):
    made = made_up_submission("kiosk-1", {2: made_up_minutiae(77)})
    centre.submissions.file(made, encode_message(made))
    assert centre.submissions.finish(centre.submissions.begin_next(), b"{}", [], Outcome.ANSWERED)
    assert run(centre, 3).erased == 0
    assert run(centre, 3, not_searched_days=2).erased == 1


@pytest.mark.parametrize(
    ("days", "words"), [(300, "at one step"), (-1, "went back")], ids=["ahead", "behind"]
)
def test_nothing_is_erased_by_a_clock_that_jumped(centre, days, words):
    green(centre)
    rule(centre, "no_candidates", 1)
    assert run(centre).erased == 0
    with pytest.raises(RetentionRefused, match=words) as refused:
        run(centre, 3, ahead=days)
    assert "--clock-is-right" in str(refused.value)
    if days > 0:
        # An entry that was written meanwhile by the wrong clock does not make it right.
        with centre.database.write() as session:
            place_hold(session, tcn="x", reason="later", by="one")
            session.flush()
        assert run(centre, 3, ahead=300, clock_is_right=True).erased == 1
        with pytest.raises(RetentionRefused, match="went back"):
            run(centre, 1)


def test_a_running_matcher_expires_once_a_day_and_says_why_it_does_not(centre, caplog):
    green(centre)
    rule(centre, "no_candidates", 1)
    settings = MatcherSettings(database={"url": centre.database.url})
    keeper = Keeper(settings, centre.database)
    now = datetime.now(UTC)
    assert keeper.tend(now)
    assert not keeper.tend(now + timedelta(hours=23))
    with caplog.at_level(logging.ERROR):
        assert not keeper.tend(now + timedelta(days=300))
    assert any("is not believed" in str(one.__dict__) for one in caplog.records)
    assert keeper.tend(now + timedelta(hours=49))
    assert centre.submissions.count()[Outcome.ERASED] == 1


@pytest.mark.parametrize(
    ("outcome", "days", "source", "words"),
    [
        ("never", 3, "x", "is no outcome; those are no_candidates"),
        ("excluded", 0, "x", "has to be 1 to"),
        ("excluded", 3, " ", "where the rule comes from"),
        ("excluded", 3, "x" * 201, "where the rule comes from"),
    ],
)
def test_a_bad_policy_is_refused(centre, outcome, days, source, words):
    with pytest.raises(RetentionRefused, match=words):
        rule(centre, outcome, days, source)


# -- expungement


def gallery(centre):
    made = LiveGalleries(
        repositories=Repositories(centre.database),
        make_gallery=Searchable,
        pack=pack_print,
        folder=centre.folder / "galleries" / "matcher-1",
        threads=1,
    )
    made.load()
    return made


class Searchable:
    def __init__(self, source):
        self.source = source

    def warm_up(self):
        pass


def columns_of(minutiae):
    """What a segment holds of a print: bytes by which it would be found in a file."""
    packed = pack_print(minutiae)
    return [getattr(packed, name).tobytes() for name in ("x", "y", "angle") if hasattr(packed, name)]


@pytest.mark.sqlite
@pytest.mark.parametrize("running", [True, False], ids=["matcher runs", "no matcher runs"])
def test_after_an_expungement_nothing_is_left_behind(centre, key, running):
    store = Repositories(centre.database)
    prints = [NewPrint.of(2, made_up_minutiae(51)), NewPrint.of(3, made_up_minutiae(52))]
    person = store.enroll(REPOSITORY, prints).identity
    folder = centre.folder / "galleries" / "matcher-1"
    live = gallery(centre)
    later = [NewPrint.of(4, made_up_minutiae(53))]  # one in the journal
    store.enroll(REPOSITORY, later, identity=person)
    live.refresh()
    (folder / REPOSITORY / "segment-00000099.damaged-20260101T000000000000").write_bytes(prints[0].record)
    traces = [one for n in (51, 52, 53) for one in columns_of(made_up_minutiae(n))]
    assert any(one in everything_in(folder) for one in traces)
    with centre.database.read() as session:
        sealed = [
            one.record
            for one in session.scalars(select(EnrolledTemplate))
            if one.sha256 in {p.sha256 for p in [*prints, *later]}
        ]
        wrapped = session.get_one(PersonKey, person).sealed_key
    assert len(sealed) == 3
    assert any(sealed[0] in path.read_bytes() for path in centre.folder.glob("m.db*"))
    if not running:
        live.close()
    done = do_expunge(centre, key, identity=person, galleries=folder)
    assert done.templates == 3
    if running:
        assert done.files is Rid.RUNNING
        for _ in range(200):
            live.refresh()
            thread = live._stores[REPOSITORY]._background
            if thread is not None:
                thread.join()
            live.refresh()
            if not live._erasing:
                break
        assert not live._erasing
    else:
        assert done.files is Rid.DONE
    assert done.settled
    left = everything_in(centre.folder)
    for trace in [*traces, *sealed, wrapped, *(one.record for one in [*prints, *later])]:
        assert trace not in left
    with centre.database.write() as session:
        row = certificates.find(session, done.certificate)
        certificates.complete(session, row, key, now=datetime.now(UTC))
        content = json.loads(row.content)
        assert session.get_one(PersonKey, person).sealed_key == b""
    assert content["complete"]
    assert [one["matcher"] for one in content["galleries"]] == ["matcher-1"]
    assert sorted(content["templates_sha256"]) == sorted(p.sha256 for p in [*prints, *later])
    assert store.prints(REPOSITORY, [centre.person])  # everybody else is there still
    if running:
        live.close()
    again = gallery(centre)
    assert len(again._stores[REPOSITORY]) == 2
    again.close()


def test_an_expungement_is_told_to_whoever_was_told_and_its_receipts_are_in_the_certificate(centre, key):
    tcn, identification = centre.confirmed()
    (hit,) = centre.deliver()
    centre.receipt(hit)
    other_tcn, other_task = centre.searched()
    done = do_expunge(centre, key, identity=centre.person, tcns=[tcn])
    assert done.retracted == 1
    with centre.database.read() as session:
        row = certificates.find(session, done.certificate)
        paper = certificates.as_file(row, key.public).encode()
        assert session.get_one(Identification, identification).state == "retracted"
        assert session.get_one(ReviewTask, other_task).state == "withdrawn"
        assert {one.state for one in session.scalars(select(CaseFile))} == {"withdrawn"}
        assert (
            session.scalar(
                select(func.count(CandidateRecord.id)).where(CandidateRecord.identity_id.is_not(None))
            )
            == 0
        )
    first = certificates.verify(paper, [key.public])
    assert (first["complete"], first["issue"]) == (False, 1)
    assert [one["received_at"] for one in first["retractions"]] == [None]
    assert row_of(centre.database, tcn).outcome == Outcome.ERASED
    assert (
        row_of(centre.database, other_tcn).outcome == Outcome.ANSWERED
    )  # not asked for, and not this person's only
    (taken_back,) = centre.deliver()
    assert taken_back.cause == "expunged"
    centre.receipt(taken_back)
    with centre.database.write() as session:
        assert certificates.complete_all(session, key, now=datetime.now(UTC)) == 1
        assert certificates.complete_all(session, key, now=datetime.now(UTC)) == 0
        paper = certificates.as_file(certificates.find(session, done.certificate), key.public).encode()
    second = certificates.verify(paper, [key.public])
    assert (second["complete"], second["issue"]) == (True, 2)
    assert second["retractions"][0]["subscriber"] == "field-office"
    assert second["retractions"][0]["received_at"]
    assert centre.person not in paper.decode()
    assert tcn not in paper.decode()


def test_an_expungement_takes_two_people_and_exactly_what_they_agreed_on(centre, key):
    tcn, _ = centre.searched()
    with centre.database.write() as session:
        number = propose(
            session, Action.EXPUNGE_REQUEST, by=ASKS, details=details_of(centre.person, ()), reason="order",
            repository=REPOSITORY,
        )  # fmt: skip
    with pytest.raises(TwoPersonError, match="second person"):
        do_expunge(centre, key, request=number, identity=centre.person)
    with centre.database.write() as session, pytest.raises(NotPermitted):
        approve(session, number, by=ASKS)
    with centre.database.write() as session:
        approve(session, number, by=AGREES)
    with pytest.raises(TwoPersonError, match="for something else"):
        do_expunge(centre, key, request=number, identity=centre.person, tcns=[tcn])
    assert Repositories(centre.database).prints(REPOSITORY, [centre.person])  # undone whole
    do_expunge(centre, key, request=number, identity=centre.person)
    with pytest.raises(RetentionRefused, match="is no identity"):
        do_expunge(centre, key, request=number, identity=centre.person)
    with pytest.raises(RetentionRefused, match="name an identity"):
        details_of("", ())


def test_what_is_held_or_another_repositorys_evidence_is_not_expunged(centre, key):
    tcn, identification = centre.confirmed()
    with centre.database.write() as session:
        hold = place_hold(session, identity=centre.person, reason="order", by="one")
    with pytest.raises(RetentionRefused, match="is held"):
        do_expunge(centre, key, identity=centre.person)
    with pytest.raises(RetentionRefused, match="is held"):
        do_expunge(centre, key, tcns=[tcn])
    with centre.database.write() as session:
        lift_hold(session, hold, reason="ended", by="one")
    Repositories(centre.database).create("criminal")
    with centre.database.write() as session:
        session.execute(
            text(
                "UPDATE identification SET repository_id = (SELECT id FROM repository WHERE name = 'criminal')"
            )
        )
    with pytest.raises(RetentionRefused, match="identification in criminal too"):
        do_expunge(centre, key, tcns=[tcn])
    with pytest.raises(RetentionRefused, match="never submitted"):
        do_expunge(centre, key, tcns=["nothing"])
    with centre.database.read() as session:
        assert session.get_one(Identification, identification).state == "confirmed"
        assert session.scalar(select(func.count(DeletionCertificate.id))) == 0


def test_another_owners_holds_and_bookings_are_left_alone(centre, key):
    made, _ = green(centre)
    Repositories(centre.database).create("criminal")
    other = Account(
        id="four",
        name="four",
        grants=Account.made_of("x", Role.REPOSITORY_OWNER, repositories=["criminal"]).grants,
    )
    with centre.database.write() as session:
        with pytest.raises(RetentionRefused, match="no booking that was searched in criminal"):
            holding.place(session, "criminal", tcn=made.tcn, reason="x", by=other)
        with pytest.raises(NotPermitted):
            holding.place(session, REPOSITORY, tcn=made.tcn, reason="x", by=other)
        with pytest.raises(RetentionRefused, match="is no identity in criminal"):
            holding.place(session, "criminal", identity=centre.person, reason="x", by=other)
        with pytest.raises(RetentionRefused, match="never searched in criminal"):
            foreseen(session, repository="criminal", tcns=[made.tcn])
        hold = holding.place(session, REPOSITORY, tcn=made.tcn, reason="court order", by=ASKS)
        assert [one.id for one in holding.holds_in(session, REPOSITORY)] == [hold]
        assert holding.holds_in(session, "criminal") == []
        with pytest.raises(RetentionRefused, match="none in force in criminal"):
            holding.lift(session, "criminal", hold, reason="x", by=other)
        # Once it was searched in both, either may hold it, and neither ends what the other placed.
        number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == made.tcn))
        found = SearchOutcome(
            repository="criminal",
            searched_at=centre.clock.now,
            duration_ms=1.0,
            gallery_prints=1,
            colour="green",
        )
        add_searches(session, number, [found])
        theirs = holding.place(session, "criminal", tcn=made.tcn, reason="ours too", by=other)
        with pytest.raises(NotPermitted, match="placed by one"):
            holding.lift(session, "criminal", hold, reason="x", by=other)
        with pytest.raises(NotPermitted, match="placed by four"):
            holding.lift(session, REPOSITORY, theirs, reason="x", by=AGREES)
        holding.lift(session, REPOSITORY, hold, reason="order ended", by=ASKS)
    rule(centre, "no_candidates", 1)
    seen = foresee(centre.database, REPOSITORY, now=datetime.now(UTC) + timedelta(days=3))
    assert (seen.erased.total(), seen.kept_because("elsewhere"), seen.whole) == (0, 1, True)
    with centre.database.write() as session:
        set_policy(session, "criminal", "no_candidates", 1, source="agreement", by="four")
    seen = foresee(centre.database, REPOSITORY, now=datetime.now(UTC) + timedelta(days=3))
    assert (seen.erased.total(), seen.kept_because("held")) == (0, 1)  # theirs
    with centre.database.write() as session:
        holding.lift(session, "criminal", theirs, reason="ended", by=other)
    seen = foresee(centre.database, REPOSITORY, now=datetime.now(UTC) + timedelta(days=3))
    assert dict(seen.erased) == {"no_candidates": 1}
    assert "at one step" not in seen.clock
    assert (
        "at one step"
        in foresee(centre.database, REPOSITORY, now=datetime.now(UTC) + timedelta(days=99)).clock
    )


def test_a_certificate_that_was_changed_or_is_another_centres_is_found_out(centre, key, tmp_path):
    done = do_expunge(centre, key, identity=centre.person)
    with centre.database.read() as session:
        paper = certificates.as_file(certificates.find(session, done.certificate), key.public)
    assert certificates.verify(paper.encode(), [key.public])["destroyed"]["templates"] == 2
    tree = json.loads(paper)
    other = HeadKey.make(tmp_path / "other.key")
    forged = tree | {"content": tree["content"] | {"key": other.public.id}}
    forged["signature"] = base64.b64encode(
        other.sign(certificates.canonical(forged["content"]).encode())
    ).decode()
    changed = json.loads(paper)
    changed["content"]["destroyed"]["templates"] = 3
    for bad, words in (
        (changed, "was changed"),
        (forged, "not among those"),
        (tree | {"signature": "!"}, "cannot be read"),
        (tree | {"content": 7}, "cannot be read"),
        ([], "cannot be read"),
        (tree | {"content": tree["content"] | {"format": "x/9"}}, "another format"),
    ):
        with pytest.raises(BadCertificate, match=words):
            certificates.verify(json.dumps(bad).encode(), [key.public])
    with pytest.raises(BadCertificate, match="too large"):
        certificates.verify(b" " * (5 << 20), [key.public])


# -- owners


def test_a_search_across_needs_both_sides_rule(centre):
    tcn, _ = centre.searched()
    number = row_of(centre.database, tcn).id

    def asked():
        with centre.database.write() as session:
            (one,) = routing.decide(session, number, now=centre.clock.now)
            allowed = routing.still_allowed(session, number, REPOSITORY, now=centre.clock.now)
        assert allowed is (one.verdict == "search")
        return one.verdict, one.reason_code

    def enter(jurisdiction, **more):
        with centre.database.write() as session:
            return owners.set_acceptance(
                session, REPOSITORY, jurisdiction, reason="agreed", by="one", **({"accept": True} | more)
            )

    assert asked() == ("search", "rule")  # nobody entered a rule: the activation alone
    enter("US-MO-037")
    assert asked() == ("skip", "not_accepted")  # only others are accepted
    enter("US-MO")
    assert asked() == ("search", "rule")  # the state, and what lies in it
    enter("US-MO-019", accept=False)
    assert asked() == ("skip", "not_accepted")  # the nearest counts
    enter("US-MO-019", transactions=["RPIS"])
    assert asked() == ("skip", "not_accepted")
    assert enter("US-MO-019", transactions=["CAR", "RPIS"]) == 5
    assert asked() == ("search", "rule")
    with centre.database.write() as session:
        centre_rules = owners.acceptances(session, REPOSITORY)
        with pytest.raises(RetentionRefused, match="is no transaction"):
            owners.set_acceptance(
                session, REPOSITORY, "", accept=True, transactions=["XYZ"], reason="x", by="one"
            )
        with pytest.raises(RetentionRefused, match="not in the register"):
            owners.set_acceptance(session, REPOSITORY, "US-XX", accept=True, reason="x", by="one")
    assert [row.version for row, _ in centre_rules] == [5, 4, 3, 2, 1]
    # Acceptance alone opens nothing.
    centre.register.suspend("US-MO-019", REPOSITORY, by="one", reason="off")
    assert asked() == ("skip", "suspended")


def test_each_repository_has_thresholds_of_its_own(centre):
    made = []

    def make(red, yellow):
        made.append((red, yellow))
        return lambda _evidence, _identities: f"{red} {yellow}"

    colours = owners.Colours(centre.database, red_fpir=1e-3, yellow_fpir=0.1, make=make)
    assert colours.of(REPOSITORY)(1.0, 1) == "0.001 0.1"
    with centre.database.write() as session:
        owners.set_thresholds(
            session, REPOSITORY, red_fpir=None, yellow_fpir=1e-4, reason="fewer reviews", by="one"
        )
        with pytest.raises(RetentionRefused, match="red is the rarer"):
            owners.set_thresholds(session, REPOSITORY, red_fpir=0.1, yellow_fpir=0.01, reason="x", by="one")
    colours._read_at = None
    assert colours.of(REPOSITORY)(1.0, 1) == "0.0001 0.0001"  # red is never the more frequent one
    assert colours.of("criminal")(1.0, 1) == "0.001 0.1"


def test_identities_are_linked_by_the_examiner_who_decided_and_by_nobody_else(centre):
    store = Repositories(centre.database)
    store.create("criminal")
    other = store.enroll("criminal", [NewPrint.of(2, made_up_minutiae(1))]).identity
    _, task = centre.searched()
    identification = centre.decide(task, "one")
    examiner = whoever(Account.made_of("one", Role.EXAMINER), "one")

    def link(by=examiner, first=centre.person, second=other, task=task):
        with centre.database.write() as session:
            return linking.link(session, task, first, second, by=by, reason="same prints")

    with pytest.raises(RetentionRefused, match="both to be identified"):
        link()
    with centre.database.write() as session:  # the same booking, identified in the other repository
        first = session.get_one(Identification, identification)
        second_task = ReviewTask(
            search_id=99, submission_id=first.submission_id, state="identified", priority=1, needs_second=False,
            repository_id=session.scalar(text("SELECT id FROM repository WHERE name = 'criminal'")),
            created_at=centre.clock.now, due_at=centre.clock.now, shuffle_seed=1,
        )  # fmt: skip
        session.add(second_task)
        session.flush()
        session.add(
            Identification(
                task_id=second_task.id, submission_id=first.submission_id, identity_id=other, state="confirmed",
                repository_id=second_task.repository_id, confirmed_at=centre.clock.now, confirmed_by="[]",
            )
        )  # fmt: skip
    for by in (ASKS, Account.made_of("one", Role.SUPERVISOR), Account.made_of("one", Role.ADMINISTRATOR)):
        with pytest.raises(NotPermitted):
            link(by=by)
    with pytest.raises(RetentionRefused, match="was not decided"):
        link(by=whoever(examiner, "two"))
    with pytest.raises(RetentionRefused, match="between two repositories"):
        link(second=centre.person)
    number = link()
    with pytest.raises(RetentionRefused, match="is there already"):
        link(first=other, second=centre.person)
    with centre.database.read() as session:
        assert [one.id for one in linking.links_of(session, other)] == [number]
    with centre.database.write() as session, pytest.raises(NotPermitted):
        linking.unlink(session, number, by=ASKS, reason="x")
    with centre.database.write() as session:
        linking.unlink(session, number, by=examiner, reason="looked at again")
        assert linking.links_of(session, other) == []
    assert [one["link"] for one in centre.audited("identity.link")] == [number]
    again = link()
    store.remove("criminal", other)  # it goes with either of them
    with centre.database.read() as session:
        assert linking.links_of(session, centre.person) == []
    assert again != number


# -- in the matcher, and at the command line


class CountedGalleries:
    def __init__(self):
        self.refreshed = 0

    def load(self):
        pass

    def refresh(self):
        self.refreshed += 1

    def __iter__(self):
        return iter(())

    def close(self):
        pass


def test_an_idle_matcher_follows_the_database(centre, monkeypatch):
    monkeypatch.setattr("matcher_service.parameters.FOLLOW_WHEN_IDLE_S", 0.0)
    galleries = CountedGalleries()
    searching = Searching(
        submissions=centre.submissions,
        galleries=galleries,
        router=Router(centre.database),
        colour=lambda _evidence, _identities: "green",
        tell=lambda _: None,
    )
    searching.start()
    try:
        give_up = time.monotonic() + 30
        while galleries.refreshed < 2 and time.monotonic() < give_up:
            searching.wake()
            time.sleep(0.02)
    finally:
        assert searching.stop(10)
    assert galleries.refreshed >= 2


def test_a_hit_that_waits_for_a_conviction_does_not_keep_its_booking(tmp_path):
    centre = Centre(tmp_path)
    centre.activate(notify_dispositions=(Disposition.CONVICTED,))
    tcn, _ = centre.confirmed()
    assert centre.states() == ["held"]
    rule(centre, "identified", 1)
    assert run(centre, 2).erased == 1
    assert centre.states() == ["cancelled"]
    centre.report(tcn, Disposition.CONVICTED)
    assert centre.deliver() == []


def test_the_command_line(centre, key, tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "jdoe")
    made, _ = green(centre)
    rule(centre, "no_candidates", 1)
    with centre.database.write() as session:
        place_hold(session, tcn="K-1", reason="court order", by="one")
        for row in session.scalars(select(StoredSubmission)):
            row.received_at = datetime.now(UTC) - timedelta(days=2)
    done = do_expunge(centre, HeadKey.make(centre.folder / "audit-signing.key"), identity=centre.person)
    where = ["--set", f"database.url=sqlite:///{centre.folder}/m.db"]

    def said(*words, code=0):
        found = CliRunner().invoke(cli.app, [*words, *where])
        assert found.exit_code == code, found.output
        return found.output

    assert "no_candidates" in said("retention", "policies")
    assert json.loads(said("retention", "policies", "--json"))[0]["keep_days"] == 1
    assert "court order" in said("retention", "holds")
    assert "1 bookings would be erased" in said("retention", "run", "--dry-run")
    assert json.loads(said("retention", "run", "--json"))["erased"] == 1
    assert done.certificate in said("retention", "certificates")
    paper = tmp_path / "certificate.json"
    paper.write_text(said("retention", "certificate", done.certificate))
    assert "genuine" in said("retention", "verify", str(paper))
    pem = tmp_path / "centre.pem"
    pem.write_bytes(certificates.key_in(paper.read_bytes()).pem)
    assert "2 templates" in said("retention", "verify", str(paper), "--key", str(pem))
    pem.write_bytes(key.public.pem)
    assert "not among those" in said("retention", "verify", str(paper), "--key", str(pem), code=1)
    paper.write_text(paper.read_text().replace('"templates": 2', '"templates": 3'))
    assert "was changed" in said("retention", "verify", str(paper), code=1)
    assert "cannot be read" in said("retention", "verify", str(tmp_path / "none"), code=1)
    assert "0 templates and 0 submissions sealed" in said("retention", "seal")
    assert "sealed anew" in said("retention", "change-key")
    assert "no rule was entered" in said("owners", "show", REPOSITORY)
    assert "there is none" in said("retention", "certificate", "x", code=1)
    assert centre.submissions.count()[Outcome.ERASED] == 1
    assert made.tcn
