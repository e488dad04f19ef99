"""Images of prints: default deny at both ends, asked for by rule alone, sealed, and gone with their submission.

The kiosk's parts and the centre's are the real ones; what the broker carries between them is handed over.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pytest
from sqlalchemy import select

from edge_service import parameters
from edge_service.clock import SystemClock
from edge_service.extraction.quality import Assessment
from edge_service.image_offers import ImageOffers
from edge_service.running_parts import open_images
from edge_service.sensors.frame import Frame
from edge_service.service import EdgeService
from edge_service.settings import EdgeSettings, UplinkSettings
from edge_service.spool import Spool
from edge_service.spool.images import FILE, ImageStore
from hardware.bench.made_up import made_up_minutiae
from interchange.link_protocol import Incoming
from interchange.messages import (
    Ack,
    ImageSent,
    ImagesOffered,
    ImagesWanted,
    Submission,
    decode_message,
    encode_message,
)
from interchange.print_image import decode_image, encode_image
from interchange.topics import Up, up
from matcher_service import retention, routing
from matcher_service.images import Images, image_numbers, images_of
from matcher_service.intake import Intake
from matcher_service.repositories import Database, Devices, Outcome, Quarantine, Repositories, Submissions
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.image_tables import ImageOffer, SubmissionImage
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.retention.erasing import erase_submission
from matcher_service.retention.resealing import seal_all
from matcher_service.routing import Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA

BOONE, ORI = "US-MO-019", "MO0100000"
IMAGE = (np.random.default_rng(3).integers(0, 16, (288, 256)) * 17).astype(np.uint8)


class Sensor:
    """Whatever is pressed, the image is grey noise with a corner that tells the finger."""

    presses = 0

    def connect(self, *, timeout_s=0.0, cancel=None):
        pass

    def capture(self, *, timeout_s, progress=lambda done, total: None, cancel=None):
        self.presses += 1
        pixels = IMAGE.copy()
        pixels[:8, :8] = self.presses
        return Frame(pixels, 500.0, "R307", 0.0, 0.5)

    def wait_for_lift(self, *, timeout_s, cancel=None):
        return True


class Extractor:
    model_sha256 = "ab" * 32
    model_version = None

    def assess(self, image, dpi):
        return made_up_minutiae(int(image[0, 0]), finger_quality=70), Assessment(70, None, None)


class Kiosk:
    """Its spool, its images, and a desk that books."""

    def __init__(self, folder, **limits):
        self.spool = Spool(folder / "spool.db", device="kiosk-1")
        self.images = ImageStore(folder / FILE, vault=self.spool.vault, **limits)
        self.offers = ImageOffers(self.images, spool=self.spool, device="kiosk-1")

    def book(self, fingers=(2, 3, 7)):
        desk = EdgeService(
            device="kiosk-1", sensor=Sensor(), extractor=Extractor(), spool=self.spool,
            clock=SystemClock(store=self.spool), uplink=UplinkSettings(reply_timeout_s=0.0), images=self.images,
        )  # fmt: skip
        return desk.book(list(fingers)).tcn

    def answered(self, tcn):
        self.spool.acknowledge(tcn)
        self.spool.keep_reply(tcn, b"the reply")

    def close(self):
        self.images.close()
        self.spool.close()


class Centre:
    """Boone's bookings are searched in "criminal" and, if the rules are entered so, images come along."""

    def __init__(self, folder, *, images):
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.register = Register(self.database)
        self.said = []
        for name in ("criminal", "immigration"):
            Repositories(self.database).create(name)
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        places = tuple(one for one in missouri.jurisdictions if one.code in {"US-MO", BOONE})
        agency = AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=BOONE)
        content = RegisterContent(jurisdictions=places, agencies=(agency,))
        self.register.bring(content, source="missouri.csv", by="system:test")
        self.register.enter_agreed(
            [
                ActivationEntry(
                    jurisdiction=BOONE, repository=name, from_at=datetime.now(UTC),
                    conditions=Conditions(images=images and name == "criminal"), signed_by="Sheriff",
                    document_sha256="ab" * 32, reason="agreed",
                )
                for name in ("criminal", "immigration")
            ],
            by="one", approved_by="two",
        )  # fmt: skip
        self.intake = Intake(
            submissions=self.submissions,
            quarantine=Quarantine(self.database, per_device=50, total=100),
            devices=Devices(self.database),
            publish=self.publish,
            wake_search=lambda: None,
            agencies={"kiosk-1": ORI, "kiosk-2": ORI},
            images=Images(self.database),
        )

    def publish(self, message):
        self.said.append(message)
        return True

    def take(self, kind, payload, device="kiosk-1"):
        """What the centre says to it."""
        self.said.clear()
        self.intake.take(Incoming(up(device, kind), payload, retained=False))
        return list(self.said)

    def searched(self):
        """What waits is decided, searched and answered."""
        waiting = self.submissions.begin_next()
        with self.database.write() as session:
            routing.decide(session, waiting.id, now=datetime.now(UTC))
        self.submissions.finish(waiting, b"the reply", [], Outcome.ANSWERED)
        return waiting.id

    def kept(self, number):
        with self.database.read() as session:
            return images_of(session, number)

    def audit(self, action):
        with self.database.read() as session:
            rows = session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all()
            return [json.loads(row.details) for row in rows]


@pytest.fixture
def kiosk(tmp_path):
    made = Kiosk(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[True])
def centre(tmp_path, request):
    made = Centre(tmp_path, images=request.param)
    yield made
    made.database.close()


def booked(kiosk, centre):
    """A booking at the kiosk that the centre has answered."""
    tcn = kiosk.book()
    (ack,) = centre.take(Up.SUBMISSION, kiosk.spool.payload(tcn))
    assert decode_message(Ack, ack.payload).status == "accepted"
    assert kiosk.offers.due() == []  # not before it is answered
    (offer,) = [encode_message(ImagesOffered(device="kiosk-1", tcn=tcn))]
    assert centre.take(Up.EVENT, offer) == []  # nothing is decided yet: it is offered again
    number = centre.searched()
    kiosk.answered(tcn)
    return tcn, number


def talk(kiosk, centre, monkeypatch):
    """Offers and answers until nothing more is said; how many images went."""
    monkeypatch.setattr(parameters, "NEXT_IMAGES_AFTER_S", 0.0)
    went = 0
    for _ in range(20):
        offers = kiosk.offers.due()
        if not offers:
            return went
        (order,) = centre.take(Up.EVENT, offers[0])
        assert order.topic == "fp/v1/kiosk-1/down/command"
        for image in kiosk.offers.wanted(decode_message(ImagesWanted, order.payload)):
            went += 1
            assert centre.take(Up.EVENT, image) == []
    raise AssertionError("it does not end")


def test_where_a_rule_says_so_images_come_are_sealed_and_go(kiosk, centre, tmp_path, monkeypatch):
    tcn, number = booked(kiosk, centre)
    assert talk(kiosk, centre, monkeypatch) == 3
    assert kiosk.images.waiting() == {}
    kept = centre.kept(number)
    assert sorted(kept) == [0, 1, 2]
    assert [int(decode_image(kept[k]).pixels[0, 0]) for k in range(3)] == [1, 2, 3]
    with centre.database.read() as session:
        assert retention.is_sealed(session.scalar(select(SubmissionImage.picture)))
        assert routing.images_carried(session, number, now=datetime.now(UTC)) == ["criminal"]
        told = routing.why(session, tcn, now=datetime.now(UTC)).images
    assert (told.offered, told.repositories) == (3, ("criminal",))
    for file in tmp_path.glob("*.db*"):
        assert b"IDAT" not in file.read_bytes()
    assert centre.audit("image.offered") == [{"offered": 3, "wanted": 3, "rules": "criminal"}]
    # Closed again: nobody is shown them from that moment on.
    centre.register.suspend(BOONE, "criminal", by="one", reason="a dispute")
    with centre.database.write() as session:
        assert routing.images_carried(session, number, now=datetime.now(UTC)) == []
        erase_submission(session, session.get(StoredSubmission, number), now=datetime.now(UTC))
        assert image_numbers(session, number) == []
    (order,) = centre.take(Up.EVENT, encode_message(ImagesOffered(device="kiosk-1", tcn=tcn)))
    assert decode_message(ImagesWanted, order.payload).prints == ()


@pytest.mark.parametrize("centre", [False], indirect=True)
def test_where_no_rule_says_so_no_image_ever_leaves_the_kiosk(kiosk, centre, monkeypatch):
    tcn, number = booked(kiosk, centre)
    sent = ImageSent(device="kiosk-1", tcn=tcn, number=0, image=kiosk.images.image(tcn, 0))
    assert talk(kiosk, centre, monkeypatch) == 0
    assert kiosk.images.waiting() == {}
    assert kiosk.images.image(tcn, 0) is None
    centre.take(Up.EVENT, encode_message(sent))  # nor is it kept if it does
    assert centre.kept(number) == {}
    assert centre.audit("image.offered") == [{"offered": 3, "wanted": 0, "rules": ""}]
    with centre.database.read() as session:
        assert session.get(ImageOffer, number).repositories == ""


def test_an_image_that_is_not_the_one_that_was_signed_for_is_refused(kiosk, centre):
    tcn, number = booked(kiosk, centre)
    small = encode_image(IMAGE[:100], dpi=500.0)
    for at, image in enumerate((kiosk.images.image(tcn, 1), small)):
        centre.take(Up.EVENT, encode_message(ImageSent(device="kiosk-1", tcn=tcn, number=at, image=image)))
    centre.take(
        Up.EVENT, encode_message(ImageSent(device="kiosk-2", tcn=tcn, number=2, image=small)), "kiosk-2"
    )
    assert centre.kept(number) == {}
    assert [one["reason"][:40] for one in centre.audit("image.refused")] == [
        "image: is not the one whose digest stand"
    ] * 2
    (order,) = centre.take(Up.EVENT, encode_message(ImagesOffered(device="kiosk-1", tcn=tcn)))
    assert decode_message(ImagesWanted, order.payload).prints == (
        2,
    )  # what was refused is not asked for again
    assert centre.take(Up.EVENT, encode_message(ImagesOffered(device="kiosk-2", tcn=tcn)), "kiosk-2") == []


def test_signed_for_but_of_another_size_than_its_template(kiosk, centre):
    tcn = kiosk.book()
    small = encode_image(IMAGE[:100], dpi=500.0)
    submission = decode_message(Submission, kiosk.spool.payload(tcn))
    prints = [submission.prints[0].model_copy(update={"image_sha256": sha256(small).hexdigest()})]
    centre.take(Up.SUBMISSION, encode_message(submission.model_copy(update={"prints": tuple(prints)})))
    centre.searched()
    centre.take(Up.EVENT, encode_message(ImageSent(device="kiosk-1", tcn=tcn, number=0, image=small)))
    (told,) = centre.audit("image.refused")
    assert "256x100 at 500 dpi, its template 256x288 at 500" in told["reason"]


def test_what_was_stored_unsealed_is_sealed(kiosk, centre, monkeypatch):
    _, number = booked(kiosk, centre)
    talk(kiosk, centre, monkeypatch)
    plain = centre.kept(number)[1]
    with centre.database.write() as session:
        session.scalar(select(SubmissionImage).where(SubmissionImage.number == 1)).picture = plain
    seal_all(centre.database, by="system:test")
    with centre.database.read() as session:
        stored = session.scalars(select(SubmissionImage.picture)).all()
    assert all(retention.is_sealed(one) for one in stored)
    assert centre.kept(number)[1] == plain


def test_without_room_a_booking_goes_without_its_images(tmp_path):
    made = Kiosk(tmp_path, max_bytes=1000)
    submission = decode_message(Submission, made.spool.payload(made.book()))
    assert [one.image_sha256 for one in submission.prints] == [None] * 3
    assert b"image_sha256" not in encode_message(submission)  # an older centre reads it as before
    assert made.images.waiting() == {}
    made.close()


def test_offers_end_and_what_has_no_submission_is_erased(kiosk, monkeypatch):
    monkeypatch.setattr(parameters, "OFFER_IMAGES_AGAIN_S", 0.0)
    monkeypatch.setattr(parameters, "IMAGE_OFFERS", 3)
    tcn = kiosk.book()
    kiosk.answered(tcn)
    assert [len(kiosk.offers.due()) for _ in range(5)] == [1, 1, 1, 0, 0]  # a centre that does not answer
    assert kiosk.images.image(tcn, 0) is None
    refused = kiosk.book()
    kiosk.spool.refuse(refused, field="prints.0", reason="x")
    monkeypatch.setattr(parameters, "IMAGES_WITHOUT_SUBMISSION_S", 0.0)
    kiosk.images.keep("kiosk-1.01M81SQ8GJ5GD9YN21AHB5YAQF", {0: b"x" * 100})  # it was never saved
    assert kiosk.offers.due() == []
    assert kiosk.offers.due() == []
    assert kiosk.images.waiting() == {}


def test_by_default_none_is_kept_and_what_was_is_removed(kiosk, tmp_path):
    settings = EdgeSettings(device="kiosk-1", spool={"path": tmp_path / "spool.db"})
    assert not settings.uplink.send_images
    kiosk.book()
    kiosk.images.close()
    with open_images(settings, kiosk.spool) as images:
        assert images is None
    assert not list(tmp_path.glob(f"{FILE}*"))
    kiosk.images = ImageStore(tmp_path / FILE, vault=kiosk.spool.vault)
