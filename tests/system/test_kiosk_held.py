"""The kiosk's page when a saved booking has stopped on its way: held, not delivered in time, damaged on the card."""

import importlib.util
import sqlite3
from pathlib import Path

import pytest

from edge_service.kiosk.catalogue import catalogue
from interchange.link_protocol import Outgoing
from interchange.messages import Ack, AckStatus, Reason, encode_message

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

# A file beside this one; the tests are no package.
_spec = importlib.util.spec_from_file_location("kiosk_stand", Path(__file__).with_name("kiosk_stand.py"))
kiosk_stand = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kiosk_stand)
LARGE, SMALL = kiosk_stand.LARGE, kiosk_stand.SMALL
officer_at, prints = kiosk_stand.officer_at, kiosk_stand.prints
stand, users = kiosk_stand.stand, kiosk_stand.users

CALL = "the help desk, 555-0100"
# Words that come from elsewhere are words, whatever they look like.
HOSTILE = "the certificate of 'kiosk-1' was revoked <img src=x onerror=document.title='gone'>"
REASON = (
    "'kiosk-1' was revoked on 2026-11-02: ask the centre for a code, then run at the kiosk:"
    " edge-service provision CODE"
)


def words(officer, key, **facts):
    return catalogue(officer.language)[key].format(**facts)


def distrust(centre, reason):
    """From now on the centre refuses the seal of whatever this kiosk sends."""

    def acknowledge(tcn):
        ack = Ack(tcn=tcn, status=AckStatus.REFUSED, reason=Reason(field="seal", reason=reason))
        centre.link.publish(Outgoing(topic="fp/v1/kiosk-1/down/ack", payload=encode_message(ack)))

    centre.acknowledge, centre.answers = acknowledge, False


def trust(centre):
    centre.acknowledge, centre.answers = type(centre).acknowledge.__get__(centre), True


def book_one(officer, image):
    officer.fill_in()
    officer.tap("#plan-start")
    officer.give(image)
    officer.tap("#accept")
    officer.step("result")


@pytest.mark.parametrize(("size", "reason"), [(SMALL, REASON), (LARGE, HOSTILE)])
def test_a_booking_that_the_centre_holds_is_shown_and_goes_on(stand, officer_at, prints, size, reason):
    """In words, shape and colour, in both languages; and once the centre trusts the kiosk the reply comes."""
    stand.start("kiosk.positions=[2]", f'kiosk.call="{CALL}"')
    centre = stand.centre()
    distrust(centre, reason)
    officer = officer_at(size)
    page = officer.page
    officer.unlock()
    book_one(officer, prints[0])
    page.wait_for_selector("#waiting[data-stopped=held]")
    assert page.inner_text("#waiting span") == words(officer, "result.held", who=CALL)
    assert page.inner_text("#waiting small") == words(officer, "result.held_reason", reason=reason)
    assert page.eval_on_selector_all("#waiting img", "found => found.length") == 0
    assert page.get_attribute("#waiting svg", "data-shape") == "held"
    assert page.title() != "gone"
    reached = "items => items.filter((item) => item.dataset.reached === 'true').length"
    assert page.eval_on_selector_all("#journey li", reached) == 2  # saved, sent
    page.wait_for_selector("#status-queue[data-state=bad]")
    assert page.inner_text("#status-queue") == words(officer, "status.queue.held", count=1, held=1)
    officer.picture("held")
    page.tap("#language")
    officer.language = "es"
    page.wait_for_function("(text) => document.querySelector('#waiting span').textContent === text",
                           arg=words(officer, "result.held", who=CALL))  # fmt: skip
    officer.picture("held")
    officer.tap("#done")
    officer.step("home")
    page.wait_for_selector('#recent [data-shape="held"]')
    assert words(officer, "answer.held") in page.inner_text("#recent")
    officer.picture("home-held")
    trust(centre)
    stand.broker.stop()
    stand.broker.start()  # at the next connection it is sent again
    page.wait_for_selector('#recent [data-shape="none"]')
    page.wait_for_selector("#status-queue[data-state=ok]")
    assert len(centre.submissions) >= 2
    assert len({submission.tcn for submission in centre.submissions}) == 1
    assert officer.errors == []


@pytest.mark.parametrize("state", ["expired", "damaged"])
def test_a_booking_that_will_not_arrive_says_so(stand, officer_at, prints, state):
    stand.start("kiosk.positions=[2]")
    stand.broker.stop()
    officer = officer_at()
    page = officer.page
    officer.unlock()
    book_one(officer, prints[0])
    assert page.inner_text("#waiting") == words(officer, "result.saved")
    stand.kiosk.stop()
    with sqlite3.connect(stand.folder / "spool.db") as spool:
        spool.execute("UPDATE submission SET state = ?, expires_ms = 1", (state,))
    spool.close()
    stand.start("kiosk.positions=[2]")
    page.wait_for_selector(f"#waiting[data-stopped={state}]")
    whom = words(officer, "call.somebody")
    assert page.inner_text("#waiting span") == words(officer, f"result.{state}", who=whom)
    officer.check_layout(state)
    officer.tap("#done")
    officer.step("home")
    page.wait_for_selector(f'#recent [data-shape="{state}"]')
    officer.check_layout(f"home, {state}")
