"""Real processes, the shipped broker configuration: a kiosk is let in, speaks sealed, changes its keys, is shut out.

One long file on purpose: all of it happens at one centre, which takes seconds to start.
"""

import re
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from edge_service.provisioning import IdentityFolder, ProvisioningError, SealedChannel, WrongCentre
from edge_service.provisioning.provision import provision
from edge_service.spool import Spool, SpoolState
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from hardware.bench.process import ChildProcess, ProcessError
from hardware.bench.secure_centre import SecureCentre
from interchange.envelope import is_sealed, seal
from interchange.envelope_keys import PrivateKey
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.messages import Ack, AckStatus, Reply, decode_message, encode_message
from interchange.settings import BrokerSettings, TlsSettings
from matcher_service.authority import Authority
from matcher_service.authority.layout import create_centre
from matcher_service.repositories import Database, Outcome, Quarantine, Repositories, Submissions

pytestmark = pytest.mark.system

ORI = "MO0100000"
PATIENCE_S = 60.0
QUICK_EDGE = (
    "uplink.resend_after_s=1.0",
    "uplink.nobody_listens_retry_s=0.2",
    "uplink.ask_for_reply_after_s=1.0",
    "broker.backoff_min_s=0.1",
    "broker.backoff_max_s=0.5",
)


class Centre(SecureCentre):
    """The centre with its database, and kiosks in folders of their own."""

    def __init__(self, folder):
        self.url = f"sqlite:///{folder}/matcher.db"
        super().__init__(folder, database_url=self.url)
        self.database = Database(self.url)
        Repositories(self.database).create("criminal")
        self.submissions = Submissions(self.database, instance="looking")
        self.processes, self.spools, self.links = [], {}, []

    def start(self, name, module, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        process = ChildProcess(
            [sys.executable, "-m", module, "run", *words], name=name, log=self.folder / f"{name}.log"
        )
        self.processes.append(process)
        return process

    def matcher(self):
        quick = ("broker.backoff_min_s=0.1", "broker.backoff_max_s=0.5")
        count = len(self.processes)
        self.the_matcher = self.start(f"matcher-{count}", "matcher_service", *self.settings, *quick)
        self.the_matcher.wait_for("msg=ready", timeout_s=PATIENCE_S)

    def identity(self, name="kiosk-1"):
        return IdentityFolder(self.folder / name / "identity")

    def admit(self, name="kiosk-1", ori=ORI, *options):
        (self.folder / name).mkdir(exist_ok=True)
        self.provision(
            self.identity(name).folder, self.invite(name, ori, *options), *(["--again"] if options else [])
        )
        return self.identity(name)

    def edge(self, name="kiosk-1", *settings):
        return self.start(
            f"edge-{name}",
            "edge_service",
            f"identity.folder={self.identity(name).folder}",
            f"spool.path={self.folder}/{name}/spool.db",
            *QUICK_EDGE,
            *settings,
        )

    def spool(self, name="kiosk-1"):
        if name not in self.spools:
            (self.folder / name).mkdir(exist_ok=True)
            self.spools[name] = Spool(self.folder / name / "spool.db", device=name)
        return self.spools[name]

    def save(self, seed, name="kiosk-1"):
        submission = made_up_submission(name, {2: made_up_minutiae(seed)})
        self.spool(name).add(submission.tcn, encode_message(submission))
        return submission.tcn

    def tls(self, folder, file="tls"):
        return TlsSettings(
            ca=folder / "ca.pem", certificate=folder / f"{file}.pem", key=folder / f"{file}.key"
        )

    def peer(self, name, tls, *topics):
        peer = Peer(BrokerSettings(port=self.broker.port, tls=tls, session_expiry_s=0), name, topics)
        self.links.append(peer.link)
        return peer

    def end(self):
        for link in self.links:
            link.stop()
        for process in self.processes:
            process.kill()
        for spool in self.spools.values():
            spool.close()
        self.database.close()
        self.stop_api()
        self.broker.stop()


class Peer:
    """A client at the broker that notes what it is sent."""

    def __init__(self, broker, name, topics):
        self.received, self.verdicts, self.ended = [], [], []
        self._up = threading.Event()
        self.link = Link(broker=broker, client_id=name, subscriptions=topics, handler=self)
        self.link.start()
        assert self._up.wait(10)

    def say(self, topic, payload):
        assert self.link.publish(Outgoing(topic=topic, payload=payload, label="said"))

    def make_will(self):
        return None

    make_farewell = make_will

    def on_connected(self):
        self._up.set()

    def on_disconnected(self, reason):
        self.ended.append(reason)

    def on_message(self, message):
        self.received.append(message)

    def on_puback(self, verdict):
        self.verdicts.append(verdict)

    def on_tick(self):
        pass


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    """One centre for all tests here, each with kiosks of its own."""
    made = Centre(tmp_path_factory.mktemp("centre"))
    made.broker.start()
    made.start_api()
    made.matcher()
    yield made
    made.end()


def answered(centre, tcn, name, until):
    spool = centre.spool(name)
    until(lambda: spool.entry(tcn).reply is not None and spool.payload(tcn) is None)
    return decode_message(Reply, spool.entry(tcn).reply)


# -- the good day


def test_invited_provisioned_and_sealed_end_to_end(centre, until):
    name = "kiosk-1"
    printed = centre.run("devices", "invite", "--name", name, "--ori", ORI)
    code = printed.split()[0]
    assert re.fullmatch(r"([0-9A-Z]{5}-){6}[0-9A-Z]{5}", code)
    (centre.folder / name).mkdir()
    said = centre.provision(centre.identity(name).folder, code)
    assert f"This kiosk is {name} of {ORI}" in said
    # A broker that writes down what passes through it: here the matcher's rights, in other hands.
    listener = centre.peer("matcher-2", equipped(centre, "matcher-2"), "fp/v1/+/up/submission")
    edge = centre.edge(name)
    tcn = centre.save(1, name)
    assert answered(centre, tcn, name, until).tcn == tcn
    (seen, *_) = [m for m in listener.received if m.topic == f"fp/v1/{name}/up/submission"]
    assert is_sealed(seen.payload)
    assert b"prints" not in seen.payload
    listener.link.stop()
    listed = centre.run("devices", "list")
    assert name in listed
    assert "active" in listed
    assert edge.stop() == 0


def equipped(centre, name):
    from matcher_service.authority import Role
    from matcher_service.authority.layout import equip

    equip(Authority(centre.authority), name, Role.MATCHER)
    return centre.tls(centre.authority / name)


def test_the_command_line_of_the_kiosk(centre):
    folder = centre.folder / "by-hand" / "identity"
    folder.parent.mkdir()
    command = [sys.executable, "-m", "edge_service", "provision"]

    def typed(*words):
        return subprocess.run([*command, *words], capture_output=True, text=True, check=False)

    assert "seven groups of five" in typed("ABC", "--centre", centre.address, "--folder", str(folder)).stderr
    code = centre.invite("by-hand", ORI)
    assert "where is the centre" in typed(code, "--folder", str(folder)).stderr
    config = folder.parent / "edge.toml"
    config.write_text(f'version = 1\n[identity]\nfolder = "{folder}"\ncentre = "{centre.address}"\n')
    done = typed(code, "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert code not in done.stdout + done.stderr
    again = typed(code, "--config", str(config))
    assert again.returncode == 1
    assert "already" in again.stderr


# -- getting in


def refused(centre, code, name, address=None):
    with pytest.raises(ProvisioningError) as caught:
        provision(centre.identity(name), code=code, centre=address or centre.address)
    assert not centre.identity(name).exists
    return str(caught.value)


def test_a_code_is_good_once(centre):
    code = centre.invite("once", ORI)
    provision(centre.identity("once"), code=code, centre=centre.address)
    assert "used already" in refused(centre, code, "once-thief")


def test_a_kiosk_that_was_cut_off_asks_again_with_the_same_code(centre, monkeypatch):
    code = centre.invite("cut-off", ORI)
    identity = centre.identity("cut-off")
    with monkeypatch.context() as patch:
        patch.setattr(IdentityFolder, "install", lambda *_, **__: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            provision(identity, code=code, centre=centre.address)
    assert not identity.exists
    assert provision(identity, code=code, centre=centre.address).name == "cut-off"


@pytest.mark.parametrize("ori", ["MO010000", "mo0100000", "MO01000000", "M00100000x", ""])
def test_an_ori_has_nine_characters(centre, ori):
    with pytest.raises(ProcessError, match="nine characters"):
        centre.invite("kiosk-7", ori)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Kiosk", "--name"),
        ("a/b", "--name"),
        ("x" * 33, "--name"),
        ("matcher-3", "centre's own"),
        ("desk", "centre's own"),
        ("broker", "centre's own"),
        ("api", "centre's own"),
    ],
)
def test_names_that_no_kiosk_gets(centre, name, words):
    with pytest.raises(ProcessError, match=words):
        centre.invite(name, ORI)


@pytest.mark.parametrize("valid", ["0h", "31d", "soon", "5"])
def test_how_long_a_code_may_be_good(centre, valid):
    with pytest.raises(ProcessError, match="--valid"):
        centre.invite("kiosk-7", ORI, "--valid", valid)


def test_a_wrong_centre_is_told_nothing(centre, tmp_path, until):
    """Somebody answers in the centre's place, with an authority of his own, or with the true one but not its key."""
    code = centre.invite("careful", ORI)
    create_centre(tmp_path / "forger", addresses=["127.0.0.1"], matchers=[])
    true_ca = (centre.authority / "ca.pem").read_bytes()
    false_ca = (tmp_path / "forger" / "ca.pem").read_bytes()
    for shown in (false_ca, true_ca, b"no certificate"):
        with FalseCentre(tmp_path / "forger" / "api", shown) as false:
            with pytest.raises(WrongCentre, match="nothing was sent"):
                provision(centre.identity("careful"), code=code, centre=f"https://127.0.0.1:{false.port}")
            secret = code.replace("-", "")[:17].encode()
            assert secret not in false.heard
            assert b"BEGIN CERTIFICATE REQUEST" not in false.heard
    assert provision(centre.identity("careful"), code=code, centre=centre.address)  # the code is still good


class FalseCentre:
    """Answers every question with `shown`, over TLS with a certificate of the forger's."""

    def __init__(self, folder, shown):
        self.heard = b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "api.pem", folder / "api.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.port = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(context, shown))
        self._thread.start()

    def _serve(self, context, shown):
        while not self._stopping.is_set():
            try:
                raw, _ = self._listener.accept()
                raw.settimeout(2)
                with context.wrap_socket(raw, server_side=True) as connection:
                    self.heard += connection.recv(65536)
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(shown)
                        + shown
                    )
            except OSError:
                continue

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        self._listener.close()


def test_nobody_there_and_nonsense(centre):
    code = centre.invite("kiosk-8", ORI)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    assert "cannot be reached" in refused(centre, code, "kiosk-8", f"https://127.0.0.1:{port}")
    for address in ("http://127.0.0.1:1", "https://", "https://u@h", "https://h/path", "https://h:99999"):
        assert "no address" in refused(centre, code, "kiosk-8", address)
    # Reached by a name that its certificate does not have.
    assert "not for 'localhost'" in refused(centre, code, "kiosk-8", f"https://localhost:{centre.api_port}")


# -- speaking sealed


def test_what_was_saved_before_the_kiosk_was_let_in_is_delivered_after(centre, until):
    """A kiosk without an identity cannot even reach this broker; its bookings wait."""
    name = "patient"
    tcn = centre.save(5, name)
    centre.admit(name)
    centre.edge(name)
    assert answered(centre, tcn, name, until)


def test_the_centres_keys_change_while_bookings_wait(centre, until):
    name = "rotating"
    centre.admit(name)
    before = centre.identity(name).load().centre[0].number
    waiting = [centre.save(seed, name) for seed in range(10, 13)]
    assert "generation" in centre.run("authority", "rotate")
    edge = centre.edge(name)
    for tcn in waiting:
        answered(centre, tcn, name, until)
    until(lambda: centre.identity(name).load().centre[0].number == before + 1)
    centre.run("authority", "rotate")  # and once more, under a connection that is open
    assert answered(centre, centre.save(14, name), name, until)
    until(lambda: centre.identity(name).load().centre[0].number == before + 2)
    assert answered(centre, centre.save(15, name), name, until)
    assert "not believed" not in edge.output()


def test_a_certificate_that_ends_soon_is_renewed_while_bookings_wait(centre, until):
    """The authority makes one that is good for 50 days, which is less than the 60 at which a kiosk asks."""
    name = "renewing"
    identity = centre.admit(name)
    from interchange.certificates import certificate_request, read_key
    from matcher_service.authority import Role

    authority = Authority(centre.authority)
    key = read_key((identity.current / "tls.key").read_bytes())
    short = authority.certify(certificate_request(key, name), role=Role.DEVICE, days=50, ori=ORI)
    (identity.current / "tls.pem").write_bytes(short)
    old = identity.load()
    waiting = [centre.save(seed, name) for seed in range(20, 23)]
    edge = centre.edge(name)
    edge.wait_for("certificate renewed")
    new = identity.load()
    assert new.certificate.not_after > old.certificate.not_after + timedelta(days=300)
    assert new.signing.id != old.signing.id
    for tcn in waiting:
        answered(centre, tcn, name, until)
    assert edge.stop() == 0
    edge = centre.edge(name)  # the new certificate opens the door
    assert answered(centre, centre.save(24, name), name, until)


def test_replay_and_forgery_at_a_real_broker(centre, until):
    """Attackers who have certificates: another kiosk's, and a matcher's instance without the centre's keys."""
    name = "victim"
    identity = centre.admit(name)
    topic, acks = f"fp/v1/{name}/up/submission", f"fp/v1/{name}/down/ack"
    peer = centre.peer(name, centre.tls(identity.current), acks)
    channel = SealedChannel(identity, clock=None)
    submission = made_up_submission(name, {2: made_up_minutiae(30)})
    sealed = channel.wrap(topic, encode_message(submission))

    def acknowledged(number):
        until(lambda: len(peer.received) >= number)
        return decode_message(Ack, channel.unwrap(acks, peer.received[number - 1].payload))

    peer.say(topic, sealed)
    assert acknowledged(1).status is AckStatus.ACCEPTED
    before = sum(centre.submissions.count().values())
    peer.say(topic, sealed)  # captured, and sent again
    assert acknowledged(2).status is AckStatus.DUPLICATE
    assert sum(centre.submissions.count().values()) == before
    # In the clear, on its own topic: refused, and the answer is plain.
    peer.say(topic, encode_message(made_up_submission(name, {2: made_up_minutiae(31)})))
    until(lambda: len(peer.received) == 3)
    refusal = decode_message(Ack, peer.received[2].payload)
    assert (refusal.status, refusal.reason.field) == (AckStatus.REFUSED, "seal")
    # Another kiosk, with what it captured, on its own topic.
    thief = centre.admit("thief", "MO0200000")
    thief_topic, thief_acks = "fp/v1/thief/up/submission", "fp/v1/thief/down/ack"
    other = centre.peer("thief", centre.tls(thief.current), thief_acks)
    other.say(thief_topic, sealed)
    until(lambda: other.received)
    told = decode_message(Ack, SealedChannel(thief, clock=None).unwrap(thief_acks, other.received[0].payload))
    assert (told.status, told.reason.field) == (AckStatus.REFUSED, "seal")
    # Oversize: the broker cuts it off, and nobody else notices.
    other.say(thief_topic, bytes(200_000))
    until(lambda: other.ended)
    assert sum(centre.submissions.count().values()) == before
    kept = Quarantine(centre.database, per_device=50, total=1000).newest(limit=1)[0]
    assert kept.payload == sealed


def test_a_forged_answer_lets_nothing_go(centre, until):
    """Somebody who may write to the kiosk, with a matcher's certificate, but has not the centre's keys."""
    name = "deceived"
    identity = centre.admit(name)
    forger = centre.peer("matcher-2", equipped(centre, "matcher-2"))
    me = identity.load()
    centre.the_matcher.stop()
    edge = centre.edge(name)
    tcn = centre.save(40, name)
    until(lambda: centre.spool(name).entry(tcn).state is SpoolState.SENT)
    acks = f"fp/v1/{name}/down/ack"
    forged = encode_message(Ack(tcn=tcn, status=AckStatus.ACCEPTED))
    forger.say(acks, forged)
    forger.say(acks, seal(forged, signer=PrivateKey.generate(), receiver=me.sealing[0].public, context=acks))
    edge.wait_for("not believed", count=2)
    forger.link.stop()
    assert centre.spool(name).payload(tcn) is not None
    centre.matcher()
    assert answered(centre, tcn, name, until)


# -- shut out


def test_revoked(centre, until):
    """At once at the matcher; at the broker when it has read its list again; and back with a new code, nothing lost."""
    name = "stolen"
    identity = centre.admit(name)
    edge = centre.edge(name)
    assert answered(centre, centre.save(50, name), name, until)
    centre.run("devices", "revoke", name)
    tcn = centre.save(51, name)
    quarantine = Quarantine(centre.database, per_device=50, total=1000)
    until(lambda: any("revoked" in r.reason for r in quarantine.newest() if r.device == name))
    assert centre.submissions.device_of(tcn) is None
    # An open connection stays until it ends; nobody comes in again.
    centre.reload_broker()
    edge.stop()
    edge = centre.edge(name)
    edge.wait_for("no connection to the broker", count=2)
    edge.stop()
    assert centre.spool(name).entry(tcn).state in {SpoolState.QUEUED, SpoolState.SENT}
    old = identity.load()
    centre.admit(name, ORI, "--replace")
    assert identity.load().signing.id != old.signing.id
    centre.edge(name)
    assert answered(centre, tcn, name, until)


def test_a_submission_whose_seal_is_refused_is_held_and_not_lost(centre, until):
    """Registered for another agency by mistake: refused with words, kept, and delivered once it is put right."""
    name = "misplaced"
    identity = centre.admit(name)
    facts = identity.current / "identity.json"
    right = facts.read_text()
    facts.write_text(right.replace(ORI, "MO0900000"))
    edge = centre.edge(name)
    tcn = centre.save(60, name)
    edge.wait_for("submission held")
    assert "another agency than MO0100000" in edge.output()
    assert centre.spool(name).entry(tcn).state is SpoolState.SENT
    edge.stop()
    facts.write_text(right)
    centre.edge(name)
    assert answered(centre, tcn, name, until)
    assert centre.submissions.count()[Outcome.FAILED] == 0


def test_nobody_reads_the_codes_or_keys_in_logs(centre):
    """Last: all that was logged above."""
    for log in (*centre.folder.glob("*.log"), centre.folder / "broker" / "mosquitto.log"):
        text = log.read_text(errors="replace")
        assert "PRIVATE KEY" not in text
        assert not re.search(r"([0-9A-HJKMNP-TV-Z]{5}-){6}[0-9A-HJKMNP-TV-Z]{5}", text), log
    assert (centre.authority / "ca.key").stat().st_mode & 0o077 == 0


def test_too_many_wrong_codes(centre):
    """The very last, because this address has to wait afterwards."""
    from interchange.certificates import fingerprint
    from interchange.provisioning_code import ProvisioningCode

    authority = fingerprint((centre.authority / "ca.pem").read_bytes())
    said = [refused(centre, str(ProvisioningCode.make(authority)), "guesser") for _ in range(11)]
    assert "knows no such code" in said[0]
    assert "too many wrong codes" in said[-1]
    good = centre.invite("late", ORI)
    assert "too many wrong codes" in refused(centre, good, "late")
