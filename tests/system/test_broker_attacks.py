"""The shipped configuration of Mosquitto, as attackers meet it. Each test is one way in, and finds it closed.

One long file on purpose: all attackers stand before the same site, which takes a second to build.
"""

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hardware.bench.broker import Broker
from interchange.link import Link
from interchange.settings import BrokerSettings, TlsSettings
from matcher_service.authority import Authority, Role, certificate_request, new_key

pytestmark = pytest.mark.system

ACL = Path(__file__).parents[2] / "deploy" / "mosquitto" / "acl"
SUBMISSION, REPLY = "fp/v1/kiosk-1/up/submission", "fp/v1/kiosk-1/down/reply"
QUIET_S = 0.7  # how long nothing has to be heard before we believe that nothing comes


def certify(authority, folder, name, role=Role.DEVICE, *, hosts=(), days=None):
    """A key and a certificate for `name` in `folder`."""
    key = new_key()
    pem = authority.certify(certificate_request(key, name), role=role, hosts=hosts, days=days)
    (folder / f"{name}.pem").write_bytes(pem)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(secret)
    return TlsSettings(ca=folder / "ca.pem", certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The centre: an authority, a broker with the shipped configuration, a matcher's and two kiosks' files."""
    folder = tmp_path_factory.mktemp("site")
    authority = Authority.create(folder / "authority")
    (folder / "ca.pem").write_bytes(authority.root_pem)
    certify(authority, folder, "broker", Role.BROKER, hosts=["127.0.0.1"])
    files = {name: certify(authority, folder, name) for name in ("kiosk-1", "kiosk-2", "revoked-1")}
    files["matcher-1"] = certify(authority, folder, "matcher-1", Role.MATCHER)
    files["expired-1"] = certify(authority, folder, "expired-1", days=-1)
    assert authority.revoke("revoked-1") == 1
    (folder / "crl.pem").write_bytes((authority.folder / "crl.pem").read_bytes())
    (folder / "acl").write_bytes(ACL.read_bytes())
    (folder / "acl").chmod(0o600)
    with Broker(folder / "run", secure=folder) as broker:
        yield Site(broker, files, folder)


class Site:
    def __init__(self, broker, files, folder):
        self.broker, self.files, self.folder = broker, files, folder

    def client(self, who, *, client_id=None, will=None, **options):
        return Client(self.broker.port, self.files.get(who), client_id or who, will=will, **options)


class Client:
    """A bare MQTT client that notes what happens to it."""

    def __init__(self, port, tls, client_id, *, will=None, context=None):
        self.codes, self.got, self.published, self.granted, self.ended = [], [], {}, [], []
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(tls.ca)
            context.load_cert_chain(tls.certificate, tls.key)
        self.mqtt.tls_set_context(context)
        self.mqtt.on_connect = lambda *a: self.codes.append(str(a[3]))
        self.mqtt.on_message = lambda *a: self.got.append((a[2].topic, bytes(a[2].payload), a[2].retain))
        self.mqtt.on_publish = lambda _c, _d, mid, code, _p: self.published.update({mid: str(code)})
        self.mqtt.on_subscribe = lambda *a: self.granted.extend(map(str, a[3]))
        self.mqtt.on_disconnect = lambda *a: self.ended.append(str(a[3]))
        if will:
            self.mqtt.will_set(*will)
        self.mqtt.connect("127.0.0.1", port, keepalive=20)
        self.mqtt.loop_start()
        wait_for(lambda: self.codes or self.ended)

    def publish(self, topic, payload=b"x", *, retain=False):
        info = self.mqtt.publish(topic, payload, qos=1, retain=retain)
        wait_for(lambda: info.mid in self.published or self.ended)
        return self.published.get(info.mid, "cut off")

    def subscribe(self, *topics):
        before = len(self.granted)
        self.mqtt.subscribe([(topic, 1) for topic in topics])
        wait_for(lambda: len(self.granted) >= before + len(topics) or self.ended)

    def close(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()

    def drop(self):
        """Go without a word, so that the will is published."""
        self.mqtt.socket().close()
        self.mqtt.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_for(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def nothing_comes(client):
    time.sleep(QUIET_S)
    return not client.got


# -- the good day: without it, all that follows could be a broker that refuses everybody


def test_a_kiosk_and_the_matcher_speak(site):
    with site.client("matcher-1") as matcher, site.client("kiosk-1") as kiosk:
        matcher.subscribe("$share/matcher/fp/v1/+/up/submission")
        kiosk.subscribe(REPLY)
        assert kiosk.publish(SUBMISSION, b"submission") == "Success"
        wait_for(lambda: matcher.got)
        assert matcher.got[0][:2] == (SUBMISSION, b"submission")
        assert matcher.publish(REPLY, b"reply") == "Success"
        wait_for(lambda: kiosk.got)
        assert kiosk.got == [(REPLY, b"reply", False)]


class Heard:
    """A link's handler that notes what it is told."""

    def __init__(self):
        self.up, self.down, self.received, self.verdicts = threading.Event(), [], [], []

    def make_will(self):
        return None

    make_farewell = make_will

    def on_connected(self):
        self.up.set()

    def on_disconnected(self, reason):
        self.down.append(reason)

    def on_message(self, message):
        self.received.append(message)

    def on_puback(self, verdict):
        self.verdicts.append(verdict)

    def on_tick(self):
        pass


def link_to(site, tls, client_id="kiosk-1", subscriptions=(REPLY,)):
    heard = Heard()
    broker = BrokerSettings(port=site.broker.port, tls=tls, session_expiry_s=0, backoff_min_s=0.1)
    link = Link(broker=broker, client_id=client_id, subscriptions=subscriptions, handler=heard)
    link.start()
    return link, heard


def test_our_own_link_speaks_tls_and_large_messages_pass_whole(site):
    kiosk, heard = link_to(site, site.files["kiosk-1"])
    with site.client("matcher-1") as matcher:
        assert heard.up.wait(10)
        for size in (10, 60_000, 10):
            assert matcher.publish(REPLY, bytes(size)) == "Success"
        wait_for(lambda: len(heard.received) == 3)
        assert [len(m.payload) for m in heard.received] == [10, 60_000, 10]
    assert kiosk.stop()


def test_our_own_link_believes_no_other_authority(site, tmp_path):
    """A broker with a certificate that somebody else made is not spoken to."""
    other = Authority.create(tmp_path / "other")
    (tmp_path / "ca.pem").write_bytes(other.root_pem)
    files = site.files["kiosk-1"].model_copy(update={"ca": tmp_path / "ca.pem"})
    link, heard = link_to(site, files)
    wait_for(lambda: heard.down)
    assert "CERTIFICATE_VERIFY_FAILED" in heard.down[0]
    assert not heard.up.is_set()
    assert link.stop()


def test_a_missing_file_is_named(site, tmp_path):
    files = site.files["kiosk-1"].model_copy(update={"key": tmp_path / "gone.key"})
    link, heard = link_to(site, files)
    wait_for(lambda: heard.down)
    assert "gone.key is missing" in heard.down[0]
    assert link.stop()


# -- getting in


def test_in_the_clear(site):
    with socket.create_connection(("127.0.0.1", site.broker.port), timeout=5) as plain:
        plain.sendall(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00")
        plain.settimeout(5)
        answer = b"?"
        try:
            while answer and answer[:1] != b"\x20":
                answer = plain.recv(64)
        except ConnectionError:
            answer = b""
        assert answer == b""


def refused(site, tls=None, context=None):
    """Whether the broker lets nobody in with this."""
    try:
        with Client(site.broker.port, tls, "kiosk-1", context=context) as client:
            wait_for(lambda: client.ended or client.codes)
            return not client.codes
    except (ssl.SSLError, ConnectionError, OSError):
        return True


def test_without_a_certificate(site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(site.folder / "ca.pem")
    assert refused(site, context=context)


@pytest.mark.parametrize("who", ["expired-1", "revoked-1"])
def test_with_a_certificate_that_is_no_longer_good(site, who):
    assert refused(site, site.files[who])
    assert not refused(site, site.files["kiosk-1"])


def test_with_a_certificate_of_ones_own_making(site, tmp_path):
    forger = Authority.create(tmp_path / "forger")
    (tmp_path / "ca.pem").write_bytes((site.folder / "ca.pem").read_bytes())
    assert refused(site, certify(forger, tmp_path, "kiosk-1"))


def test_with_the_brokers_own_certificate(site):
    """A certificate for a server is none for a client."""
    files = TlsSettings(
        ca=site.folder / "ca.pem", certificate=site.folder / "broker.pem", key=site.folder / "broker.key"
    )
    assert refused(site, files)


def test_with_tls_1_1(site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_verify_locations(site.folder / "ca.pem")
    files = site.files["kiosk-1"]
    context.load_cert_chain(files.certificate, files.key)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refused(site, context=context)


# -- being somebody else


def test_anothers_client_id_does_not_take_the_session_over(site):
    with site.client("kiosk-1") as victim, site.client("kiosk-2", client_id="kiosk-1") as thief:
        victim.subscribe(REPLY)
        thief.subscribe(REPLY)
        with site.client("matcher-1") as matcher:
            matcher.publish(REPLY, b"for kiosk-1")
        wait_for(lambda: victim.got)
        assert not victim.ended
        assert nothing_comes(thief)


@pytest.mark.parametrize(
    "topic",
    [
        SUBMISSION,
        "fp/v1/kiosk-1/up/status",
        REPLY,
        "fp/v1/kiosk-2/down/reply",
        "fp/v1/kiosk-2/up/other",
        "other",
    ],
)
def test_publishing_where_one_may_not(site, topic):
    with site.client("matcher-1") as matcher, site.client("kiosk-2") as thief:
        matcher.subscribe("fp/v1/#")
        assert thief.publish(topic) == "Not authorized"
        assert nothing_comes(matcher)


@pytest.mark.parametrize(
    "topic", [REPLY, "fp/v1/+/down/reply", "fp/v1/+/up/submission", "#", "$SYS/#", "fp/#"]
)
def test_reading_what_is_not_ones_own(site, topic):
    with (
        site.client("kiosk-2") as thief,
        site.client("matcher-1") as matcher,
        site.client("kiosk-1") as kiosk,
    ):
        thief.subscribe(topic)
        matcher.publish(REPLY, b"secret")
        kiosk.publish(SUBMISSION, b"secret")
        assert nothing_comes(thief)


def test_sharing_the_matchers_subscription(site):
    """Submissions are divided among a share's members: a thief among them would take some away."""
    with (
        site.client("matcher-1") as matcher,
        site.client("kiosk-2") as thief,
        site.client("kiosk-1") as kiosk,
    ):
        matcher.subscribe("$share/matcher/fp/v1/+/up/submission")
        thief.subscribe("$share/matcher/fp/v1/+/up/submission")
        for _ in range(6):
            kiosk.publish(SUBMISSION)
        assert nothing_comes(thief)
        wait_for(lambda: matcher.got)


def test_a_will_on_anothers_topic(site):
    topic = "fp/v1/kiosk-1/up/status"
    with site.client("matcher-1") as matcher:
        matcher.subscribe("fp/v1/+/up/status")
        try:
            thief = site.client("kiosk-2", will=(topic, b"offline", 1, True))
            thief.drop()
        except (AssertionError, OSError):
            pass
        assert nothing_comes(matcher)


def test_poisoning_with_retained_messages(site):
    """What a thief retains is there for nobody, and what a kiosk retained is not wiped by him."""
    status = "fp/v1/kiosk-1/up/status"
    with site.client("kiosk-1") as kiosk, site.client("kiosk-2") as thief:
        assert kiosk.publish(status, b"online", retain=True) in {"Success", "No matching subscribers"}
        assert thief.publish(status, b"", retain=True) == "Not authorized"
        assert thief.publish(REPLY, b"poison", retain=True) == "Not authorized"
    with site.client("matcher-1") as late, site.client("kiosk-1") as kiosk:
        late.subscribe("fp/v1/+/up/status")
        kiosk.subscribe(REPLY)
        wait_for(lambda: late.got)
        assert late.got == [(status, b"online", True)]
        assert nothing_comes(kiosk)


# -- breaking things


def test_too_large(site):
    with site.client("kiosk-1") as kiosk, site.client("matcher-1") as matcher:
        matcher.subscribe("fp/v1/+/up/submission")
        kiosk.mqtt.publish(SUBMISSION, bytes(200_000), qos=1)
        wait_for(lambda: kiosk.ended)
        assert nothing_comes(matcher)
        assert matcher.publish(REPLY) in {"Success", "No matching subscribers"}


def test_malformed_packets(site):
    """Whoever speaks nonsense is cut off, and nobody else notices."""
    files = site.files["kiosk-2"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files.ca)
    context.load_cert_chain(files.certificate, files.key)
    with site.client("kiosk-1") as kiosk:
        for nonsense in (
            b"\x10\xff\xff\xff\xff\x7f",
            b"\x00" * 64,
            b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\xff\xff\xff",
            b"\xf0\x00",
        ):
            with (
                socket.create_connection(("127.0.0.1", site.broker.port), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname="127.0.0.1") as secure,
            ):
                secure.sendall(nonsense)
                secure.settimeout(15)
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    while secure.recv(64):  # a broker that waits for more ends in a TimeoutError
                        pass
        assert not kiosk.ended
        assert kiosk.publish(SUBMISSION) in {"Success", "No matching subscribers"}
    assert site.broker.pid is not None


def test_the_authority_gives_no_kiosk_a_matchers_name(site, tmp_path):
    from matcher_service.authority import BadRequest

    authority = Authority.create(tmp_path)
    for name in ("matcher-1", "matcher-9"):
        with pytest.raises(BadRequest, match="the centre's own"):
            authority.certify(certificate_request(new_key(), name), role=Role.DEVICE)


def test_a_matchers_certificate_ends_too(tmp_path):
    """Lifetimes are as asked for, from a day before."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    authority = Authority.create(tmp_path, now=lambda: now)
    authority.certify(certificate_request(new_key(), "kiosk-1"), role=Role.DEVICE, days=10)
    (certificate,) = authority.issued()
    assert certificate.not_valid_after_utc == now + timedelta(days=10)
    assert certificate.not_valid_before_utc == now - timedelta(days=1)
