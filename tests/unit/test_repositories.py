"""The centre's store. One long file on purpose: all of it stands on the same few made-up people."""

from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange import incits378, iso19794
from interchange.errors import TemplateError
from interchange.messages import CaptureTime, DeviceState, Status, encode_message
from interchange.minutiae import Minutiae
from interchange.record import Record, record_of
from interchange.template_format import TemplateFormat
from matcher_service.enrolling import enroll_paths
from matcher_service.errors import BadRepository, StoreError, UnknownIdentity, UnknownRepository
from matcher_service.repositories import (
    Database,
    Devices,
    Filed,
    FoundCandidate,
    NewPrint,
    Outcome,
    Quarantine,
    Repositories,
    SearchOutcome,
    Submissions,
    read_single,
    split,
)
from matcher_service.repositories.schema import Base


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/matcher.db"


@pytest.fixture
def database(url):
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def repositories(database):
    store = Repositories(database)
    store.create("criminal", owner="county")
    store.create("immigration")
    return store


@pytest.fixture
def submissions(database):
    return Submissions(database, instance="matcher-1")


def person(seed):
    return [
        NewPrint.of(2, made_up_minutiae(seed)),
        NewPrint.of(7, made_up_minutiae(seed + 1000, finger_quality=55)),
    ]


def a_submission(seed=1, tcn=None):
    submission = made_up_submission("kiosk-1", {2: made_up_minutiae(seed)}, tcn=tcn)
    return submission, encode_message(submission)


def test_the_migrations_make_what_the_tables_say(database):
    with database.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_opening_again_changes_nothing(url, repositories):
    again = Database(url)
    assert Repositories(again).names() == ["criminal", "immigration"]
    again.close()


@pytest.mark.sqlite
def test_only_its_owner_can_read_it(tmp_path, repositories):
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.sqlite
def test_sqlite_is_safe_and_enforces_its_references(database):
    with database.connection() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("matcher.db", "sqlite:///FILE"),
        ("sqlite:////no/such/folder/matcher.db", "make it first"),
        ("nonsense://x/y", "driver"),
    ],
)
def test_a_database_that_cannot_be(url, words):
    with pytest.raises(StoreError, match=words):
        Database(url)


def test_a_password_is_not_in_the_message():
    with pytest.raises(StoreError) as caught:
        Database("nonsense://user:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.sqlite
def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "m.db").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Database(f"sqlite:///{tmp_path}/m.db")
    assert (tmp_path / "m.db").read_bytes().startswith(b"nothing")


def test_a_database_of_a_newer_version(url, database):
    with database.connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        Database(url)


# -- enrolment


def test_enrolling(repositories):
    done = repositories.enroll("criminal", person(1))
    assert done.new
    stored = repositories.prints("criminal")
    assert [(p.identity, p.encounter, p.position, p.finger_quality) for p in stored] == [
        (done.identity, done.encounter, 2, 70),
        (done.identity, done.encounter, 7, 55),
    ]
    assert [p.record for p in stored] == [p.record for p in person(1)]
    assert repositories.prints("immigration") == []
    summary = repositories.summaries()[0]
    assert (summary.name, summary.owner, summary.identities, summary.prints) == ("criminal", "county", 1, 2)


def test_a_second_encounter_of_an_identity(repositories):
    first = repositories.enroll("criminal", person(1))
    second = repositories.enroll("criminal", person(2), identity=first.identity)
    assert second.identity == first.identity
    assert second.encounter != first.encounter
    assert repositories.summaries()[0].identities == 1


def test_the_same_prints_again_are_no_second_person(repositories):
    first, other = repositories.enroll_many("criminal", [person(1), person(2)])
    again = repositories.enroll_many("criminal", [person(2), person(3), person(1)[:1]])
    assert (again[0].identity, again[0].new) == (other.identity, False)
    assert again[1].new
    assert again[2].new  # one finger of two is another encounter
    assert repositories.enroll("immigration", person(1)).new  # another repository is another world
    assert first.identity != other.identity


def test_an_identity_belongs_to_one_repository(repositories):
    done = repositories.enroll("criminal", person(1))
    with pytest.raises(UnknownIdentity):
        repositories.enroll("immigration", person(1), identity=done.identity)
    with pytest.raises(UnknownIdentity):
        repositories.remove("immigration", done.identity)


def test_a_repository_that_is_not_there(repositories):
    with pytest.raises(UnknownRepository, match=r"known: criminal, immigration.*--add crimnal"):
        repositories.enroll("crimnal", person(1))


@pytest.mark.parametrize("name", ["", "Criminal", "a b", "-a", "a-", "a" * 41, "ä", "a\n"])
def test_names_that_no_repository_has(repositories, name):
    with pytest.raises(BadRepository, match="1 to 40"):
        repositories.create(name)


def test_no_more_repositories_than_a_reply_holds(repositories):
    for number in range(14):
        repositories.create(f"r{number}")
    assert not repositories.create("r1")
    with pytest.raises(BadRepository, match="16 already"):
        repositories.create("one-more")


def test_a_person_without_a_print_undoes_the_batch(repositories):
    with pytest.raises(ValueError, match="at least one print"):
        repositories.enroll_many("criminal", [person(1), []])
    assert repositories.summaries()[0].identities == 0


def test_removing_leaves_nothing(repositories, database):
    done = repositories.enroll("criminal", person(1))
    kept = repositories.enroll("criminal", person(2))
    repositories.remove("criminal", done.identity)
    assert {p.identity for p in repositories.prints("criminal")} == {kept.identity}
    with database.connection() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM template")).scalar() == 2
        assert connection.execute(text("SELECT COUNT(*) FROM encounter")).scalar() == 1


def test_changes_are_numbered(repositories):
    start = repositories.last_change("criminal")
    one = repositories.enroll("criminal", person(1))
    two = repositories.enroll("criminal", person(2))
    other = repositories.enroll("immigration", person(2))
    changes = repositories.changes_since("criminal", *start)
    assert changes.identities == (one.identity, two.identity)
    assert repositories.changes_since("immigration", 0).identities == (other.identity,)
    repositories.remove("criminal", one.identity)
    later = repositories.changes_since("criminal", changes.last_seq, changes.last_identity)
    assert later.identities == (one.identity,)
    assert (later.last_seq, later.last_identity) == repositories.last_change("criminal")
    again = repositories.changes_since("criminal", later.last_seq, later.last_identity)
    assert (again.last_seq, again.identities) == (later.last_seq, ())


def test_many_changes_come_in_parts_and_each_identity_once(repositories):
    first = repositories.enroll("criminal", person(1))
    for seed in (2, 3):
        repositories.enroll("criminal", person(seed), identity=first.identity)
    last = repositories.enroll("criminal", person(4))
    part = repositories.changes_since("criminal", 0, limit=3)
    assert part.identities == (first.identity,)
    rest = repositories.changes_since("criminal", part.last_seq, part.last_identity, limit=3)
    assert rest.identities == (last.identity,)


def test_a_number_that_another_database_gave_is_noticed(repositories):
    repositories.enroll("criminal", person(1))
    seq, identity = repositories.last_change("criminal")
    assert repositories.changes_since("criminal", seq, identity) is not None
    assert repositories.changes_since("criminal", seq, "f" * 32) is None
    assert repositories.changes_since("criminal", seq + 1, identity) is None
    assert repositories.changes_since("immigration", seq, identity) is None


def test_all_prints_a_page_at_a_time(repositories):
    repositories.enroll_many("criminal", [person(seed) for seed in range(5)])
    repositories.enroll("immigration", person(9))
    pages = list(repositories.print_pages("criminal", 4))
    assert [len(page) for page in pages] == [4, 4, 2]
    assert [one for page in pages for one in page] == repositories.prints("criminal")
    assert repositories.count_prints("criminal") == 10
    assert repositories.count_prints("immigration") == 2


def test_prints_of_many_identities(repositories):
    done = repositories.enroll_many("criminal", [[NewPrint.of(1, made_up_minutiae(i))] for i in range(30)])
    wanted = [d.identity for d in done[5:15]]
    assert {p.identity for p in repositories.prints("criminal", wanted)} == set(wanted)


# -- prints


def test_a_record_of_several_views_is_split():
    both = [made_up_minutiae(1), made_up_minutiae(2)]
    prints = split(iso19794.encode(Record.from_minutiae(both, positions=[3, 8])))
    assert [p.position for p in prints] == [3, 8]
    for print_, minutiae in zip(prints, both, strict=True):
        assert read_single(print_.record)[1].x.tolist() == minutiae.x.tolist()


def test_an_incits_record_becomes_iso():
    incits = record_of(made_up_minutiae(1), position=4, format=TemplateFormat.INCITS_378_2004)
    (single,) = split(incits378.encode(incits))
    position, minutiae = read_single(single.record)
    assert position == 4
    assert len(minutiae) == 40


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (record_of(Minutiae.make([5], [5], [0], width=50, height=50, dpi=50)), "dpi"),
        (record_of(Minutiae.make([5], [5], [0], width=60_000, height=500, dpi=500)), "inches"),
        (Record.from_minutiae([made_up_minutiae(1)] * 2, positions=[1, 2]), "1 in each print"),
    ],
)
def test_prints_that_are_refused(record, words):
    with pytest.raises(TemplateError, match=words):
        read_single(iso19794.encode(record))


def test_enrolling_from_files(database, repositories, tmp_path):
    folder = tmp_path / "people"
    (folder / "p1").mkdir(parents=True)
    (folder / "p1" / "2.iso").write_bytes(NewPrint.of(2, made_up_minutiae(1)).record)
    (folder / "p1" / "7.iso").write_bytes(NewPrint.of(7, made_up_minutiae(2)).record)
    (folder / "p2.iso").write_bytes(NewPrint.of(2, made_up_minutiae(3)).record)
    (folder / "readme.txt").write_text("no template")
    broken = folder / "p3.fmr"
    broken.write_bytes(NewPrint.of(2, made_up_minutiae(4)).record[:-1])
    report = enroll_paths(database, "criminal", [folder, tmp_path / "none"])
    assert (report.enrolled, report.known) == (2, 0)
    assert len(report.problems) == 2
    assert any(str(broken) in p and "length" in p for p in report.problems)
    assert repositories.summaries()[0].prints == 3
    assert enroll_paths(database, "criminal", [folder]).known == 2
    with pytest.raises(UnknownRepository):
        enroll_paths(database, "none", [folder])


# -- submissions


def test_a_submission_is_stored_once(submissions):
    submission, payload = a_submission()
    assert submissions.file(submission, payload) is Filed.NEW
    assert submissions.file(submission, payload) is Filed.KNOWN
    other, other_payload = a_submission(seed=2, tcn=submission.tcn)
    assert submissions.file(other, other_payload) is Filed.OTHER
    assert submissions.count()[Outcome.WAITING] == 1
    assert submissions.device_of(submission.tcn) == "kiosk-1"


def test_oldest_first_and_the_troublesome_last(submissions):
    tcns = []
    for seed in range(3):
        submission, payload = a_submission(seed)
        submissions.file(submission, payload)
        tcns.append(submission.tcn)
    assert submissions.begin_next().tcn == tcns[0]  # and say the process was killed here
    again = submissions.begin_next()  # once is nobody's fault: it keeps its place
    assert (again.tcn, again.attempts) == (tcns[0], 2)
    assert submissions.begin_next().tcn == tcns[1]  # twice may be its own: the others first
    assert [submissions.begin_next().tcn for _ in range(3)] == [tcns[1], tcns[2], tcns[2]]
    last = submissions.begin_next()
    assert (last.tcn, last.attempts) == (tcns[0], 3)


def test_what_was_found_is_kept_with_the_reply(submissions, repositories):
    enrolled = repositories.enroll("criminal", person(1))
    submission, payload = a_submission()
    submissions.file(submission, payload)
    waiting = submissions.begin_next()
    found = SearchOutcome(
        repository="criminal",
        searched_at=datetime.now(UTC),
        duration_ms=1.5,
        gallery_prints=2,
        colour="red",
        candidates=(FoundCandidate("reference-1", enrolled.identity, 55.5),),
    )
    nothing = SearchOutcome(
        repository="immigration",
        searched_at=datetime.now(UTC),
        duration_ms=0.5,
        gallery_prints=0,
        colour="green",
    )
    assert submissions.finish(waiting, b"reply", [found, nothing], Outcome.ANSWERED)
    assert not submissions.finish(waiting, b"another", [found], Outcome.ANSWERED)
    assert submissions.reply_to(submission.tcn).payload == b"reply"
    assert submissions.searches(submission.tcn) == [found, nothing]
    assert submissions.begin_next() is None
    assert [r.tcn for r in submissions.untold(limit=10)] == [submission.tcn]
    submissions.mark_told(submission.tcn)
    assert submissions.untold(limit=10) == []


def test_the_log_of_a_search_outlives_the_identity(submissions, repositories):
    enrolled = repositories.enroll("criminal", person(1))
    submission, payload = a_submission()
    submissions.file(submission, payload)
    found = SearchOutcome(
        repository="criminal",
        searched_at=datetime.now(UTC),
        duration_ms=1.5,
        gallery_prints=2,
        colour="red",
        candidates=(FoundCandidate("reference-1", enrolled.identity, 55.5),),
    )
    submissions.finish(submissions.begin_next(), b"reply", [found], Outcome.ANSWERED)
    repositories.remove("criminal", enrolled.identity)
    assert submissions.searches(submission.tcn)[0].candidates[0].identity == ""


def test_two_matchers_do_not_search_the_same(database, submissions):
    other = Submissions(database, instance="matcher-2")
    submission, payload = a_submission()
    submissions.file(submission, payload)
    assert other.begin_next() is None
    assert submissions.begin_next().tcn == submission.tcn
    assert other.begin_next() is None
    with database.connection() as connection:  # a minute later, and matcher-1 is dead
        past = (datetime.now(UTC) - timedelta(seconds=61)).replace(tzinfo=None)
        connection.execute(text("UPDATE submission SET claimed_until = :past"), {"past": str(past)})
    assert other.begin_next().tcn == submission.tcn


# -- quarantine and devices


def test_the_quarantine_is_bounded_for_each_device_and_in_all(database):
    kept = Quarantine(database, per_device=3, total=5)

    def refuse(device, number):
        kept.keep(
            topic=f"fp/v1/{device}/up/submission",
            device=device,
            tcn=None,
            field="prints",
            reason="broken",
            payload=b"%d" % number,
        )

    refuse("quiet", 0)
    for number in range(10):
        refuse("loud", number)
    assert [(r.device, r.payload) for r in kept.newest()] == [
        ("loud", b"9"),
        ("loud", b"8"),
        ("loud", b"7"),
        ("quiet", b"0"),
    ]
    for number in range(3):
        refuse("third", number)
    assert len(kept.newest()) == 5


def test_a_large_payload_is_cut_and_its_size_kept(database):
    kept = Quarantine(database, per_device=3, total=5)
    kept.keep(topic="x" * 500, device="", tcn=None, field="f", reason="r", payload=b"x" * 200_000)
    (refusal,) = kept.newest()
    assert len(refusal.payload) == 65_536
    assert refusal.payload_bytes == 200_000


def test_a_late_will_is_ignored(database):
    devices = Devices(database)
    stamp = CaptureTime(clock=datetime.now(UTC), synchronised=True, boot_id="a", monotonic_ms=0)

    def note(session, state):
        return devices.note(Status(device="kiosk-1", session=session, state=state, since=stamp))

    assert note(5, DeviceState.ONLINE)
    assert note(6, DeviceState.ONLINE)
    assert not note(5, DeviceState.OFFLINE)  # the will of the older session
    assert devices.all()[0].state is DeviceState.ONLINE
    assert note(6, DeviceState.OFFLINE)
    assert not note(6, DeviceState.ONLINE)  # a birth given out again
    assert devices.all()[0].state is DeviceState.OFFLINE
    assert note(7, DeviceState.ONLINE)
    assert devices.all()[0].session == 7
