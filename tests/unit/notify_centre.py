"""A made-up centre for the tests of notification: one activated county, one repository, one person in it."""

import functools
import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.envelope import seal, unseal
from interchange.envelope_keys import PrivateKey
from interchange.messages import decode_message, encode_message
from interchange.notices import Correction, Hit, Receipt, RetractionNotice
from interchange.topics import Notice, notify_topic, parse_notify
from matcher_service import notify, routing
from matcher_service.accounts.key_file import Sealer
from matcher_service.notify.delivery import Delivery
from matcher_service.notify.looking import notices
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
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord
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
        self._signing, self._sealing = [PrivateKey.generate()], [PrivateKey.generate()]

    def signing(self):
        return self._signing

    def sealing(self):
        return self._sealing

    def generation(self):
        return len(self._signing)

    def rotate(self):
        self._signing = [PrivateKey.generate(), *self._signing]
        self._sealing = [PrivateKey.generate(), *self._sealing]


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


class Template:
    """A database with the register, the repository, the examiners and a subscriber in it: made once, then copied."""

    def __init__(self, folder):
        self.file = folder / "template.db"
        self.clock = Clock()
        database = Database(f"sqlite:///{self.file}")
        repositories = Repositories(database)
        repositories.create(REPOSITORY)
        prints = [NewPrint.of(2, made_up_minutiae(1)), NewPrint.of(7, made_up_minutiae(2))]
        self.person = repositories.enroll_many(REPOSITORY, [prints])[0].identity
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        content = RegisterContent(
            jurisdictions=tuple(one for one in missouri.jurisdictions if one.code in {"US-MO", BOONE, CASS}),
            agencies=(
                AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE),
                AgencyEntry(ori=TOLD_ORI, name="Field Office", jurisdiction="US-MO"),
            ),
        )
        Register(database, now=self.clock).bring(content, source="missouri.csv", by="system:test")
        with database.write() as session:
            session.add_all(
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
                for name in ("one", "two")
            )
        self.agency = Agency("field-office")
        subscribers = Subscribers(database, sealer=lambda: None, now=self.clock)
        take_up(subscribers, self.agency)
        subscribers.subscribe("field-office", REPOSITORY, by="system:test")
        database.close()


_keep = tempfile.TemporaryDirectory(prefix="whorl-notify-")


@functools.cache
def template():
    return Template(Path(_keep.name))


def take_up(subscribers, agency, **more):
    return subscribers.add(
        agency.name,
        words="Field office",
        ori=TOLD_ORI,
        sealing_pem=agency.sealing.public.pem.decode(),
        signing_pem=agency.signing.public.pem.decode(),
        by="system:test",
        **more,
    )


class Centre:
    """A centre with one repository, one person in it, and one subscriber; one county can be activated."""

    def __init__(self, folder, *, networks=()):
        made = template()
        shutil.copy(made.file, folder / "m.db")
        shutil.copy(made.file.with_name("records.key"), folder / "records.key")
        self.folder = folder
        self.person, self.agency = made.person, made.agency
        self.clock = Clock()
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database, now=self.clock)
        self.subscribers = Subscribers(self.database, sealer=self.sealer, networks=networks, now=self.clock)
        self.keys = Keys()
        self.webhooks = NoWebhooks()
        self.sent = []
        self.connected = True
        self.delivery = Delivery(
            self.database,
            publish=self._publish,
            webhooks=self.webhooks,
            keys=self.keys,
            sealer=self.sealer,
            settings=NotifySettings(),
            now=self.clock,
        )
        self.webhooks.start(self.delivery._posted)

    def sealer(self):
        return Sealer.of(self.folder / "accounts.key")

    def _publish(self, message):
        if self.connected:
            self.sent.append(message)
        return self.connected

    def subscriber(self, name, *, jurisdiction="", subscribe=True, **more):
        agency = Agency(name)
        agency.secret = take_up(self.subscribers, agency, **more)
        if subscribe:
            self.subscribers.subscribe(name, REPOSITORY, jurisdiction, by="system:test")
        return agency

    def activate(self, *, replaces=None, **conditions):
        entry = ActivationEntry(
            jurisdiction=BOONE,
            repository=REPOSITORY,
            from_at=self.clock.now,
            conditions=Conditions(**conditions),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
            replaces=replaces,
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
        self.clock.later(minutes=1)

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
