"""The search goes where the rules let it, asks again before it answers, and never makes a reply wait for it."""

import threading
from datetime import UTC, datetime

import pytest

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.messages import Reply, decode_message, encode_message
from matcher_service import routing
from matcher_service.galleries import LiveGalleries
from matcher_service.repositories import Database, NewPrint, Repositories, Submissions
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register
from matcher_service.routing.router import Router
from matcher_service.searching import Searching

COUNTY, ORI = "US-MO-019", "MO0100000"
PLACES = RegisterContent(
    jurisdictions=(
        JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
        JurisdictionEntry(code=COUNTY, kind="county", fips="29019", name="Boone County", parent="US-MO"),
    ),
    agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=COUNTY),),
)


class Found:
    relabelled = ()

    def __init__(self, key):
        self.key, self.score = key, 21.0


class Gallery:
    """Finds whoever is enrolled, as soon as its gate is open."""

    def __init__(self, source, gate, asked):
        self.source, self.gate, self.asked = source, gate, asked

    def __len__(self):
        return len(self.source)

    @property
    def identities(self):
        return self.source.identities

    def search(self, prints, *, limit):
        self.asked.append(len(self.source))
        assert self.gate.wait(20)
        from matcher_service.search.shelf import key_of

        return [Found(key_of(o)) for shelf in self.source.shelves() for o in shelf.owner[:1]]

    def warm_up(self):
        pass


class Centre:
    def __init__(self, folder, *, deadline_s=10.0):
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.repositories = Repositories(self.database)
        self.gate, self.asked, self.told, self.stored = threading.Event(), [], [], []
        self.gate.set()
        for name in ("criminal", "immigration"):
            self.repositories.create(name)
            self.repositories.enroll(name, [NewPrint.of(2, made_up_minutiae(5))])
        self.register = Register(self.database)
        self.register.bring(PLACES, source="x", by="system:test")
        self.submissions = Submissions(self.database, instance="m")
        self.galleries = LiveGalleries(
            repositories=self.repositories, make_gallery=lambda s: Gallery(s, self.gate, self.asked)
        )
        self.galleries.load()
        self.searching = Searching(
            submissions=self.submissions,
            galleries=self.galleries,
            router=Router(self.database, on_stored=lambda _, number: self.stored.append(number)),
            colour=lambda score, _: "red" if score > 20 else "green",
            tell=lambda reply: self.told.append(decode_message(Reply, reply.payload)),
            reply_deadline_s=deadline_s,
        )

    def open(self, repository, **conditions):
        entry = ActivationEntry(
            jurisdiction=COUNTY,
            repository=repository,
            from_at=datetime.now(UTC),
            conditions=Conditions(**conditions),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
        )
        self.register.enter_agreed([entry], by="one", approved_by="two")

    def submit(self, **said):
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(5)}).model_copy(update=said)
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=ORI))
        return made.tcn

    def answer(self):
        assert self.searching.answer_next()
        return self.told[-1]

    def until(self, condition):
        for _ in range(1000):
            if condition():
                return
            threading.Event().wait(0.02)
        raise AssertionError("it never happened")


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    yield made
    made.gate.set()
    made.searching.stop(10)
    made.galleries.close()
    made.database.close()


def test_where_no_rule_opens_anything_nothing_is_searched(centre):
    tcn = centre.submit()
    reply = centre.answer()
    assert (reply.repositories, reply.to_follow) == ((), ())
    assert reply.not_searched == ("criminal", "immigration")
    assert centre.asked == centre.submissions.searches(tcn) == []


def test_the_rapid_reply_says_only_what_may_be_said_at_once(centre):
    centre.open("criminal", answer=Answer.FIRST)
    centre.open("immigration", answer=Answer.SECOND)
    tcn = centre.submit()
    reply = centre.answer()
    assert [(one.name, str(one.colour)) for one in reply.repositories] == [("criminal", "red")]
    assert reply.to_follow == ("immigration",)
    assert reply.not_searched == reply.capture_problems == ()
    assert not any("immigration" in stage for stage in reply.timings_ms)
    assert {one.repository for one in centre.submissions.searches(tcn)} == {"criminal", "immigration"}
    assert len(centre.stored) == 1


def test_switched_off_while_it_was_searched_the_result_is_thrown_away(centre):
    centre.open("criminal", answer=Answer.FIRST)
    centre.open("immigration", answer=Answer.FIRST)
    centre.gate.clear()
    tcn = centre.submit()
    answering = threading.Thread(target=centre.answer)
    answering.start()
    centre.until(lambda: centre.asked)
    centre.register.suspend(COUNTY, "immigration", by="system:test", reason="stop")
    centre.gate.set()
    answering.join(20)
    (reply,) = centre.told
    assert [one.name for one in reply.repositories] == ["criminal"]
    assert reply.not_searched == ("immigration",)
    assert [one.repository for one in centre.submissions.searches(tcn)] == ["criminal"]
    with centre.database.read() as session:
        found = routing.why(session, tcn, now=datetime.now(UTC))
    assert found.agrees
    last = {one.repository: one.steps[-1].recorded for one in found.repositories}["immigration"]
    assert (last.verdict, last.reason_code) == ("skip", "switched_off")


def test_what_is_queued_when_it_is_switched_off_is_not_searched(centre):
    centre.open("criminal", answer=Answer.FIRST)
    queued = [centre.submit() for _ in range(3)]
    centre.answer()
    centre.register.suspend(COUNTY, by="system:test", reason="stop")
    for _ in queued[1:]:
        assert centre.answer().repositories == ()
    assert len(centre.asked) == 1


def test_a_search_that_takes_too_long_is_yellow_and_its_result_is_stored_later(tmp_path):
    centre = Centre(tmp_path, deadline_s=0.3)
    centre.open("criminal", answer=Answer.FIRST)
    centre.open("immigration", answer=Answer.SECOND)
    centre.gate.clear()
    tcn = centre.submit()
    (one,) = centre.answer().repositories
    assert (one.name, str(one.colour), one.failed, one.candidates) == ("criminal", "yellow", True, ())
    assert centre.told[-1].to_follow == ("immigration",)
    assert all(search.failed for search in centre.submissions.searches(tcn))
    # Others are answered meanwhile, at their own deadline.
    centre.submit()
    assert centre.answer().repositories[0].failed
    centre.gate.set()
    centre.searching.start()
    centre.until(lambda: not any(search.failed for search in centre.submissions.searches(tcn)))
    found = centre.submissions.searches(tcn)
    assert [(s.repository, s.colour, len(s.candidates)) for s in found] == [
        ("criminal", "red", 1),
        ("immigration", "red", 1),
    ]
    centre.until(lambda: centre.submissions.next_released() is None)
    assert len(centre.told) == 2
    assert centre.searching.stop(10)
    centre.galleries.close()
    centre.database.close()


def test_a_later_report_has_it_searched_for_the_examiner_not_for_the_kiosk(centre):
    centre.open("criminal", answer=Answer.FIRST)
    centre.open("immigration", charge_classes=(ChargeClass.FELONY,), dispositions=(Disposition.CONVICTED,))
    tcn = centre.submit(disposition=Disposition.ARRESTED)
    assert [one.name for one in centre.answer().repositories] == ["criminal"]
    centre.searching.start()
    for what in ({"charge_class": ChargeClass.FELONY}, {"disposition": Disposition.CONVICTED}):
        with centre.database.write() as session:
            now = datetime.now(UTC)
            routing.report_disposition(
                session, tcn, reported_at=now, by="system:test", source="court", now=now, **what
            )
        centre.searching.wake()
    centre.until(lambda: len(centre.submissions.searches(tcn)) == 2)
    assert centre.submissions.searches(tcn)[1].repository == "immigration"
    assert len(centre.told) == 1
    assert len(centre.stored) == 2


def test_what_cannot_be_decided_is_given_up_in_the_end(centre):
    centre.open("criminal", answer=Answer.FIRST)
    with centre.database.connection() as connection:
        connection.exec_driver_sql("UPDATE activation_version SET conditions = '{\"no\":1}'")
    tcn = centre.submit()
    from matcher_service import parameters

    for _ in range(parameters.SEARCH_ATTEMPTS):
        with pytest.raises(routing.BadCondition):
            centre.searching.answer_next()
    assert centre.answer().repositories == ()
    assert [one.tcn for one in centre.submissions.failed()] == [tcn]
