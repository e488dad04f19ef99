"""Notification, retraction and challenge: who is told, when, of what, and how it is taken back. A real SQLite file."""

import importlib.machinery
import json
import sys
import types
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.envelope import seal, unseal
from interchange.envelope_keys import PrivateKey
from interchange.messages import decode_message, encode_message
from interchange.notices import CAUTION, Correction, Hit, Receipt, RetractionNotice
from interchange.topics import Notice, notify_topic, parse_notify
from matcher_service import notify, routing
from matcher_service.accounts.key_file import Sealer
from matcher_service.auditing.verifying import verify
from matcher_service.notify import parameters, queueing
from matcher_service.notify.delivery import Delivery
from matcher_service.notify.looking import notices
from matcher_service.notify.receipts import Verdict
from matcher_service.notify.settings import NotifySettings
from matcher_service.notify.subscribers import Subscribers
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
from matcher_service.repositories.notice_tables import Identification, Notification
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord, StoredSubmission
from matcher_service.routing import Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA

BOONE, CASS = "US-MO-019", "US-MO-037"
ORI, TOLD_ORI = "MO0100000", "DCICE0000"
REPOSITORY = "immigration"


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)  # what is reported goes by the real one

    def __call__(self):
        return self.now

    def later(self, **more):
        self.now += timedelta(**more)


class Keys:
    def __init__(self):
        self._signing, self._sealing = PrivateKey.generate(), PrivateKey.generate()

    def signing(self):
        return [self._signing]

    def sealing(self):
        return [self._sealing]


class Agency:
    """A subscriber's side."""

    def __init__(self, name):
        self.name = name
        self.sealing, self.signing = PrivateKey.generate(), PrivateKey.generate()


class NoWebhooks:
    def __init__(self):
        self.posts = []
        self.full = set()

    def start(self, on_done):
        self.on_done = on_done

    def stop(self):
        pass

    def busy(self):
        return self.full

    def post(self, post):
        self.posts.append(post)


class Centre:
    """A centre with one activated county, one repository, and one person in it."""

    def __init__(self, folder):
        self.clock = Clock()
        self.database = Database(f"sqlite:///{folder}/m.db")
        repositories = Repositories(self.database)
        repositories.create(REPOSITORY)
        prints = [NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(7, made_up_minutiae(2))]
        self.person = repositories.enroll_many(REPOSITORY, [prints])[0].identity
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database, now=self.clock)
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        agencies = (
            AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE),
            AgencyEntry(ori=TOLD_ORI, name="Field Office", jurisdiction="US-MO"),
        )
        content = RegisterContent(jurisdictions=missouri.jurisdictions, agencies=agencies)
        self.register.bring(content, source="missouri.csv", by="system:test")
        self.subscribers = Subscribers(
            self.database, sealer=lambda: Sealer.of(folder / "accounts.key"), now=self.clock
        )
        self.keys = Keys()
        self.webhooks = NoWebhooks()
        self.sent = []
        self.connected = True
        self.delivery = Delivery(
            self.database,
            publish=self._publish,
            webhooks=self.webhooks,
            keys=self.keys,
            sealer=lambda: Sealer.of(folder / "accounts.key"),
            settings=NotifySettings(),
            now=self.clock,
        )
        self.webhooks.start(self.delivery._posted)
        with self.database.write() as session:
            for name in ("one", "two"):
                session.add(
                    AccountRow(
                        id=name,
                        name=name,
                        display_name=name,
                        password_hash="",
                        totp_step=0,
                        ori="",
                        state="active",
                        created_at=self.clock.now,
                        failures=0,
                        locked_until=None,
                    )
                )
        self.agency = self.subscriber("field-office")

    def _publish(self, message):
        if self.connected:
            self.sent.append(message)
        return self.connected

    def subscriber(self, name, *, jurisdiction="", subscribe=True, **more):
        agency = Agency(name)
        agency.secret = self.subscribers.add(
            name,
            words="Field office",
            ori=TOLD_ORI,
            sealing_pem=agency.sealing.public.pem.decode(),
            signing_pem=agency.signing.public.pem.decode(),
            by="system:test",
            **more,
        )
        if subscribe:
            self.subscribers.subscribe(name, REPOSITORY, jurisdiction, by="system:test")
        return agency

    def activate(self, **conditions):
        entry = ActivationEntry(
            jurisdiction=BOONE,
            repository=REPOSITORY,
            from_at=self.clock.now,
            conditions=Conditions(**conditions),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
        )
        self.register.enter_agreed([entry], by="one", approved_by="two")

    def searched(self, charge=ChargeClass.FELONY, disposition=Disposition.CHARGED):
        """A booking that was searched and found the person; its TCN and the review task."""
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
        made = made.model_copy(update={"charge_class": charge, "disposition": disposition})
        self.submissions.file(made, encode_message(made), routing.Arrival(ori=ORI))
        waiting = self.submissions.begin_next()
        with self.database.write() as session:
            routing.decide(session, waiting.id, now=self.clock.now)
        reference = f"reference-{waiting.id:04d}"
        found = FoundCandidate(
            reference=reference, identity=self.person, score=90.0, log10_fmr=-6.5, expected_fpir=1e-4
        )
        search = SearchOutcome(
            repository=REPOSITORY,
            searched_at=self.clock.now,
            duration_ms=1.0,
            gallery_prints=2,
            colour="red",
            failed=False,
            candidates=(found,),
        )
        assert self.submissions.finish(waiting, b"{}", [search], Outcome.ANSWERED)
        with self.database.write() as session:
            repository_id = session.scalar(select(Repository.id).where(Repository.name == REPOSITORY))
            search_id = session.scalar(
                select(SearchRecord.id).where(SearchRecord.submission_id == waiting.id)
            )
            task = ReviewTask(
                search_id=search_id,
                submission_id=waiting.id,
                repository_id=repository_id,
                state="open",
                priority=1,
                created_at=self.clock.now,
                due_at=self.clock.now,
                needs_second=False,
                shuffle_seed=1,
            )
            session.add(task)
            session.flush()
            candidate = session.scalar(select(CandidateRecord).where(CandidateRecord.reference == reference))
            session.add(
                ReviewCandidate(
                    task_id=task.id,
                    candidate_id=candidate.id,
                    identity_id=self.person,
                    seeded=False,
                    place=1,
                )
            )
            session.flush()
            return made.tcn, task.id

    def decide(self, task_id, *examiners, **task_facts):
        """What examiners do; without any, a task that nobody decided."""
        with self.database.write() as session:
            task = session.get_one(ReviewTask, task_id)
            chosen = session.scalar(select(ReviewCandidate).where(ReviewCandidate.task_id == task_id))
            for number, examiner in enumerate(examiners, 1):
                session.add(
                    ReviewRound(
                        task_id=task_id,
                        number=number,
                        examiner_id=examiner,
                        claimed_at=self.clock.now,
                        expires_at=self.clock.now,
                        decided_at=self.clock.now,
                        decision="identification",
                        review_candidate_id=chosen.id,
                        reason="ridge flow and eleven minutiae",
                    )
                )
            task.state, task.chosen_candidate_id = "identified", chosen.id
            session.flush()
            turns = session.scalars(select(ReviewRound).where(ReviewRound.task_id == task_id)).all()
            for name, value in task_facts.items():
                for row in (task, chosen, *turns):
                    if hasattr(row, name):
                        setattr(row, name, value)
            session.flush()
            return notify.identified(session, task_id, now=self.clock.now)

    def confirmed(self, **booking):
        tcn, task = self.searched(**booking)
        return tcn, self.decide(task, "one")

    def report(self, tcn, disposition):
        with self.database.write() as session:
            routing.report_disposition(
                session,
                tcn,
                disposition=disposition,
                reported_at=self.clock.now,
                by="system:test",
                source="court",
                now=self.clock.now,
            )

    def rows(self, **where):
        with self.database.read() as session:
            return notices(session, **where)

    def states(self, kind="hit"):
        return [one.state for one in self.rows() if one.kind == kind]

    def do(self, what, *args, **more):
        with self.database.write() as session:
            return what(session, *args, now=self.clock.now, **more)

    def retract(self, number, cause="wrong_hit"):
        return self.do(notify.retract, number, cause=cause, by="one", words="looked at again")

    def deliver(self):
        """All that is due; the messages that went out, opened by the agency."""
        before = len(self.sent)
        while self.delivery.send_due():
            pass
        return [self.open(message) for message in self.sent[before:]]

    def open(self, message, agency=None):
        agency = agency or self.agency
        models = {
            Notice.HIT: Hit,
            Notice.RETRACTION: RetractionNotice,
            Notice.CORRECTION: Correction,
        }
        opened = unseal(
            message.payload,
            receiver=[agency.sealing],
            signers=[self.keys.signing()[0].public],
            context=message.topic,
        )
        return decode_message(models[parse_notify(message.topic).kind], opened.payload)

    def receipt(self, message, *, agency=None, signer=None, topic="", **changed):
        agency = agency or self.agency
        topic = topic or notify_topic(agency.name, Notice.RECEIPT)
        facts = {
            "number": message.number,
            "content_sha256": sha256(encode_message(message)).hexdigest(),
            "received_at": self.clock.now,
        }
        payload = encode_message(Receipt(**(facts | changed)))
        sealed = seal(
            payload,
            signer=signer or agency.signing,
            receiver=self.keys.sealing()[0].public,
            context=topic,
        )
        return self.delivery.take_receipt(topic, sealed)

    def audited(self, action):
        with self.database.read() as session:
            return [
                json.loads(one.details)
                for one in session.scalars(select(AuditEntry).where(AuditEntry.action == action))
            ]


@pytest.fixture
def desk(monkeypatch):
    """A case desk that only notes what it is asked for."""
    asked = []
    fake = types.ModuleType("made_up_cases")
    fake.__spec__ = importlib.machinery.ModuleSpec("made_up_cases", None)
    fake.open_case = lambda _session, identification, subscriber: asked.append((identification, subscriber))
    fake.withdraw = lambda _session, identification, *, words: asked.append((identification, words))
    monkeypatch.setitem(sys.modules, "made_up_cases", fake)
    monkeypatch.setattr(queueing, "_CASES", "made_up_cases")
    return asked


@pytest.fixture
def centre(tmp_path, desk):
    made = Centre(tmp_path)
    made.desk = desk
    yield made
    made.database.close()


# -- nothing leaves without a person


@pytest.mark.parametrize(
    ("examiners", "facts", "words"),
    [
        ((), {}, "1 examiners have to agree on it, and 0 did"),
        (("one",), {"state": "excluded"}, "it is 'excluded'"),
        (("one",), {"state": "open"}, "it is 'open'"),
        (("one",), {"seeded": True}, "came from no search"),
        (("one",), {"chosen_candidate_id": 999}, "none of its candidates"),
        (("one",), {"needs_second": True}, "2 examiners have to agree"),
        (("one",), {"void": True}, "and 0 did"),
    ],
)
def test_nobody_is_told_without_the_examiners_decision(centre, examiners, facts, words):
    centre.activate()
    _, task = centre.searched()
    with pytest.raises(notify.NotConfirmed, match=words):
        centre.decide(task, *examiners, **facts)
    assert centre.deliver() == []
    assert centre.rows() == []


def test_a_hit_says_what_matched_how_strongly_who_confirmed_it_and_what_it_is_not(centre):
    centre.activate()
    tcn, task = centre.searched()
    number = centre.decide(task, "one", "two", needs_second=True)
    assert centre.decide(task, needs_second=True) == number  # again: the same, and nothing more
    (hit,) = centre.deliver()
    assert (hit.repository, hit.record, hit.tcn) == (REPOSITORY, centre.person, tcn)
    assert (hit.ori, hit.jurisdiction) == (ORI, BOONE)
    assert hit.reference.startswith("reference-")
    assert hit.strength.log10_fmr == -6.5
    assert "one in 3 million pairs of different people" in hit.strength.words
    assert hit.confirmation.examiners == 2
    assert hit.confirmation.roles == ("first_examiner", "second_examiner")
    assert hit.provenance.enrolments == 1
    assert hit.provenance.enrolled_last <= datetime.now(UTC)
    assert (hit.charge.charge_class, hit.charge.disposition) == ("felony", "charged")
    assert hit.caution == CAUTION
    assert "no finding of status or guilt" in hit.caution
    message = centre.sent[0]
    assert message.topic == "notify/v1/field-office/hit"
    for secret in (tcn, ORI, centre.person, hit.reference):
        assert secret.encode() not in message.payload
        assert secret not in message.topic


@pytest.mark.parametrize(
    ("jurisdiction", "told"), [("", True), ("US-MO", True), (BOONE, True), (CASS, False)]
)
def test_only_those_are_told_who_subscribed_to_that_repository_and_jurisdiction(centre, jurisdiction, told):
    centre.activate()
    centre.subscriber("other", jurisdiction=jurisdiction)
    centre.subscriber("nothing", subscribe=False)
    centre.subscribers.unsubscribe("field-office", REPOSITORY, by="system:test")
    centre.confirmed()
    assert [one.subscriber for one in centre.rows()] == (["other"] if told else [])


# -- held


@pytest.mark.parametrize(
    ("conditions", "booking", "because"),
    [
        (
            {"notify_dispositions": (Disposition.CONVICTED,)},
            {},
            "disposition_awaited",
        ),
        ({"notify_dispositions": (Disposition.CONVICTED,)}, {"disposition": None}, "disposition_awaited"),
        ({"notify_charge_classes": (ChargeClass.FELONY,)}, {"charge": ChargeClass.TRAFFIC}, "charge_class"),
        ({"notify_charge_classes": (ChargeClass.FELONY,)}, {"charge": None}, "charge_awaited"),
        (
            {
                "notify_charge_classes": (ChargeClass.FELONY,),
                "notify_dispositions": (Disposition.CONVICTED,),
            },
            {"charge": ChargeClass.TRAFFIC, "disposition": Disposition.CONVICTED},
            "charge_class",
        ),
    ],
)
def test_a_hit_is_held_until_charge_and_disposition_are_what_the_rule_asks(
    centre, conditions, booking, because
):
    centre.activate(**conditions)
    centre.confirmed(**booking)
    assert [(one.state, one.held_because) for one in centre.rows()] == [("held", because)]
    centre.delivery.look_around()
    assert centre.deliver() == []


def test_a_conviction_releases_what_was_deferred_and_nothing_before_it_does(centre):
    centre.activate(notify_dispositions=(Disposition.CONVICTED,))
    tcn, _ = centre.confirmed(disposition=Disposition.ARRESTED)
    centre.report(tcn, Disposition.CHARGED)
    assert centre.deliver() == []
    assert centre.desk == []
    centre.report(tcn, Disposition.CONVICTED)
    (hit,) = centre.deliver()
    assert hit.charge.disposition == "convicted"
    assert centre.desk == [(1, 1)]
    assert centre.audited("notification.release")[0]["queued"] == 1


def test_what_was_switched_off_meanwhile_does_not_leave_and_goes_once_it_is_on_again(centre):
    centre.activate()
    centre.confirmed()
    assert centre.states() == ["queued"]
    centre.register.suspend(BOONE, REPOSITORY, by="system:test", reason="withdrew")
    assert centre.deliver() == []  # asked again right before
    assert [(one.state, one.held_because) for one in centre.rows()] == [("held", "not_allowed")]
    centre.clock.later(minutes=1)
    centre.activate()
    centre.delivery.look_around()
    assert len(centre.deliver()) == 1


def test_a_disabled_subscriber_is_told_nothing_more_but_what_takes_back(centre):
    centre.activate()
    _, first = centre.confirmed()
    centre.deliver()
    _, second = centre.confirmed()
    centre.subscribers.set_active("field-office", active=False, by="system:test")
    assert centre.deliver() == []
    assert [one.state for one in centre.rows(identification_id=second)] == ["cancelled"]
    centre.retract(first)
    assert [one.kind for one in centre.deliver()] == ["retraction"]


# -- retraction


@pytest.mark.parametrize("cause", ["wrong_hit", "dismissed", "expunged", "challenge", "withdrawn"])
def test_a_retraction_goes_to_everyone_who_was_told_and_cancels_the_rest(centre, cause):
    centre.activate()
    _, number = centre.confirmed()
    (hit,) = centre.deliver()
    done = centre.retract(number, cause)
    assert (done.told, done.cancelled, done.already) == (1, 0, False)
    assert centre.retract(number, cause).already
    (back,) = centre.deliver()
    assert (back.kind, back.answers, back.cause) == ("retraction", hit.number, cause)
    assert centre.receipt(back) is Verdict.RECEIVED
    assert centre.states("retraction") == ["received"]
    centre.clock.later(days=2)
    assert centre.deliver() == []  # the hit is not sent again
    assert len(centre.audited("retraction.make")) == 1
    assert centre.desk == [(number, 1), (number, f"retracted: {cause}")]
    with centre.database.read() as session:
        assert notify.told(session, number) == ["field-office"]
        assert verify(centre.database).holds


def test_what_was_not_sent_yet_is_cancelled_without_a_word(centre):
    centre.activate()
    _, number = centre.confirmed()
    assert centre.retract(number).cancelled == 1
    assert centre.deliver() == []
    assert centre.states() == ["cancelled"]


@pytest.mark.parametrize("end", [Disposition.DISMISSED, Disposition.ACQUITTED])
@pytest.mark.parametrize("sent", [True, False])
def test_a_dismissed_charge_takes_the_hit_back(centre, end, sent):
    centre.activate()
    tcn, number = centre.confirmed()
    if sent:
        centre.deliver()
    centre.report(tcn, end)
    assert [(one.kind, one.cause) for one in centre.deliver()] == (
        [("retraction", "dismissed")] if sent else []
    )
    with centre.database.read() as session:
        assert session.get_one(Identification, number).state == "retracted"


def test_words_and_causes_that_are_none_are_refused(centre):
    centre.activate()
    _, number = centre.confirmed()
    with pytest.raises(notify.NoticeRefused, match="cause: is one of wrong_hit"):
        centre.retract(number, "because")
    with pytest.raises(notify.NoticeRefused, match="words"):
        centre.do(notify.retract, number, cause="wrong_hit", by="one", words=" ")
    with pytest.raises(notify.UnknownNotice, match="no identification '77'"):
        centre.retract(77)


# -- challenge


def challenge(centre, number):
    return centre.do(notify.open_challenge, number, by="one", grounds="I was never there")


@pytest.mark.parametrize("upheld", [True, False])
def test_a_challenge_freezes_what_is_shared_until_it_is_closed(centre, upheld):
    centre.activate()
    told = centre.subscriber("told-first")
    _, number = centre.confirmed()
    centre.connected = False
    centre.deliver()
    centre.connected = True
    with centre.database.write() as session:  # only one of the two has it
        for row in session.scalars(select(Notification).where(Notification.subscriber_id == 1)):
            row.next_at = centre.clock.now + timedelta(minutes=5)
    centre.clock.later(seconds=10)
    assert centre.delivery.send_due()
    first = centre.open(centre.sent[-1], told)
    opened = challenge(centre, number)
    with pytest.raises(notify.NoticeRefused, match="challenged already"):
        challenge(centre, number)
    centre.clock.later(minutes=10)
    assert centre.delivery.send_due()
    assert not centre.delivery.send_due()
    frozen = centre.open(centre.sent[-1], told)
    assert (frozen.kind, frozen.state, frozen.answers) == ("correction", "frozen", first.number)
    centre.delivery.look_around()
    assert centre.states() == ["held", "held"]
    assert b"never there" not in encode_message(frozen)
    before = len(centre.sent)
    centre.do(notify.close_challenge, opened, by="two", upheld=upheld, words="compared again")
    with pytest.raises(notify.NoticeRefused, match="closed already"):
        centre.do(notify.close_challenge, opened, by="two", upheld=upheld, words="compared again")
    while centre.delivery.send_due():
        pass
    kinds = sorted(m.topic.removeprefix("notify/v1/") for m in centre.sent[before:])
    if upheld:
        assert kinds == ["told-first/retraction"]
        assert centre.states() == ["cancelled", "cancelled"]
    else:
        assert kinds == ["field-office/hit", "told-first/correction", "told-first/hit"]
    assert all("never there" not in str(one) for one in centre.audited("challenge.open"))


# -- receipts


def test_it_is_sent_again_until_its_receipt_is_there_and_then_no_more(centre):
    centre.activate()
    centre.confirmed()
    (hit,) = centre.deliver()
    assert centre.deliver() == []
    centre.clock.later(seconds=6)
    assert centre.deliver() == [hit]  # the same number, the same words
    centre.clock.later(minutes=5)
    assert centre.receipt(hit) is Verdict.RECEIVED
    assert centre.receipt(hit) is Verdict.DUPLICATE
    assert centre.deliver() == []
    (row,) = centre.rows()
    assert (row.state, row.via, row.attempts) == ("received", "topic", 2)


def test_forged_and_malformed_receipts_are_refused_and_the_audit_says_so(centre, caplog):
    centre.activate()
    other = centre.subscriber("other")
    tcn, _ = centre.confirmed()
    before = len(centre.sent)
    centre.delivery.send_due()
    hit = next(centre.open(m) for m in centre.sent[before:] if "field-office" in m.topic)
    topic = notify_topic("field-office", Notice.RECEIPT)
    assert centre.receipt(hit, signer=other.signing) is Verdict.REFUSED  # another's key
    assert centre.receipt(hit, agency=other) is Verdict.REFUSED  # another's message
    assert centre.receipt(hit, content_sha256="0" * 64) is Verdict.REFUSED  # not what was sent
    assert centre.receipt(hit, number="0" * 32) is Verdict.REFUSED
    assert centre.receipt(hit, topic="notify/v1/nobody/receipt") is Verdict.REFUSED
    for topic_of, payload in (
        (topic, b""),
        (topic, b"{}"),
        (topic, b"\xd8\x60" + b"\xff" * 50),
        ("notify/v1/field-office/hit", b""),
        ("notify/v1/a/b/c", b""),
    ):
        assert centre.delivery.take_receipt(topic_of, payload) is Verdict.REFUSED
    assert set(centre.states()) == {"sent"}
    assert centre.delivery.counts["refused"] == 10
    assert centre.audited("notification.receipt-refused")
    assert tcn not in caplog.text
    assert centre.receipt(hit) is Verdict.RECEIVED


def test_what_has_no_receipt_in_time_is_told_to_people_and_in_the_end_kept_as_dead(centre):
    centre.activate()
    _, _ = centre.confirmed()
    (hit,) = centre.deliver()
    centre.clock.later(hours=5)
    centre.delivery.look_around()
    centre.delivery.look_around()
    assert centre.delivery.counts["overdue"] == 1
    assert centre.rows()[0].overdue
    for _ in range(parameters.LEAST_ATTEMPTS):
        centre.clock.later(days=1)
        centre.deliver()
    centre.clock.later(days=1)
    assert centre.deliver() == []
    assert centre.states() == ["dead"]
    centre.do(notify.resend, hit.number, by="one")
    assert centre.deliver() == [hit]
    assert centre.receipt(hit) is Verdict.RECEIVED
    assert len(centre.audited("notification.dead")) == 1


# -- clock, crash, connection


def test_a_clock_that_jumps_neither_stalls_nor_kills_a_notification(centre):
    centre.activate()
    centre.clock.later(days=30)
    centre.confirmed()
    (hit,) = centre.deliver()
    centre.clock.later(days=-20)
    assert centre.deliver() == [hit]
    centre.clock.later(days=4000)
    assert centre.deliver() == [hit]
    assert centre.states() == ["sent"]


def test_without_a_connection_nothing_counts_as_told(centre):
    centre.activate()
    _, number = centre.confirmed()
    centre.connected = False
    assert centre.deliver() == []
    (row,) = centre.rows()
    assert (row.state, row.attempts, row.sent_at) == ("queued", 0, None)
    assert centre.retract(number).told == 0


def test_what_a_crash_left_unsent_goes_out_under_the_same_number(centre):
    centre.activate()
    _, number = centre.confirmed()

    def crash(_):
        raise KeyboardInterrupt

    centre.delivery._publish = crash
    with pytest.raises(KeyboardInterrupt):
        centre.delivery.send_due()
    (row,) = centre.rows()
    assert row.state == "sent"  # perhaps it went; whoever takes it back asks everyone
    centre.delivery._publish = centre._publish
    centre.clock.later(seconds=6)
    (hit,) = centre.deliver()
    assert hit.number == row.number
    assert centre.retract(number).told == 1


def test_a_busy_webhook_holds_nobody_else_up(centre):
    centre.activate()
    other = centre.subscriber("other", webhook_url="https://cases.agency.example/in")
    centre.confirmed()
    centre.webhooks.full = {1}
    while centre.delivery.send_due():
        pass
    assert {m.topic for m in centre.sent} == {"notify/v1/other/hit"}
    (post,) = centre.webhooks.posts
    assert post.secret.decode() == other.secret
    assert "agency.example" not in repr(post)
    centre.delivery._posted(post, "answered 500")
    assert centre.rows(subscriber="other")[0].state == "sent"
    centre.delivery._posted(post, "")
    assert (centre.rows(subscriber="other")[0].state, centre.rows(subscriber="other")[0].via) == (
        "received",
        "webhook",
    )


def test_an_identity_that_is_gone_is_never_told_of(centre):
    centre.activate()
    _, number = centre.confirmed()
    with centre.database.write() as session:
        session.get_one(Identification, number).identity_id = None
    assert centre.deliver() == []
    assert centre.states() == ["cancelled"]
    with centre.database.read() as session:
        assert session.scalar(select(StoredSubmission.id)) is not None
