"""A centre with a console where people were identified and agencies told: for the pages of cases and notices."""

import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import ChargeClass, Disposition
from interchange.envelope_keys import PrivateKey
from interchange.messages import encode_message
from matcher_service import review, routing
from matcher_service.accounts import Grant, Role
from matcher_service.accounts.key_file import Sealer
from matcher_service.notify.subscribers import Subscribers
from matcher_service.repositories import FoundCandidate, NewPrint, Repositories, SearchOutcome
from matcher_service.repositories.case_tables import CaseFile
from matcher_service.repositories.notice_tables import Identification, Notification, Subscriber
from matcher_service.repositories.review_tables import ReviewCandidate
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.submissions import add_searches
from matcher_service.routing.entries import AgencyEntry
from matcher_service.routing.files import RegisterContent

FOLDER = Path(__file__).parent


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


stand = load("console_stand")
FIELD, OTHER = "MOICE0000", "KSICE0000"  # two agencies that are told
WHERE = "immigration"


class Centre(stand.Centre):
    """Boone's bookings are searched in "immigration"; two examiners decide; two field offices are told."""

    def __init__(self, folder, *, agencies=((FIELD, "field-office"), (OTHER, "other-office")), **settings):
        super().__init__(folder, **settings)
        content = RegisterContent(
            jurisdictions=(),
            agencies=tuple(AgencyEntry(ori=ori, name=name, jurisdiction="US-MO") for ori, name in agencies),
            activations=(),
        )
        self.register.bring(content, source="test", by="system:test")
        self.subscribers = Subscribers(self.database, sealer=lambda: Sealer.of(folder / "accounts.key"))
        for ori, name in agencies:
            sealing, signing = PrivateKey.generate(), PrivateKey.generate()
            self.subscribers.add(
                name, words=name.replace("-", " ").capitalize(), ori=ori, by="system:test",
                sealing_pem=sealing.public.pem.decode(), signing_pem=signing.public.pem.decode(),
            )  # fmt: skip
            self.subscribers.subscribe(name, WHERE, by="system:test")
        self._people = 0
        self._examiners = [
            self.directory.find(self.account(name, Grant(Role.EXAMINER))).account for name in ("one", "two")
        ]

    def identified(self):
        """A booking that examiners confirmed; the identification's number."""
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)}).model_copy(
            update={"charge_class": ChargeClass.FELONY, "disposition": Disposition.CHARGED}
        )
        self._store.file(made, encode_message(made), routing.Arrival(ori=stand.BOONE_ORI))
        self._people += 1
        prints = [NewPrint.of(2, made_up_minutiae(5000 + self._people))]
        person = Repositories(self.database).enroll(WHERE, prints).identity
        found = SearchOutcome(
            repository=WHERE, searched_at=datetime.now(UTC), duration_ms=1.0, gallery_prints=16, colour="red",
            candidates=(FoundCandidate(f"ref-{person}", person, 93.7, -6.5, 0.001),),
        )  # fmt: skip
        with self.database.write() as session:
            number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == made.tcn))
            routing.decide(session, number, now=datetime.now(UTC))
            add_searches(session, number, [found])
            (task,) = review.open_tasks(session, number)
        with self.database.read() as session:
            place = session.scalar(
                select(ReviewCandidate.place).where(
                    ReviewCandidate.task_id == task, ReviewCandidate.identity_id == person
                )
            )
        reviews = review.Reviews(self.database)
        for examiner in self._examiners:
            reviews.claim(examiner, task)
            reviews.look(examiner, task)
            reviews.decide(examiner, task, "identification", reason="ridge flow, 11 minutiae", place=place)
        with self.database.read() as session:
            return session.scalar(select(Identification.id).where(Identification.task_id == task))

    def case(self, ori=FIELD):
        """The number of a new case at an agency, and its identification's."""
        identification = self.identified()
        with self.database.read() as session:
            case = session.scalar(
                select(CaseFile.id)
                .join(Subscriber, Subscriber.id == CaseFile.subscriber_id)
                .where(CaseFile.identification_id == identification, Subscriber.ori == ori)
            )
        return case, identification

    def told(self, identification):
        """As if its hits had gone out; their numbers."""
        with self.database.write() as session:
            found = session.scalars(
                select(Notification).where(Notification.identification_id == identification)
            ).all()
            for one in found:
                one.state, one.sent_at, one.content = "sent", datetime.now(UTC), b'{"kind": "hit"}'
            return [one.number for one in found]

    def rows(self, query):
        with self.database.read() as session:
            return list(session.scalars(query))

    def officer(self, ori=FIELD):
        return self.as_role(Role.CASE_OFFICER, ori=ori)
