"""What system tests share: a broker of their own, the two services as processes, and a bare MQTT peer."""

import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_service.spool import Spool
from hardware.bench.broker import Broker
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from hardware.bench.process import ChildProcess
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.messages import Reply, decode_message, encode_message
from interchange.settings import BrokerSettings
from matcher_service.repositories import Database, NewPrint, Repositories, Submissions

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0  # a machine that never ran it compiles the search first
QUICK_EDGE = (
    "uplink.resend_after_s=1.0",
    "uplink.nobody_listens_retry_s=0.2",
    "uplink.ask_for_reply_after_s=1.0",
    "broker.backoff_min_s=0.1",
    "broker.backoff_max_s=0.5",
)


def wait_until(condition, *, timeout_s=PATIENCE_S):
    """Wait for something to become true, and say which thing did not."""
    deadline = time.monotonic() + timeout_s
    while not (seen := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return seen


def fingers(seed):
    """Two made-up fingers of a person."""
    return {2: made_up_minutiae(seed), 7: made_up_minutiae(seed + 1_000_000)}


class Peer:
    """A bare client on the broker that notes all it is sent."""

    def __init__(self, port, client_id, subscriptions):
        self.received = []
        self.verdicts = []
        self._connected = threading.Event()
        broker = BrokerSettings(port=port, session_expiry_s=0)
        self.link = Link(broker=broker, client_id=client_id, subscriptions=subscriptions, handler=self)
        self.link.start()
        assert self._connected.wait(10)

    def say(self, topic, payload, **more):
        assert self.link.publish(Outgoing(topic=topic, payload=payload, label=topic, **more))

    def heard(self, topic, model):
        return [decode_message(model, m.payload) for m in list(self.received) if m.topic == topic]

    def make_will(self):
        return None

    def make_farewell(self):
        return None

    def on_connected(self):
        self._connected.set()

    def on_disconnected(self, reason):
        pass

    def on_message(self, message):
        self.received.append(message)

    def on_puback(self, verdict):
        self.verdicts.append(verdict)

    def on_tick(self):
        pass


class Site:
    """A broker, a database, and whatever processes a test starts; all of it ends with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.broker = Broker(folder / "broker")
        self.processes = []
        self.peers = []
        self.spools = {}
        self.url = f"sqlite:///{folder}/matcher.db"
        self.database = Database(self.url)
        self.repositories = Repositories(self.database)
        self.submissions = Submissions(self.database, instance="looking")

    def start(self, name, command, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        process = ChildProcess([*command, *words], name=name, log=self.folder / f"{name}.log")
        self.processes.append(process)
        return process

    def matcher(self, *settings, ready=True):
        process = self.start(
            "matcher",
            [BIN / "matcher-service", "run"],
            f"broker.port={self.broker.port}",
            f"database.url={self.url}",
            "broker.backoff_min_s=0.1",
            "broker.backoff_max_s=0.5",
            "routing.mode=everything",  # whoever tests the rules says so after this
            *settings,
        )
        if ready:
            process.wait_for("msg=ready", timeout_s=PATIENCE_S)
        return process

    def edge(self, device="kiosk-1", *settings, command="run"):
        return self.start(
            f"edge-{device}",
            [BIN / "edge-service", command],
            f"device={device}",
            f"broker.port={self.broker.port}",
            f"spool.path={self.folder}/{device}.db",
            *QUICK_EDGE,
            *settings,
        )

    def spool(self, device="kiosk-1"):
        if device not in self.spools:
            self.spools[device] = Spool(self.folder / f"{device}.db", device=device)
        return self.spools[device]

    def peer(self, client_id="peer", *subscriptions):
        peer = Peer(self.broker.port, client_id, subscriptions)
        self.peers.append(peer)
        return peer

    def enroll(self, repository, *seeds):
        self.repositories.create(repository)
        people = [[NewPrint.of(p, m) for p, m in fingers(seed).items()] for seed in seeds]
        return self.repositories.enroll_many(repository, people)

    def save(self, seed, device="kiosk-1"):
        """Save a submission in a kiosk's spool, as a booking does; its TCN."""
        submission = made_up_submission(device, fingers(seed))
        self.spool(device).add(submission.tcn, encode_message(submission))
        return submission.tcn

    def reply(self, tcn, device="kiosk-1"):
        """The reply, once the kiosk has it and the prints are let go."""
        spool = self.spool(device)
        wait_until(lambda: spool.entry(tcn).reply is not None and spool.payload(tcn) is None)
        return decode_message(Reply, spool.entry(tcn).reply)

    def end(self):
        for peer in self.peers:
            peer.link.stop()
        for process in self.processes:
            process.kill()
        for spool in self.spools.values():
            spool.close()
        self.database.close()
        self.broker.stop()


@pytest.fixture
def quiet_site(tmp_path):
    """A site whose broker is not started; it has its port already."""
    site = Site(tmp_path)
    site.broker.start()
    site.broker.stop()
    yield site
    site.end()


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    site.broker.start()
    yield site
    site.end()


@pytest.fixture
def until():
    return wait_until


def find_chromium():
    """The browser's binary, or a reason to skip."""
    for name in ("chromium", "chromium-browser"):
        found = shutil.which(name)
        if found:
            return found
    return None


@pytest.fixture(scope="session")
def chromium():
    """A browser, once for all tests of a process: Playwright does not run twice in one."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright's Python client is not installed: make setup"
    )
    binary = find_chromium()
    if binary is None:
        pytest.skip("Chromium is not installed: sudo apt install chromium (or: make setup)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=binary, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()
