"""Health, metrics, watchdog and doctor of the real services, as their supervisor and a technician meet them."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prometheus_client.parser import text_string_to_metric_families

from edge_service.clock import SystemClock
from edge_service.ops import parameters
from edge_service.ops.progress import EdgeProgress
from edge_service.ops.watched_uplink import WatchedUplink
from edge_service.settings import EdgeSettings, UplinkSettings
from edge_service.spool import Spool
from edge_service.uplink import UplinkNews
from hardware.bench.broker import Broker
from hardware.bench.emulator import SensorEmulator
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from interchange.health import Vitals
from interchange.sd_notify import Notifier
from interchange.settings import BrokerSettings
from matcher_service.authority import Authority, Role, certificate_request, new_key

pytestmark = pytest.mark.system

EDGE = Path(sys.executable).with_name("edge-service")
ACL = Path(__file__).parents[2] / "deploy" / "mosquitto" / "acl"
PATIENCE_S = 30.0


class Supervisor:
    def __init__(self, path):
        self.address = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.heard = []

    def hear_until(self, words):
        self.socket.settimeout(PATIENCE_S)
        while True:
            self.heard.append(self.socket.recv(4096).decode())
            if self.heard[-1].startswith(words):
                return self.heard[-1]

    def feeds_within(self, seconds):
        """Signs of life in the coming time."""
        deadline, feeds = time.monotonic() + seconds, 0
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                feeds += self.socket.recv(4096) == b"WATCHDOG=1"
            except TimeoutError:
                break
        return feeds


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(tmp_path / "notify")
    yield supervisor
    supervisor.socket.close()


@pytest.fixture
def supervised(supervisor, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    monkeypatch.setenv("WATCHDOG_USEC", "900000")
    return supervisor


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:  # not there yet
        return 0, ""


def figures(port):
    status, text = ask(port, "/metrics")
    assert status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }, text


def test_the_edge_service_and_its_supervisor(site, supervised, until, monkeypatch):
    site.repositories.create("criminal")
    with monkeypatch.context() as unsupervised:
        unsupervised.delenv("NOTIFY_SOCKET")
        site.matcher()
    port = free_port()
    service = site.edge("kiosk-1", f"ops.port={port}")
    supervised.hear_until("READY=1")
    supervised.hear_until("WATCHDOG=1")
    until(lambda: ask(port, "/readyz")[0] == 200)
    tcn = site.save(1)
    site.reply(tcn)
    until(lambda: figures(port)[0]["whorl_edge_submissions", "replied"] == 1)
    seen, text = figures(port)
    assert seen[("whorl_edge_undelivered",)] == 0
    assert seen[("whorl_edge_uplink_connected",)] == 1
    assert seen["whorl_edge_uplink_events_total", "acknowledged"] == 1
    assert seen[("whorl_edge_reply_seconds_count",)] == 1
    assert 0 < seen[("whorl_edge_reply_seconds_sum",)] < PATIENCE_S
    assert time.time() - seen[("whorl_edge_last_acknowledgement_timestamp_seconds",)] < PATIENCE_S
    assert seen[("whorl_edge_written_bytes_total",)] >= 0
    assert seen[("process_resident_memory_bytes",)] > 1e6
    assert tcn not in text
    assert "kiosk-1" not in text

    site.broker.stop()
    until(lambda: ask(port, "/readyz")[0] == 503)
    assert json.loads(ask(port, "/readyz")[1])["checks"][1] == {
        "name": "broker",
        "ok": False,
        "words": "not connected",
    }
    assert ask(port, "/healthz")[0] == 200
    assert "no broker" in supervised.hear_until("STATUS=no broker")
    supervised.hear_until("WATCHDOG=1")  # without a broker it lives on

    service.send(signal.SIGTERM)
    supervised.hear_until("STOPPING=1")
    assert service.wait(10) == 0


def test_a_spool_that_does_not_answer_starves_the_watchdog(site, supervised, until):
    port = free_port()
    site.edge("kiosk-1", f"ops.port={port}")
    supervised.hear_until("WATCHDOG=1")
    stuck = sqlite3.connect(site.folder / "kiosk-1.db", isolation_level=None)
    stuck.execute("BEGIN IMMEDIATE")
    assert "the spool does not answer" in supervised.hear_until("STATUS=the spool")
    assert supervised.feeds_within(1.5) == 0
    until(lambda: ask(port, "/healthz")[0] == 503)
    stuck.execute("ROLLBACK")
    stuck.close()
    supervised.hear_until("WATCHDOG=1")
    until(lambda: ask(port, "/healthz")[0] == 200)


def test_a_port_that_is_taken_ends_the_start_in_words(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service = site.edge("kiosk-1", f"ops.port={listener.getsockname()[1]}")
        assert service.wait(20) == 1
    assert "[ops]" in service.output()


def test_an_uplink_that_is_stuck_starves_the_watchdog(site, supervisor, monkeypatch, tmp_path):
    """Its thread hangs in the middle of its work, while it is connected and the broker is well."""
    monkeypatch.setattr(parameters, "LINK_TURN_S", 1.0)
    released = threading.Event()
    hanging = threading.Event()

    def hang(event):
        if event.news is UplinkNews.SENT:
            hanging.set()
            released.wait(PATIENCE_S)

    with Spool(tmp_path / "spool.db", device="kiosk-7") as spool:
        uplink = WatchedUplink(
            spool=spool,
            device="kiosk-7",
            broker=BrokerSettings(port=site.broker.port),
            settings=UplinkSettings(),
            clock=SystemClock(store=spool),
            events=hang,
        )
        progress = EdgeProgress(spool=spool, limits=EdgeSettings(device="kiosk-7").spool, uplink=uplink)
        vitals = Vitals(
            prove=progress.prove,
            status=progress.words,
            notifier=Notifier(supervisor.address, watchdog_s=0.9),
        )
        uplink.start()
        vitals.start()
        supervisor.hear_until("WATCHDOG=1")
        spool.add("kiosk-7.01ARZ3NDEKTSV4RRFFQ69G5FAV", b"made up")
        uplink.wake()
        assert hanging.wait(PATIENCE_S)
        supervisor.hear_until("STATUS=the uplink stands still")
        assert uplink.connected
        assert supervisor.feeds_within(1.5) == 0
        assert not vitals.alive().holds
        released.set()
        supervisor.hear_until("WATCHDOG=1")
        vitals.stop()
        uplink.stop()


def test_the_matcher_and_its_supervisor(site, supervised, until, monkeypatch):
    site.enroll("criminal", 1, 2)
    port = free_port()
    matcher = site.matcher(f"ops.port={port}", ready=False)
    supervised.hear_until("READY=1")
    supervised.hear_until("WATCHDOG=1")
    until(lambda: ask(port, "/readyz")[0] == 200)
    monkeypatch.delenv("NOTIFY_SOCKET")
    site.edge()
    tcn = site.save(1)
    site.reply(tcn)
    seen, text = figures(port)
    assert seen["whorl_matcher_prints", "criminal"] == 4
    assert seen[("whorl_matcher_replies_total",)] >= 1
    assert seen[("whorl_matcher_reply_seconds_count",)] == 1
    assert tcn not in text
    assert "kiosk-1" not in text
    assert ask(port, "/healthz")[0] == 200
    matcher.send(signal.SIGTERM)
    supervised.hear_until("STOPPING=1")
    assert matcher.wait(20) == 0


# -- the doctor


def doctor(*settings, json_too=True):
    words = [word for setting in settings for word in ("--set", setting)]
    command = [EDGE, "doctor", *(["--json"] if json_too else []), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "160"}
    )
    assert "Traceback" not in done.stdout + done.stderr
    if not json_too:
        return done.returncode, done.stdout
    return done.returncode, {finding["check"]: finding for finding in json.loads(done.stdout)}


def test_the_doctor_beside_a_running_service(site, until):
    port = free_port()
    site.edge("kiosk-1", f"ops.port={port}")
    until(lambda: ask(port, "/readyz")[0] == 200)
    ours = ("device=kiosk-1", f"spool.path={site.folder}/kiosk-1.db", f"broker.port={site.broker.port}")
    code, found = doctor(*ours, f"ops.port={port}")
    assert found["broker"]["level"] == "ok"
    assert "the running service is connected" in found["broker"]["what"]
    assert found["spool"]["level"] == found["matcher"]["level"] == found["model"]["level"] == "ok"
    assert code == 2  # there is no sensor
    assert found["sensor"]["level"] == "problem"
    seen, _ = figures(port)
    assert seen["whorl_edge_uplink_events_total", "connected"] == 1
    assert seen["whorl_edge_uplink_events_total", "disconnected"] == 0


def test_the_doctor_for_a_person(site):
    code, words = doctor("device=kiosk-1", f"spool.path={site.folder}/none.db", json_too=False)
    assert code == 2
    assert "✘" in words
    assert "wrong" in words
    assert "Plug the sensor's cable in" in words
    assert words.rstrip().endswith("the later ones may follow from it.")


def test_settings_that_cannot_be_used(tmp_path):
    path = tmp_path / "edge.toml"
    path.write_text('version = 1\ndevice = "kiosk-1"\nspol = 1\n')
    done = subprocess.run(
        [EDGE, "doctor", "--json", "--config", path], capture_output=True, text=True, timeout=60, check=False
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found[0]["level"]) == (2, "problem")
    assert "did you mean 'spool'" in found[0]["what"]
    assert {finding["level"] for finding in found[1:]} == {"note"}
    done = subprocess.run(
        [EDGE, "settings", "check", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "did you mean 'spool'" in done.stderr) == (1, True)


def test_a_board_that_is_paired_tells_its_counts(tmp_path):
    with SensorEmulator("R503") as sensor, VirtualBoard(sensor) as board:
        ours = (
            "device=kiosk-1",
            f"spool.path={tmp_path}/spool.db",
            f"sensor.port={board.path}",
        )
        _, found = doctor(*ours)
        assert "never paired" in found["sensor"]["what"]
        pair(board, tmp_path / "board-pairing.json")
        _, found = doctor(*ours)
        assert found["sensor"]["level"] == "ok", found["sensor"]
        assert found["sensor"]["facts"]["counters"]["pairings"] == 1


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority.create(folder / "authority")
    (folder / "ca.pem").write_bytes(authority.root_pem)
    for name, role in (("broker", Role.BROKER), ("kiosk-1", Role.DEVICE), ("kiosk-9", Role.DEVICE)):
        key = new_key()
        hosts = ["127.0.0.1"] if role is Role.BROKER else ()
        (folder / f"{name}.pem").write_bytes(
            authority.certify(certificate_request(key, name), role=role, hosts=hosts)
        )
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.key").write_bytes(secret)
        (folder / f"{name}.key").chmod(0o600)
    authority.revoke("kiosk-9")
    (folder / "crl.pem").write_bytes((authority.folder / "crl.pem").read_bytes())
    (folder / "acl").write_bytes(ACL.read_bytes())
    (folder / "acl").chmod(0o600)
    with Broker(folder / "run", secure=folder) as broker:
        yield folder, broker


def at(secure, who, *, ca="ca"):
    folder, broker = secure
    return [
        f"device={who}",
        f"spool.path={folder}/{who}.db",
        f"broker.port={broker.port}",
        f"broker.tls.ca={folder}/{ca}.pem",
        f"broker.tls.certificate={folder}/{who}.pem",
        f"broker.tls.key={folder}/{who}.key",
    ]


def test_a_broker_that_lets_this_kiosk_in_and_one_that_does_not(secure):
    _, found = doctor(*at(secure, "kiosk-1"))
    assert (found["broker"]["level"], found["certificates"]["level"]) == ("ok", "ok")
    _, found = doctor(*at(secure, "kiosk-9"))
    assert found["broker"]["level"] == "problem"
    assert "revoked" in found["broker"]["remedy"]
    _, found = doctor(*at(secure, "kiosk-1", ca="kiosk-9"))
    assert found["broker"]["level"] == "problem"
    assert "TLS fails" in found["broker"]["what"]
