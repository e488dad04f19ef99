"""A list of revoked certificates on its way to a real Mosquitto, by the command that puts it there."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hardware.bench.broker import Broker
from interchange.link import Link
from interchange.settings import BrokerSettings, TlsSettings
from matcher_service.authority import Authority, AuthorityError, Role, certificate_request, new_key
from matcher_service.authority.revocations import publish

pytestmark = pytest.mark.system


def certify(authority, folder, name, role=Role.DEVICE, hosts=()):
    key = new_key()
    (folder / f"{name}.pem").write_bytes(
        authority.certify(certificate_request(key, name), role=role, hosts=hosts)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(secret)
    return TlsSettings(ca=folder / "ca.pem", certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


@pytest.fixture
def centre(tmp_path):
    """An authority in one folder, and the broker's files in another, as on two machines."""
    authority = Authority.create(tmp_path / "authority")
    files = tmp_path / "broker"
    files.mkdir()
    (files / "ca.pem").write_bytes(authority.root_pem)
    certify(authority, files, "broker", Role.BROKER, hosts=["127.0.0.1"])
    (files / "acl").write_text("pattern read fp/v1/%u/down/ack\n")
    (files / "acl").chmod(0o600)
    publish(authority.folder / "crl.pem", files)
    return authority, files


def publish_crl(*words):
    command = [sys.executable, "-m", "matcher_service", "authority", "publish-crl", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Caller:
    """A kiosk that tries once and again, and notes how it went."""

    def __init__(self, port, name, tls):
        self.up, self.down = threading.Event(), threading.Event()
        broker = BrokerSettings(port=port, tls=tls, session_expiry_s=0, backoff_min_s=0.1, backoff_max_s=0.2)
        self.link = Link(broker=broker, client_id=name, subscriptions=[], handler=self)
        self.link.start()

    def make_will(self):
        return None

    make_farewell = make_will

    def on_connected(self):
        self.up.set()

    def on_disconnected(self, reason):
        self.down.set()

    def on_message(self, message):
        pass

    on_puback = on_message

    def on_tick(self):
        pass


def lets_in(broker, name, tls):
    caller = Caller(broker.port, name, tls)
    try:
        while not caller.up.wait(0.05):
            if caller.down.is_set():
                return False
    finally:
        caller.link.stop()
    return True


def test_a_revoked_certificate_is_kept_out_once_the_list_is_published(centre, tmp_path):
    authority, files = centre
    kiosks = {name: certify(authority, files, name) for name in ("stolen-1", "kiosk-1")}
    with Broker(tmp_path / "run", secure=files) as broker:
        assert all(lets_in(broker, name, tls) for name, tls in kiosks.items())
        authority.revoke("stolen-1")
        done = publish_crl(files, "--set", f"authority.folder={authority.folder}")
        assert (done.returncode, "1 certificate on it" in done.stdout) == (0, True), done.stderr
        os.kill(broker.pid, signal.SIGHUP)
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while lets_in(broker, "stolen-1", kiosks["stolen-1"]):  # it reads when its loop comes round
            assert datetime.now(UTC) < deadline
        assert lets_in(broker, "kiosk-1", kiosks["kiosk-1"])


def test_a_restart_ends_the_connection_that_was_open(centre, tmp_path):
    authority, files = centre
    tls = certify(authority, files, "stolen-1")
    with Broker(tmp_path / "run", secure=files) as broker:
        caller = Caller(broker.port, "stolen-1", tls)
        assert caller.up.wait(10)
        authority.revoke("stolen-1")
        publish(authority.folder / "crl.pem", files)
        broker.stop()
        broker.start()
        caller.up.clear()
        assert caller.down.wait(10)
        assert not lets_in(broker, "stolen-1", tls)
        assert not caller.up.is_set()
        caller.link.stop()


def test_the_list_that_is_there_already_is_left_alone(centre):
    authority, files = centre
    before = (files / "crl.pem").stat()
    done = publish_crl(files / "crl.pem", "--from", authority.folder / "crl.pem")
    assert (done.returncode, "the newest list already" in done.stdout) == (0, True)
    after = (files / "crl.pem").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert before.st_mode & 0o777 == 0o644


def test_no_list_but_the_authoritys_own_and_newest_is_published(centre, tmp_path):
    """Whoever could put another one there would shut everybody out, or let a stolen kiosk in again."""
    authority, files = centre
    older = (authority.folder / "crl.pem").read_bytes()
    later = Authority(authority.folder, now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    certify(authority, files, "stolen-1")
    later.revoke("stolen-1")
    publish(authority.folder / "crl.pem", files)
    good = (files / "crl.pem").read_bytes()
    forger = Authority.create(tmp_path / "forger")
    (tmp_path / "older.pem").write_bytes(older)
    (tmp_path / "none.pem").write_bytes(b"no list")
    for source, words in (
        (forger.folder / "crl.pem", "was not signed by the authority"),
        (tmp_path / "older.pem", "is older"),
        (tmp_path / "none.pem", "no list of revoked certificates"),
        (tmp_path / "gone.pem", "cannot be read"),
    ):
        done = publish_crl(files, "--from", source)
        assert (done.returncode, words in done.stderr.replace("\n", " ")) == (1, True), done.stderr
        assert (files / "crl.pem").read_bytes() == good
    (files / "crl.pem").write_bytes(b"damaged")
    assert publish(authority.folder / "crl.pem", files).changed  # what protects nobody is replaced
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    with pytest.raises(AuthorityError, match=r"holds no ca\.pem"):
        publish(tmp_path / "older.pem", nowhere)
