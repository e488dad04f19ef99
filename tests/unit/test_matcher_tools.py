"""What the tools are made of: reading files, export, counting, the recorded search from the desk."""

import stat
from dataclasses import replace

import pytest
from sqlalchemy import text

from hardware.bench.made_up import made_up_minutiae
from interchange import incits378, iso19794
from interchange.messages import Purpose, Reply, Submission, decode_message
from interchange.minutiae import Minutiae
from interchange.record import Record, record_of
from interchange.template_format import TemplateFormat
from matcher_service import desk_search
from matcher_service.candidates import UnknownCandidate, explain_candidate
from matcher_service.desk_right import ForAgency
from matcher_service.desk_search import SearchRefused, purpose_of
from matcher_service.enrolling import enroll_paths
from matcher_service.errors import UnknownIdentity, UnknownRepository
from matcher_service.exporting import ExportRefused, export
from matcher_service.parameters import DESK
from matcher_service.reading import UnusableTemplate, choose_fingers, choose_pair, read_bytes, read_file
from matcher_service.repositories import Database, NewPrint, Outcome, Repositories, Submissions
from matcher_service.retention import payload_of
from matcher_service.routing import Mode
from matcher_service.routing.register import Register
from matcher_service.search import Gallery, colour
from matcher_service.stats import repository_stats, spread


@pytest.fixture
def database(tmp_path):
    opened = Database(f"sqlite:///{tmp_path}/matcher.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database):
    made = Repositories(database)
    made.create("criminal", owner="county")
    made.create("immigration")
    Register(database).set_mode(Mode.EVERYTHING, by="system:test")  # by which right: test_desk_right.py
    return made


def person(seed):
    return [NewPrint.of(2, made_up_minutiae(seed)), NewPrint.of(7, made_up_minutiae(seed + 1000, count=50))]


def named(*prints, name="booked.iso"):
    return [one for p in prints for one in read_bytes(p.record, name=name)]


def record(*positions, count=40, **more):
    views = [made_up_minutiae(at, count=count) for at in positions]
    return iso19794.encode(Record.from_minutiae(views, positions=positions, **more))


# -- reading


def test_a_file_of_either_format_is_read(tmp_path):
    print_ = made_up_minutiae(1)
    for name, codec, form in (
        ("a.iso", iso19794, TemplateFormat.ISO_19794_2_2005),
        ("a.378", incits378, TemplateFormat.INCITS_378_2004),
    ):
        (tmp_path / name).write_bytes(codec.encode(record_of(print_, position=3, format=form)))
        (read,) = read_file(tmp_path / name)
        assert (read.position, len(read.minutiae)) == (3, 40)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "expected"),
        (b"nonsense that is no template", "expected"),
        (record(2)[:-7], "expected"),
    ],
)
def test_what_is_no_template_is_refused_by_name(tmp_path, data, words):
    file = tmp_path / "broken.iso"
    file.write_bytes(data)
    with pytest.raises(UnusableTemplate, match=r"broken\.iso: ") as caught:
        read_file(file)
    assert words in str(caught.value)
    assert caught.value.name == str(file)


def test_a_minutia_outside_the_image_is_refused():
    good = iso19794.decode(record(2))
    narrow = bytearray(iso19794.encode(good))
    narrow[14:16] = (20).to_bytes(2, "big")  # the width
    with pytest.raises(UnusableTemplate, match="within the image"):
        read_bytes(bytes(narrow), name="a")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnusableTemplate, match="No such file"):
        read_file(tmp_path / "none.iso")


@pytest.mark.parametrize("count", [0, 1, 3, 255])
def test_any_number_of_minutiae_is_read(count):
    views = Minutiae.make(range(count), range(count), [0] * count, width=300, height=300)
    (read,) = read_bytes(iso19794.encode(views), name="a")
    assert len(read.minutiae) == count


def test_fingers_are_chosen_or_asked_for():
    two, one, unknown = (read_bytes(record(*at), name="f") for at in ((2, 7), (2,), (0,)))
    assert choose_pair(two, one, None)[0].position == 2
    assert [a.position for a, _ in choose_fingers(two, two, None)] == [2, 7]
    assert choose_fingers(two, two, 7)[0][1].position == 7
    assert choose_pair(two, unknown, 7)[0].position == 7
    with pytest.raises(UnusableTemplate, match=r"2 \(right index\), 7 \(left index\).*--finger"):
        choose_pair(two, two, None)
    with pytest.raises(UnusableTemplate, match="holds no finger 5; it holds 2"):
        choose_pair(one, one, 5)


def test_of_several_views_of_a_finger_the_best_is_taken():
    views = [made_up_minutiae(1, finger_quality=20), made_up_minutiae(2, finger_quality=80)]
    data = iso19794.encode(Record.from_minutiae(views, positions=[2, 2]))
    chosen, _ = choose_pair(read_bytes(data, name="a"), read_bytes(data, name="b"), None)
    assert chosen.print.finger_quality == 80


# -- export


def test_what_is_exported_can_be_enrolled_again(database, store, tmp_path):
    store.enroll_many("criminal", [person(seed) for seed in range(1, 6)])
    done = export(database, "criminal", tmp_path / "out")
    assert (done.identities, done.prints) == (5, 10)
    again = enroll_paths(database, "immigration", [tmp_path / "out"])
    assert (again.enrolled, again.problems) == (5, [])
    before, after = (sorted(p.record for p in store.prints(name)) for name in ("criminal", "immigration"))
    assert before == after
    assert enroll_paths(database, "criminal", [tmp_path / "out"]).known == 5


def test_one_identity_with_its_encounters(database, store, tmp_path):
    first = store.enroll("criminal", person(1))
    store.enroll("criminal", [NewPrint.of(2, made_up_minutiae(77)), NewPrint.of(2, made_up_minutiae(78))],
                 identity=first.identity)  # fmt: skip
    store.enroll("criminal", person(2))
    assert export(database, "criminal", tmp_path / "out", identity=first.identity).prints == 4
    names = sorted(file.name for file in (tmp_path / "out").rglob("*.iso"))
    assert names == ["02-right-index-2.iso", "02-right-index.iso", "02-right-index.iso", "07-left-index.iso"]
    (folder,) = (tmp_path / "out").iterdir()
    assert folder.name == first.identity


def test_nothing_is_overwritten_and_nothing_half_done_stays(database, store, tmp_path):
    store.enroll("criminal", person(1))
    (tmp_path / "there").mkdir()
    with pytest.raises(ExportRefused, match="nothing is overwritten"):
        export(database, "criminal", tmp_path / "there")
    with pytest.raises(UnknownRepository):
        export(database, "nowhere", tmp_path / "out")
    with pytest.raises(UnknownIdentity):
        export(database, "criminal", tmp_path / "out", identity="0" * 32)
    with pytest.raises(ExportRefused, match="cannot be written"):
        export(database, "criminal", tmp_path / "no" / "such" / "folder")

    def interrupted(people, _total):
        yield from people
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(database, "criminal", tmp_path / "out", watch=interrupted)
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []


def test_only_their_owner_can_read_exported_prints(database, store, tmp_path):
    store.enroll("criminal", person(1))
    export(database, "criminal", tmp_path / "out")
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


# -- stats


def test_counts(database, store):
    store.enroll_many("criminal", [person(1), person(2), [NewPrint.of(0, Minutiae.empty(width=9, height=9))]])
    counted = repository_stats(database, "criminal")
    assert (counted.identities, counted.encounters, counted.prints) == (3, 3, 5)
    assert counted.by_position == {0: 1, 2: 2, 7: 2}
    assert counted.minutiae == {0: 1, 40: 2, 50: 2}
    assert counted.damaged is None
    tree = counted.as_json()
    assert tree["minutiae"]["p50"] == 40
    assert tree["by_finger"]["right index"] == 2
    assert repository_stats(database, "immigration").as_json()["minutiae"] is None
    with pytest.raises(UnknownRepository):
        repository_stats(database, "nowhere")


def test_verification_finds_what_is_damaged(database, store):
    store.enroll_many("criminal", [person(seed) for seed in range(1, 5)])
    assert repository_stats(database, "criminal", verify=True).damaged == 0
    with database.connection() as connection:
        connection.execute(text("UPDATE template SET record = :cut WHERE id = 1"), {"cut": b"FMR\0"})
        connection.execute(text("UPDATE template SET position = 9 WHERE id = 4"))
    found = repository_stats(database, "criminal", verify=True)
    assert found.damaged == 2
    assert "digest differs" in found.problems[0]
    assert "another finger" in found.problems[1]


def test_quantiles():
    from collections import Counter

    assert spread(Counter()) is None
    assert spread(Counter(range(1, 101)))["p95"] == 95
    assert spread(Counter({7: 3})) == dict.fromkeys(["least", "p5", "p25", "p50", "p75", "p95", "most"], 7)


# -- the search from the desk


def desk(database, prints, *, repository="criminal", purpose=Purpose.BOOKING):
    return desk_search.search(
        database,
        repository,
        prints,
        purpose=purpose,
        right=ForAgency(),
        actor="system:test",
        make_gallery=lambda source: Gallery(source=source, threads=1),
        colour=colour,
        limit=5,
    )


def test_a_search_finds_and_is_recorded_with_its_purpose(database, store):
    known, _ = store.enroll_many("criminal", [person(1), person(2)])
    store.enroll("immigration", person(1))
    result = desk(database, named(*person(1)), purpose=Purpose.RELEASE)
    assert [c.identity for c in result.candidates] == [known.identity]
    assert result.colour == "red"
    assert {at for at, _ in result.candidates[0].fingers} == {2, 7}
    submissions = Submissions(database, instance="looking")
    (recorded,) = submissions.searches(result.tcn)
    assert (recorded.repository, recorded.colour) == ("criminal", "red")
    assert recorded.candidates[0].reference == result.candidates[0].reference
    assert submissions.count()[Outcome.ANSWERED] == 1
    assert submissions.untold(limit=9) == []
    assert decode_message(Reply, submissions.reply_to(result.tcn).payload).tcn == result.tcn
    with database.connection() as connection:
        number, device, purpose = connection.execute(text("SELECT id, device, purpose FROM submission")).one()
    with database.read() as session:
        payload = payload_of(session, number)
    assert (device, purpose) == (DESK, "release")
    assert len(decode_message(Submission, payload).prints) == 2


def test_a_stranger_is_green_and_recorded_too(database, store):
    store.enroll("criminal", person(1))
    result = desk(database, named(*person(9)))
    assert (result.colour, result.candidates) == ("green", ())
    assert Submissions(database, instance="looking").searches(result.tcn)[0].colour == "green"


@pytest.mark.parametrize(
    ("prints", "words"),
    [
        ([NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(2, made_up_minutiae(2))], "each once"),
        ([NewPrint.of(0, made_up_minutiae(n)) for n in range(11)], "at most ten"),
        ([NewPrint.of(2, made_up_minutiae(1, count=2))], "3 minutiae or more"),
        (
            [NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(3, made_up_minutiae(1))],
            "right middle.*same finger",
        ),
    ],
)
def test_what_cannot_be_one_persons_prints_is_refused_and_not_recorded(database, store, prints, words):
    with pytest.raises(SearchRefused, match=words):
        desk(database, named(*prints))
    assert Submissions(database, instance="looking").count()[Outcome.ANSWERED] == 0


def test_no_purpose_no_search(database, store):
    for text_ in ("", "curiosity", "BOOKING"):
        with pytest.raises(SearchRefused, match="--purpose booking or --purpose release"):
            purpose_of(text_)
    assert purpose_of("booking") is Purpose.BOOKING


def test_an_unknown_repository_is_not_searched(database, store):
    with pytest.raises(UnknownRepository):
        desk(database, named(*person(1)), repository="nowhere")


# -- a candidate of a recorded search


def test_a_candidate_is_explained_finger_by_finger(database, store):
    enrolled = [replace(person(1)[0]), NewPrint.of(2, made_up_minutiae(55))]
    store.enroll("criminal", enrolled)
    found = desk(database, named(*person(1))).candidates[0]
    explained = explain_candidate(database, found.reference, repositories={"criminal"})
    assert [one.position for one in explained.fingers] == [2, 7]
    index, left = (one.explanation for one in explained.fingers)
    assert left is None
    assert len(index.pairs) == 40  # the better of the two enrolled
    assert explained.best() is index
    assert explained.best(7) is None
    assert found.identity not in str(index.as_json())


def test_swapped_labels_are_seen_in_the_explanation(database, store):
    right, left = made_up_minutiae(1), made_up_minutiae(2)
    store.enroll(
        "criminal", [NewPrint.of(2, right), NewPrint.of(7, left), NewPrint.of(3, made_up_minutiae(3))]
    )
    probes = [NewPrint.of(2, left), NewPrint.of(7, right), NewPrint.of(3, made_up_minutiae(3))]
    reference = desk(database, named(*probes)).candidates[0].reference
    explained = explain_candidate(database, reference, repositories={"criminal"})
    found = [(one.position, one.explanation.candidate.position) for one in explained.fingers]
    assert found == [(2, 7), (7, 2), (3, 3)]


def test_unknown_and_removed_candidates(database, store):
    with pytest.raises(UnknownCandidate) as caught:
        explain_candidate(database, "not-there", repositories={"criminal"})
    assert not caught.value.removed
    known = store.enroll("criminal", person(1))
    reference = desk(database, named(*person(1))).candidates[0].reference
    store.remove("criminal", known.identity)
    with pytest.raises(UnknownCandidate) as caught:
        explain_candidate(database, reference, repositories={"criminal"})
    assert caught.value.removed
