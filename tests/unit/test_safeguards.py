"""What such programmes were criticised for, and what answers it here: bookings that go the whole way, or not.

From the rules over the search, examiners, notification and case to what is taken back, on one real database. Which
test answers which criticism: docs/safeguards.md. One long file on purpose: one centre, and every booking on its way.
"""

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.messages import Reply, decode_message, encode_message
from interchange.notices import Hit
from matcher_service import review, routing
from matcher_service.accounts import Account, Role
from matcher_service.auditing.verifying import verify
from matcher_service.cases.tables import outcomes
from matcher_service.galleries import LiveGalleries
from matcher_service.oversight.figures import Figures
from matcher_service.oversight.gathering import gather
from matcher_service.oversight.self_reported import BadSelfReport, by_group, read_self_reported
from matcher_service.oversight.writing import render, write_report
from matcher_service.repositories import NewPrint, Repositories
from matcher_service.repositories.case_tables import CaseFile
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewTask
from matcher_service.repositories.schema import Base, StoredSubmission
from matcher_service.review import Reviews
from matcher_service.review.followers import tell_cases
from matcher_service.routing.replay import why
from matcher_service.routing.router import Router
from matcher_service.routing.rules import Mode
from matcher_service.search.shelf import key_of
from matcher_service.searching import Searching

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
BOONE, CASS, ORI, REPOSITORY = (
    notify_centre.BOONE,
    notify_centre.CASS,
    notify_centre.ORI,
    notify_centre.REPOSITORY,
)
ID, EX = review.Decision.IDENTIFICATION, review.Decision.EXCLUSION
FELONY, TRAFFIC = ChargeClass.FELONY, ChargeClass.TRAFFIC
CHARGED, CONVICTED = Disposition.CHARGED, Disposition.CONVICTED
NOT_ACCUSED = Disposition.NOT_ACCUSED


class Found:
    relabelled = ()

    def __init__(self, key):
        self.key, self.score = key, 21.0


class Gallery:
    """Finds whoever was enrolled first."""

    def __init__(self, source):
        self.source = source

    def __len__(self):
        return len(self.source)

    @property
    def identities(self):
        return self.source.identities

    def search(self, prints, *, limit):
        return [Found(key_of(o)) for shelf in self.source.shelves() for o in shelf.owner[:1]]

    def warm_up(self):
        pass


class Centre(notify_centre.Centre):
    """The centre of the tests of notification, with its search and its examiners."""

    def __init__(self, folder):
        super().__init__(folder)
        self.replies = []
        repositories = Repositories(self.database)
        for seed in (21, 31, 41):  # strangers
            prints = [NewPrint.of(position, made_up_minutiae(seed + position)) for position in (2, 7)]
            repositories.enroll(REPOSITORY, prints)
        self.galleries = LiveGalleries(repositories=repositories, make_gallery=Gallery)
        self.galleries.load()
        self.searching = Searching(
            submissions=self.submissions,
            galleries=self.galleries,
            router=Router(self.database, now=self.clock, on_stored=review.open_tasks),
            colour=lambda _score, _expected: "red",
            tell=lambda reply: self.replies.append(decode_message(Reply, reply.payload)),
            reply_deadline_s=30.0,
        )
        self.reviews = Reviews(self.database, now=self.clock, ended=tell_cases)
        self.ann, self.ben = (
            Account(id=name, name=name, grants=Account.made_of(name, Role.EXAMINER).grants)
            for name in ("one", "two")
        )

    def close(self):
        self.searching.stop(10)
        self.galleries.close()
        self.database.close()

    def book(self, charge=FELONY, disposition=CHARGED):
        """A booking, searched as far as the rules let it; its number and the kiosk's reply."""
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
        made = made.model_copy(update={"charge_class": charge, "disposition": disposition})
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=ORI))
        assert self.searching.answer_next()
        return made.tcn, self.replies[-1]

    def deliver(self):
        self.in_step()
        return super().deliver()

    def in_step(self):
        """What is set off by something else goes by the real clock."""
        self.clock.now = max(self.clock.now, datetime.now(UTC))

    def task(self, tcn):
        with self.database.read() as session:
            return session.scalar(
                select(ReviewTask.id)
                .join(StoredSubmission, StoredSubmission.id == ReviewTask.submission_id)
                .where(StoredSubmission.tcn == tcn)
            )

    def place(self, task):
        with self.database.read() as session:
            return session.scalar(
                select(ReviewCandidate.place).where(
                    ReviewCandidate.task_id == task, ReviewCandidate.seeded.is_(False)
                )
            )

    def confirm(self, tcn):
        """Both examiners say that it is the same person."""
        task = self.task(tcn)
        for who in (self.ann, self.ben):
            self.reviews.claim(who, task)
            self.reviews.look(who, task)
            self.reviews.decide(who, task, ID, reason="ridges agree", place=self.place(task))

    def hit(self, **said):
        """A booking that was confirmed and told."""
        tcn, _ = self.book(**said)
        self.confirm(tcn)
        (told,) = self.deliver()
        return tcn, told

    def report(self, tcn, disposition=None, charge=None):
        with self.database.write() as session:
            routing.report_disposition(
                session, tcn, disposition=disposition, charge_class=charge, reported_at=self.clock.now,
                by="system:test", source="court", now=self.clock.now,
            )  # fmt: skip
        self.clock.later(minutes=1)

    def scalars(self, query):
        with self.database.read() as session:
            return list(session.scalars(query))

    def cases(self):
        return self.scalars(select(CaseFile.state))


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    made.activate()
    yield made
    assert verify(made.database).holds
    made.close()


# -- a result is a candidate, and nothing holds anybody


def test_no_word_of_ours_says_more_than_that_prints_are_alike(centre):
    """What the kiosk, the agency and the case officer are given: a candidate, with what it is not."""
    tcn, reply = centre.book()
    assert reply.to_follow == (REPOSITORY,)
    assert reply.repositories == ()
    centre.confirm(tcn)
    (hit,) = centre.deliver()
    assert "no finding of status or guilt" in hit.caution
    assert "no ground to hold" in hit.caution or "hold" in hit.caution
    said = encode_message(reply).decode() + encode_message(hit).decode()
    for verdict in ("alien", "illegal", "unlawful", "deport", "removable", "detainer", "is guilty"):
        assert verdict not in said.lower()


def test_nothing_that_leaves_can_ask_for_anybody_to_be_held():
    """No field of a hit, and no action that the case desk offers, orders a hold: there is nowhere to write one."""
    names = set(re.findall(r'"(\w+)": \{', str(Hit.model_json_schema()).replace("'", '"')))
    assert {"caution", "provenance", "strength"} <= names
    for name in names:
        assert not re.search(r"hold|detain|arrest|custody|status", name), name
    found = outcomes()
    assert {"citizen", "lawful_status"} <= {one.code for one in found.outcomes}
    none_at_all = {
        one.code: one.actions for one in found.outcomes if one.code in {"citizen", "lawful_status"}
    }
    for actions in none_at_all.values():
        assert not [one for one in actions if re.search(r"hold|detain|arrest|interview", one)]


# -- charge and disposition


@pytest.mark.parametrize(
    ("said", "because", "then"),
    [
        ({"charge": None}, "charge_awaited", {"charge": FELONY}),
        ({"disposition": None}, "disposition_awaited", {"disposition": CHARGED}),
        ({"charge": None, "disposition": None}, "charge_awaited", {"charge": FELONY, "disposition": CHARGED}),
    ],
)
def test_of_a_booking_without_charge_or_disposition_nobody_is_told(centre, said, because, then):
    """Also where the rule itself asks for neither. What is missing can be reported later, and then it goes."""
    tcn, _ = centre.book(**said)
    centre.confirm(tcn)
    assert [(one.state, one.held_because) for one in centre.rows()] == [("held", because)]
    centre.delivery.look_around()
    assert centre.deliver() == []
    assert centre.cases() == []
    centre.report(tcn, **then)
    (hit,) = centre.deliver()
    assert None not in (hit.charge.charge_class, hit.charge.disposition)
    assert centre.cases() == ["open"]


def test_traffic_stops_and_people_not_convicted_are_told_of_only_where_the_rule_says_so(centre):
    centre.register.suspend(BOONE, REPOSITORY, by="system:test", reason="a stricter one")
    centre.in_step()
    centre.activate(notify_charge_classes=(FELONY,), notify_dispositions=(CONVICTED,))
    traffic, _ = centre.book(charge=TRAFFIC, disposition=CONVICTED)
    arrest, _ = centre.book(charge=FELONY, disposition=Disposition.ARRESTED)
    for tcn in (traffic, arrest):
        centre.confirm(tcn)
    assert centre.deliver() == []
    assert {one.held_because for one in centre.rows()} == {"charge_class", "disposition_awaited"}
    centre.report(arrest, CONVICTED)
    (hit,) = centre.deliver()
    assert (hit.tcn, hit.charge.disposition) == (arrest, "convicted")
    centre.report(arrest, Disposition.ACQUITTED)  # on appeal
    (back,) = centre.deliver()
    assert (back.kind, back.cause, back.answers) == ("retraction", "dismissed", hit.number)
    assert centre.cases() == ["withdrawn"]
    assert "held" in centre.states()  # the traffic stop stays where it is


# -- victims and witnesses


@pytest.mark.parametrize("mode", [Mode.RULES, Mode.EVERYTHING])
def test_a_victims_or_witnesss_prints_are_searched_nowhere_whatever_the_rule_or_mode(centre, mode):
    if mode is Mode.EVERYTHING:
        centre.register.set_mode(mode, by="system:test")
    tcn, reply = centre.book(disposition=NOT_ACCUSED)
    assert (reply.repositories, reply.to_follow, reply.not_searched) == ((), (), (REPOSITORY,))
    assert centre.task(tcn) is None
    assert centre.submissions.searches(tcn) == []
    for later in (CHARGED, CONVICTED):  # a feed that knows no better does not lift it
        centre.report(tcn, later)
    assert not centre.searching.answer_next()
    with centre.database.read() as session:
        number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == tcn))
        assert not routing.still_allowed(session, number, REPOSITORY, now=centre.clock.now)
        assert "Nobody is accused" in str(why(session, tcn, now=centre.clock.now))


def test_who_turns_out_to_be_a_victim_is_taken_back_everywhere_and_nobody_is_told_why(centre):
    tcn, hit = centre.hit()
    in_review, _ = centre.book()
    for one in (tcn, in_review):
        centre.report(one, NOT_ACCUSED)
    (back,) = centre.deliver()
    assert (back.answers, back.cause) == (hit.number, "withdrawn")
    said = encode_message(back).decode().lower()
    for word in ("accused", "victim", "witness"):
        assert word not in said
    assert centre.cases() == ["withdrawn"]
    with pytest.raises(review.TaskOver):
        centre.reviews.claim(centre.ann, centre.task(in_review))
    centre.report(tcn, CONVICTED)
    centre.delivery.look_around()
    assert [one.kind for one in centre.deliver()] == ["retraction"]  # again, until its receipt is there


# -- who agreed to what, for everybody


def test_everybody_can_read_who_shares_since_when_by_whose_signature_and_who_opted_out(centre, tmp_path):
    centre.register.suspend(CASS, REPOSITORY, by="one", reason="the county withdrew")
    month = f"{centre.clock.now:%Y-%m}"
    centre.clock.later(minutes=5)
    figures = gather(centre.database, first=month, last=month, now=centre.clock.now)
    assert [(one.jurisdiction, one.state) for one in figures.policies] == [
        (BOONE, "active"),
        (CASS, "suspended"),
    ]
    page = render(figures, public=True)
    for words in (f"Boone County ({BOONE})", "Sheriff", "ab" * 6, "any charge", "suspended", "opted out"):
        assert words in page, words
    write_report(figures, tmp_path / "public", public=True)
    first, *lines = (tmp_path / "public" / "policies.csv").read_text().splitlines()
    assert first.endswith("signed_by,document_sha256")
    assert f"{centre.clock.now:%Y-%m-%d}" in lines[0]
    assert lines[0].endswith(f"Sheriff,{'ab' * 32}")
    assert "withdrew" not in page  # the centre's own words, and who typed them, stay inside


def test_what_a_later_agreement_has_replaced_is_not_shown_as_agreed(centre):
    centre.clock.later(minutes=5)
    centre.activate(min_fingers=4, replaces=1)
    month = f"{centre.clock.now:%Y-%m}"

    def shown():
        figures = gather(centre.database, first=month, last=month, now=centre.clock.now)
        told = [(one.jurisdiction, one.version, one.state) for one in figures.policies]
        return [one for one in told if one[0] == BOONE]

    centre.clock.later(minutes=-1)
    assert shown() == [(BOONE, 1, "active"), (BOONE, 2, "planned")]
    centre.clock.later(minutes=6)
    assert shown() == [(BOONE, 2, "active")]


def test_switched_off_nothing_goes_on_anywhere_on_the_way(centre):
    """One switch: what waits is not searched, what was found is not reviewed, what was confirmed is not told."""
    confirmed, _ = centre.book()
    centre.confirm(confirmed)
    in_review, _ = centre.book()
    centre.register.suspend(BOONE, by="one", reason="the sheriff's letter")
    _, reply = centre.book()
    assert reply.not_searched == (REPOSITORY,)
    with pytest.raises(review.TaskOver):
        centre.reviews.claim(centre.ann, centre.task(in_review))
    assert centre.deliver() == []
    assert centre.states() == ["held"]
    assert centre.audited("activation.suspend")


# -- unequal treatment: what people said of themselves


SAID = b"jurisdiction,month,group,booked,notified\nUS-MO-019,2026-01,a,100,20\nUS-MO-019,2026-02,a,50,5\n"


def test_what_people_said_of_themselves_is_a_sum_apart_with_small_cells_hidden(tmp_path):
    data = SAID + b"US-MO-037,2026-01,b,300,4\nUS-MO-037,2026-01,c,200,30\nUS-MO-037,2025-01,c,9,9\n"
    groups = by_group(read_self_reported(data, "said.csv"), first="2026-01", last="2026-12")
    assert groups == {"a": (150, 25), "b": (300, 4), "c": (200, 30)}
    figures = Figures("2026-01", "2026-12", datetime.now(UTC))
    assert "said of themselves" not in render(figures, public=True)  # optional
    figures.self_reported = groups
    write_report(figures, tmp_path / "public", public=True)
    lines = (tmp_path / "public" / "self_reported.csv").read_text().splitlines()[1:]
    assert lines[1] == "b,300,hidden"
    assert sum("hidden" in line for line in lines) == 2  # the small one cannot be worked out from the others
    page = render(figures, public=True)
    assert "16.7 %" in page or "15.0 %" in page
    assert "1.3 %" not in page
    assert render(figures, public=False).count("hidden") < page.count("hidden")


def test_no_table_of_ours_has_room_for_what_anybody_is():
    """Not of which group, race, origin, sex or religion; nor names, nor dates of birth."""
    words = re.compile(r"race|ethnic|nationality|citizen|religion|sex$|gender|birth|surname|self_reported")
    for table in Base.metadata.tables.values():
        for column in table.columns:
            assert not words.search(column.name), (table.name, column.name)


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"", 1, ""),
        (SAID.replace(b"group", b"tcn"), 1, ""),  # sums only: nothing that names a submission
        (SAID.replace(b"100,20", b"100,200"), 2, "notified"),
        (SAID.replace(b"2026-02", b"2026-13"), 3, "month"),
        (SAID.replace(b"2026-02", b"2026-01"), 3, "group"),
        (SAID.replace(b",a,50", b",=cmd(),50"), 3, "group"),
        (SAID.replace(b"US-MO-019,2026-02", b"Boone,2026-02"), 3, "jurisdiction"),
        (SAID + b"US-MO-019\n", 4, ""),
        (SAID + b"US-MO-019,2026-03,\xff,1,1\n", 4, ""),
        (SAID + b'US-MO-019,2026-03,"b,1,1\n', 4, ""),
    ],
)
def test_a_file_of_sums_that_is_wrong_is_named_by_line_and_column(data, line, column):
    with pytest.raises(BadSelfReport, match="Nothing was taken") as caught:
        read_self_reported(data, "said.csv")
    assert (caught.value.line, caught.value.column) == (line, column)


# -- everything can be told afterwards


def test_the_whole_way_stands_in_the_audit(centre):
    tcn, _ = centre.hit()
    centre.report(tcn, Disposition.DISMISSED)
    audit = Base.metadata.tables["audit_entry"]
    with centre.database.read() as session:
        actions = set(session.scalars(select(audit.c.action)))
        of_it = session.scalar(select(func.count()).where(audit.c.subject == tcn))
    assert {
        "activation.enter", "review.claim", "review.look", "review.decide", "identification.make",
        "notification.send", "disposition.report", "retraction.make",
    } <= actions  # fmt: skip
    assert of_it > 6
