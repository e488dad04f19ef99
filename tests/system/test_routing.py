"""Routing with a real broker and a real matcher: what the register opens is searched, and what it shuts is not."""

from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pytest
from sqlalchemy import select

from edge_service.spool.images import ImageStore, images_path
from hardware.bench.made_up import made_up_submission
from interchange.charges import ChargeClass
from interchange.messages import DispositionReported, Reply, encode_message
from interchange.print_image import encode_image
from interchange.topics import Down, Up, down, up
from matcher_service import routing
from matcher_service.images import image_numbers
from matcher_service.repositories.image_tables import ImageOffer
from matcher_service.repositories.routing_tables import RoutingDecision
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register

from .conftest import fingers

pytestmark = pytest.mark.system

COUNTY, ORI = "US-MO-019", "MO0100000"
BY_RULE = ("routing.mode=rules", f"routing.devices.kiosk-1={ORI}")
UP, DOWN = up("kiosk-1", Up.SUBMISSION), down("kiosk-1", Down.REPLY)


@pytest.fixture
def county(site):
    for name in ("criminal", "immigration"):
        site.enroll(name, 7)
    register = Register(site.database)
    places = RegisterContent(
        jurisdictions=(
            JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
            JurisdictionEntry(code=COUNTY, kind="county", fips="29019", name="Boone County", parent="US-MO"),
        ),
        agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=COUNTY),),
    )
    register.bring(places, source="x", by="system:test")
    return register


def agree(register, repository, **conditions):
    entry = ActivationEntry(
        jurisdiction=COUNTY,
        repository=repository,
        from_at=datetime.now(UTC),
        conditions=Conditions(**conditions),
        signed_by="Sheriff",
        document_sha256="ab" * 32,
        reason="agreed",
    )
    register.enter_agreed([entry], by="one", approved_by="two")


def send(peer, seed=7):
    submission = made_up_submission("kiosk-1", fingers(seed))
    peer.say(UP, encode_message(submission))
    return submission.tcn


def replies(peer):
    return {one.tcn: one for one in peer.heard(DOWN, Reply)}


def test_switched_off_under_load_nothing_more_is_searched_and_all_is_answered(site, county, until):
    agree(county, "criminal", answer=Answer.FIRST)
    site.matcher(*BY_RULE)
    peer = site.peer("kiosk-1", DOWN)
    queued = [send(peer) for _ in range(60)]
    until(lambda: replies(peer))
    county.suspend(COUNTY, by="system:test", reason="the sheriff withdrew")
    with site.database.read() as session:
        from matcher_service.routing.snapshot import clock

        off_at, _ = clock(session)
    after = [send(peer) for _ in range(10)]
    until(lambda: len(replies(peer)) == len(queued) + len(after))
    heard = replies(peer)
    assert [one.name for one in heard[queued[0]].repositories] == ["criminal"]
    assert all(heard[tcn].repositories == () and not site.submissions.searches(tcn) for tcn in after)
    with site.database.read() as session:
        for tcn in queued + after:
            found = routing.why(session, tcn, now=datetime.now(UTC))
            assert found.agrees
            last = found.repositories[0].steps[-1].recorded
            # Whatever was decided after the switch was not searched; what was searched then was thrown away.
            assert (last.verdict == "search") == (last.registry_version < off_at)
            assert bool(heard[tcn].repositories) == (last.verdict == "search")


def test_a_kiosk_reports_the_charge_and_what_was_parked_is_searched(site, county, until):
    agree(county, "criminal", answer=Answer.FIRST)
    agree(county, "immigration", charge_classes=(ChargeClass.FELONY,))
    site.matcher(*BY_RULE)
    peer = site.peer("kiosk-1", DOWN)
    tcn = send(peer)
    until(lambda: tcn in replies(peer))
    assert [one.name for one in replies(peer)[tcn].repositories] == ["criminal"]
    report = DispositionReported(
        device="kiosk-1", tcn=tcn, charge_class=ChargeClass.FELONY, reported_at=datetime.now(UTC)
    )
    peer.say(up("kiosk-1", Up.EVENT), encode_message(report))
    until(lambda: len(site.submissions.searches(tcn)) == 2)
    assert [str(s.colour) for s in site.submissions.searches(tcn)] == ["red", "red"]


def test_a_matcher_without_settings_searches_nothing_for_nobody(site, county, until):
    """The default is the register, and an agency that is not in it is told so."""
    agree(county, "criminal", answer=Answer.FIRST)
    site.matcher("routing.mode=rules")
    peer = site.peer("kiosk-1", DOWN)
    tcn = send(peer)
    until(lambda: tcn in replies(peer))
    assert replies(peer)[tcn].not_searched == ("criminal", "immigration")
    with site.database.read() as session:
        codes = set(session.scalars(select(RoutingDecision.reason_code)))
    assert codes == {"unknown_agency"}


def test_everything_is_said_loudly(site):
    matcher = site.matcher()
    assert "the rules of sharing are NOT in force" in matcher.output()


@pytest.mark.parametrize("allowed", [True, False])
def test_images_come_from_a_kiosk_where_the_rule_says_so_and_are_erased_there_either_way(
    site, county, until, allowed
):
    agree(county, "criminal", answer=Answer.FIRST, images=allowed)
    site.matcher(*BY_RULE)
    picture = encode_image(np.random.default_rng(1).integers(0, 16, (288, 256), np.uint8) * 17, dpi=500.0)
    submission = made_up_submission("kiosk-1", fingers(7))
    prints = [
        one.model_copy(update={"image_sha256": sha256(picture).hexdigest()}) for one in submission.prints
    ]
    spool = site.spool()
    images = ImageStore(images_path(spool.path), vault=spool.vault)
    assert images.keep(submission.tcn, dict.fromkeys(range(len(prints)), picture))
    spool.add(submission.tcn, encode_message(submission.model_copy(update={"prints": tuple(prints)})))
    peer = site.peer("looks", up("kiosk-1", Up.EVENT))
    site.edge("kiosk-1", "uplink.send_images=true")
    site.reply(submission.tcn)
    until(lambda: not images.waiting())
    images.close()
    with site.database.read() as session:
        number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == submission.tcn))
        assert image_numbers(session, number) == ([0, 1] if allowed else [])
        assert session.get(ImageOffer, number).repositories == ("criminal" if allowed else "")
    sent = [one for one in peer.received if b"image_sent" in one.payload]
    assert len(sent) == (2 if allowed else 0)
