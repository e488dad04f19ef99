"""EBTS files as submissions, by the commands, on a real database: taken by rule, refused in words, answered.

One long file on purpose: one register, one set of files, and what becomes of each.
"""

import json
import shutil
import struct
from datetime import UTC, datetime
from importlib.util import find_spec

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange import Record, templates
from interchange.charges import ChargeClass, Disposition
from interchange.messages import (
    CaptureFault,
    CaptureProblem,
    Colour,
    Reply,
    RepositoryReply,
    Submission,
    decode_message,
    encode_message,
)
from matcher_service import routing
from matcher_service.commands.exchange import app as ebts_app
from matcher_service.enrolling import enroll_paths
from matcher_service.exchange import transaction, writing
from matcher_service.exchange.charge_fields import read_table
from matcher_service.exchange.image_headers import ImageKind
from matcher_service.exchange.image_records import FoundImage
from matcher_service.exchange.writing import Address, PrintOut
from matcher_service.galleries import LiveGalleries
from matcher_service.repositories import Database, NewPrint, Outcome, Repositories, SearchOutcome, Submissions
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import Identity, Repository, SearchRecord, StoredSubmission
from matcher_service.retention import payload_of
from matcher_service.routing import Answer, Conditions, Verdict
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA
from matcher_service.routing.router import Router
from matcher_service.searching import Searching

ORI, CENTRE = "MO0100000", "MO0200000"
AT = datetime(2030, 5, 1, 12, 34, 56, tzinfo=UTC)


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    """A database with one agency and one rule, made once: copied for each test."""
    path = tmp_path_factory.mktemp("register") / "m.db"
    database = Database(f"sqlite:///{path}")
    for name in ("criminal", "immigration"):
        Repositories(database).create(name)
    made = Register(database)
    missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
    agencies = (AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction="US-MO-019"),)
    content = RegisterContent(jurisdictions=missouri.jurisdictions, agencies=agencies)
    made.bring(content, source="missouri.csv", by="system:test")
    entry = ActivationEntry(
        jurisdiction="US-MO-019",
        repository="criminal",
        from_at=datetime.now(UTC),
        conditions=Conditions(charge_classes=(ChargeClass.FELONY,), answer=Answer.FIRST),
        signed_by="Sheriff",
        document_sha256="ab" * 32,
        reason="agreed",
    )
    made.enter_agreed([entry], by="a", approved_by="b")
    database.close()
    return path


class Desk:
    def __init__(self, folder, register):
        self.folder = folder
        shutil.copy(register, folder / "m.db")
        self.url = f"sqlite:///{folder}/m.db"
        self.database = Database(self.url)
        self.submissions = Submissions(self.database, instance="m")
        self.app = typer.Typer()
        self.app.add_typer(ebts_app, name="ebts")

    def run(self, *words, code=0):
        place = [
            "--set",
            f"database.url={self.url}",
            "--set",
            f'routing.devices={{"boone-livescan" = "{ORI}"}}',
        ]
        done = CliRunner().invoke(
            self.app, ["ebts", *map(str, words), *([] if words[0] == "show" else place)]
        )
        assert done.exit_code == code, done.output
        return done.output

    def file(
        self, name="in.eft", *, tcn="BOONE-17", ori=ORI, kind="CAR", positions=(1, 2), image=None, **more
    ):
        address = Address(to="WVIAFIS0Z", ori=ori, tcn=tcn, at=AT)
        prints = [PrintOut(position=p, minutiae=made_up_minutiae(p), image=image) for p in positions]
        path = self.folder / name
        path.write_bytes(writing.submission(kind, address, prints, **more))
        return path

    def submit(self, path, **more):
        said = self.run("submit", path, "--channel", "boone-livescan", "--json", **more)
        return json.loads(said[said.index("{") :])

    def answered(self, tcn, colour, *, to_follow=(), **more):
        """As the matcher's search leaves it."""
        waiting = self.submissions.begin_next()
        assert waiting.tcn == tcn
        with self.database.write() as session:
            routing.decide(session, waiting.id, now=datetime.now(UTC))
        reply = Reply(
            tcn=tcn,
            answered_at=datetime.now(UTC),
            repositories=() if colour is None else (RepositoryReply(name="criminal", colour=colour),),
            timings_ms={},
            to_follow=to_follow,
            **more,
        )
        search = SearchOutcome(
            repository="criminal",
            searched_at=datetime.now(UTC),
            duration_ms=1.0,
            gallery_prints=3,
            colour=colour or Colour.RED,
        )
        assert self.submissions.finish(waiting, encode_message(reply), [search], Outcome.ANSWERED)
        return waiting.id

    def reviewed(self, submission, state, *, identification=None):
        now = datetime.now(UTC)
        with self.database.write() as session:
            repository = session.scalar(select(Repository.id).where(Repository.name == "criminal"))
            search = session.scalar(select(SearchRecord.id))
            task = session.scalar(select(ReviewTask))
            if task is None:
                task = ReviewTask(
                    submission_id=submission, repository_id=repository, search_id=search, state=state, priority=1,
                    created_at=now, due_at=now, needs_second=False, shuffle_seed=1,
                )  # fmt: skip
                session.add(task)
                session.flush()
            task.state = state
            if identification is not None:
                session.add(
                    Identification(
                        task_id=task.id, submission_id=submission, repository_id=repository, confirmed_at=now,
                        confirmed_by="[]", state=identification,
                    )
                )  # fmt: skip

    def stored(self):
        with self.database.read() as session:
            return [
                decode_message(Submission, payload_of(session, one))
                for one in session.scalars(select(StoredSubmission.id))
            ]

    def actions(self):
        with self.database.read() as session:
            return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


@pytest.fixture
def desk(tmp_path, register):
    return Desk(tmp_path, register)


def read(path):
    return transaction.read(path.read_bytes(), read_table())


def test_a_file_becomes_a_submission_and_is_decided_by_rule(desk):
    path = desk.file(charge_class=ChargeClass.FELONY, disposition=Disposition.CHARGED)
    done = desk.submit(path)
    assert (done["known"], done["fingers"]) == (False, 2)
    assert done["tcn"].startswith("boone-livescan.")
    (stored,) = desk.stored()
    assert [one.position for one in stored.prints] == [1, 2]
    assert (stored.charge_class, stored.disposition) == (ChargeClass.FELONY, Disposition.ARRESTED)
    assert stored.captured_at.clock == AT
    waiting = desk.submissions.begin_next()  # the running matcher's, at once
    assert waiting.tcn == done["tcn"]
    with desk.database.write() as session:
        decisions = {
            d.repository: d.verdict for d in routing.decide(session, waiting.id, now=datetime.now(UTC))
        }
    assert decisions == {"criminal": Verdict.SEARCH, "immigration": Verdict.SKIP}
    assert "submission.ebts" in desk.actions()


def test_without_a_charge_the_rule_waits(desk):
    desk.submit(desk.file())
    with desk.database.write() as session:
        decisions = routing.decide(session, desk.submissions.begin_next().id, now=datetime.now(UTC))
    assert {d.repository: d.verdict for d in decisions}["criminal"] is Verdict.PARK


def test_the_same_file_again_is_known_and_another_under_its_number_refused(desk):
    first = desk.submit(desk.file())
    again = desk.submit(desk.file("again.eft"))
    assert (again["tcn"], again["known"]) == (first["tcn"], True)
    assert len(desk.stored()) == 1
    other = desk.file("other.eft", positions=(3, 4))
    assert "field 1.009: this control number was used" in desk.run(
        "submit", other, "--channel", "boone-livescan", code=1
    )
    assert desk.submit(desk.file("next.eft", tcn="BOONE-18"))["tcn"] != first["tcn"]


@pytest.mark.parametrize(
    ("change", "channel", "words"),
    [
        (
            {"ori": "MO0190000"},
            "boone-livescan",
            "field 1.008: the channel 'boone-livescan' belongs to MO0100000",
        ),
        ({}, "nobody", "is no device of this centre"),
        ({}, "desk", "stands for searches at the centre"),
        ({"positions": ()}, "boone-livescan", "no print in it that can be used"),
    ],
)
def test_what_does_not_belong_is_refused_and_nothing_stored(desk, change, channel, words):
    assert words in desk.run("submit", desk.file(**change), "--channel", channel, code=1)
    assert desk.stored() == []
    assert "submission.refused" in desk.actions()


def test_an_agency_that_is_not_in_the_register_is_refused(desk):
    path = desk.file(ori="KS0000000")
    other = ["--set", 'routing.devices={"wichita" = "KS0000000"}', "--set", f"database.url={desk.url}"]
    done = CliRunner().invoke(desk.app, ["ebts", "submit", str(path), "--channel", "wichita", *other])
    assert done.exit_code == 1
    assert "not in the register" in done.output


def test_a_broken_record_refuses_the_whole_and_the_errt_names_its_field(desk):
    path = desk.file(positions=(1, 2, 3))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"9.134:2", b"9.134:x"))
    out = desk.run(
        "submit",
        path,
        "--channel",
        "boone-livescan",
        "--errt",
        desk.folder / "errt.eft",
        "--ori",
        CENTRE,
        code=1,
    )
    assert "record 4 (Type-9), field 9.134" in out
    assert desk.stored() == []
    answer = read(desk.folder / "errt.eft")
    assert (answer.sender.kind, answer.sender.tcr, answer.sender.destination) == ("ERRT", "BOONE-17", ORI)
    assert "field 9.134" in answer.messages[0]
    shown = json.loads(desk.run("show", path, "--json", code=1).partition("}\n\n")[0])
    assert [one["position"] for one in shown["fingers"]] == [1, 3]
    assert [(one["record"], one["field"]) for one in shown["problems"]] == [(4, "9.134")]


@pytest.mark.parametrize("size", [(65_535, 65_535), (4_000, 3_000)])
def test_a_wsq_bomb_in_a_file_refuses_the_whole_and_is_in_the_audit(desk, size, monkeypatch):
    from matcher_service.exchange import images

    monkeypatch.setattr(images, "_run", lambda *_: pytest.fail("a decoder was started"))
    width, height = size
    frame = struct.pack(">HHBBHHBHBHBH", 0xFFA2, 17, 0, 255, height, width, 0, 1, 0, 1, 2, 0)
    bomb = b"\xff\xa0" + frame + bytes(80) + b"\xff\xa1"
    path = desk.file(positions=(1,), charge_class=ChargeClass.FELONY)
    image = FoundImage(2, 0, ImageKind.WSQ, 500, 500, 500.0, bomb)
    whole = desk.file("image.eft", positions=(2,), image=image).read_bytes()
    path.write_bytes(_added(path.read_bytes(), whole, idc=12))
    out = desk.run("submit", path, "--channel", "boone-livescan", code=1)
    assert "Type-14" in out
    assert desk.stored() == []
    assert desk.actions()[-1] == "submission.refused"


@pytest.mark.parametrize("colour", list(Colour))
def test_a_rapid_reply_says_the_colour(desk, colour):
    path = desk.file(kind="RPIS", charge_class=ChargeClass.FELONY)
    tcn = desk.submit(path)["tcn"]
    out = desk.folder / "out.eft"
    words = ["reply", path, "--channel", "boone-livescan", "--ori", CENTRE, "--out", out]
    assert "not searched yet" in desk.run(*words, code=1)
    slip = CaptureProblem(fault=CaptureFault.HANDS_SWAPPED, positions=(1,), advice="Look at the hands.")
    desk.answered(tcn, colour, capture_problems=(slip,), not_searched=("immigration",))
    desk.run(*words)
    answer = read(out)
    assert (answer.sender.kind, answer.finding) == (
        "RPISR",
        {"red": "R", "yellow": "Y", "green": "G"}[colour],
    )
    assert (answer.sender.ori, answer.sender.destination, answer.sender.tcr) == (CENTRE, ORI, "BOONE-17")
    assert "NOT SEARCHED: immigration" in answer.messages
    assert "Look at the hands." in answer.messages
    assert "submission.answered" in desk.actions()
    assert out.stat().st_mode & 0o077 == 0


def test_results_are_said_only_after_the_examiners_and_never_during_a_challenge(desk):
    path = desk.file(charge_class=ChargeClass.FELONY)
    tcn = desk.submit(path)["tcn"]
    submission = desk.answered(tcn, Colour.RED)
    words = ["reply", path, "--channel", "boone-livescan", "--ori", CENTRE, "--kind", "SRE", "--out"]
    assert "have not decided yet" in desk.run(
        *words, desk.folder / "early.eft", code=1
    )  # no task is made yet
    desk.reviewed(submission, "open")
    assert "have not decided yet" in desk.run(*words, desk.folder / "a.eft", code=1)
    desk.reviewed(submission, "identified", identification="frozen")
    assert "challenge is open" in desk.run(*words, desk.folder / "b.eft", code=1)
    with desk.database.write() as session:
        session.scalars(select(Identification)).one().state = "confirmed"
    desk.run(*words, desk.folder / "c.eft")
    assert read(desk.folder / "c.eft").finding == "I"
    with desk.database.write() as session:
        session.scalars(select(Identification)).one().state = "retracted"
    desk.run(*words, desk.folder / "d.eft")
    assert read(desk.folder / "d.eft").finding == "N"


def test_what_is_answered_after_review_is_no_rapid_reply(desk):
    path = desk.file(charge_class=ChargeClass.FELONY)
    desk.answered(desk.submit(path)["tcn"], None, to_follow=("immigration",))
    words = ["reply", path, "--channel", "boone-livescan", "--ori", CENTRE, "--out", desk.folder / "out.eft"]
    assert "only after review and evaluation" in desk.run(*words, code=1)
    assert not (desk.folder / "out.eft").exists()


def test_a_rule_that_is_off_meanwhile_lets_nothing_out(desk):
    path = desk.file(charge_class=ChargeClass.FELONY)
    desk.answered(desk.submit(path)["tcn"], Colour.RED)
    Register(desk.database).suspend("US-MO-019", "criminal", by="system:test", reason="off")
    out = desk.folder / "out.eft"
    desk.run("reply", path, "--channel", "boone-livescan", "--ori", CENTRE, "--out", out)
    answer = read(out)
    assert answer.sender.kind == "ERRT"
    assert "NO REPOSITORY MAY ANSWER" in answer.messages[0]
    assert answer.finding == ""


def test_a_file_is_searched_as_any_other_and_its_person_found(desk):
    from matcher_service.search import Gallery
    from matcher_service.search.decision import colours

    store = Repositories(desk.database)
    store.enroll("criminal", [NewPrint.of(finger, made_up_minutiae(finger)) for finger in (1, 2)])
    store.enroll("immigration", [NewPrint.of(finger, made_up_minutiae(finger)) for finger in (1, 2)])
    galleries = LiveGalleries(
        repositories=store, make_gallery=lambda source: Gallery(source=source, threads=1)
    )
    galleries.load()
    told = []
    searching = Searching(
        submissions=desk.submissions,
        galleries=galleries,
        router=Router(desk.database),
        colour=colours(0.001, 0.1),
        tell=told.append,
        reply_deadline_s=100.0,
    )
    path = desk.file(kind="RPIS", charge_class=ChargeClass.FELONY)
    tcn = desk.submit(path)["tcn"]
    assert searching.answer_next()
    assert told[0].tcn == tcn
    assert [one.repository for one in desk.submissions.searches(tcn)] == ["criminal"]  # the other has no rule
    out = desk.folder / "out.eft"
    desk.run("reply", path, "--channel", "boone-livescan", "--ori", CENTRE, "--out", out)
    assert read(out).finding == "R"
    assert searching.stop(30)


def test_a_kiosks_submission_goes_out_and_comes_back_as_itself(desk):
    submission = made_up_submission("kiosk-1", {2: made_up_minutiae(2), 7: made_up_minutiae(7)})
    desk.submissions.file(submission, encode_message(submission), routing.Arrival(ori=ORI))
    out = desk.folder / "out.eft"
    words = ["export", submission.tcn, "--kind", "RPIS", "--to", "WVIAFIS0Z", "--ori", CENTRE, "--out", out]
    desk.run(*words)
    found = read(out)
    assert (found.sender.kind, found.sender.ori, found.sender.tcn) == ("RPIS", ORI, submission.tcn)
    assert [(one.position, len(one.minutiae)) for one in found.fingers] == [(2, 40), (7, 40)]
    assert "submission.exported" in desk.actions()
    assert "is there already" in desk.run(*words, code=1)


def test_an_enrolled_identity_goes_out_each_finger_once(desk):
    folder = desk.folder / "people"
    folder.mkdir()
    record = Record.from_minutiae([made_up_minutiae(4), made_up_minutiae(5)], positions=[4, 5])
    (folder / "one.iso").write_bytes(templates.encode(record))
    enroll_paths(desk.database, "criminal", [folder / "one.iso"])
    with desk.database.read() as session:
        person = session.scalar(select(Identity.id))
    out = desk.folder / "out.eft"
    words = ["export", "--repository", "criminal", "--to", "WVIAFIS0Z", "--ori", CENTRE, "--out", out]
    assert "name either" in desk.run(*words, code=1)
    assert "has no identity" in desk.run(*words, "--identity", "0" * 32, code=1)
    desk.run(*words, "--identity", person)
    assert [one.position for one in read(out).fingers] == [4, 5]
    assert "repository.export" in desk.actions()


def test_a_long_number_of_ours_is_cut_to_its_unique_part():
    tcn = "a-very-long-name-of-a-kiosk-at-a.01M00000000000000000000000"
    assert writing.short_tcn(tcn) == "01M00000000000000000000000"
    assert len(writing.short_tcn("kiosk-1.01M00000000000000000000000")) == 34


def test_minutiae_are_found_in_an_image_by_the_kiosks_own_extractor(desk):
    from matcher_service.exchange import images
    from models.synthetic import impression, master

    grey = impression(master(7), 1)
    kinds = [ImageKind.RAW, ImageKind.WSQ if find_spec("wsq") else ImageKind.PNG]
    path = desk.file(positions=(1,), charge_class=ChargeClass.FELONY)
    for position, kind in zip((2, 7), kinds, strict=True):
        height, width = grey.shape
        image = FoundImage(position, 0, kind, width, height, 500.0, images.encode(grey, kind))
        whole = desk.file("image.eft", positions=(position,), image=image).read_bytes()
        path.write_bytes(_added(path.read_bytes(), whole, idc=10 + position))
    # the same finger twice is a slip that the search tells; here it only has to be read
    done = desk.submit(path)
    assert done["fingers"] == 3
    (stored,) = desk.stored()
    assert [one.position for one in stored.prints] == [1, 2, 7]
    assert len({one.template for one in stored.prints}) == 3


def _added(base, donor, *, idc):
    from nistitl import Message

    into, outof = Message(), Message()
    into.parse(base)
    outof.parse(donor)
    record = next(outof.iter(14))
    record.IDC = f"{idc:02}"
    into += record
    return into.NIST
