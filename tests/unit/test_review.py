"""Review: tasks, claims, decisions, and what an examiner is never told. On a real SQLite file.

One long file on purpose: one queue of tasks, and everything that examiners may do to each other over it.
"""

import contextlib
import itertools
import json
import shutil
import threading
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import Disposition, Transaction
from interchange.messages import encode_message
from matcher_service import review, routing
from matcher_service.accounts import Account, Action, Grant, NotPermitted, Role
from matcher_service.accounts.directory import Directory
from matcher_service.commands.reviewing import app
from matcher_service.repositories import (
    Database,
    FoundCandidate,
    NewPrint,
    Repositories,
    SearchOutcome,
    Submissions,
)
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.case_tables import SecondResponse
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask, SeededResult
from matcher_service.repositories.schema import CandidateRecord, StoredSubmission
from matcher_service.repositories.submissions import add_searches
from matcher_service.review import Decision, Reviews, State
from matcher_service.review.measuring import interval
from matcher_service.review.parameters import CLAIM_LASTS, DUE_WITHIN, SEEDED_LEAST, SEEDED_MOST
from matcher_service.review.rules import ALONE, TOGETHER, Vote, outcome
from matcher_service.routing import Conditions, Mode
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.followers import searches_stored
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA

START = datetime(2025, 5, 1, 12, tzinfo=UTC)
BOONE, ORI = "US-MO-019", "MO0100000"
ID, EX, UN = Decision.IDENTIFICATION, Decision.EXCLUSION, Decision.INCONCLUSIVE
PEOPLE = {
    "ann": [Grant(Role.EXAMINER, "immigration")],
    "ben": [Grant(Role.EXAMINER, "immigration")],
    "cat": [Grant(Role.EXAMINER, "immigration")],
    "dan": [Grant(Role.EXAMINER, "criminal")],
    "sue": [Grant(Role.SUPERVISOR, "immigration")],
    "two": [Grant(Role.SUPERVISOR), Grant(Role.EXAMINER)],
    "off": [Grant(Role.OFFICER)],
}


class Desk:
    """A centre with two repositories, examiners, and an activation of Boone for "immigration"."""

    def __init__(self, file):
        self.now = START
        self.database = Database(f"sqlite:///{file}")
        self.repositories = Repositories(self.database)
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database, now=lambda: self.now)
        for person in Directory(self.database).all():
            setattr(self, person.account.name, person.account)
        self.told, self.ended = [], []
        self.reviews = self.desk()

    def furnish(self, *, needs_second):
        for name in ("criminal", "immigration"):
            self.repositories.create(name)
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        places = tuple(one for one in missouri.jurisdictions if one.code in {"US-MO", BOONE})
        agency = AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE)
        content = RegisterContent(jurisdictions=places, agencies=(agency,))
        self.register.bring(content, source="missouri.csv", by="system:test")
        entry = ActivationEntry(
            jurisdiction=BOONE,
            repository="immigration",
            from_at=START,
            conditions=Conditions(needs_second_examiner=needs_second),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
        )
        self.register.enter_agreed([entry], by="one", approved_by="two")
        people = Directory(self.database)
        for name, grants in PEOPLE.items():
            people.add(name, by="system:test", grants=grants, ori=ORI, password=False)
        for seed in range(100, 108):
            self.enrol(seed)

    def desk(self, identified=None):
        tell = identified or (lambda _session, task: self.told.append(task))
        return Reviews(
            self.database,
            now=lambda: self.now,
            identified=tell,
            ended=lambda _session, submission, where: self.ended.append((submission, where)),
        )

    def enrol(self, seed, repository="immigration"):
        prints = [NewPrint.of(position, made_up_minutiae(seed * 10 + position)) for position in (2, 7)]
        return self.repositories.enroll(repository, prints).identity

    def later(self, **more):
        self.now += timedelta(**more)

    def submit(self, **said):
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
        made = made.model_copy(update=said)
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=ORI))
        with self.database.write() as session:
            number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == made.tcn))
            routing.decide(session, number, now=self.now)
        return SimpleNamespace(number=number, tcn=made.tcn)

    def search(self, submission, people=2, *, colour="red", repository="immigration"):
        """Store a search that found so many, and open tasks."""
        found = [
            FoundCandidate(
                f"ref-{uuid4().hex}", self.enrol(1000 * submission.number + k), 90.5 - k, -6.5, 0.001
            )
            for k in range(people)
        ]
        outcome_ = SearchOutcome(
            repository=repository, searched_at=self.now, duration_ms=1.0, gallery_prints=16, colour=colour,
            candidates=tuple(found),
        )  # fmt: skip
        with self.database.write() as session:
            add_searches(session, submission.number, [outcome_])
            return review.open_tasks(session, submission.number, now=self.now)

    def task(self, people=2, **said):
        (number,) = self.search(self.submit(**said), people)
        return number

    def rows(self, query):
        with self.database.read() as session:
            return list(session.scalars(query))

    def row(self, task):
        return self.rows(select(ReviewTask).where(ReviewTask.id == task))[0]

    def shown(self, task, *, seeded):
        """Places of the real candidates by rank, or of the strangers."""
        query = (
            select(ReviewCandidate)
            .outerjoin(CandidateRecord, CandidateRecord.id == ReviewCandidate.candidate_id)
            .where(ReviewCandidate.task_id == task, ReviewCandidate.seeded.is_(seeded))
            .order_by(CandidateRecord.rank, ReviewCandidate.place)
        )
        return [one.place for one in self.rows(query)]

    def place(self, task, nth=0):
        return self.shown(task, seeded=False)[nth]

    def decide(self, who, task, decision, place=None, reason="compared them"):
        self.claim(who, task)
        return self.reviews.decide(who, task, decision, reason=reason, place=place)

    def claim(self, who, task):
        self.reviews.claim(who, task)
        self.reviews.look(who, task)

    def audit(self, action):
        return self.rows(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.seq))


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    """The files of a centre where two examiners have to agree, and of one where one decides."""
    made = {}
    for needs_second in (True, False):
        made[needs_second] = tmp_path_factory.mktemp("review") / "m.db"
        desk = Desk(made[needs_second])
        desk.furnish(needs_second=needs_second)
        desk.database.close()
    return made


@pytest.fixture
def opened(tmp_path, furnished):
    def open_one(*, needs_second):
        made = furnished[needs_second]
        shutil.copy(made.with_name("records.key"), tmp_path)
        desks.append(Desk(shutil.copy(made, tmp_path)))
        return desks[-1]

    desks = []
    yield open_one
    for one in desks:
        one.database.close()


@pytest.fixture
def desk(opened):
    return opened(needs_second=True)


@pytest.fixture
def alone(opened):
    return opened(needs_second=False)


# -- the rules


def test_the_table_of_outcomes_is_whole_and_says_what_its_words_say():
    said = [Vote(ID, 1), Vote(ID, 2), Vote(ID, 3), Vote(EX), Vote(UN)]
    ends = {ID: State.IDENTIFIED, EX: State.EXCLUDED, UN: State.INCONCLUSIVE}
    for count in range(4):
        for votes in itertools.product(said, repeat=count):
            agreed = [one for one in votes if votes.count(one) >= 2]
            if count < 2:
                expected = (State.OPEN, State.SECOND)[count], None
            elif agreed:
                expected = ends[agreed[0].decision], agreed[0].candidate
                if count == 3 and votes[0] == votes[1]:
                    continue  # it had ended
            else:
                expected = (State.THIRD if count == 2 else State.INCONCLUSIVE), None
            assert outcome(votes, needs_second=True) == expected, votes
            if count == 1:
                assert outcome(votes, needs_second=False) == (ends[votes[0].decision], votes[0].candidate)
    assert len(TOGETHER) == 1 + 3 + 10 + 27
    assert set(ALONE) == {"", "A", "X", "?"}


# -- tasks


def test_a_task_for_what_was_found_with_strangers_in_it_and_only_once(desk):
    submission = desk.submit(transaction=Transaction.RPIS)
    (task,) = desk.search(submission, 3)
    row = desk.row(task)
    assert (row.state, row.priority, row.needs_second) == (State.OPEN, 0, True)
    assert row.due_at == START + DUE_WITHIN[0]
    strangers = desk.shown(task, seeded=True)
    assert SEEDED_LEAST <= len(strangers) <= SEEDED_MOST
    assert sorted(desk.shown(task, seeded=False) + strangers) == list(range(1, 4 + len(strangers)))
    of = select(ReviewCandidate.identity_id).where(ReviewCandidate.task_id == task)
    known = desk.rows(of.where(ReviewCandidate.seeded.is_(True)))
    real = desk.rows(of.where(ReviewCandidate.seeded.is_(False)))
    assert not set(known) & set(real)
    with desk.database.write() as session:
        assert review.open_tasks(session, submission.number, now=desk.now) == []
    assert [json.loads(one.details)["task"] for one in desk.audit("review.open")] == [task]
    assert desk.audit("review.open")[0].subject == submission.tcn


def test_the_search_opens_tasks_where_it_stores_what_it_found(desk):
    submission = desk.submit()
    desk.search(submission, 0, colour="green")
    found = FoundCandidate("ref-later", desk.enrol(77), 70.0, -5.0, 0.01)
    later_ = SearchOutcome(
        repository="immigration", searched_at=desk.now, duration_ms=1.0, gallery_prints=16, colour="yellow",
        candidates=(found,),
    )  # fmt: skip
    with desk.database.write() as session:
        add_searches(session, submission.number, [later_])
        searches_stored(session, submission.number)
        searches_stored(session, submission.number)
    assert desk.rows(select(ReviewTask.submission_id)) == [submission.number]


def test_the_order_tells_nothing_and_neither_do_the_numbers(alone):
    tasks = [alone.task(3) for _ in range(14)]
    orders = [tuple(alone.shown(task, seeded=False)) for task in tasks]
    assert len({order[0] for order in orders}) > 1  # the best is not always at one place
    assert any(order != tuple(sorted(order)) for order in orders)
    counts = {len(alone.shown(task, seeded=True)) for task in tasks}
    assert len(counts) > 1
    for task in tasks:
        query = (
            select(ReviewCandidate.place).where(ReviewCandidate.task_id == task).order_by(ReviewCandidate.id)
        )
        assert alone.rows(query) == sorted(alone.rows(query))


def test_nothing_found_or_not_allowed_is_no_task(desk):
    submission = desk.submit()
    assert desk.search(submission, 0, colour="yellow") == []
    assert desk.search(desk.submit(), 2, colour="green") == []
    closed = desk.submit()
    desk.register.suspend(BOONE, "immigration", by="system:test", reason="asked to")
    assert desk.search(closed) == []


def test_withdrawn_and_searched_again_is_a_new_task(desk):
    submission = desk.submit()
    (task,) = desk.search(submission)
    with desk.database.write() as session:
        assert (
            review.withdraw(session, submission.number, "immigration", why="switched_off", now=desk.now) == 1
        )
        assert review.withdraw(session, submission.number, why="switched_off", now=desk.now) == 0
        assert review.open_tasks(session, submission.number, now=desk.now) == []
    assert (desk.row(task).state, desk.row(task).ended_because) == (State.WITHDRAWN, "switched_off")
    desk.later(minutes=1)
    (again,) = desk.search(submission)
    assert again != task
    assert [one.task for one in desk.reviews.queue(desk.ann)] == [again]


def test_the_queue_is_by_priority_then_by_time_and_says_no_more(desk):
    slow, later_, first = (
        desk.task(transaction=Transaction.CNA),
        desk.task(transaction=Transaction.CAR),
        desk.task(transaction=Transaction.RPIS),
    )
    desk.later(minutes=40)
    newest = desk.task(transaction=Transaction.CAR)
    queue = desk.reviews.queue(desk.ann)
    assert [one.task for one in queue] == [first, later_, newest, slow]
    assert [one.overdue for one in queue] == [True, False, False, False]
    assert {one.name for one in fields(queue[0])} == {
        "task", "repository", "priority", "created_at", "due_at", "overdue", "mine_until", "assigned",
    }  # fmt: skip
    assert desk.reviews.claim_next(desk.ann).task == first
    assert desk.reviews.claim_next(desk.ben).task == later_
    assert first not in {one.task for one in desk.reviews.queue(desk.ben)}
    assert desk.reviews.queue(desk.dan) == []


# -- looking


def test_a_look_shows_prints_and_nothing_that_could_sway(desk):
    task = desk.task(3)
    with pytest.raises(review.NotClaimed):
        desk.reviews.look(desk.ann, task)
    desk.reviews.claim(desk.ann, task)
    look = desk.reviews.look(desk.ann, task)
    assert [one.position for one in look.probes] == [2, 7]
    assert sorted(one.place for one in look.candidates) == list(range(1, len(look.candidates) + 1))
    assert len(look.candidates) > 3  # the strangers are among them, and look like anybody
    assert all([one.position for one in candidate.prints] == [2, 7] for candidate in look.candidates)
    assert {one.name for one in fields(look)} == {
        "task", "repository", "due_at", "expires_at", "probes", "candidates",
    }  # fmt: skip
    assert {one.name for one in fields(look.candidates[0])} == {"place", "prints"}
    assert {one.name for one in fields(look.probes[0])} == {"position", "minutiae", "image"}
    shown = [*look.probes, *(one for candidate in look.candidates for one in candidate.prints)]
    assert {one.image for one in shown} == {b""}  # no rule lets the submission carry any
    assert desk.audit("image.read") == []
    (entry,) = desk.audit("review.look")
    assert (entry.actor, entry.purpose, entry.repository) == ("ann", "review", "immigration")
    assert entry.jurisdiction == BOONE


def test_pictures_are_drawn_without_score_or_verdict(desk):
    task = desk.task(1)
    desk.reviews.claim(desk.ann, task)
    sheet = desk.reviews.look(desk.ann, task).probes[0].svg()
    together = desk.reviews.pairs(desk.ann, task, place=desk.place(task), position=2)
    for drawing in (sheet, together):
        ET.fromstring(drawing)
        said = " ".join(ET.fromstring(drawing).itertext()).lower()
        for word in ("score", "alike", "false match", "kiosk-1", "ref-", "strang"):
            assert word not in said
    assert desk.reviews.pairs(desk.ann, task, place=desk.place(task), position=2, nth=5) is None
    assert len(desk.audit("review.pairs")) == 2
    with pytest.raises(review.BadDecision):
        desk.reviews.pairs(desk.ann, task, place=99, position=2)


# -- deciding


def test_one_examiner_decides_alone_where_the_rule_asks_for_no_more(alone):
    for decision, state in ((ID, State.IDENTIFIED), (EX, State.EXCLUDED), (UN, State.INCONCLUSIVE)):
        task = alone.task()
        place = alone.place(task) if decision is ID else None
        recorded = alone.decide(alone.ann, task, decision, place)
        assert (recorded.task, recorded.again) == (task, False)
        row = alone.row(task)
        assert (row.state, row.closed_at) == (state, alone.now)
        assert alone.told == ([task] if decision is ID else [])
        assert alone.ended.pop() == (row.submission_id, "immigration")
        with alone.database.read() as session:
            assert review.confirmed_by(session, task) == ([alone.ann.id] if decision is ID else [])
        alone.told.clear()
        with pytest.raises(review.TaskOver):
            alone.reviews.claim(alone.ben, task)


def test_a_decision_and_what_it_sets_off_happen_together_or_not_at_all(alone):
    task = alone.task()
    alone.claim(alone.ann, task)

    def fails(_session, _task):
        raise RuntimeError("notification failed")

    with pytest.raises(RuntimeError):
        alone.desk(fails).decide(alone.ann, task, ID, reason="alike", place=alone.place(task))
    assert alone.row(task).state == State.OPEN
    assert alone.rows(select(func.count(SeededResult.id))) == [0]
    alone.reviews.decide(alone.ann, task, ID, reason="alike", place=alone.place(task))
    assert alone.told == [task]


def test_an_identification_reaches_notification_and_the_kiosk_is_answered(desk):
    desk.reviews = Reviews(desk.database, now=lambda: desk.now)
    hit, none = desk.task(), desk.task()
    place = desk.place(hit)
    for who in (desk.ann, desk.ben):
        desk.decide(who, hit, ID, place)
        desk.decide(who, none, EX)
    (made,) = desk.rows(select(Identification))
    assert (made.task_id, json.loads(made.confirmed_by)) == (hit, [desk.ann.id, desk.ben.id])
    assert {one.kind for one in desk.rows(select(SecondResponse))} == {"match", "no_match"}


@pytest.mark.parametrize("first", [ID, EX, UN])
def test_the_second_examiner_is_another_and_knows_of_nobody(desk, first):
    task = desk.task()
    fresh = desk.task()
    place = desk.place(task) if first is ID else None
    desk.decide(desk.ann, task, first, place)
    assert desk.told == desk.ended == []
    assert [one.task for one in desk.reviews.queue(desk.ann)] == [fresh]
    with pytest.raises(review.TaskOver):
        desk.reviews.claim(desk.ann, task)
    # What the second is given differs in nothing from what a first is given.
    seen = {one.task: one for one in desk.reviews.queue(desk.ben)}
    assert replace(seen[task], task=fresh) == seen[fresh]
    desk.reviews.claim(desk.ben, task)
    desk.reviews.look(desk.ben, task)
    recorded = desk.reviews.decide(desk.ben, task, first, reason="compared", place=place)
    assert {one.name for one in fields(recorded)} == {"task", "at", "again"}
    assert desk.row(task).state == {ID: State.IDENTIFIED, EX: State.EXCLUDED, UN: State.INCONCLUSIVE}[first]
    assert desk.told == ([task] if first is ID else [])
    with desk.database.read() as session:
        assert review.confirmed_by(session, task) == ([desk.ann.id, desk.ben.id] if first is ID else [])


def test_a_disagreement_goes_to_a_third_and_doubt_is_no_identification(desk):
    decided, doubtful = desk.task(), desk.task()
    for task in (decided, doubtful):
        desk.decide(desk.ann, task, ID, desk.place(task))
        desk.decide(desk.ben, task, EX)
        assert desk.row(task).state == State.THIRD
        for one in (desk.ann, desk.ben):
            with pytest.raises(review.TaskOver):
                desk.reviews.claim(one, task)
    desk.decide(desk.cat, decided, ID, desk.place(decided))
    desk.decide(desk.cat, doubtful, ID, desk.place(doubtful, 1))
    assert desk.row(decided).state == State.IDENTIFIED
    assert desk.row(doubtful).state == State.INCONCLUSIVE
    assert desk.told == [decided]
    with desk.database.read() as session:
        assert review.confirmed_by(session, decided) == [desk.ann.id, desk.cat.id]
    figures = {one.name: one for one in desk.reviews.statistics(desk.sue)}
    assert (figures["ben"].disagreed, figures["ben"].exclusions) == (2, 2)


def test_an_identified_stranger_is_counted_and_never_becomes_an_identification(alone):
    task = alone.task()
    alone.decide(alone.ann, task, ID, alone.shown(task, seeded=True)[0])
    row = alone.row(task)
    assert (row.state, row.chosen_candidate_id, row.escalated_at) == (State.OPEN, None, alone.now)
    assert alone.told == []
    with pytest.raises(review.TaskOver):
        alone.reviews.claim(alone.ann, task)
    alone.decide(alone.ben, task, EX)
    assert alone.row(task).state == State.EXCLUDED
    figures = {one.name: one for one in alone.reviews.statistics(alone.sue)}
    assert (figures["ann"].seeded_shown, figures["ann"].seeded_wrong, figures["ann"].error_rate) == (
        1,
        1,
        1.0,
    )
    assert (figures["ben"].seeded_wrong, figures["ben"].error_rate) == (0, 0.0)
    assert figures["ben"].interval[1] > 0.5  # one good one says little
    (wrong,) = [one for one in alone.reviews.dossier(alone.sue, task).turns if not one.counted]
    assert wrong.examiner == "ann"


def test_wilsons_interval():
    assert interval(0, 0) is None
    low, high = interval(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)


def test_what_is_no_decision_is_refused_and_leaves_nothing(alone):
    task = alone.task()
    alone.reviews.claim(alone.ann, task)
    with pytest.raises(review.BadDecision, match="look at the prints first"):
        alone.reviews.decide(alone.ann, task, EX, reason="compared them")
    alone.reviews.look(alone.ann, task)
    for decision, reason, place, field in (
        ("guilty", "compared them", None, "decision"),
        (EX, "", None, "reason"),
        (EX, "  x ", None, "reason"),
        (EX, "x" * 501, None, "reason"),
        (EX, "two\nlines", None, "reason"),
        (EX, "hidden\x00sign", None, "reason"),
        (ID, "compared them", None, "place"),
        (EX, "compared them", 1, "place"),
        (ID, "compared them", 77, "place"),
        (ID, "compared them", 0, "place"),
    ):
        with pytest.raises(review.BadDecision) as refused:
            alone.reviews.decide(alone.ann, task, decision, reason=reason, place=place)
        assert refused.value.field == field
    assert alone.row(task).state == State.OPEN
    assert alone.audit(Action.REVIEW_DECIDE) == []


def test_a_decision_sent_twice_counts_once_and_cannot_be_changed(desk):
    task = desk.task()
    desk.decide(desk.ann, task, EX, reason="no agreement")
    desk.later(minutes=1)
    again = desk.reviews.decide(desk.ann, task, EX, reason="no agreement")
    assert again.again
    assert again.at == START
    with pytest.raises(review.TaskOver):
        desk.reviews.decide(desk.ann, task, ID, reason="no agreement", place=desk.place(task))
    assert desk.row(task).state == State.SECOND
    assert len(desk.audit(Action.REVIEW_DECIDE)) == 1
    assert desk.rows(select(func.count(SeededResult.id))) == [1]


# -- claims


def test_a_closed_browser_loses_nothing_and_blocks_nobody(alone):
    task, other = alone.task(), alone.task()
    until = alone.reviews.claim(alone.ann, task).expires_at
    alone.claim(alone.ann, other)
    with pytest.raises(review.TaskTaken) as taken:
        alone.reviews.claim(alone.ben, task)
    assert taken.value.until == until == START + CLAIM_LASTS
    alone.later(hours=1)
    # Nobody took this one: what was in the making is taken.
    alone.reviews.decide(alone.ann, other, EX, reason="came back late")
    assert alone.row(other).state == State.EXCLUDED
    # Somebody took the other.
    alone.claim(alone.ben, task)
    with pytest.raises(review.TaskTaken, match="Nothing was recorded"):
        alone.reviews.decide(alone.ann, task, EX, reason="came back late")
    alone.reviews.decide(alone.ben, task, EX, reason="compared them")
    with pytest.raises(review.TaskOver):
        alone.reviews.decide(alone.ann, task, EX, reason="came back late")
    assert alone.rows(select(ReviewRound.examiner_id).where(ReviewRound.task_id == task)) == [alone.ben.id]
    late = [(one.actor, json.loads(one.details)["because"]) for one in alone.audit("review.refused")]
    assert late == [("ben", "taken"), ("ann", "taken"), ("ann", "over")]


def test_a_claim_can_be_given_back_and_a_clock_that_jumps_blocks_nobody(alone):
    task = alone.task()
    alone.reviews.claim(alone.ann, task)
    assert alone.reviews.release(alone.ann, task)
    assert not alone.reviews.release(alone.ann, task)
    alone.later(days=2)  # the clock is wrong
    alone.reviews.claim(alone.ann, task)
    alone.later(days=-2)  # and put right
    assert task in {one.task for one in alone.reviews.queue(alone.ben)}
    alone.claim(alone.ben, task)
    alone.reviews.decide(alone.ben, task, EX, reason="compared them")


def _at_once(*doing):
    start, results = threading.Barrier(len(doing)), [None] * len(doing)

    def run(number, what):
        start.wait()
        try:
            results[number] = what()
        except review.ReviewError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(doing)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_examiners_at_once_one_wins_the_other_is_told(alone):
    for _ in range(3):
        task = alone.task()
        results = _at_once(
            lambda task=task: alone.reviews.claim(alone.ann, task),
            lambda task=task: alone.reviews.claim(alone.ben, task),
        )
        assert sorted(type(one).__name__ for one in results) == ["Claim", "TaskTaken"]
        # The claim runs out, and while its holder decides, another takes the task.
        holder, other = (
            (alone.ann, alone.ben) if isinstance(results[0], review.Claim) else (alone.ben, alone.ann)
        )
        alone.reviews.look(holder, task)
        alone.later(hours=1)
        decided, claimed = _at_once(
            lambda task=task, holder=holder: alone.reviews.decide(holder, task, EX, reason="compared them"),
            lambda task=task, other=other: alone.reviews.claim(other, task),
        )
        if isinstance(decided, review.Recorded):
            assert isinstance(claimed, review.TaskOver)
            assert alone.row(task).state == State.EXCLUDED
        else:
            assert isinstance(decided, review.TaskTaken)
            assert isinstance(claimed, review.Claim)
            assert alone.row(task).state == State.OPEN
    assert len(alone.audit("review.refused")) == 2 * 3  # whoever came second, each time


def test_the_same_decision_from_two_windows_is_one(alone):
    task = alone.task()
    alone.claim(alone.ann, task)
    place = alone.place(task)

    def send():
        return alone.reviews.decide(alone.ann, task, ID, reason="compared them", place=place)

    results = _at_once(send, send)
    assert sorted(one.again for one in results) == [False, True]
    assert alone.told == [task]


# -- rights


def test_nobody_reaches_a_task_of_another_repository(desk):
    task = desk.task()
    desk.reviews.claim(desk.ann, task)
    asked = {
        "claim": lambda who: desk.reviews.claim(who, task),
        "look": lambda who: desk.reviews.look(who, task),
        "pairs": lambda who: desk.reviews.pairs(who, task, place=1, position=2),
        "decide": lambda who: desk.reviews.decide(who, task, EX, reason="compared them"),
        "release": lambda who: desk.reviews.release(who, task),
        "assign": lambda who: desk.reviews.assign(who, task, None),
        "dossier": lambda who: desk.reviews.dossier(who, task),
    }
    nobody = Account(id="nobody", name="nobody")
    for who in (desk.dan, desk.off, nobody):
        for call in asked.values():
            with pytest.raises(NotPermitted):
                call(who)
    for who, names in ((desk.ann, ("assign", "dossier")), (desk.sue, ("claim", "look", "pairs", "decide"))):
        for name in names:
            with pytest.raises(NotPermitted):
                asked[name](who)
    for call in (desk.reviews.board, desk.reviews.statistics):
        with pytest.raises(NotPermitted):
            call(desk.ann)
    refused = [one for one in desk.audit(Action.REVIEW_CLAIM) if "refused" in one.details]
    assert {one.actor for one in refused} >= {"dan", "off", "nobody", "sue"}
    with pytest.raises(review.UnknownTask):
        desk.reviews.claim(desk.ann, 999_999)
    assert desk.row(task).state == State.OPEN


def test_a_supervisor_gives_a_task_to_somebody(desk):
    task = desk.task()
    desk.reviews.claim(desk.ann, task)
    (item,) = desk.reviews.board(desk.sue)
    assert (item.holder, item.state, item.assigned_to) == ("ann", State.OPEN, None)
    desk.reviews.assign(desk.sue, task, "ben")
    assert desk.reviews.queue(desk.ann) == []
    assert desk.reviews.queue(desk.ben)[0].assigned
    with pytest.raises(review.NotClaimed):
        desk.reviews.decide(desk.ann, task, EX, reason="compared them")
    with pytest.raises(review.TaskTaken):
        desk.reviews.claim(desk.ann, task)
    for name in ("dan", "sue", "who"):
        with pytest.raises(review.BadDecision):
            desk.reviews.assign(desk.sue, task, name)
    desk.decide(desk.ben, task, EX)
    with pytest.raises(review.BadDecision, match="decided it already"):
        desk.reviews.assign(desk.sue, task, "ben")
    assert desk.reviews.claim(desk.ann, task)  # it was given to ben, not to be kept by him


def test_what_a_supervisor_sees_of_a_task(desk):
    task = desk.task()
    desk.decide(desk.ann, task, EX)
    before = desk.reviews.dossier(desk.sue, task)
    assert (before.state, before.candidates) == (State.SECOND, ())
    assert [(one.examiner, one.decision, one.reason) for one in before.turns] == [("ann", None, None)]
    # Whoever could be the next examiner sees not even that.
    blind = desk.reviews.dossier(desk.two, task)
    assert (blind.state, blind.turns) == (State.OPEN, ())
    assert desk.reviews.board(desk.two)[0].state == State.OPEN
    desk.decide(desk.ben, task, EX)
    after = desk.reviews.dossier(desk.sue, task)
    assert [one.decision for one in after.turns] == [EX, EX]
    assert {one.rank for one in after.candidates if not one.seeded} == {1, 2}
    assert len(desk.audit("review.show")) == 3


# -- what ends a task, and what calls a supervisor


@pytest.mark.parametrize("at", ["claim", "look", "decide", "tend"])
def test_switched_off_meanwhile(alone, at):
    task = alone.task()
    if at != "claim":
        alone.reviews.claim(alone.ann, task)
    alone.register.suspend(BOONE, "immigration", by="system:test", reason="asked to")
    if at == "tend":
        assert alone.reviews.tend().withdrawn == 1
    else:
        call = {
            "claim": lambda: alone.reviews.claim(alone.ann, task),
            "look": lambda: alone.reviews.look(alone.ann, task),
            "decide": lambda: alone.reviews.decide(
                alone.ann, task, ID, reason="alike", place=alone.place(task)
            ),
        }[at]
        with pytest.raises(review.TaskOver, match="withdrawn"):
            call()
    assert (alone.row(task).state, alone.row(task).ended_because) == (State.WITHDRAWN, "switched_off")
    assert alone.told == []
    assert alone.rows(select(func.count(ReviewRound.id))) == [0]
    assert len(alone.audit("review.withdraw")) == 1


def test_dismissed_charges_end_a_review(alone):
    submission = alone.submit()
    (task,) = alone.search(submission)
    with alone.database.write() as session:
        routing.report_disposition(
            session, submission.tcn, disposition=Disposition.DISMISSED, reported_at=alone.now, by="system:test",
            source="court", now=alone.now,
        )  # fmt: skip
    assert alone.reviews.tend().withdrawn == 1
    assert alone.row(task).state == State.WITHDRAWN


def test_an_identity_that_is_removed_is_shown_no_more(alone):
    task = alone.task(2)
    real = select(ReviewCandidate.identity_id).where(
        ReviewCandidate.task_id == task, ReviewCandidate.seeded.is_(False)
    )
    one, two = alone.rows(real)
    alone.reviews.claim(alone.ann, task)
    before = len(alone.reviews.look(alone.ann, task).candidates)

    def remove(identity):
        with alone.database.write() as session:
            ended = review.identity_removed(session, identity, by="system:retention", now=alone.now)
        alone.repositories.remove("immigration", identity)
        return ended

    gone = alone.rows(select(ReviewCandidate.place).where(ReviewCandidate.identity_id == one))[0]
    assert remove(one) == 0
    assert len(alone.reviews.look(alone.ann, task).candidates) == before - 1
    with pytest.raises(review.BadDecision):
        alone.reviews.decide(alone.ann, task, ID, reason="alike", place=gone)
    assert remove(two) == 1
    assert (alone.row(task).state, alone.row(task).ended_because) == (State.WITHDRAWN, "removed")


def test_what_is_late_is_counted_and_supervisors_are_called_once(desk):
    task = desk.task(transaction=Transaction.RPIS)
    desk.task(transaction=Transaction.CNA)
    assert desk.reviews.overdue() == {}
    desk.later(minutes=31)
    assert desk.reviews.overdue() == {"immigration": 1}
    assert desk.reviews.tend().escalated == 1
    assert desk.reviews.tend().escalated == 0
    first = desk.reviews.board(desk.sue)[0]
    assert (first.task, first.escalated_at, first.overdue) == (task, desk.now, True)
    assert len(desk.audit("review.escalate")) == 1


def test_it_is_tended_in_the_background_also_after_a_fault(alone, monkeypatch):
    task = alone.task()
    alone.register.suspend(BOONE, "immigration", by="system:test", reason="asked to")
    tend, done, faults = alone.reviews.tend, threading.Event(), [RuntimeError("made up")]

    def tending():
        if faults:
            raise faults.pop()
        found = tend()
        done.set()
        return found

    monkeypatch.setattr(alone.reviews, "tend", tending)
    background = review.Tending(alone.reviews, every_s=0.01)
    background.start()
    assert done.wait(60)
    background.stop()
    assert alone.row(task).state == State.WITHDRAWN


def test_without_rules_one_examiner_decides(desk):
    desk.register.set_mode(Mode.EVERYTHING, by="system:test")
    (task,) = desk.search(desk.submit(), repository="immigration")
    assert not desk.row(task).needs_second


def test_a_repository_without_strangers_is_reviewed_and_not_measured(alone):
    for identity in {one.identity for one in alone.repositories.prints("immigration")}:
        alone.repositories.remove("immigration", identity)
    task = alone.task(1)
    assert alone.shown(task, seeded=True) == []
    alone.decide(alone.ann, task, EX)
    (figures,) = alone.reviews.statistics(alone.sue)
    assert (figures.seeded_shown, figures.error_rate, figures.interval) == (0, None, None)


# -- at the machine


def test_the_command_line(desk, monkeypatch):
    task = desk.task()
    where = ["--set", f"database.url={desk.database.url}"]

    def run(who, *words):
        monkeypatch.setattr(
            "matcher_service.commands.reviewing.SignedIn", lambda *_: contextlib.nullcontext(who)
        )
        done = CliRunner().invoke(app, [*words, "--as", who.name, *where])
        return done.exit_code, " ".join(done.output.split())

    assert run(desk.ann, "queue")[1].count("immigration") == 1
    assert run(desk.sue, "assign", str(task), "--to", "ben") == (0, f"task {task}: given to ben")
    assert "given to ben" not in run(desk.ann, "queue", "--json")[1]
    code, said = run(desk.sue, "queue")
    assert (code, "ben" in said) == (0, True)
    desk.decide(desk.ben, task, EX)
    desk.decide(desk.ann, task, EX)
    code, said = run(desk.sue, "show", str(task))
    assert (code, "excluded" in said, "known stranger" in said) == (0, True, True)
    code, said = run(desk.sue, "statistics", "--json")
    assert [(one["name"], one["seeded_wrong"]) for one in json.loads(said)] == [("ann", 0), ("ben", 0)]
    code, said = run(desk.ann, "show", str(task))
    assert (code, "may not do this" in said) == (1, True)
    assert run(desk.sue, "assign", str(task))[0] == 2
