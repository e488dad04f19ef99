"""The second response with a real broker, a real matcher and a real kiosk's service: told, kept, taken back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from interchange.messages import Colour, Reply, decode_message
from matcher_service import cases
from matcher_service.cases.responding import Finding, store
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register

pytestmark = pytest.mark.system

COUNTY, ORI = "US-MO-019", "MO0100000"


@pytest.fixture
def county(site):
    site.enroll("immigration", 7)
    register = Register(site.database)
    places = RegisterContent(
        jurisdictions=(
            JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
            JurisdictionEntry(code=COUNTY, kind="county", fips="29019", name="Boone County", parent="US-MO"),
        ),
        agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=COUNTY),),
    )
    register.bring(places, source="x", by="system:test")
    entry = ActivationEntry(
        jurisdiction=COUNTY, repository="immigration", from_at=datetime.now(UTC),
        conditions=Conditions(answer=Answer.SECOND), signed_by="Sheriff", document_sha256="ab" * 32, reason="agreed",
    )  # fmt: skip
    register.enter_agreed([entry], by="one", approved_by="two")
    return register


def seconds(site, tcn):
    return [decode_message(Reply, one) for one in site.spool().entry(tcn).seconds]


def test_a_second_response_reaches_a_kiosk_that_was_away_and_is_taken_back(site, county, until):
    site.matcher("routing.mode=rules", f"routing.devices.kiosk-1={ORI}")
    kiosk = site.edge()
    stranger, known = site.save(8), site.save(7)
    first = site.reply(stranger)
    assert (first.stage, first.repositories, first.to_follow) == ("first", (), ("immigration",))
    # Nothing was found: that is said at once, in second place.
    until(lambda: seconds(site, stranger))
    [reply] = seconds(site, stranger)
    assert [(one.name, one.colour) for one in reply.repositories] == [("immigration", Colour.GREEN)]
    # Something was: the kiosk hears nothing of it until examiners are done.
    site.reply(known)
    with site.database.read() as session:
        number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == known))
        task = until(lambda: session.scalar(select(ReviewTask).where(ReviewTask.submission_id == number)))
    assert seconds(site, known) == []
    kiosk.kill()
    with site.database.write() as session:
        session.execute(update(ReviewTask).where(ReviewTask.id == task.id).values(state="inconclusive"))
    looking = cases.SecondResponses(site.database)
    until(lambda: looking.of(known))
    site.edge()
    until(lambda: seconds(site, known))
    assert seconds(site, known)[0].repositories[0].colour is Colour.YELLOW
    until(lambda: not looking.untold())  # and the matcher knows that it has it
    with site.database.write() as session:
        store(session, number, task.repository_id, Finding.TAKEN_BACK, now=datetime.now(UTC))
    until(lambda: len(seconds(site, known)) == 2)
    assert seconds(site, known)[1].taken_back == ("immigration",)
    assert len(seconds(site, stranger)) == 1
