"""The kiosk's page when a repository answers after review: to follow, come, and taken back."""

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest

from edge_service.kiosk.catalogue import catalogue
from interchange.link_protocol import Outgoing
from interchange.messages import Colour, Reply, RepositoryReply, encode_message

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

# A file beside this one; the tests are no package.
_spec = importlib.util.spec_from_file_location("kiosk_stand", Path(__file__).with_name("kiosk_stand.py"))
kiosk_stand = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kiosk_stand)
officer_at, prints = kiosk_stand.officer_at, kiosk_stand.prints
stand, users = kiosk_stand.stand, kiosk_stand.users


def second(centre, *, after_s, **said):
    submission = centre.submissions[0]
    reply = Reply(
        tcn=submission.tcn,
        stage="second",
        answered_at=submission.captured_at.clock + timedelta(seconds=after_s),
        timings_ms={},
        words="x",
        **({"repositories": ()} | said),
    )
    centre.link.publish(Outgoing(topic="fp/v1/kiosk-1/down/reply", payload=encode_message(reply)))


def test_a_second_response_is_shown_as_it_comes_and_as_it_is_taken_back(stand, officer_at, prints):
    """In words, shape and colour, in both languages, without anybody touching the page."""
    stand.start("kiosk.positions=[2]")
    centre = stand.centre()
    centre.answers = False
    officer = officer_at(kiosk_stand.SMALL)
    page = officer.page
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.give(prints[0])
    officer.tap("#accept")
    officer.step("result")
    page.wait_for_function("() => document.querySelectorAll('#journey [data-reached=true]').length === 3")
    centre.reply(centre.submissions[0], to_follow=("immigration",))

    def shown(kind):
        page.wait_for_selector(f'.answer[data-second="{kind}"]')
        row = f'.answer[data-second="{kind}"]'
        words = catalogue(officer.language)
        assert page.inner_text(f"{row} strong") == words[f"second.{kind}"]
        assert page.inner_text(f"{row} .words") == words[f"second.{kind}.words"]
        assert page.get_attribute(f"{row} svg", "data-shape") == kind
        assert words[f"second.{kind}"] in page.inner_text("#announce")
        officer.picture(f"second_{kind}")
        officer.check_layout(kind)

    shown("to_follow")
    assert page.inner_text("#result-note") != ""
    second(centre, after_s=1, repositories=(RepositoryReply(name="immigration", colour=Colour.RED),))
    shown("match")
    page.tap("#language")
    officer.language = "es"
    shown("match")
    second(centre, after_s=2, taken_back=("immigration",))
    shown("taken_back")
    assert page.query_selector('.answer[data-second="match"]') is None
    assert (
        page.get_attribute(".answer[data-kind]", "data-kind") == "none"
    )  # the first answer stands as it was
    officer.tap("#done")
    officer.step("home")
    page.wait_for_selector('#recent [data-shape="taken_back"]')
