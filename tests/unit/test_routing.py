"""The register, the decision and its replay. One file: all of it stands on the same small register."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, text, update

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition, Transaction
from interchange.messages import encode_message
from matcher_service import routing
from matcher_service.accounts import Account, Role, TwoPersonError
from matcher_service.accounts.errors import NotPermitted
from matcher_service.repositories import Database, Outcome, Repositories, SearchOutcome, Submissions
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.routing_tables import ActivationProposal, ActivationVersion, RoutingDecision
from matcher_service.routing import Conditions, Mode, NotInRegister, ReasonCode, RegisterRefused, Verdict
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA, read_rollout, shipped

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
BOONE, CASS = "US-MO-019", "US-MO-037"
ORI = "MO0100000"


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def later(self, **more):
        self.now += timedelta(**more)


class Office:
    def __init__(self, folder):
        self.clock = Clock()
        self.database = Database(f"sqlite:///{folder}/m.db")
        repositories = Repositories(self.database)
        repositories.create("criminal")
        repositories.create("immigration")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database, now=self.clock)
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        agencies = (
            AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE),
            AgencyEntry(ori="MO0190000", name="Cass County Jail", jurisdiction=CASS),
        )
        content = RegisterContent(jurisdictions=missouri.jurisdictions, agencies=agencies)
        self.register.bring(content, source="missouri.csv", by="system:test")

    def entry(self, jurisdiction=BOONE, repository="immigration", *, conditions=None, **more):
        return ActivationEntry(
            jurisdiction=jurisdiction,
            repository=repository,
            from_at=more.pop("from_at", self.clock.now),
            conditions=conditions or Conditions(),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
            **more,
        )

    def open(self, *args, **more):
        return self.register.enter_agreed([self.entry(*args, **more)], by="one", approved_by="two")

    def submit(self, ori=ORI, **said):
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
        made = made.model_copy(update=said)
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=ori))
        with self.database.read() as session:
            return made.tcn, session.scalar(
                text("select id from submission where tcn = :t").bindparams(t=made.tcn)
            )

    def decide(self, number):
        with self.database.write() as session:
            found = routing.decide(session, number, now=self.clock.now)
            session.commit()
        return {one.repository: one for one in found}

    def verdict(self, number, repository="immigration"):
        one = self.decide(number)[repository]
        return one.verdict, one.reason_code

    def why(self, tcn):
        with self.database.read() as session:
            return routing.why(session, tcn, now=self.clock.now)

    def allowed(self, number, repository="immigration"):
        with self.database.read() as session:
            return routing.still_allowed(session, number, repository, now=self.clock.now)

    def report(self, tcn, **what):
        with self.database.write() as session:
            return routing.report_disposition(
                session,
                tcn,
                reported_at=what.pop("reported_at", self.clock.now),
                by="system:test",
                source="court",
                now=self.clock.now,
                **what,
            )


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    yield made
    made.database.close()


# -- the data that is shipped


def test_missouri_has_all_its_counties_under_their_fips_codes():
    content = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
    counties = {one.fips[2:]: one.name for one in content.jurisdictions if one.kind == "county"}
    assert len(counties) == 115
    assert len(set(counties.values())) == 115
    known = {
        "001": "Adair County",
        "019": "Boone County",
        "031": "Cape Girardeau County",
        "063": "DeKalb County",
        "095": "Jackson County",
        "099": "Jefferson County",
        "119": "McDonald County",
        "121": "Macon County",
        "143": "New Madrid County",
        "181": "Ripley County",
        "183": "St. Charles County",
        "185": "St. Clair County",
        "186": "Ste. Genevieve County",
        "187": "St. Francois County",
        "189": "St. Louis County",
        "195": "Saline County",
        "215": "Texas County",
        "229": "Wright County",
        "510": "St. Louis city",
    }
    assert known.items() <= counties.items()
    assert [one.code for one in content.jurisdictions if one.kind == "state"] == ["US-MO"]


def test_the_rollouts_name_the_counties_of_their_day():
    names = {
        one.code: one.name for one in read_register((DATA / "missouri.csv").read_bytes(), "").jurisdictions
    }
    found = {day: read_rollout(path.read_bytes(), path.name) for day, path in shipped().items()}
    assert {day: len(one.entries) for day, one in found.items()} == {"2011-02-08": 8, "2011-04-19": 7}
    for day, one in found.items():
        assert all(names[code] == name for code, name in one.names.items())
        assert {f"{entry.from_at:%Y-%m-%d}" for entry in one.entries} == {day}
    assert "St. Charles County" in found["2011-02-08"].names.values()
    assert "Oregon County" in found["2011-04-19"].names.values()


def test_a_rollout_is_replayed_once_and_opens_its_counties(office):
    for path in shipped().values():
        entries = read_rollout(path.read_bytes(), path.name).entries
        office.register.enter_agreed(entries, by="one", approved_by="two", historic=True)
    _, boone = office.submit()
    _, cass = office.submit("MO0190000")
    assert office.verdict(boone) == office.verdict(cass) == (Verdict.SEARCH, ReasonCode.RULE)
    with pytest.raises(RegisterRefused, match="has a rule"):
        office.register.enter_agreed(entries, by="one", approved_by="two", historic=True)


# -- the decision


def test_nothing_is_searched_that_nobody_opened(office):
    tcn, number = office.submit()
    decided = office.decide(number)
    assert {one.verdict for one in decided.values()} == {Verdict.SKIP}
    assert {one.reason_code for one in decided.values()} == {ReasonCode.NO_RULE}
    assert not office.allowed(number)
    assert office.why(tcn).agrees


@pytest.mark.parametrize("ori", ["", "MO9999999"])
def test_an_agency_that_is_not_registered_is_searched_nowhere(office, ori):
    office.open("US-MO")
    _, number = office.submit(ori)
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.UNKNOWN_AGENCY)


def test_an_agency_that_was_closed_is_searched_nowhere(office):
    office.open()
    _, number = office.submit()
    assert office.verdict(number)[0] is Verdict.SEARCH
    closed = AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE, active=False)
    office.register.bring(RegisterContent(agencies=(closed,)), source="x", by="system:test")
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.AGENCY_INACTIVE)


def test_a_rule_opens_one_repository_to_one_county(office):
    office.open(conditions=Conditions(answer=routing.Answer.FIRST))
    _, here = office.submit()
    _, elsewhere = office.submit("MO0190000")
    decided = office.decide(here)
    assert (decided["immigration"].verdict, decided["immigration"].answer) == ("search", "first")
    assert decided["immigration"].activation_version == 1
    assert decided["criminal"].reason_code is ReasonCode.NO_RULE
    assert office.verdict(elsewhere) == (Verdict.SKIP, ReasonCode.NO_RULE)


def test_the_rule_of_a_state_covers_its_counties_until_one_ends_its_own(office):
    office.open("US-MO")
    _, number = office.submit()
    assert office.verdict(number)[0] is Verdict.SEARCH
    office.register.end(BOONE, by="system:test", reason="the county opted out")
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.ENDED)
    _, cass = office.submit("MO0190000")
    assert office.verdict(cass)[0] is Verdict.SEARCH


def test_what_a_state_suspends_is_shut_in_its_counties_too(office):
    office.open("US-MO")
    office.open()
    _, number = office.submit()
    assert office.verdict(number)[0] is Verdict.SEARCH
    office.register.suspend("US-MO", by="system:test", reason="order of the court")
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.SUSPENDED)


def test_a_rule_holds_from_its_day_until_its_day(office):
    begins, ends = START + timedelta(days=2), START + timedelta(days=4)
    office.open(from_at=begins, until_at=ends)
    _, number = office.submit()
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.NOT_YET)
    office.clock.now = begins
    assert office.verdict(number)[0] is Verdict.SEARCH
    office.clock.now = ends
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.EXPIRED)


@pytest.mark.parametrize(
    ("conditions", "said", "verdict", "code"),
    [
        ({"transactions": (Transaction.CAR,)}, {"transaction": Transaction.CNA}, "skip", "transaction"),
        ({"transactions": (Transaction.CAR,)}, {}, "search", "rule"),
        ({"min_fingers": 3}, {}, "skip", "fingers"),
        ({"min_fingers": 2}, {}, "search", "rule"),
        ({"charge_classes": (ChargeClass.FELONY,)}, {}, "park", "charge_missing"),
        (
            {"charge_classes": (ChargeClass.FELONY,)},
            {"charge_class": ChargeClass.TRAFFIC},
            "skip",
            "charge_class",
        ),
        ({"charge_classes": (ChargeClass.FELONY,)}, {"charge_class": ChargeClass.FELONY}, "search", "rule"),
        ({"dispositions": (Disposition.CONVICTED,)}, {}, "park", "disposition_missing"),
        (
            {"dispositions": (Disposition.CONVICTED,)},
            {"disposition": Disposition.ARRESTED},
            "defer",
            "disposition_awaited",
        ),
        (
            {"dispositions": (Disposition.CONVICTED,)},
            {"disposition": Disposition.CONVICTED},
            "search",
            "rule",
        ),
    ],
)
def test_conditions(office, conditions, said, verdict, code):
    office.open(conditions=Conditions(**conditions))
    _, number = office.submit(**said)
    assert office.verdict(number) == (verdict, code)


# -- the off switch


def test_switched_off_is_off_for_what_was_decided_before_and_for_other_processes(office):
    office.open()
    tcn, number = office.submit()
    assert office.verdict(number)[0] is Verdict.SEARCH
    assert office.allowed(number)
    other = Database(office.database.url)
    Register(other, now=office.clock).suspend(BOONE, "immigration", by="system:other", reason="stop")
    other.close()
    assert not office.allowed(number)
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.SUSPENDED)
    assert office.why(tcn).agrees


def test_off_is_off_for_a_clock_that_was_put_back(office):
    office.open()
    _, number = office.submit()
    office.register.suspend(BOONE, by="system:test", reason="stop")
    office.clock.later(hours=-5)
    assert not office.allowed(number)


def test_suspending_also_stops_what_was_planned(office):
    office.open(from_at=START + timedelta(days=1))
    office.register.suspend(BOONE, by="system:test", reason="stop")
    office.clock.later(days=3)
    _, number = office.submit()
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.SUSPENDED)


def test_a_county_that_never_agreed_can_shut_itself_off_beforehand(office):
    assert [one.repository for one in office.register.suspend(BOONE, by="x", reason="no")] == [
        "criminal",
        "immigration",
    ]
    assert office.register.suspend(BOONE, by="x", reason="no") == []
    office.open("US-MO")
    _, number = office.submit()
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.SUSPENDED)


# -- what is refused


def test_overlapping_is_refused_unless_it_says_what_it_replaces(office):
    office.open()
    with pytest.raises(RegisterRefused, match="--replaces 1") as caught:
        office.open(from_at=START + timedelta(days=1))
    assert caught.value.outcome == "overlap"
    with pytest.raises(RegisterRefused, match="newest is 1"):
        office.open(replaces=2)
    (entered,) = office.open(from_at=START + timedelta(days=1), replaces=1)
    assert entered.version == 2
    office.clock.later(days=2)
    _, number = office.submit()
    assert office.decide(number)["immigration"].activation_version == 2


def test_one_after_the_other_does_not_overlap(office):
    ends = START + timedelta(days=1)
    office.open(until_at=ends)
    with pytest.raises(RegisterRefused):
        office.open(from_at=ends - timedelta(seconds=1))
    office.open(from_at=ends)
    _, number = office.submit()
    assert office.decide(number)["immigration"].activation_version == 1
    office.clock.now = ends
    assert office.decide(number)["immigration"].activation_version == 2


def test_backdating_is_refused(office):
    with pytest.raises(RegisterRefused) as caught:
        office.open(from_at=START - timedelta(days=1))
    assert caught.value.outcome == "backdated"
    office.open(from_at=START - timedelta(minutes=1))  # the form lay on a desk: it begins now
    assert office.register.history(BOONE)[0].from_at == START


def test_a_rollout_of_the_past_is_refused_where_something_was_decided_since(office):
    _, number = office.submit()
    office.decide(number)
    entry = office.entry(from_at=START - timedelta(days=1))
    with pytest.raises(RegisterRefused, match="decided since"):
        office.register.enter_agreed([entry], by="one", approved_by="two", historic=True)
    one_elsewhere = replace(entry, jurisdiction=CASS)
    office.register.enter_agreed([one_elsewhere], by="one", approved_by="two", historic=True)


def test_a_bundle_is_entered_whole_or_not_at_all(office):
    version = office.register.history()
    with pytest.raises(NotInRegister, match="US-MO-018"):
        office.register.enter_agreed(
            [office.entry(CASS), office.entry("US-MO-018")], by="one", approved_by="two"
        )
    assert office.register.history() == version == []


def test_one_person_is_not_two(office):
    with pytest.raises(RegisterRefused, match="two people"):
        office.register.enter_agreed([office.entry()], by="one", approved_by="one")


def test_ending_on_a_day_to_come_only_ever_shortens(office):
    office.open(until_at=START + timedelta(days=10))
    longer = START + timedelta(days=20)
    with pytest.raises(RegisterRefused):
        office.register.end_on(BOONE, "immigration", longer, by="x", reason="r")
    office.register.end_on(BOONE, "immigration", START + timedelta(days=5), by="x", reason="r")
    _, number = office.submit()
    assert office.verdict(number)[0] is Verdict.SEARCH
    office.clock.later(days=6)
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.EXPIRED)


# -- two people


def somebody(office, name, role, *repositories):
    account = Account.made_of(name, role, repositories=repositories)
    with office.database.write() as session:
        session.add(
            AccountRow(
                id=account.id,
                name=name,
                display_name=name,
                password_hash="",
                ori="",
                state="active",
                created_at=START,
                failures=0,
                totp_step=0,
            )
        )
    return account


def test_a_proposal_takes_a_second_person(office):
    owner = somebody(office, "owner", Role.REPOSITORY_OWNER, "immigration")
    second = somebody(office, "second", Role.REPOSITORY_OWNER, "immigration")
    elsewhere = somebody(office, "elsewhere", Role.REPOSITORY_OWNER, "criminal")
    (number,) = office.register.propose([office.entry()], by=owner, reason="agreed")
    _, submission = office.submit()
    assert office.verdict(submission) == (Verdict.SKIP, ReasonCode.NO_RULE)
    with pytest.raises(NotPermitted):
        office.register.approve(number, by=owner)
    with pytest.raises(NotPermitted):
        office.register.approve(number, by=elsewhere)
    office.register.approve(number, by=second)
    assert office.verdict(submission)[0] is Verdict.SEARCH
    (version,) = office.register.history(BOONE)
    assert (version.entered_by, version.approved_by) == ("owner", "second")
    with pytest.raises(TwoPersonError):
        office.register.approve(number, by=second)


def test_what_is_approved_is_what_was_proposed(office):
    owner = somebody(office, "owner", Role.REPOSITORY_OWNER, "immigration")
    second = somebody(office, "second", Role.REPOSITORY_OWNER, "immigration")
    (number,) = office.register.propose([office.entry()], by=owner, reason="agreed")
    with office.database.write() as session:
        row = session.get(ActivationProposal, number)
        row.content = row.content.replace(BOONE, CASS)
    with pytest.raises(TwoPersonError, match="something else"):
        office.register.approve(number, by=second)
    assert office.register.history() == []


def test_what_could_not_be_entered_is_not_proposed(office):
    owner = somebody(office, "owner", Role.REPOSITORY_OWNER, "immigration")
    office.open()
    with pytest.raises(RegisterRefused, match="replaces 1"):
        office.register.propose([office.entry()], by=owner, reason="again")
    assert office.register.proposals() == []


# -- later reports


def test_what_was_parked_is_searched_once_the_charge_is_known(office):
    office.open(conditions=Conditions(charge_classes=(ChargeClass.FELONY,)))
    tcn, number = office.submit()
    assert office.verdict(number)[0] is Verdict.PARK
    waiting = office.submissions.begin_next()
    office.submissions.finish(waiting, b"{}", [], Outcome.ANSWERED)
    assert office.submissions.next_released() is None
    office.clock.later(minutes=5)
    done = office.report(tcn, charge_class=ChargeClass.FELONY)
    assert done.to_search
    assert [(one.repository, one.verdict) for one in done.decisions] == [("immigration", Verdict.SEARCH)]
    assert office.submissions.next_released().tcn == tcn
    assert office.why(tcn).agrees
    steps = {one.repository: one.steps for one in office.why(tcn).repositories}["immigration"]
    assert [step.recorded.verdict for step in steps] == [Verdict.PARK, Verdict.SEARCH]


def test_what_was_put_off_is_dropped_when_the_charge_is_dismissed(office):
    office.open(conditions=Conditions(dispositions=(Disposition.CONVICTED,)))
    tcn, number = office.submit(disposition=Disposition.ARRESTED)
    assert office.verdict(number)[0] is Verdict.DEFER
    done = office.report(tcn, disposition=Disposition.DISMISSED)
    assert not done.to_search
    assert done.decisions[0].reason_code is ReasonCode.CLEARED


def test_after_a_dismissal_nothing_leaves_any_more(office):
    office.open()
    tcn, number = office.submit(disposition=Disposition.ARRESTED)
    assert office.verdict(number)[0] is Verdict.SEARCH
    office.report(tcn, disposition=Disposition.DISMISSED)
    assert not office.allowed(number)


def test_a_report_of_a_clock_that_runs_ahead_does_not_win_for_ever(office):
    tcn, number = office.submit()
    office.report(tcn, disposition=Disposition.CHARGED, reported_at=START + timedelta(days=900))
    office.clock.later(days=1)
    office.report(tcn, disposition=Disposition.CONVICTED)
    with office.database.read() as session:
        assert routing.read_facts(session, number).disposition is Disposition.CONVICTED


def test_a_report_of_an_unknown_submission(office):
    with pytest.raises(routing.UnknownSubmission, match="kiosk"):
        office.report("kiosk-1.01ARZ3NDEKTSV4RRFFQ69G5FAV", disposition=Disposition.CHARGED)


# -- why


def test_why_tells_then_from_now(office):
    office.open()
    tcn, number = office.submit()
    office.decide(number)
    office.clock.later(days=1)
    office.register.end(BOONE, by="system:test", reason="over")
    found = office.why(tcn)
    assert found.agrees
    (one,) = [one for one in found.repositories if one.repository == "immigration"]
    assert one.steps[0].replayed.verdict is Verdict.SEARCH
    assert one.now.reason_code is ReasonCode.ENDED
    assert (one.steps[0].rule.version, one.steps[0].rule.approved_by) == (1, "two")


@pytest.mark.parametrize("what", ["the rule was removed", "its conditions were changed", "the record was"])
def test_why_notices_what_was_changed_behind_its_back(office, what):
    office.open()
    tcn, number = office.submit()
    office.decide(number)
    assert office.why(tcn).agrees
    with office.database.write() as session:
        if what == "the rule was removed":
            session.execute(delete(ActivationVersion))
        elif what == "its conditions were changed":
            narrow = Conditions(charge_classes=(ChargeClass.FELONY,)).encoded()
            session.execute(update(ActivationVersion).values(conditions=narrow))
        else:
            changed = update(RoutingDecision).where(RoutingDecision.verdict == "search")
            session.execute(changed.values(verdict="skip"))
    assert not office.why(tcn).agrees


def test_everything_is_said_and_remembered_to_have_been_everything(office):
    assert office.register.set_mode(Mode.EVERYTHING, by="system:test")
    assert not office.register.set_mode(Mode.EVERYTHING, by="system:test")
    tcn, number = office.submit("")
    assert office.verdict(number) == (Verdict.SEARCH, ReasonCode.EVERYTHING)
    assert office.allowed(number)
    office.register.set_mode(Mode.RULES, by="system:test")
    assert not office.allowed(number)
    found = office.why(tcn)
    assert found.agrees
    assert {one.now.reason_code for one in found.repositories} == {ReasonCode.UNKNOWN_AGENCY}


# -- the queue


def test_who_waits_for_an_answer_comes_before_who_does_not(office):
    order = [
        office.submit(transaction=kind)[0] for kind in (Transaction.CNA, Transaction.CAR, Transaction.RPIS)
    ]
    # Each keeps its place once, should the matcher be killed over it.
    assert [office.submissions.begin_next().tcn for _ in range(6)][::2] == order[::-1]


def test_what_was_given_up_can_be_sent_again(office):
    tcn, _ = office.submit()
    assert not office.submissions.redeliver(tcn)
    waiting = office.submissions.begin_next()
    lost = SearchOutcome(
        repository="criminal",
        searched_at=START,
        duration_ms=0,
        gallery_prints=0,
        colour="yellow",
        failed=True,
    )
    office.submissions.finish(waiting, b"{}", [lost], Outcome.FAILED)
    assert [one.tcn for one in office.submissions.failed()] == [tcn]
    assert office.submissions.redeliver(tcn)
    assert office.submissions.failed() == office.submissions.searches(tcn) == []
    assert office.submissions.begin_next().tcn == tcn


def test_what_was_stored_before_there_were_rules_is_decided_all_the_same(office):
    office.open()
    tcn, number = office.submit()
    with office.database.write() as session:
        session.execute(text("delete from submission_facts"))
    assert not office.allowed(number)
    assert office.verdict(number) == (Verdict.SKIP, ReasonCode.UNKNOWN_AGENCY)
    assert office.why(tcn).agrees


def test_facts_are_kept_as_they_were(office):
    office.open()
    _, number = office.submit(charge_class=ChargeClass.OTHER)
    office.decide(number)
    with office.database.read() as session:
        raw = session.scalar(text("select facts from routing_decision limit 1"))
    assert json.loads(raw)["charge_class"] == "other"
    assert json.loads(raw)["ori"] == ORI
