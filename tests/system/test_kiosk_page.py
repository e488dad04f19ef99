"""The kiosk's page in a real browser: the officer's whole way, on an emulated sensor and a real broker.

One long file on purpose: one officer's way, with everything that can happen on it.
"""

import importlib.util
import re
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from edge_service.kiosk.catalogue import catalogue
from edge_service.spool import Spool, SpoolState
from hardware.bench.process import ChildProcess
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from interchange.messages import CaptureFault, CaptureProblem, Colour

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

# A file beside this one; the tests are no package.
_spec = importlib.util.spec_from_file_location("kiosk_stand", Path(__file__).with_name("kiosk_stand.py"))
kiosk_stand = importlib.util.module_from_spec(_spec)
sys.modules["kiosk_stand"] = kiosk_stand
_spec.loader.exec_module(kiosk_stand)
from kiosk_stand import (  # noqa: E402 - from the file that was just loaded
    LARGE,
    PIN,
    SMALL,
    officer_at,
    prints,
    smeared,
    stand,
    users,
    wait_until,
)

__all__ = ["officer_at", "prints", "stand", "users"]  # fixtures

BLANK = np.full((288, 256), 255, np.uint8)
MOST_TAPS = 12


def words(officer, key, **facts):
    return catalogue(officer.language)[key].format(**facts)


@pytest.mark.parametrize(("size", "language"), [(SMALL, "en"), (SMALL, "es"), (LARGE, "en"), (LARGE, "es")])
def test_the_whole_way(stand, officer_at, prints, size, language):
    """Every step, with what can go wrong on it; each looked at for size, contrast, names and cut-off text."""
    stand.start()
    centre = stand.centre()
    centre.colours = {"criminal": Colour.RED, "immigration": Colour.YELLOW, "state": Colour.GREEN}
    officer = officer_at(size, language)
    page = officer.page

    officer.step("locked")
    page.wait_for_selector("#status-sensor[data-state=ok]")
    page.wait_for_selector("#status-broker[data-state=ok]")
    officer.picture("locked")
    officer.type_pin("111222")
    officer.at("#unlock-problem:not(:empty)")
    assert page.inner_text("#unlock-problem") == words(officer, "unlock.wrong")
    officer.check_layout("wrong code")
    officer.type_pin()
    officer.step("home")
    officer.picture("home")

    officer.tap("#new")
    officer.step("form")
    officer.tap("#form-next")
    assert page.inner_text("#number-problem") == words(officer, "form.number_missing")
    assert page.inner_text("#charge-problem") == words(officer, "form.charge_missing")
    officer.check_layout("form with problems")
    officer.tap("[data-keys-for=number] [data-key=layout]")
    officer.check_layout("letters")
    officer.tap("[data-keys-for=number] [data-key=B]")
    officer.tap("[data-keys-for=number] [data-key=layout]")
    for key in "-417":
        officer.tap(f'[data-keys-for=number] [data-key="{key}"]')
    page.locator("input[value=misdemeanor]").tap()
    page.locator("input[value=charged]").tap()
    officer.picture("form")
    officer.tap("#form-next")

    officer.step("plan")
    assert page.inner_text("#plan-start") == words(officer, "plan.start", count=4)
    officer.tap("#plan-back")
    officer.step("form")
    assert page.input_value("#number") == "B-417"
    officer.tap("#form-next")
    officer.step("plan")
    page.locator("input[value=bandaged]").tap()
    officer.tap("#plan-9")
    page.locator("input[value=missing]").tap()
    officer.tap("#plan-10")
    assert page.get_attribute("#plan-10", "aria-label") == words(
        officer, "finger.with_state", finger=words(officer, "finger.10"), state=words(officer, "plan.missing")
    )
    officer.picture("plan")
    officer.tap("#plan-start")

    officer.step("capture")
    officer.phase("press")
    assert page.inner_text("#finger-name") == words(officer, "finger.2")
    officer.picture("press")
    officer.tap("#leave-out")
    officer.at("#ask-reason")
    officer.picture("reason")
    page.tap("#ask-reason [data-close]")
    officer.tap("#step-capture [data-cancel]")
    officer.check_layout("cancel?")
    page.tap("#ask-cancel [data-close]")

    officer.give(BLANK)
    assert page.inner_text("#verdict-word") == words(officer, "capture.none")
    assert page.inner_text("#reason") == words(officer, "reason.nothing")
    assert page.is_hidden("#accept")
    officer.check_layout("no print")
    officer.tap("#again")
    officer.give(smeared(prints[0]))
    assert page.inner_text("#verdict-word") == words(officer, "capture.poor")
    assert page.inner_text("#reason") == words(officer, "reason.too_wet")
    officer.at("#print-image")
    officer.picture("poor")
    officer.tap("#again")
    officer.give(prints[0])
    assert page.inner_text("#verdict-word") == words(officer, "capture.good")
    assert page.is_hidden("#again")  # that was the third
    officer.at("#print-image")
    officer.picture("good")
    officer.tap("#accept")
    for image in prints[1:]:
        officer.give(image)
        officer.tap("#accept")

    officer.step("result")
    page.wait_for_selector(".answer >> nth=2")
    officer.picture("result")
    kinds = page.eval_on_selector_all(".answer", "rows => rows.map((row) => row.dataset.kind)")
    assert kinds == ["strong", "possible", "none"]
    shapes = page.eval_on_selector_all(
        ".answer svg path", "paths => paths.map((path) => path.getAttribute('d'))"
    )
    colours = page.eval_on_selector_all(
        ".answer", "rows => rows.map((row) => getComputedStyle(row).backgroundColor)"
    )
    texts = page.eval_on_selector_all(".answer strong", "rows => rows.map((row) => row.textContent)")
    assert len(set(shapes)) == len(set(colours)) == len(set(texts)) == 3
    assert page.inner_text("#meaning-title + p") == words(officer, "meaning.is")
    assert page.is_visible(".meaning h3")
    assert centre.submissions[0].prints[0].position == 2
    assert len(centre.submissions[0].prints) == 4

    officer.tap("#done")
    officer.step("home")
    page.wait_for_selector("#recent button")
    assert "B-417" in page.inner_text("#recent")
    officer.check_layout("home with a booking")
    officer.tap("#recent button")
    officer.step("result")
    officer.tap("#done")
    officer.step("home")
    assert officer.errors == []
    assert "/api/" not in stand.kiosk.output()


def test_four_good_fingers_take_at_most_twelve_taps(stand, officer_at, prints):
    """From the lock to the end, each finger accepted by hand. PIN and number are typed, or as here scanned."""
    stand.start()
    stand.centre()
    officer = officer_at()
    officer.unlock()
    officer.book(prints)
    assert officer.taps <= MOST_TAPS
    assert officer.taps == 10


def test_through_the_sensor_board(stand, officer_at, prints):
    """The board's own firmware between sensor and kiosk; when its lid is opened, the page sends for a technician."""
    board = stand.open.enter_context(VirtualBoard(stand.sensor, folder=stand.folder / "flash", lid_open=True))
    pair(board, stand.folder / "board-pairing.json")
    pages = kiosk_stand.free_port()
    stand.start("sensor.through=board", f"sensor.port={board.path}", f"ops.port={pages}")
    stand.centre()
    officer = officer_at()
    officer.unlock()
    officer.book(prints)
    figures = f"http://127.0.0.1:{pages}/metrics"
    told = urllib.request.urlopen(figures, timeout=10).read().decode()
    # Asked for before each finger, and by the look at the sensor while nobody is booked.
    assert float(re.search(r"^whorl_edge_board_images_total (\S+)$", told, re.MULTILINE)[1]) >= 3
    assert "whorl_edge_board_trusted 1.0" in told
    board.open_lid()
    officer.fill_in(number="B-2")
    officer.tap("#plan-start")
    officer.phase("trouble")
    assert "technician" in officer.page.inner_text("main").lower()
    assert b"whorl_edge_board_trusted 0.0" in urllib.request.urlopen(figures, timeout=10).read()


def test_good_fingers_go_on_by_themselves(stand, officer_at, prints):
    stand.start("kiosk.accept_good_after_s=0.3")
    stand.centre()
    officer = officer_at()
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    for image in prints:
        officer.phase("press")
        stand.put(image)
        officer.page.wait_for_function("() => document.getElementById('print').dataset.phase !== 'press'")
    officer.step("result")
    officer.tap("#done")
    officer.step("home")
    assert officer.taps == 6


def test_by_keyboard_alone(stand, officer_at, prints):
    """Tab, Space, arrows and Enter reach everything, and the focus can be seen all the way."""
    stand.start()
    stand.centre()
    officer = officer_at()
    page, keys = officer.page, officer.page.keyboard

    def tab_to(selector):
        for _ in range(60):
            if page.evaluate("(s) => document.activeElement?.matches(s)", selector):
                outline = page.evaluate(FOCUS_IS_SEEN)
                assert outline, f"the focus on {selector} cannot be seen"
                return
            keys.press("Tab")
        raise AssertionError(f"no way to {selector}")

    officer.step("locked")
    keys.type(PIN)
    tab_to("#unlock-form [type=submit]")
    keys.press("Enter")
    officer.step("home")
    tab_to("#new")
    keys.press("Enter")
    officer.step("form")
    tab_to("#number")
    keys.type("b-99")
    keys.press("Enter")  # as a scanner ends: on to the charge
    tab_to("[name=charge_class]")
    keys.press("ArrowDown")
    tab_to("[name=disposition]")
    keys.press("Space")
    tab_to("#form-next")
    keys.press("Enter")
    officer.step("plan")
    tab_to("#plan-8")
    keys.press("Space")  # left out
    tab_to("[name=brush]")
    keys.press("ArrowRight")  # missing
    for _ in range(9):
        keys.press("Shift+Tab")
    tab_to("#plan-3")
    keys.press("Enter")
    tab_to("#plan-start")
    assert page.inner_text("#plan-start") == words(officer, "plan.start", count=2)
    keys.press("Enter")
    officer.step("capture")
    for image in prints[:2]:
        officer.give(image)
        tab_to("#accept")
        keys.press("Enter")
    officer.step("result")
    page.wait_for_selector(".answer")
    tab_to("#done")
    keys.press("Enter")
    officer.step("home")
    assert officer.errors == []


FOCUS_IS_SEEN = """() => {
  const element = document.activeElement;
  const seen = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  if (seen(getComputedStyle(element))) return true;
  const skin = element.querySelector?.(".skin");
  if (skin && parseFloat(getComputedStyle(skin).strokeWidth) >= 4) return true;
  const around = [...(element.labels ?? [])].flatMap((label) => [label, ...label.children]);
  return around.some((other) => seen(getComputedStyle(other)));
}"""


def test_what_is_happening_is_said_to_those_who_listen(stand, officer_at, prints):
    stand.start()
    stand.centre()
    officer = officer_at()
    page = officer.page
    assert page.get_attribute("#announce", "aria-live") == "polite"
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.phase("press")
    assert words(officer, "finger.2") in page.text_content("#announce")
    officer.give(smeared(prints[0]))
    assert words(officer, "reason.too_wet") in page.text_content("#announce")
    assert page.evaluate("() => document.activeElement.tagName") != "BODY"


def test_the_image_arrives_live_and_leaves_with_the_booking(stand, officer_at, prints):
    """Progress while it comes; afterwards no address, no copy in the page, and none at the service."""
    stand.start()
    stand.centre()
    officer = officer_at()
    page = officer.page
    page.add_init_script(WATCH_BITMAPS)
    page.reload()
    keys = []
    page.on("response", lambda answer: keys.append(answer.url) if "/picture/" in answer.url else None)
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    for number, image in enumerate(prints):
        officer.give(image)
        officer.at("#print-image")
        assert page.evaluate("() => made - ended") == 0
        assert page.evaluate("() => document.getElementById('print-image').width") == 256
        assert page.evaluate(GREY_LEVELS) > 8
        if number < 3:
            officer.tap("#accept")
    kept = keys[-1]
    assert page.evaluate("(url) => fetch(url).then((a) => a.status)", kept) == 200
    officer.tap("#accept")
    officer.step("result")
    assert page.evaluate("() => [made, made - ended]") == [4, 0]
    assert page.evaluate(GREY_LEVELS) == 0
    assert page.get_attribute("#print-image", "aria-label") is None
    for key in set(keys):
        answer = page.evaluate(
            "(url) => fetch(url).then((a) => [a.status, a.headers.get('cache-control')])", key
        )
        assert answer == [404, "no-store"]
    assert page.evaluate("() => [localStorage.length, sessionStorage.length]") == [0, 0]


WATCH_BITMAPS = """
  window.made = 0; window.ended = 0;
  const make = window.createImageBitmap, close = ImageBitmap.prototype.close;
  window.createImageBitmap = (blob) => { window.made += 1; return make.call(window, blob); };
  ImageBitmap.prototype.close = function () { window.ended += 1; return close.call(this); };
"""
GREY_LEVELS = """() => {
  const shown = document.getElementById("print-image");
  if (!shown.width) return 0;
  return new Set(shown.getContext("2d").getImageData(0, 0, shown.width, shown.height).data).size;
}"""


def test_killed_in_mid_booking_it_comes_back_by_itself(stand, officer_at, prints):
    """The page says so, and goes on where the booking was: the fingers are taken again, nothing else."""
    stand.start()
    stand.centre()
    officer = officer_at()
    page = officer.page
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.give(prints[0])
    officer.tap("#accept")
    officer.phase("press")
    stand.kiosk.kill()
    officer.at("#gone")
    officer.picture("gone")
    stand.start()
    officer.step("capture")
    officer.phase("press")
    assert page.inner_text("#finger-name") == words(officer, "finger.2")
    assert page.inner_text("#notice") == words(officer, "notice.restarted")
    officer.check_layout("restarted")
    for image in prints:
        officer.give(image)
        officer.tap("#accept")
    officer.step("result")
    page.wait_for_selector(".answer")
    # killed once more, now that it is saved: the result is still there, and nothing is sent twice
    stand.kiosk.kill()
    officer.at("#gone")
    stand.start()
    officer.step("result")
    assert page.inner_text("#result-title") == words(officer, "result.title", number="B-2026-0417")
    officer.tap("#done")
    officer.step("home")
    stand.kiosk.stop()
    with Spool(stand.folder / "spool.db", device="kiosk-1") as spool:
        assert [entry.state for entry in spool.entries()] == [SpoolState.REPLIED]


def test_without_the_centre_it_is_saved_and_the_reply_comes_later(stand, officer_at, prints):
    stand.start()
    stand.broker.stop()
    officer = officer_at()
    page = officer.page
    officer.unlock()
    page.wait_for_selector("#status-broker[data-state=bad]")
    officer.fill_in()
    officer.tap("#plan-start")
    for image in prints:
        officer.give(image)
        officer.tap("#accept")
    officer.step("result")
    assert page.inner_text("#waiting") == words(officer, "result.saved")
    page.wait_for_function("() => document.getElementById('status-queue').textContent.includes('1')")
    officer.picture("queued")
    officer.tap("#done")
    officer.step("home")
    stand.broker.start()
    centre = stand.centre()
    centre.colours = {"criminal": Colour.YELLOW, "immigration": Colour.YELLOW}
    centre.failed = {"immigration"}
    page.wait_for_selector('#recent [data-shape="possible"]')
    officer.picture("later")
    officer.tap("#recent button")
    officer.step("result")
    kinds = page.eval_on_selector_all(".answer", "rows => rows.map((row) => row.dataset.kind)")
    assert kinds == ["possible", "unsearched"]
    officer.check_layout("not searched")


def test_slips_at_the_sensor_are_said(stand, officer_at, prints):
    stand.start()
    centre = stand.centre()
    centre.answers = False
    officer = officer_at()
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    for image in prints:
        officer.give(image)
        officer.tap("#accept")
    officer.step("result")
    wait_until(lambda: centre.submissions)
    problem = CaptureProblem(fault=CaptureFault.HANDS_SWAPPED, positions=(2, 7), advice="Take them again.")
    centre.reply(centre.submissions[0], capture_problems=(problem,))
    officer.page.wait_for_selector("#slips li")
    assert "right index finger, left index finger" in officer.page.inner_text("#slips")
    officer.check_layout("slips")


def test_the_sensor_is_pulled_out_and_put_back(stand, officer_at, prints):
    stand.start()
    stand.centre()
    officer = officer_at()
    page = officer.page
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.phase("press")
    stand.sensor.unplug()
    officer.phase("trouble")
    assert page.inner_text("#instruction") == words(officer, "trouble.unplugged")
    page.wait_for_selector("#status-sensor[data-state=bad]")
    officer.picture("trouble")
    stand.sensor.replug()
    officer.tap("#again")
    officer.give(prints[0])
    assert page.inner_text("#verdict-word") == words(officer, "capture.good")


def test_left_alone_it_warns_then_locks_and_drops_the_prints(stand, officer_at, prints):
    stand.start("kiosk.idle_lock_s=6", "kiosk.accept_good_after_s=0")
    stand.centre()
    officer = officer_at()
    page = officer.page
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.give(prints[0])
    officer.at("#stay")
    officer.check_layout("about to lock")
    officer.step("locked")
    assert page.evaluate(GREY_LEVELS) == 0
    officer.scan("KX-20417")
    officer.step("plan")
    assert page.inner_text("#notice") == words(officer, "notice.prints_dropped")


def test_nobody_may_unlock_it_yet(tmp_path, chromium, officer_at, stand):
    (stand.folder / "kiosk-users.json").unlink()
    stand.start()
    officer = officer_at()
    officer.step("locked")
    assert "kiosk-users add" in officer.page.inner_text("#unlock-problem")


def test_reduced_motion_stops_the_animations(stand, officer_at):
    stand.start()
    officer = officer_at(reduced_motion="reduce")
    officer.unlock()
    officer.fill_in()
    officer.tap("#plan-start")
    officer.phase("press")
    assert officer.page.evaluate("() => document.getAnimations().length") == 0


def test_a_real_matcher_finds_who_was_booked_before(stand, officer_at, prints, tmp_path):
    """No stand-in at the centre: a matcher's process, asked twice about the same four fingers."""
    from matcher_service.repositories import Database, NewPrint, Repositories

    url = f"sqlite:///{tmp_path}/matcher.db"
    database = Database(url)
    repositories = Repositories(database)
    repositories.create("criminal")
    command = [sys.executable, "-m", "matcher_service", "run"]
    command += ["--set", f"broker.port={stand.broker.port}", "--set", f"database.url={url}"]
    command += ["--set", "routing.mode=everything"]
    matcher = ChildProcess(command, name="the matcher", log=tmp_path / "matcher.log")
    stand.open.callback(matcher.kill)
    matcher.wait_for("msg=ready", timeout_s=120)
    stand.start()
    officer = officer_at()
    officer.unlock()
    for kind in ("none", "strong"):
        officer.fill_in(number=f"B-{kind}")
        officer.tap("#plan-start")
        for image in prints:
            officer.give(image)
            officer.tap("#accept")
        officer.step("result")
        officer.page.wait_for_selector(f'.answer[data-kind="{kind}"]')
        if kind == "none":
            with Spool(stand.folder / "spool.db", device="kiosk-1") as spool:
                tcn = spool.entries()[0].tcn
            from interchange.messages import Submission, decode_message
            from matcher_service.retention import payload_of

            with database.read() as session:
                payload = payload_of(session, 1)

            submission = decode_message(Submission, payload)
            assert submission.tcn == tcn
            found = [NewPrint(p.position, p.finger_quality, p.template) for p in submission.prints]
            repositories.enroll("criminal", found)
        officer.tap("#done")
        officer.step("home")
    database.close()
    assert not re.search(r"B-none|KX-20417", stand.kiosk.output())
