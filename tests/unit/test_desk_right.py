"""A search from the desk goes by the same rules as a booking's, or by its owner's role; and `why` explains either."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from hardware.bench.made_up import made_up_minutiae
from interchange.charges import ChargeClass
from interchange.messages import Purpose, Reply, decode_message
from matcher_service import desk_search, routing
from matcher_service.accounts import Account, NotPermitted, Role
from matcher_service.desk_right import AsOwner, ForAgency, NotOpen
from matcher_service.desk_search import SearchRefused
from matcher_service.reading import read_bytes
from matcher_service.repositories import Database, NewPrint, Repositories, Submissions
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.retention.owners import set_acceptance
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.deciding import by_owner
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA
from matcher_service.search import Gallery, colour

ORI, ELSEWHERE, BOONE = "MO0100000", "MO0190000", "US-MO-019"
PERSON = [NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(7, made_up_minutiae(2))]
PRINTS = [one for p in PERSON for one in read_bytes(p.record, name="booked.iso")]


class Desk:
    def __init__(self, folder):
        self.database = Database(f"sqlite:///{folder}/m.db")
        store = Repositories(self.database)
        for name in ("criminal", "immigration"):
            store.create(name)
            store.enroll(name, PERSON)
        self.register = Register(self.database)
        agencies = (
            AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE),
            AgencyEntry(ori=ELSEWHERE, name="Cass County Jail", jurisdiction="US-MO-037"),
        )
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        content = RegisterContent(jurisdictions=missouri.jurisdictions, agencies=agencies)
        self.register.bring(content, source="missouri.csv", by="system:test")

    def open(self, **conditions):
        entry = ActivationEntry(
            jurisdiction=BOONE,
            repository="immigration",
            from_at=datetime.now(UTC),
            conditions=Conditions(**conditions),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
        )
        self.register.enter_agreed([entry], by="one", approved_by="two")

    def search(self, right, *, make_gallery=None):
        return desk_search.search(
            self.database,
            "immigration",
            PRINTS,
            purpose=Purpose.BOOKING,
            right=right,
            actor="system:shell/ann",
            make_gallery=make_gallery or (lambda source: Gallery(source=source, threads=1)),
            colour=colour,
            limit=5,
        )

    def why(self, tcn):
        with self.database.read() as session:
            found = routing.why(session, tcn, now=datetime.now(UTC) + timedelta(seconds=1))
        return found, {one.repository: one for one in found.repositories}

    def audit(self):
        with self.database.read() as session:
            rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "repository.search")).all()
            return [(row.actor, row.role, row.purpose, row.subject, json.loads(row.details)) for row in rows]

    def count(self, table):
        with self.database.connection() as connection:
            return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.database.close()


@pytest.mark.parametrize(
    ("right", "words", "reason"),
    [
        (ForAgency(), "--ori.*or sign in as an owner", "unknown_agency"),
        (ForAgency(ori="MO9999999"), "not in the register.*--ori", "unknown_agency"),
        (ForAgency(ori=ELSEWHERE), "No rule opens 'immigration'.*jurisdictions list", "no_rule"),
        (ForAgency(ori=ORI), "class of the charge.*--charge-class", "charge_missing"),
        (ForAgency(ori=ORI, charge_class=ChargeClass.TRAFFIC), "does not cover a charge", "charge_class"),
    ],
)
def test_what_no_rule_opens_is_not_searched_and_no_print_is_kept(desk, right, words, reason):
    desk.open(charge_classes=(ChargeClass.FELONY,))
    with pytest.raises(NotOpen, match=words):
        desk.search(right)
    assert (desk.count("submission"), desk.count("search")) == (0, 0)
    ((actor, _, purpose, _, details),) = desk.audit()
    assert (actor, purpose, details["outcome"]) == ("system:shell/ann", "booking", "refused")
    assert (details["ori"], details["reason"]) == (right.ori, reason)


def test_what_the_owner_does_not_take_is_not_searched(desk):
    desk.open(answer=Answer.FIRST)
    with desk.database.write() as session:
        set_acceptance(session, "immigration", BOONE, accept=False, reason="under audit", by="jdoe")
    with pytest.raises(NotOpen, match=r"does not accept it.*owners show"):
        desk.search(ForAgency(ori=ORI))


def test_a_rule_that_answers_at_once_is_shown_and_explained(desk):
    desk.open(answer=Answer.FIRST, charge_classes=(ChargeClass.FELONY,))
    result = desk.search(ForAgency(ori=ORI, charge_class=ChargeClass.FELONY))
    assert (result.colour, len(result.candidates)) == ("red", 1)
    found, by_name = desk.why(result.tcn)
    assert found.agrees
    assert (found.facts.ori, found.facts.charge_class) == (ORI, "felony")
    (step,) = by_name["immigration"].steps
    assert (step.recorded.verdict, step.recorded.reason_code, step.rule.version) == ("search", "rule", 1)
    assert by_name["criminal"].steps == ()
    assert by_name["criminal"].searched_at is None
    ((_, _, purpose, subject, details),) = desk.audit()
    assert (purpose, subject, details["ori"]) == ("booking", result.tcn, ORI)


def test_what_is_answered_after_review_is_reviewed_and_not_shown(desk):
    desk.open(answer=Answer.SECOND)
    result = desk.search(ForAgency(ori=ORI))
    assert (result.to_follow, result.colour, result.candidates) == (True, None, ())
    reply = decode_message(Reply, Submissions(desk.database, instance="l").reply_to(result.tcn).payload)
    assert (reply.repositories, reply.to_follow) == ((), ("immigration",))
    with desk.database.read() as session:
        assert session.scalars(select(ReviewTask.state)).all() == ["open"]


def test_a_rule_that_is_suspended_meanwhile_throws_away_what_was_found(desk):
    desk.open(answer=Answer.FIRST)

    def slow(source):
        gallery = Gallery(source=source, threads=1)
        search = gallery.search

        def switched_off(*given, **more):
            found = search(*given, **more)
            desk.register.suspend(BOONE, repository="immigration", reason="a doubt", by="one")
            return found

        gallery.search = switched_off
        return gallery

    with pytest.raises(SearchRefused, match="switched off"):
        desk.search(ForAgency(ori=ORI), make_gallery=slow)
    assert (desk.count("candidate"), desk.count("review_task")) == (0, 0)
    with desk.database.connection() as connection:
        tcn = connection.execute(text("SELECT tcn FROM submission")).scalar_one()
    found, by_name = desk.why(tcn)
    assert found.agrees
    assert [step.recorded.reason_code for step in by_name["immigration"].steps] == ["rule", "switched_off"]


def test_an_owner_looks_into_their_own_repository_by_role(desk):
    owner = Account.made_of("jdoe", Role.REPOSITORY_OWNER, repositories=["immigration"])
    result = desk.search(AsOwner(owner))
    assert len(result.candidates) == 1
    found, by_name = desk.why(result.tcn)
    assert found.agrees
    (step,) = by_name["immigration"].steps
    assert step.recorded.reason_code == "owner"
    assert "jdoe" in step.recorded.words
    assert desk.count("review_task") == 0  # no rule would let anybody be told of it


def test_an_owners_search_that_the_audit_does_not_know_is_not_believed(desk):
    desk.open(answer=Answer.FIRST)
    tcn = desk.search(ForAgency(ori=ORI)).tcn
    assert desk.why(tcn)[0].agrees
    with desk.database.write() as session:
        by_owner(session, 1, "immigration", account="jdoe", now=datetime.now(UTC))
    assert not desk.why(tcn)[0].agrees


@pytest.mark.parametrize(
    "account",
    [
        Account.made_of("jdoe", Role.REPOSITORY_OWNER, repositories=["criminal"]),
        Account.made_of("jdoe", Role.REPOSITORY_OWNER),
        Account.made_of("jdoe", Role.SUPERVISOR, Role.ADMINISTRATOR),
    ],
)
def test_nobody_else_does(desk, account):
    with pytest.raises(NotPermitted):
        desk.search(AsOwner(account))
    assert desk.count("submission") == 0
    assert desk.audit()[0][4]["outcome"] == "refused"
