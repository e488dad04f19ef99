"""Notifications over a real broker with the shipped configuration, and to a real HTTPS server, as both may fail."""

import http.server
import importlib.util
import json
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hardware.bench.broker import Broker
from hardware.bench.process import ChildProcess
from interchange.link import Link
from interchange.settings import BrokerSettings, TlsSettings
from interchange.topics import Notice, from_every_subscriber
from matcher_service import notify
from matcher_service.authority import Authority, Role, certificate_request, new_key
from matcher_service.notify import parameters, queueing
from matcher_service.notify.delivery import Delivery
from matcher_service.notify.settings import NotifySettings
from matcher_service.notify.webhooks import Webhooks

pytestmark = pytest.mark.system

REPOSITORY_ROOT = Path(__file__).parents[2]
EXAMPLE = REPOSITORY_ROOT / "docs" / "examples" / "subscriber.py"
LOOPBACK = ("127.0.0.0/8", "::1/128")
PATIENCE_S = 30.0


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


notify_centre = load("notify_centre", REPOSITORY_ROOT / "tests" / "unit" / "notify_centre.py")
example = load("subscriber_example", EXAMPLE)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return seen


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(parameters, "BACKOFF_FIRST_S", 0.5)
    monkeypatch.setattr(parameters, "BACKOFF_LONGEST_S", 1.0)
    monkeypatch.setattr(parameters, "NO_BROKER_RETRY_S", 0.2)
    monkeypatch.setattr(parameters, "POLL_S", 0.1)
    monkeypatch.setattr(queueing, "_CASES", "no_case_desk_here")


class RealClock:
    @property
    def now(self):
        return notify_centre.datetime.now(notify_centre.UTC)

    def __call__(self):
        return self.now

    def later(self, **_):
        pass


class Office(notify_centre.Centre):
    """A made-up centre whose clock is the real one, with a real delivery."""

    def __init__(self, folder):
        super().__init__(folder, networks=LOOPBACK)
        self.clock = RealClock()
        self.running = None

    def add(self, name, **more):
        """A subscriber with the example's own keys, and its inbox."""
        folder = self.folder / name
        example.make_keys(folder)
        keys = {
            "signing": [one.public.pem.decode() for one in self.keys.signing()],
            "sealing": [one.public.pem.decode() for one in self.keys.sealing()],
        }
        (folder / "centre-keys.json").write_text(json.dumps(keys), encoding="ascii")
        secret = self.subscribers.add(
            name,
            words="Field office",
            ori=notify_centre.TOLD_ORI,
            sealing_pem=(folder / "sealing.pem").read_text(),
            signing_pem=(folder / "signing.pem").read_text(),
            by="system:test",
            **more,
        )
        self.subscribers.subscribe(name, notify_centre.REPOSITORY, by="system:test")
        return folder, secret

    def run(self, publish, *, webhook_timeout_s=1.0, webhook_networks=LOOPBACK, webhook_ca=None):
        settings = NotifySettings(
            webhook_timeout_s=webhook_timeout_s, webhook_networks=webhook_networks, webhook_ca=webhook_ca
        )
        self.running = Delivery(
            self.database,
            publish=publish,
            webhooks=Webhooks(settings),
            keys=self.keys,
            sealer=self.sealer,
            settings=settings,
            now=self.clock,
        )
        self.running.start()
        return self.running

    def state(self, subscriber, kind="hit"):
        return [one.state for one in self.rows(subscriber=subscriber) if one.kind == kind]


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    made.subscribers.unsubscribe("field-office", notify_centre.REPOSITORY, by="system:test")
    made.activate()
    yield made
    if made.running is not None:
        made.running.stop()
    made.database.close()


# -- over the broker


class CentreLink:
    """The matcher's end of the broker, as far as notification goes."""

    def __init__(self, broker):
        self.up = threading.Event()
        self.delivery = None
        self.link = Link(
            broker=broker,
            client_id="matcher-1",
            subscriptions=[from_every_subscriber(Notice.RECEIPT, share="matcher")],
            handler=self,
        )
        self.link.start()

    def make_will(self):
        return None

    def make_farewell(self):
        return None

    def on_connected(self):
        self.up.set()

    def on_disconnected(self, reason):
        pass

    def on_message(self, message):
        self.delivery.take_receipt(message.topic, message.payload)

    def on_puback(self, verdict):
        pass

    def on_tick(self):
        pass


def certify(authority, folder, name, role, *, file="", hosts=()):
    key = new_key()
    stem = file or name
    (folder / f"{stem}.pem").write_bytes(
        authority.certify(certificate_request(key, name), role=role, hosts=hosts)
    )
    (folder / f"{stem}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "ca.pem").write_bytes(authority.root_pem)
    return TlsSettings(ca=folder / "ca.pem", certificate=folder / f"{stem}.pem", key=folder / f"{stem}.key")


def test_a_subscriber_on_the_shipped_broker_is_told_gives_receipts_and_nobody_else_hears_or_forges(
    office, tmp_path
):
    secure = tmp_path / "secure"
    secure.mkdir()
    authority = Authority.create(tmp_path / "authority")
    certify(authority, secure, "broker", Role.BROKER, hosts=["127.0.0.1"])
    ours = certify(authority, secure, "matcher-1", Role.MATCHER)
    spy_files = certify(authority, secure, "spy", Role.SUBSCRIBER)
    (secure / "crl.pem").write_bytes((authority.folder / "crl.pem").read_bytes())
    (secure / "acl").write_bytes((REPOSITORY_ROOT / "deploy" / "mosquitto" / "acl").read_bytes())
    (secure / "acl").chmod(0o600)
    folder, _ = office.add("desk-1")
    certify(authority, folder, "desk-1", Role.SUBSCRIBER, file="tls")
    with Broker(tmp_path / "run", secure=secure) as broker:
        settings = BrokerSettings(port=broker.port, tls=ours, session_expiry_s=0, backoff_min_s=0.1)
        centre = CentreLink(settings)
        centre.delivery = office.run(centre.link.publish)
        spied, codes = [], {}
        spy = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="spy", protocol=mqtt.MQTTv5)
        spy.tls_set(str(spy_files.ca), str(spy_files.certificate), str(spy_files.key))
        spy.on_message = lambda *a: spied.append(a[2].topic)
        spy.on_publish = lambda _c, _d, mid, code, _p: codes.update({mid: str(code)})
        spy.connect("127.0.0.1", broker.port)
        spy.loop_start()
        spy.subscribe([("notify/v1/#", 1), ("notify/v1/desk-1/hit", 1)])
        command = [
            sys.executable, EXAMPLE, "listen", "--name", "desk-1", "--folder", folder,
            "--store", tmp_path / "cases.db", "--host", "127.0.0.1", "--port", str(broker.port),
        ]  # fmt: skip
        assert centre.up.wait(PATIENCE_S)
        _, number = office.confirmed()
        wait_until(lambda: office.state("desk-1") == ["sent"])  # nobody is there yet
        with ChildProcess(command, name="subscriber", log=tmp_path / "subscriber.log"):
            wait_until(lambda: office.state("desk-1") == ["received"])
            with office.database.write() as session:
                notify.retract(session, number, cause="wrong_hit", by="one", words="looked again")
            wait_until(lambda: office.state("desk-1", "retraction") == ["received"])
        info = spy.publish("notify/v1/desk-1/receipt", b"x", qos=1)
        wait_until(lambda: info.mid in codes)
        assert codes[info.mid] == "Not authorized"
        assert spied == []
        spy.disconnect()
        spy.loop_stop()
        inbox = example.Inbox(name="desk-1", folder=folder, store=tmp_path / "cases.db")
        assert [inbox.standing(one) for one in inbox.hits()] == ["retracted"]
        office.running.stop()
        centre.link.stop()


# -- webhooks


class Receiver:
    """An HTTPS server that does what a test says: `how` is "take", a status, "hang", "drip" or "redirect"."""

    def __init__(self, folder, how="take"):
        self.how, self.posts, self.stopping = how, [], threading.Event()
        folder.mkdir()
        authority = Authority.create(folder / "authority")
        certify(authority, folder, "receiver", Role.API, hosts=["localhost"])
        self.ca = folder / "ca.pem"
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                receiver.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "receiver.pem", folder / "receiver.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"https://localhost:{self.port}/whorl?desk=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        if self.how == "hang":
            self.stopping.wait(PATIENCE_S)
            return
        if self.how == "drip":
            handler.wfile.write(b"HTTP/1.1 ")
            while not self.stopping.wait(0.1):
                handler.wfile.write(b"2")
            return
        handler.send_response({"take": 204, "redirect": 307}.get(self.how) or self.how)
        if self.how == "redirect":
            handler.send_header("Location", self.url + "&again")
        handler.end_headers()

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(tmp_path):
    made = Receiver(tmp_path / "receiver")
    yield made
    made.close()


def no_broker(_message):
    return False


def test_a_webhook_gets_the_sealed_message_with_a_signature_that_the_example_accepts(office, receiver):
    folder, secret = office.add("desk-1", webhook_url=receiver.url)
    office.run(no_broker, webhook_ca=receiver.ca)
    tcn, _ = office.confirmed()
    wait_until(lambda: office.state("desk-1") == ["received"])
    headers, body = receiver.posts[0]
    topic = example.check_post(secret, headers, body)
    assert topic == "notify/v1/desk-1/hit"
    assert headers["host"] == f"localhost:{receiver.port}"
    assert tcn.encode() not in body
    inbox = example.Inbox(name="desk-1", folder=folder, store=folder / "cases.db")
    assert inbox.take(topic, body)
    assert inbox.take(topic, body)  # once more: kept once
    assert inbox.standing(headers["whorl-id"]) == "standing"
    for wrong in (
        {**headers, "whorl-signature": "v1=" + "0" * 64},
        {**headers, "whorl-timestamp": str(int(headers["whorl-timestamp"]) + 1)},
        {**headers, "whorl-id": "0" * 32},
    ):
        with pytest.raises(example.BadPostError):
            example.check_post(secret, wrong, body)
    with pytest.raises(example.BadPostError, match="too old"):
        example.check_post(secret, headers, body, now_s=time.time() + 3600)


@pytest.mark.parametrize("how", [500, "hang", "drip", "redirect"])
def test_a_webhook_that_fails_is_tried_again_and_holds_up_nobody_else(office, receiver, tmp_path, how):
    receiver.how = how
    office.add("slow", webhook_url=receiver.url)
    other = Receiver(tmp_path / "other")
    try:
        # One file of authorities for both.
        both = tmp_path / "both.pem"
        both.write_bytes(receiver.ca.read_bytes() + other.ca.read_bytes())
        office.add("quick", webhook_url=other.url)
        office.run(no_broker, webhook_ca=both, webhook_timeout_s=0.5)
        for _ in range(3):
            office.confirmed()
        wait_until(lambda: office.state("quick") == ["received"] * 3)
        wait_until(lambda: len(receiver.posts) >= 4)
        assert set(office.state("slow")) <= {"queued", "sent"}
        assert all("again" not in str(headers) for headers, _ in receiver.posts)
        numbers = {headers["whorl-id"] for headers, _ in receiver.posts}
        receiver.how = "take"
        receiver.stopping.set()
        wait_until(lambda: office.state("slow") == ["received"] * 3)
        assert len({headers["whorl-id"] for headers, _ in receiver.posts} | numbers) == 3
    finally:
        other.close()


def test_a_name_that_leads_to_a_private_address_and_a_wrong_certificate_are_not_posted_to(
    office, receiver, tmp_path
):
    office.add("desk-1", webhook_url=receiver.url)
    delivery = office.run(no_broker, webhook_ca=receiver.ca, webhook_networks=())
    office.confirmed()
    wait_until(lambda: delivery.counts["not_taken"] >= 2)
    delivery.stop()
    stranger = Authority.create(tmp_path / "stranger")
    (tmp_path / "stranger.pem").write_bytes(stranger.root_pem)
    delivery = office.run(no_broker, webhook_ca=tmp_path / "stranger.pem")
    wait_until(lambda: delivery.counts["not_taken"] >= 2)
    assert receiver.posts == []


def test_what_a_stopped_delivery_left_is_taken_up_by_the_next(office, receiver):
    with socket.socket() as taken:  # an address where nobody answers
        taken.bind(("127.0.0.1", 0))
        office.add("gone", webhook_url=f"https://localhost:{taken.getsockname()[1]}/")
        office.add("desk-1", webhook_url=receiver.url)
        receiver.how = "hang"
        first = office.run(no_broker, webhook_ca=receiver.ca, webhook_timeout_s=30.0)
        office.confirmed()
        wait_until(lambda: receiver.posts)
        first.stop()
        receiver.how = "take"
        office.run(no_broker, webhook_ca=receiver.ca)
        wait_until(lambda: office.state("desk-1") == ["received"])
        assert len({headers["whorl-id"] for headers, _ in receiver.posts}) == 1
        assert office.state("gone")[0] in {"queued", "sent"}
