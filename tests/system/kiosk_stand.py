"""What the tests of the kiosk's page share: a kiosk as a process, fingers for its sensor, and a browser before it."""

import contextlib
import os
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_service.kiosk.users import Users
from hardware.bench.broker import Broker
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import fit_to_window
from hardware.bench.process import ChildProcess
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.messages import (
    Ack,
    AckStatus,
    Colour,
    Reply,
    RepositoryReply,
    Submission,
    decode_message,
    encode_message,
)
from interchange.settings import BrokerSettings

SMALL, LARGE = (800, 480), (1280, 800)
PIN, BADGE = "493817", "KX-20417"
PATIENCE_MS = 30_000
# With a folder here, every test that passes a step worth showing leaves a picture of it.
PICTURES = os.environ.get("KIOSK_PICTURES")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def good_prints(count):
    """Synthetic prints, nobody's, as the sensor's window sees them."""
    from models.synthetic import impression, master

    return [fit_to_window(impression(master(300 + k), 2), width=256, height=288) for k in range(count)]


def smeared(print_):
    """Too wet: the ridges run together."""
    wide = np.minimum(print_, np.roll(print_, 6, 0))
    return np.minimum(wide, np.roll(wide, 2, 1))


class Centre:
    """Plays the matcher: acknowledges what it is told to and answers as it is told to."""

    def __init__(self, port, device):
        self.device = device
        self.submissions = []
        self.colours = {"criminal": Colour.GREEN}
        self.failed = set()
        self.answers = True
        self._up = threading.Event()
        self.link = Link(
            broker=BrokerSettings(port=port, session_expiry_s=0),
            client_id="centre",
            subscriptions=[f"fp/v1/{device}/up/submission"],
            handler=self,
        )
        self.link.start()
        assert self._up.wait(10)

    def on_message(self, message):
        submission = decode_message(Submission, message.payload)
        self.submissions.append(submission)
        self.acknowledge(submission.tcn)
        if self.answers:
            self.reply(submission)

    def acknowledge(self, tcn):
        ack = Ack(tcn=tcn, status=AckStatus.ACCEPTED)
        self.link.publish(Outgoing(topic=f"fp/v1/{self.device}/down/ack", payload=encode_message(ack)))

    def reply(self, submission, **more):
        repositories = tuple(
            RepositoryReply(
                name=name,
                colour=colour,
                candidates=("c_AAAAAAAAAAAAAAAAAAAAAA",)
                if colour is not Colour.GREEN and name not in self.failed
                else (),
                failed=name in self.failed,
            )
            for name, colour in self.colours.items()
        )
        reply = Reply(
            tcn=submission.tcn,
            answered_at=submission.captured_at.clock,
            repositories=repositories,
            timings_ms={"total": 12.0},
            **more,
        )
        self.link.publish(Outgoing(topic=f"fp/v1/{self.device}/down/reply", payload=encode_message(reply)))

    def make_will(self):
        return None

    def make_farewell(self):
        return None

    def on_connected(self):
        self._up.set()

    def on_disconnected(self, reason):
        pass

    def on_puback(self, verdict):
        pass

    def on_tick(self):
        pass


class Stand:
    """A kiosk at its desk: broker, sensor, the kiosk's process, perhaps a centre."""

    def __init__(self, folder, *, speed=0.0, users=None):
        self.folder = folder
        self.port = free_port()
        self.open = contextlib.ExitStack()
        self.broker = self.open.enter_context(Broker(folder / "broker"))
        self.sensor = self.open.enter_context(
            SensorEmulator("R307", auto_next=True, speed=speed, baud=115_200)
        )
        if users is not None:
            shutil.copy(users, folder / "kiosk-users.json")
        self.kiosk = None

    def start(self, *settings):
        """Start the kiosk's service, again if it was killed."""
        words = [
            "device=kiosk-1",
            f"broker.port={self.broker.port}",
            f"spool.path={self.folder}/spool.db",
            "sensor.through=uart",
            f"sensor.port={self.sensor.path}",
            "sensor.model=R307",
            f"kiosk.port={self.port}",
            "broker.backoff_min_s=0.1",
            "broker.backoff_max_s=0.5",
            "uplink.nobody_listens_retry_s=0.2",
            *settings,
        ]
        command = [sys.executable, "-m", "edge_service", "kiosk"]
        command += [word for setting in words for word in ("--set", setting)]
        self.kiosk = ChildProcess(command, name="the kiosk", log=self.folder / "kiosk.log")
        self.open.callback(self.kiosk.kill)
        self.kiosk.wait_for("msg=ready", timeout_s=60)
        return self

    def centre(self):
        centre = Centre(self.broker.port, "kiosk-1")
        self.open.callback(centre.link.stop)
        return centre

    def put(self, image):
        """Lay a finger on the sensor."""
        self.sensor.enqueue([image])
        self.sensor.next_finger()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


class Officer:
    """Taps on the page, and counts."""

    def __init__(self, page, stand, language="en"):
        self.page = page
        self.stand = stand
        self.language = language
        self.taps = 0
        self.errors = []
        self.seen = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message):
        # A connection that breaks because the service was killed, and an answer that says no, are no mistakes.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def tap(self, selector):
        self.taps += 1
        self.page.tap(selector)

    def at(self, selector):
        self.page.wait_for_selector(f"{selector}:visible", timeout=PATIENCE_MS)

    def step(self, name):
        self.at(f"#step-{name}")
        self.page.wait_for_selector("#gone", state="hidden", timeout=PATIENCE_MS)

    def phase(self, name):
        self.page.wait_for_selector(f'#print[data-phase="{name}"]', timeout=PATIENCE_MS)

    def scan(self, text):
        """A scanner: a keyboard that types fast and ends with Enter."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def type_pin(self, pin=PIN):
        for digit in pin:
            self.tap(f'#unlock-form [data-key="{digit}"]')
        self.tap("#unlock-form [type=submit]")

    def unlock(self):
        self.step("locked")
        self.scan(BADGE)
        self.step("home")

    def fill_in(self, number="B-2026-0417", charge="misdemeanor", disposition="charged"):
        self.tap("#new")
        self.step("form")
        self.scan(number)
        self.taps += 2
        self.page.locator(f"input[value={charge}]").tap()
        self.page.locator(f"input[value={disposition}]").tap()
        self.tap("#form-next")
        self.step("plan")

    def give(self, image):
        """One press, until its verdict."""
        self.phase("press")
        self.stand.put(image)
        self.phase("review")

    def book(self, images):
        """From the start page back to it: a form, the fingers, each accepted by hand, and the answer."""
        self.fill_in()
        self.tap("#plan-start")
        for image in images:
            self.give(image)
            self.tap("#accept")
        self.step("result")
        self.page.wait_for_selector(".answer")
        self.tap("#done")
        self.step("home")

    def picture(self, name):
        self.check_layout(name)
        if PICTURES:
            size = self.page.viewport_size
            self.page.wait_for_timeout(150)
            file = f"kiosk-{name}-{size['width']}-{self.language}.png"
            self.page.screenshot(path=Path(PICTURES) / file)

    def check_layout(self, name):
        """Nothing is cut off, all targets are large, all text stands out, and every field has a name."""
        found = self.page.evaluate(LAYOUT)
        assert found == [], (name, found)


# Looks at what is visible now; returns what is wrong in words.
LAYOUT = """() => {
  const wrong = [];
  const box = (element) => element.getBoundingClientRect();
  const label = (element) => element.id || element.className || element.textContent.trim().slice(0, 30);
  const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const dialog = document.querySelector("dialog[open]");
  const gone = document.querySelector("#gone:not([hidden])");
  const within = gone ?? dialog ?? document.body;
  const main = document.getElementById("main");
  const below = main.scrollHeight - main.clientHeight;
  if (below > 1) wrong.push(`main scrolls by ${below}`);
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is too wide");
  const targets = "button, input, label.choice, label.brush, .finger[role=button] .target";
  for (const target of within.querySelectorAll(targets)) {
    if (target.matches(".choice input, .brush input")) continue; // their labels are what is tapped
    if (!visible(target) || !target.getClientRects().length) continue;
    const { width, height, top, bottom, left, right } = box(target);
    if (width < 47.5 || height < 47.5) wrong.push(`${label(target)} is ${width.toFixed(0)} x ${height.toFixed(0)}`);
    const outside = top < -1 || left < -1 || bottom > innerHeight + 1 || right > innerWidth + 1;
    if (outside) wrong.push(`${label(target)} is cut off`);
  }
  for (const control of within.querySelectorAll("button, input, progress, [role=button], img:not([hidden])")) {
    if (!control.getClientRects().length) continue;
    const named = control.getAttribute("aria-label") || control.textContent.trim() || control.alt
      || [...(control.labels ?? [])].map((l) => l.textContent.trim()).join("");
    if (!named) wrong.push(`${label(control)} has no name`);
  }
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim()) continue;
    if (element.closest("svg, .sr-only, [hidden], noscript, script")) continue;
    if (dialog === null && element.closest("dialog")) continue;
    if (!visible(element) || !element.getClientRects().length) continue;
    let ground = element;
    while (ground && (parse(getComputedStyle(ground).backgroundColor)[3] === 0)) ground = ground.parentElement;
    const back = ground ? getComputedStyle(ground).backgroundColor : "rgb(255, 255, 255)";
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(parse(back))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`"${element.textContent.trim().slice(0, 30)}" has contrast ${ratio.toFixed(2)}`);
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow === "hidden"
      && getComputedStyle(element).textOverflow !== "ellipsis") wrong.push(`${label(element)} is cut`);
  }
  return wrong;
}"""


@pytest.fixture(scope="session")
def users(tmp_path_factory):
    users = Users(tmp_path_factory.mktemp("users") / "kiosk-users.json")
    users.add("d104", PIN, kind="pin")
    users.add("d104", BADGE, kind="badge")
    return users.path


@pytest.fixture(scope="session")
def prints():
    return good_prints(4)


@pytest.fixture
def stand(tmp_path, users):
    stand = Stand(tmp_path, users=users)
    with stand.open:
        yield stand


@pytest.fixture
def officer_at(chromium, stand):
    """Makes officers, each with a browser window of their own."""
    with contextlib.ExitStack() as windows:

        def make(size=SMALL, language="en", **more):
            context = chromium.new_context(
                viewport={"width": size[0], "height": size[1]}, has_touch=True, locale="en-US", **more
            )
            windows.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            officer = Officer(page, stand, language)
            page.goto(stand.url)
            if language == "es":
                officer.step("locked")
                page.tap("#language")
            return officer

        yield make


def wait_until(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
