"""The case desk: levels from convictions, the queue, taking, evaluating, and what the jail is told in the end.

One long file on purpose: one agency with its cases, which take a confirmed hit to make.
"""

import json
import shutil
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.messages import Colour, Reply, decode_message, encode_message
from matcher_service import cases, notify, routing
from matcher_service.accounts import Account, NotPermitted, Role
from matcher_service.auditing.verifying import verify
from matcher_service.cases import CaseRefused, CaseTaken, Convicted, OffenceClass, level_of
from matcher_service.cases.tables import read_levels, shipped_levels
from matcher_service.repositories import (
    Database,
    FoundCandidate,
    NewPrint,
    Outcome,
    Repositories,
    SearchOutcome,
    Submissions,
)
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.case_tables import CaseFile, LevelChange, SecondResponse
from matcher_service.repositories.notice_tables import Identification, Notification, Subscriber
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord, StoredSubmission
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
BOONE, JAIL = "US-MO-019", "MO0100000"
FIELD, OTHER = "MOICE0000", "KSICE0000"  # two agencies that are told
FELONY, MISDEMEANOR, AGGRAVATED = (
    OffenceClass.FELONY,
    OffenceClass.MISDEMEANOR,
    OffenceClass.AGGRAVATED_FELONY,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A centre with one jail in one open county, two agencies that subscribed, three officers."""
    file = tmp_path_factory.mktemp("centre") / "m.db"
    database = Database(f"sqlite:///{file}")
    repositories = Repositories(database)
    repositories.create("criminal", owner="state")
    repositories.create("immigration", owner="federal")
    register = Register(database, now=lambda: START)
    missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
    jail = AgencyEntry(ori=JAIL, name="Boone County Jail", jurisdiction=BOONE)
    register.bring(
        RegisterContent(jurisdictions=missouri.jurisdictions, agencies=(jail,)), source="x", by="system:test"
    )
    entry = ActivationEntry(
        jurisdiction=BOONE, repository="immigration", from_at=START, conditions=Conditions(answer=Answer.SECOND),
        signed_by="Sheriff", document_sha256="ab" * 32, reason="agreed",
    )  # fmt: skip
    register.enter_agreed([entry], by="one", approved_by="two")
    with database.write() as session:
        for number, (name, ori) in enumerate((("ann", FIELD), ("ben", FIELD), ("cleo", OTHER))):
            session.add(
                AccountRow(
                    id=name, name=name, display_name=name, password_hash="", totp_step=0, ori=ori, state="active",
                    created_at=START, failures=0,
                )
            )  # fmt: skip
            if number != 1:
                session.add(
                    Subscriber(
                        id=number + 1, name=f"office-{number}", words=f"Field office {number}", ori=ori, sealing_pem="",
                        signing_pem="", webhook_url="", active=True, added_at=START,
                    )
                )  # fmt: skip
    database.close()
    return file


class Centre:
    """The centre of a test. Whoever notifies and reviews is played by what they write into the database."""

    def __init__(self, template, folder):
        shutil.copy(template, folder / "m.db")
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database, now=self.clock)
        self.time = START
        self.desk = cases.Desk(self.database, now=self.clock)
        self.seconds = cases.SecondResponses(self.database, now=self.clock, monotonic=lambda: 0.0)
        self.ann, self.ben, self.cleo = (
            Account.made_of(name, Role.CASE_OFFICER, ori=ori)
            for name, ori in (("ann", FIELD), ("ben", FIELD), ("cleo", OTHER))
        )

    def clock(self):
        return self.time

    def later(self, **more):
        self.time += timedelta(**more)

    def booked(self, *, candidates=1, **said):
        """A booking that was searched; its number."""
        said = {"charge_class": ChargeClass.FELONY, "disposition": Disposition.CHARGED} | said
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)}).model_copy(update=said)
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=JAIL))
        prints = [NewPrint(one.position, one.finger_quality, one.template) for one in made.prints]
        identity = Repositories(self.database).enroll("immigration", prints).identity
        with self.database.write() as session:
            number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == made.tcn))
            routing.decide(session, number, now=self.time)
        waiting = self.submissions.begin_next()
        found = [
            FoundCandidate(f"ref-{number}-{n:04}", identity, 99.0, -7.0, 0.001) for n in range(candidates)
        ]
        search = SearchOutcome(
            repository="immigration", searched_at=self.time, duration_ms=1.0, gallery_prints=1,
            colour="red" if found else "green", candidates=tuple(found),
        )  # fmt: skip
        self.submissions.finish(waiting, b"{}", [search], Outcome.ANSWERED)
        return number

    def review(self, number, state):
        with self.database.write() as session:
            repository = session.scalar(select(Repository.id).where(Repository.name == "immigration"))
            task = session.scalar(select(ReviewTask).where(ReviewTask.submission_id == number))
            if task is None:
                search = session.scalar(select(SearchRecord.id).where(SearchRecord.submission_id == number))
                task = ReviewTask(
                    submission_id=number, repository_id=repository, search_id=search, priority=1,
                    created_at=self.time, due_at=self.time, needs_second=False, shuffle_seed=1, state=state,
                )  # fmt: skip
                session.add(task)
            task.state = state
            session.flush()
            return task.id

    def identify(self, number, *subscribers):
        """A confirmed identification, and a case for each subscriber (1 by default)."""
        task = self.review(number, "identified")
        with self.database.write() as session:
            row = session.get_one(ReviewTask, task)
            identity = session.scalar(
                select(CandidateRecord.identity_id).where(CandidateRecord.search_id == row.search_id).limit(1)
            )
            made = Identification(
                task_id=task, submission_id=number, repository_id=row.repository_id, identity_id=identity,
                confirmed_at=self.time, confirmed_by='["x", "y"]', log10_fmr=-7.0, state="confirmed",
            )  # fmt: skip
            session.add(made)
            session.flush()
            return made.id, [
                cases.open_case(session, made.id, subscriber, now=self.time)
                for subscriber in subscribers or (1,)
            ]

    def case(self, **said):
        number = self.booked(**said)
        _, (case,) = self.identify(number)
        return number, case

    def set(self, table, number, **values):
        with self.database.write() as session:
            session.execute(update(table).where(table.id == number).values(**values))

    def convict(self, case, code="35A", kind=FELONY, n=1, **more):
        for count in range(n):
            source = f"docket {code} {kind} {count}"
            given = {
                "code": code,
                "offence_class": kind,
                "convicted_on": date(2020, 1, 2),
                "source": source,
            } | more
            levelled = self.desk.convict(self.ann, case, **given)
        return levelled.level

    def evaluate(self, case, outcome="lawful_status", **more):
        self.desk.evaluate(self.ann, case, outcome=outcome, words="card seen", **more)

    def told(self, number=None):
        """The second responses that wait for the kiosk, as it reads them."""
        return [decode_message(Reply, one.payload) for one in self.seconds.untold()]

    def audit(self, action):
        with self.database.read() as session:
            return [
                (one.actor, json.loads(one.details))
                for one in session.scalars(select(AuditEntry).where(AuditEntry.action == action))
            ]


@pytest.fixture
def centre(template, tmp_path):
    made = Centre(template, tmp_path)
    yield made
    made.database.close()


# -- levels


@pytest.mark.parametrize(
    ("version", "convictions", "level"),
    [
        ("2011", [], None),
        ("2011", [("09A", AGGRAVATED, None)], 1),
        ("2011", [("220", FELONY, None)] * 2, 1),
        ("2011", [("220", FELONY, None)], 2),
        ("2011", [("220", FELONY, None), ("90C", MISDEMEANOR, None)], 2),
        ("2011", [("90C", MISDEMEANOR, None)] * 3, 2),
        ("2011", [("90C", MISDEMEANOR, None)] * 2, 3),
        ("2011", [("W02", OffenceClass.INFRACTION, None)] * 9, None),
        ("2008", [("120", FELONY, None)], 1),
        ("2008", [("35A", FELONY, 366)], 1),
        ("2008", [("35A", FELONY, 365)], 2),
        ("2008", [("35A", FELONY, None)], 2),
        ("2008", [("220", FELONY, 3000)], 2),
        ("2008", [("90C", MISDEMEANOR, None)], 3),
    ],
)
def test_level_comes_from_convictions_by_the_table(version, convictions, level):
    table = read_levels(shipped_levels()[version].read_bytes(), version)
    assert table.secondary
    assert "Check before printing" in table.source
    assert level_of([Convicted(*one) for one in convictions], table).level == level


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"levels": []}, "levels"),
        ({"version": "not a word"}, "version"),
        ({"format": 2}, "format"),
        ({"colour": "red"}, "colour"),
        ({"secondary": "yes of course"}, "secondary"),
        ({"rule": {"classes": ["felon"], "at_least": 1}}, "levels.0.any_of.0.classes.0"),
        ({"rule": {"classes": [], "at_least": 1}}, "levels.0.any_of.0.classes"),
        ({"rule": {"classes": ["felony"], "at_least": 0}}, "levels.0.any_of.0.at_least"),
        ({"rule": {"classes": ["felony"], "groups": ["druggs"], "at_least": 1}}, "levels.0.any_of.0.groups"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_the_place(change, field):
    tree = json.loads(shipped_levels()["2011"].read_text("utf-8"))
    rule = change.pop("rule", None)
    tree |= change
    if rule is not None:
        tree["levels"][0]["any_of"][0] = rule
    with pytest.raises(cases.BadTable) as caught:
        read_levels(json.dumps(tree).encode(), "ours.json")
    assert caught.value.field == field
    assert "ours.json" in str(caught.value)


def test_charged_and_not_convicted_has_no_level(centre):
    """However grave the charge is."""
    _, case = centre.case(charge_class=ChargeClass.FELONY, disposition=Disposition.CHARGED)
    centre.desk.take(centre.ann, case)
    view = centre.desk.show(centre.ann, case)
    assert (view.row.level, view.charge_class, view.disposition) == (None, "felony", "charged")
    assert centre.convict(case, kind=MISDEMEANOR) == 3


def test_vacated_convictions_do_not_count(centre):
    _, case = centre.case()
    centre.desk.take(centre.ann, case)
    assert centre.convict(case, n=2) == 1
    first, second = centre.desk.show(centre.ann, case).convictions
    assert centre.desk.vacate(centre.ann, case, first.id, words="vacated on appeal").level == 2
    assert centre.desk.vacate(centre.ann, case, second.id, words="entered by mistake").level is None
    with pytest.raises(CaseRefused, match="vacated already"):
        centre.desk.vacate(centre.ann, case, second.id, words="again")
    view = centre.desk.show(centre.ann, case)
    assert [one.level for one in view.history] == [None, 2, 1, 2, None]
    assert all(one.vacated_at for one in view.convictions)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"code": "35C"}, "offence_code", "35A Drug, narcotic violations"),
        ({"code": "burglery"}, "offence_code", "220 Burglary"),
        ({"code": "zzzzzz"}, "offence_code", "not in the table"),
        ({"offence_class": "fellony"}, "offence_class", "aggravated_felony"),
        ({"convicted_on": date(2031, 1, 1)}, "convicted_on", "a charge is no conviction"),
        ({"convicted_on": date(1800, 1, 1)}, "convicted_on", "1800"),
        ({"source": "  "}, "source", "missing"),
        ({"source": "x" * 121}, "source", "120"),
        ({"sentence_days": -1}, "sentence_days", "0 to"),
        ({"source": "docket 35A felony 0"}, "source", "stands there already"),
    ],
)
def test_a_conviction_that_cannot_be_is_refused(centre, change, field, words):
    _, case = centre.case()
    centre.desk.take(centre.ann, case)
    centre.convict(case)
    with pytest.raises(CaseRefused, match=words) as caught:
        centre.convict(case, **({"source": "another docket"} | change))
    assert caught.value.field == field
    assert len(centre.desk.show(centre.ann, case).convictions) == 1


def test_another_table_works_every_level_out_anew_and_keeps_the_history(centre):
    _, case = centre.case()
    _, other = centre.case()
    centre.desk.take(centre.ann, case)
    centre.convict(case, code="120", kind=FELONY)  # robbery: level 2 by class, 1 by kind
    table = read_levels(shipped_levels()["2008"].read_bytes(), "2008")
    assert cases.put_in_force(centre.database, table, by="system:shell/x") == 1
    assert centre.desk.show(centre.ann, case).row.level == 1
    assert [(one.level, one.table) for one in centre.desk.show(centre.ann, case).history] == [
        (None, "2011"), (2, "2011"), (1, "2008"),
    ]  # fmt: skip
    assert centre.desk.show(centre.ann, other).history[-1].table == "2008"
    assert centre.audit("case.level") == [("system:shell/x", {"before": 2, "level": 1, "table": "2008"})]
    [(_, entered)] = centre.audit("case.level-table")
    assert (entered["version"], entered["before"], entered["changed"]) == ("2008", "2011", 1)
    _, newest = centre.case()
    with centre.database.read() as session:
        assert session.get_one(CaseFile, newest).level_table_version == "2008"
        assert session.scalar(select(func.count()).select_from(LevelChange)) == 6


# -- the desk


def test_queue_is_ordered_by_level_and_then_by_age(centre):
    made = []
    for kind, n in ((None, 0), (MISDEMEANOR, 1), (FELONY, 2), (FELONY, 1), (FELONY, 2)):
        _, case = centre.case()
        made.append(case)
        centre.desk.take(centre.ann, case)
        if kind is not None:
            centre.convict(case, kind=kind, n=n)
        centre.later(hours=1)
    none, third, first, second, first_too = made
    assert [row.case for row in centre.desk.queue(centre.ann)] == [first, first_too, second, third, none]
    centre.evaluate(second)
    assert second not in [row.case for row in centre.desk.queue(centre.ann)]
    assert [row.case for row in centre.desk.queue(centre.ann, closed=True)] == [second]


def test_case_shows_what_matched_and_how_old_the_record_is(centre):
    number, case = centre.case()
    with centre.database.read() as session:
        tcn = session.get_one(StoredSubmission, number).tcn
    view = centre.desk.show(centre.ann, case)
    assert (view.tcn, view.arrested_by, view.match.log10_fmr) == (tcn, JAIL, -7.0)
    assert view.match.source == "immigration of federal"
    assert view.match.age_days is not None
    assert view.match.record is not None
    assert "no ground to hold anyone" in view.caveat
    with centre.database.write() as session:
        routing.report_disposition(
            session, tcn, disposition=Disposition.CONVICTED, reported_at=centre.time, by="system:test",
            source="court", now=centre.time,
        )  # fmt: skip
    assert centre.desk.show(centre.ann, case).disposition == "convicted"


def test_a_case_officer_sees_only_the_own_agency(centre):
    number = centre.booked()
    _, (ours, theirs) = centre.identify(number, 1, 3)
    assert [row.case for row in centre.desk.queue(centre.ann)] == [ours]
    assert [row.case for row in centre.desk.queue(centre.cleo)] == [theirs]
    for act in (
        lambda: centre.desk.show(centre.ann, theirs),
        lambda: centre.desk.take(centre.ann, theirs),
        lambda: centre.convict(theirs),
        lambda: centre.evaluate(theirs),
        lambda: centre.desk.queue(Account.made_of("eve", Role.EXAMINER)),
        lambda: centre.desk.show(replace(centre.ann, ori=""), ours),
        lambda: centre.desk.show(
            Account.made_of("ann", Role.CASE_OFFICER, ori=FIELD, repositories=["criminal"]), ours
        ),
    ):
        with pytest.raises(NotPermitted):
            act()
    refused = [d for a in ("case.read", "case.evaluate", "conviction.record") for _, d in centre.audit(a)]
    assert sum(d.get("outcome") == "refused" for d in refused) == 7
    with pytest.raises(cases.UnknownCase):
        centre.desk.show(centre.ann, 999)


def test_two_officers_at_once_one_wins(centre):
    """Each with its own connection to the same file, as two processes would have."""
    _, case = centre.case()
    start = threading.Barrier(2)
    won, lost = [], []

    def run(account):
        with_own = Database(centre.database.url)
        start.wait()
        try:
            cases.Desk(with_own).take(account, case)
            won.append(account.name)
        except CaseTaken as error:
            lost.append((account.name, error.owner, str(error)))
        finally:
            with_own.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in (centre.ann, centre.ben)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    [winner], [(loser, owner, words)] = won, lost
    assert {winner, loser} == {"ann", "ben"}
    assert owner == winner
    assert f"is {winner}'s now" in words
    assert "take it over" in words


def test_only_the_owner_works_on_a_case_and_it_can_be_taken_over(centre):
    _, case = centre.case()
    with pytest.raises(CaseTaken, match="nobody's yet"):
        centre.convict(case)
    centre.desk.take(centre.ben, case)
    with pytest.raises(CaseTaken, match="ben's now"):
        centre.evaluate(case)
    with pytest.raises(CaseTaken):
        centre.desk.take(centre.ann, case, take_over_from="cleo", words="because")
    with pytest.raises(CaseRefused, match="words"):
        centre.desk.take(centre.ann, case, take_over_from="ben")
    centre.desk.take(centre.ann, case, take_over_from="ben", words="ben is on leave")
    with pytest.raises(CaseTaken, match="ann's now"):  # ben's page is still open
        centre.desk.evaluate(centre.ben, case, outcome="no_action", words="x")
    centre.evaluate(case)
    assert centre.audit("case.take")[-1][1]["from"] == "ben"


@pytest.mark.parametrize(
    ("outcome", "action", "field"),
    [
        ("lawful", "none", "outcome"),
        ("citizen", "transfer", "action"),  # of a citizen nothing is asked
        ("lawful_status", "transfer", "action"),
        ("action_requested", "none", "action"),
        ("no_action", "hold", "action"),
    ],
)
def test_outcomes_are_a_closed_list(centre, outcome, action, field):
    _, case = centre.case()
    centre.desk.take(centre.ann, case)
    with pytest.raises(CaseRefused) as caught:
        centre.evaluate(case, outcome, action=action)
    assert caught.value.field == field
    assert centre.desk.show(centre.ann, case).evaluations == ()


def test_everything_is_in_the_audit_reads_too(centre):
    _, case = centre.case()
    centre.desk.queue(centre.ann)
    centre.desk.take(centre.ann, case)
    centre.convict(case)
    centre.desk.show(centre.ann, case)
    centre.evaluate(case, "action_requested", action="interview")
    assert [d["cases"] for _, d in centre.audit("case.read") if "cases" in d] == [1]
    [(who, said)] = centre.audit("case.evaluate")
    assert (who, said["outcome"], said["act"], said["level"]) == ("ann", "action_requested", "interview", 2)
    for action in ("case.open", "case.take", "conviction.record", "response.second"):
        assert len(centre.audit(action)) == 1, action
    assert verify(centre.database).holds


# -- what is taken back


def test_opening_and_withdrawing_again_changes_nothing(centre):
    number = centre.booked()
    identification, (case,) = centre.identify(number)
    with centre.database.write() as session:
        assert cases.open_case(session, identification, 1) == case
        assert cases.withdraw(session, identification, words="retracted: dismissed") == 1
        assert cases.withdraw(session, identification, words="retracted: dismissed") == 0
    assert centre.desk.queue(centre.ann) == []
    with pytest.raises(CaseRefused, match="Undo what was done"):
        centre.desk.take(centre.ann, case)


def test_the_wrong_person_takes_the_hit_back_everywhere(centre):
    number = centre.booked()
    identification, (ours, theirs) = centre.identify(number, 1, 3)
    centre.desk.take(centre.ann, ours)
    centre.evaluate(ours, "not_the_person")
    with centre.database.read() as session:
        assert session.get_one(Identification, identification).state == "retracted"
        assert {session.get_one(CaseFile, one).state for one in (ours, theirs)} == {"withdrawn"}
    [(_, said)] = centre.audit("retraction.make")
    assert said["cause"] == "wrong_hit"
    [reply] = centre.told()
    assert reply.repositories[0].colour is Colour.GREEN


# -- the second response


def test_second_response_follows_the_evaluation_and_never_says_what_it_came_to(centre):
    said = []
    for outcome in ("citizen", "lawful_status", "no_action"):
        _, case = centre.case()
        centre.desk.take(centre.ann, case)
        assert centre.seconds.tend() == 0
        assert len(centre.told()) == len(said)
        centre.evaluate(case, outcome)
        reply = centre.told()[-1]
        said.append((reply.repositories, reply.words))
        text = encode_message(reply).decode()
        assert not any(word in text for word in ("citizen", "lawful", "level", "no_action", "evaluat"))
        assert "no finding of anybody's status or guilt, and no ground to hold anyone" in text
    assert len(set(said)) == 1
    [answer] = said[0][0]
    assert (answer.name, answer.colour, answer.candidates) == ("immigration", Colour.RED, ())


@pytest.mark.parametrize(
    ("state", "colour"),
    [
        ("excluded", Colour.GREEN),
        ("inconclusive", Colour.YELLOW),
        ("withdrawn", None),
        ("open", 0),
        ("third", 0),
    ],
)
def test_second_response_where_the_review_ended_without_identification(centre, state, colour):
    number = centre.booked()
    centre.review(number, state)
    made = centre.seconds.tend()
    assert made == centre.seconds.tend() + made  # once
    if colour == 0:
        assert centre.told() == []
        return
    [reply] = centre.told()
    assert [one.colour for one in reply.repositories] == ([] if colour is None else [colour])
    assert reply.not_searched == (() if colour else ("immigration",))


@pytest.mark.parametrize(
    ("states", "kind"),
    [((), "match"), (("held",), None), (("held", "cancelled"), None), (("cancelled",), "ended")],
)
def test_where_nobody_may_be_told_the_kiosk_is_not_told_either(centre, states, kind):
    number = centre.booked()
    task = centre.review(number, "identified")
    with centre.database.write() as session:
        row = session.get_one(ReviewTask, task)
        made = Identification(
            task_id=task, submission_id=number, repository_id=row.repository_id, identity_id=None,
            confirmed_at=START, confirmed_by="[]", log10_fmr=-7.0, state="confirmed",
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add_all(
            Notification(
                number=f"n{n}", identification_id=made.id, subscriber_id=1, kind="hit", state=state, created_at=START,
                next_at=START, due_at=START, attempts=0,
            )
            for n, state in enumerate(states)
        )  # fmt: skip
        session.flush()
        found = cases.second_response(session, number, "immigration", now=START)
        assert (None if found is None else session.get_one(SecondResponse, found).kind) == kind
        assert (
            cases.second_response(session, number, "criminal", now=START) is None
        )  # answered at first, or not at all


def test_nothing_found_is_said_without_a_review(centre):
    centre.booked(candidates=0)
    assert centre.seconds.tend() == 1
    assert centre.told()[0].repositories[0].colour is Colour.GREEN


def test_a_challenge_freezes_the_second_response(centre):
    """And while it is open the agency can only enter what is in the person's favour."""
    number = centre.booked()
    identification, (case,) = centre.identify(number)
    centre.desk.take(centre.ann, case)
    centre.set(Identification, identification, state="frozen")
    with pytest.raises(CaseRefused, match="challenged"):
        centre.evaluate(case, "action_requested", action="interview")
    centre.evaluate(case, "no_action")
    assert centre.seconds.tend() == 0
    assert centre.told() == []
    centre.set(Identification, identification, state="confirmed")
    assert centre.seconds.tend() == 1
    assert centre.told()[0].repositories[0].colour is Colour.RED


def test_switched_off_between_making_and_telling_says_only_that_nothing_follows(centre):
    _, case = centre.case()
    centre.desk.take(centre.ann, case)
    centre.evaluate(case)
    centre.register.suspend(BOONE, "immigration", by="system:test", reason="off")
    [reply] = [decode_message(Reply, one.payload) for one in centre.seconds.to_publish()]
    assert centre.told() == [reply]
    assert (reply.repositories, reply.not_searched) == ((), ("immigration",))


def test_a_match_that_is_taken_back_is_taken_back_at_the_kiosk(centre):
    number = centre.booked()
    identification, (case,) = centre.identify(number)
    centre.desk.take(centre.ann, case)
    centre.evaluate(case)
    [first] = centre.seconds.untold()
    centre.seconds.mark_told(cases.second_message(first).label)
    assert centre.seconds.untold() == []
    with centre.database.write() as session:
        notify.retract(
            session, identification, cause="dismissed", by="system:test", words="x", now=centre.time
        )
    [reply] = centre.told()
    assert (reply.stage, reply.taken_back, reply.repositories) == ("second", ("immigration",), ())
    assert reply.answered_at > decode_message(Reply, first.payload).answered_at
    assert "Taken back" in reply.words
    with centre.database.read() as session:
        rows = list(session.scalars(select(SecondResponse).order_by(SecondResponse.id)))
    assert [(one.kind, one.withdrawn_at is None) for one in rows] == [("match", False), ("taken_back", True)]
    assert [decode_message(Reply, one.payload).taken_back for one in centre.seconds.of(reply.tcn)] == [
        ("immigration",)
    ]


def test_told_again_until_a_device_has_taken_it(centre):
    centre.booked(candidates=0)
    centre.seconds.tend()
    [one] = centre.seconds.to_publish()
    assert centre.seconds.to_publish() == []  # on its way
    assert [two.id for two in centre.seconds.untold("kiosk-1")] == [one.id]  # the kiosk came back
    assert centre.seconds.untold("kiosk-2") == []
    message = cases.second_message(one)
    assert (message.topic, cases.is_second(message.label)) == ("fp/v1/kiosk-1/down/reply", True)
    assert not cases.is_second(one.tcn)
    centre.seconds.mark_told(message.label)
    assert centre.seconds.untold() == []


# -- at the command line


def test_the_commands(centre, monkeypatch, tmp_path):
    """Signing in is tested with the accounts; here somebody is."""
    from contextlib import nullcontext

    from typer.testing import CliRunner

    from matcher_service.commands import cases as commands

    monkeypatch.setattr(commands, "SignedIn", lambda *_: nullcontext(centre.ann))

    def run(*words, code=0):
        settings = [] if words[0] == "offences" else ["--set", f"database.url={centre.database.url}"]
        done = CliRunner().invoke(commands.app, [*words, *settings])
        assert done.exit_code == code, done.output
        return done.output

    _, case = centre.case()
    me, number = ("--as", "ann"), str(case)
    assert "35A" in run("offences", "drug")
    assert "immigration" in run("queue", *me)
    conviction = (
        "convict",
        number,
        "35A",
        "--class",
        "felony",
        "--on",
        "2009-03-14",
        "--source",
        "docket 1",
        *me,
    )
    assert "take it first" in run(*conviction, code=1)
    run("take", number, *me)
    assert "level 2" in run(*conviction)
    assert "is no day" in run(
        "convict", number, "35A", "--class", "felony", "--on", "March", "--source", "x", *me, code=1
    )
    assert "Did you mean: 35A" in run(
        "convict", number, "35Q", "--class", "felony", "--on", "2009-03-14", "--source", "x", *me, code=1
    )
    shown = run("show", number, *me)
    for words in ("level 2", "1: 35A Drug", "felony, charged", "no ground to hold anyone"):
        assert words in shown
    assert json.loads(run("show", number, "--json", *me))["row"]["level"] == 2
    assert "no level" in run("vacate", number, "1", "--words", "on appeal", *me)
    assert "at second hand" in run("levels")
    assert "'x' " in run("levels", "--put-in-force", "x", code=1) or "x: cannot be read" in run(
        "levels", "--put-in-force", "x", code=1
    )
    assert (
        json.loads(run("levels", "--put-in-force", "2008", "--json").split("now: 0\n")[-1])["version"]
        == "2008"
    )
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"format": 1}')
    assert "wrong.json, version" in run("levels", "--put-in-force", str(wrong), code=1)
    run("evaluate", number, "lawful_status", "--words", "card seen", *me)
    assert json.loads(run("queue", "--closed", "--json", *me))[0]["case"] == case
