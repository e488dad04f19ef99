"""The doctor's checks, each on files that are made up for it.

One long file on purpose: one check after the other, on the same made-up machine.
"""

import os
import socket
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from edge_service.ops import parameters
from edge_service.ops.checks import broker, certificates, clock, disk, matcher, model, power, sensor, spool
from edge_service.ops.doctor import CHECKS, examine, unreadable
from edge_service.ops.figures import ACKNOWLEDGED_AT, CONNECTED, STARTED_AT, WRITTEN
from edge_service.ops.findings import Finding, Level, worst
from edge_service.ops.patient import Patient
from edge_service.ops.progress import EdgeProgress, write_lock
from edge_service.ops.running_service import RunningService, running_service
from edge_service.ops.service_user import become_owner_of
from edge_service.ops.settings_file import SETTINGS_MODEL
from edge_service.ops.watched_uplink import WatchedUplink
from edge_service.spool import Spool
from edge_service.uplink_lock import UplinkLock
from interchange.settings import SettingsError, load_settings
from interchange.tcn import new_tcn


class Kiosk:
    """Settings, a spool, and a patient that is made anew whenever it is looked at."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "spool.db"
        self.assignments = ["device=kiosk-1", f"spool.path={self.path}"]

    def set(self, *assignments):
        self.assignments += assignments
        return self

    @property
    def settings(self):
        return load_settings(SETTINGS_MODEL, None, self.assignments)

    def spool(self, **options):
        return Spool(self.path, device="kiosk-1", **options)

    def patient(self, *, running=None, **figures):
        patient = Patient(self.settings, root=self.folder)
        if running is not None:
            patient.__dict__["service"] = RunningService(running, figures)
        return patient


@pytest.fixture
def kiosk(tmp_path, monkeypatch):
    monkeypatch.setattr(parameters, "SENSOR_WAIT_S", 0.2)
    return Kiosk(tmp_path)


def tcn(*, age_s=0.0):
    return new_tcn("kiosk-1", now_ms=int((time.time() - age_s) * 1000))


def age(kiosk, seconds):
    """Make everything in the spool older."""
    with sqlite3.connect(kiosk.path) as connection:
        connection.execute("UPDATE submission SET saved_ms = saved_ms - ?", (int(seconds * 1000),))
    connection.close()


# -- spool


def test_a_spool_that_is_not_there_yet_and_is_not_made(kiosk):
    assert spool.check(kiosk.patient()).level is Level.OK
    assert not kiosk.path.exists()


def test_a_good_spool_while_a_service_uses_it(kiosk):
    with kiosk.spool() as opened:
        opened.add(tcn(), b"x" * 1500)
        found = spool.check(kiosk.patient())
    assert (found.level, found.what) == (Level.OK, "1 to deliver, 1.5 KB held")
    assert found.facts["by_state"] == {"queued": 1}


@pytest.mark.parametrize(("saved", "level"), [(3, Level.OK), (4, Level.WARNING), (5, Level.PROBLEM)])
def test_a_spool_that_fills(kiosk, saved, level):
    kiosk.set("spool.max_submissions=5")
    with kiosk.spool() as opened:
        for _ in range(saved):
            opened.add(tcn(), b"x")
    assert spool.check(kiosk.patient()).level is level


def test_a_damaged_spool_is_said_and_left_as_it_is(kiosk):
    with kiosk.spool() as opened:
        for _ in range(50):
            opened.add(tcn(), os.urandom(2000))
    content = bytearray(kiosk.path.read_bytes())
    content[4096:40_960] = os.urandom(36_864)
    kiosk.path.write_bytes(content)
    found = spool.check(kiosk.patient())
    assert (found.level, found.what) == (Level.PROBLEM, "the file is damaged")
    assert kiosk.path.read_bytes() == content
    kiosk.path.write_bytes(b"no database at all, but something else" * 100)
    assert spool.check(kiosk.patient()).what == "the file is damaged"


def test_spools_set_aside(kiosk):
    (kiosk.folder / "spool.db.damaged-20260101T000000Z").write_bytes(b"x")
    found = spool.check(kiosk.patient())
    assert (found.level, "--start-empty" in found.remedy) == (Level.PROBLEM, True)
    kiosk.spool(start_empty=True).close()
    found = spool.check(kiosk.patient())
    assert (found.level, "--start-empty" in found.remedy) == (Level.WARNING, False)


def test_refused_bookings_and_a_folder_that_is_missing(kiosk):
    with kiosk.spool() as opened:
        number = tcn()
        opened.add(number, b"x")
        opened.refuse(number, field="device", reason="unknown")
    found = spool.check(kiosk.patient())
    assert (found.level, number in str(found)) == (Level.WARNING, False)
    kiosk.set(f"spool.path={kiosk.folder}/none/spool.db")
    assert spool.check(kiosk.patient()).level is Level.PROBLEM


# -- clock, disk, power, model


def test_a_clock_that_is_behind_what_was(kiosk, monkeypatch):
    monkeypatch.setattr(clock, "is_synchronised", lambda: True)
    with kiosk.spool() as opened:
        assert clock.check(kiosk.patient()).level is Level.OK
        opened.raise_clock_floor(int((time.time() + 90_000) * 1000))
        found = clock.check(kiosk.patient())
    assert (found.level, "1 day behind" in found.what) == (Level.PROBLEM, True)


def test_a_clock_that_nobody_keeps(kiosk, monkeypatch):
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    assert clock.check(kiosk.patient()).level is Level.WARNING


def room(**values):
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail")
    good = dict.fromkeys(names, 10**6) | {"f_frsize": 4096, "f_flag": 0, "f_namemax": 255} | values
    return os.statvfs_result([*(good[name] for name in names), good["f_flag"], good["f_namemax"]])


@pytest.mark.parametrize(
    ("values", "level", "words"),
    [
        ({}, Level.OK, "written a day"),
        ({"f_flag": os.ST_RDONLY}, Level.PROBLEM, "read-only"),
        ({"f_bavail": 100}, Level.PROBLEM, "full"),
        ({"f_bavail": 10_000}, Level.WARNING, "little room"),
        ({"f_favail": 10}, Level.WARNING, "little room"),
    ],
)
def test_disks(kiosk, monkeypatch, values, level, words):
    monkeypatch.setattr(disk.os, "statvfs", lambda _: room(**values))
    found = disk.check(kiosk.patient())
    assert found.level is level
    assert words in found.what


def test_bytes_a_day_by_the_service_or_by_the_bookings(kiosk):
    day_ago = time.time() - 86_400
    busy = kiosk.patient(running=True, **{WRITTEN: 3e9, STARTED_AT: day_ago})
    assert disk.written_a_day(busy) == pytest.approx(3e9, rel=1e-3)
    assert disk.check(busy).level is Level.WARNING
    with kiosk.spool() as opened:
        for _ in range(14):
            opened.add(tcn(), b"x")
    assert disk.written_a_day(kiosk.patient(running=False)) == 2 * parameters.BYTES_A_BOOKING
    age(kiosk, 8 * 86_400)
    assert disk.written_a_day(kiosk.patient(running=False)) == 0


def pi(kiosk, throttled=None, **files):
    (kiosk.folder / "proc/device-tree").mkdir(parents=True)
    (kiosk.folder / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    if throttled is not None:
        folder = kiosk.folder / "sys/devices/platform/soc/soc:firmware"
        folder.mkdir(parents=True)
        (folder / "get_throttled").write_text(throttled + "\n")
    for name, text in files.items():
        folder = kiosk.folder / "sys/class/hwmon/hwmon1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("throttled", "level", "words"),
    [
        ("0", Level.OK, "good"),
        ("50005", Level.PROBLEM, "too low now"),
        ("0x50000", Level.WARNING, "was too low"),
        ("80008", Level.WARNING, "too hot now"),
        ("e0000", Level.WARNING, "slowed"),
    ],
)
def test_what_a_pi_says_of_its_supply(kiosk, throttled, level, words):
    pi(kiosk, throttled)
    found = power.check(kiosk.patient())
    assert found.level is level
    assert words in found.what


@pytest.mark.parametrize(("alarm", "level"), [("0", Level.OK), ("1", Level.PROBLEM)])
def test_a_kernel_with_a_monitor_only(kiosk, alarm, level):
    pi(kiosk, name="rpi_volt", in0_lcrit_alarm=alarm)
    assert power.check(kiosk.patient()).level is level


def test_a_pi_that_says_nothing_and_no_pi(kiosk, monkeypatch):
    assert power.check(kiosk.patient()).level is Level.NOTE
    monkeypatch.setenv("PATH", str(kiosk.folder))
    pi(kiosk)
    assert power.check(kiosk.patient()).level is Level.NOTE
    vcgencmd = kiosk.folder / "vcgencmd"
    vcgencmd.write_text("#!/bin/sh\necho throttled=0x1\n")
    vcgencmd.chmod(0o755)
    assert power.check(kiosk.patient()).level is Level.PROBLEM


def test_the_model_and_one_that_was_changed(kiosk, monkeypatch):
    from edge_service.extraction import extractor

    assert model.check(kiosk.patient()).level is Level.OK
    copy = kiosk.folder / "minutiae.tflite"
    content = bytearray(extractor.DEFAULT_MODEL.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    copy.with_suffix(".json").write_bytes(extractor.DEFAULT_MODEL.with_suffix(".json").read_bytes())
    monkeypatch.setattr(extractor, "DEFAULT_MODEL", copy)
    assert model.check(kiosk.patient()).level is Level.PROBLEM


# -- sensor


@pytest.mark.parametrize("through", ["board", "uart"])
def test_a_sensor_that_is_not_there(kiosk, through):
    kiosk.set(f"sensor.through={through}", f"sensor.port={kiosk.folder}/none")
    found = sensor.check(kiosk.patient())
    assert (found.level, "is not there" in found.what) == (Level.PROBLEM, True)
    assert found.remedy.startswith("Plug")


@pytest.mark.parametrize("through", ["board", "uart"])
def test_a_port_that_the_service_uses_is_left_alone(kiosk, through):
    import fcntl
    import pty

    master, slave = pty.openpty()
    fcntl.flock(slave, fcntl.LOCK_EX)
    kiosk.set(f"sensor.through={through}", f"sensor.port={os.ttyname(slave)}")
    found = sensor.check(kiosk.patient())
    assert (found.level, found.facts) == (Level.NOTE, {"busy": True})
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)  # nothing was said
    os.close(master)
    os.close(slave)


def test_the_board_of_a_running_service_is_told_by_its_figures(kiosk):
    import fcntl
    import pty

    master, slave = pty.openpty()
    fcntl.flock(slave, fcntl.LOCK_EX)
    kiosk.set("sensor.through=board", f"sensor.port={os.ttyname(slave)}")
    counted = {
        "whorl_edge_board_images_total": 10.0,
        'whorl_edge_board_link_errors_total{kind="bad_crc"}': 2.0,
        "whorl_edge_board_trusted": 1.0,
    }
    found = sensor.check(kiosk.patient(running=True, **counted))
    assert (found.level, "10 images, 2 damaged frames" in found.what) == (Level.NOTE, True)
    assert found.facts["counters"] == {"images": 10, "link_bad_crc": 2}
    counted['whorl_edge_board_link_errors_total{kind="bad_crc"}'] = 50.0
    found = sensor.check(kiosk.patient(running=True, **counted))
    assert (found.level, "another cable" in found.remedy) == (Level.WARNING, True)
    counted["whorl_edge_board_trusted"] = 0.0
    found = sensor.check(kiosk.patient(running=True, **counted))
    assert (found.level, "does not trust its board" in found.what) == (Level.PROBLEM, True)
    os.close(master)
    os.close(slave)


# -- certificates


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    from matcher_service.authority import Authority

    return Authority.create(tmp_path_factory.mktemp("authority"))


def certified(kiosk, authority, *, days=200):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from matcher_service.authority import Role, certificate_request, new_key

    key = new_key()
    files = {
        "ca": authority.root_pem,
        "certificate": authority.certify(certificate_request(key, "kiosk-1"), role=Role.DEVICE, days=days),
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    for name, content in files.items():
        (kiosk.folder / f"{name}.pem").write_bytes(content)
        kiosk.set(f"broker.tls.{name}={kiosk.folder}/{name}.pem")
    (kiosk.folder / "key.pem").chmod(0o600)
    return kiosk


@pytest.mark.parametrize(
    ("days", "level"),
    [(200, Level.OK), (10, Level.WARNING), (-2, Level.PROBLEM)],
    ids=["long", "soon", "over"],
)
def test_certificates_that_run_out(kiosk, authority, days, level):
    found = certificates.check(certified(kiosk, authority, days=days).patient())
    assert found.level is level
    assert found.facts["own_days_left"] == pytest.approx(days, abs=1.1)


def test_keys_that_are_open_or_another_ones_or_gone(kiosk, authority):
    from matcher_service.authority import new_key

    certified(kiosk, authority)
    key = kiosk.folder / "key.pem"
    key.chmod(0o640)
    found = certificates.check(kiosk.patient())
    assert (found.level, "may read" in found.what) == (Level.PROBLEM, True)
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key.write_bytes(new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    assert "do not belong together" in certificates.check(kiosk.patient()).what
    key.unlink()
    assert "is missing" in certificates.check(kiosk.patient()).what


def test_certificates_without_an_identity_to_a_broker_elsewhere(kiosk, authority):
    certified(kiosk, authority).set(f"identity.folder={kiosk.folder}/none")
    assert certificates.check(kiosk.patient()).level is Level.OK  # on the loopback
    found = certificates.check(kiosk.set("broker.host=broker.county.example").patient())
    assert (found.level, "no identity" in found.what) == (Level.PROBLEM, True)
    assert "edge-service provision CODE" in found.remedy


def test_days_left_of_a_file_that_is_none(tmp_path):
    from interchange.certificate_age import days_left

    (tmp_path / "x").write_text("x")
    assert days_left(tmp_path / "x") is None
    assert days_left(tmp_path / "y") is None


def test_days_left_by_a_given_day(kiosk, authority):
    from interchange.certificate_age import days_left

    certified(kiosk, authority, days=100)
    later = datetime.now(UTC) + timedelta(days=90)
    assert days_left(kiosk.folder / "certificate.pem", now=later) == pytest.approx(10, abs=1.1)


# -- broker


def answering(answer):
    """A listener that takes one connection, reads, and answers with `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        line, _ = listener.accept()
        with line:
            heard.append(line.recv(200))
            line.sendall(answer)
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listener.getsockname()[1], heard, thread


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (b"\x20\x03\x00\x00\x00", Level.OK, "lets this kiosk in"),
        (b"\x20\x03\x00\x87\x00", Level.PROBLEM, "does not let this kiosk in"),
        (b"\x20\x03\x00\x99\x00", Level.PROBLEM, "code 0x99"),
        (b"SSH-2.0-x\r\n", Level.PROBLEM, "no MQTT broker"),
        (b"", Level.PROBLEM, "hung up"),
    ],
)
def test_what_a_broker_says(kiosk, answer, level, words):
    port, heard, thread = answering(answer)
    found = broker.check(kiosk.set(f"broker.port={port}").patient(running=False))
    thread.join(10)
    assert found.level is level
    assert words in found.what
    assert heard[0][0] == 0x10
    assert heard[0].endswith(b"kiosk-1")
    assert heard[0][9] == 0  # no clean start, no will: the session is as the service left it


def test_a_broker_that_is_away(kiosk):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = broker.check(kiosk.set(f"broker.port={port}").patient(running=False))
    assert (found.level, "cannot be reached" in found.what) == (Level.PROBLEM, True)


def test_a_broker_without_tls_where_tls_is_wanted(kiosk, authority):
    port, _, thread = answering(b"\x20\x03\x00\x00\x00")
    certified(kiosk, authority)
    found = broker.check(kiosk.set(f"broker.port={port}").patient(running=False))
    thread.join(10)
    assert (found.level, "TLS fails" in found.what) == (Level.PROBLEM, True)


@pytest.mark.parametrize(("connected", "level"), [(1.0, Level.OK), (0.0, Level.PROBLEM), (None, Level.OK)])
def test_the_running_service_is_not_thrown_out(kiosk, connected, level):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        figures = {} if connected is None else {CONNECTED: connected}
        patient = kiosk.set(f"broker.port={listener.getsockname()[1]}").patient(running=True, **figures)
        assert broker.check(patient).level is level
        line, _ = listener.accept()
        assert line.recv(1) == b""  # nobody said CONNECT
        line.close()


# -- matcher


def test_nothing_waits(kiosk):
    found = matcher.check(kiosk.patient(running=True))
    assert (found.level, found.what) == (Level.OK, "nothing waits; nothing was acknowledged yet")
    found = matcher.check(kiosk.patient(running=True, **{ACKNOWLEDGED_AT: time.time() - 7300}))
    assert found.what == "nothing waits; last acknowledgement 2 hours ago"


def test_a_booking_waits(kiosk):
    with kiosk.spool() as opened:
        number = tcn()
        opened.add(number, b"x")
    assert matcher.check(kiosk.patient(running=True)).level is Level.OK
    assert matcher.check(kiosk.patient(running=False)).level is Level.PROBLEM
    age(kiosk, 2 * 86_400)
    found = matcher.check(kiosk.patient(running=True))
    assert (found.level, found.what) == (
        Level.WARNING,
        "a booking waits for 2 days; nothing was acknowledged yet",
    )
    with kiosk.spool() as opened:
        opened.acknowledge(number)
    found = matcher.check(kiosk.patient(running=True))
    assert found.what == "nothing waits; the newest acknowledged booking was taken 2 days ago"


# -- all of them


def test_every_check_is_made_and_a_broken_one_is_a_finding(kiosk, monkeypatch):
    def broken(_patient):
        raise ValueError("secret")

    monkeypatch.setitem(CHECKS, "sensor", lambda _: Finding("sensor", Level.OK, ""))
    monkeypatch.setitem(CHECKS, "clock", broken)
    found = list(examine(kiosk.patient()))
    assert [finding.check for finding in found] == ["settings", *CHECKS]
    assert found[2].level is Level.PROBLEM
    assert "secret" not in str(found[2])
    assert [f.check for f in unreadable(SettingsError("file", "spol", "is not a setting"))] == [
        "settings",
        *CHECKS,
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "this kiosk has no name"),
        ('[broker]\nhost = "broker.county.example"\n', "this kiosk has no name"),
        ('device = "kiosk-1"\n[broker]\nhost = "broker.county.example"\n', "prints do not cross a network"),
    ],
)
def test_a_kiosk_that_was_never_provisioned_is_told_how(tmp_path, lines, words):
    identity = f'[identity]\nfolder = "{tmp_path}/none"\n'
    (tmp_path / "edge.toml").write_text(f"version = 1\n{lines}{identity}")
    with pytest.raises(SettingsError) as caught:
        load_settings(SETTINGS_MODEL, tmp_path / "edge.toml")
    found = unreadable(caught.value)[0]
    assert (found.level, words in found.what) == (Level.PROBLEM, True)
    assert "edge-service provision CODE" in found.remedy
    other = unreadable(SettingsError("file", "device", "String should match pattern"))[0]
    assert "provision" not in other.remedy


def test_the_worst(kiosk):
    findings = [Finding("a", level, "") for level in (Level.NOTE, Level.OK)]
    assert worst(findings) is worst([]) is worst(findings[:1]) is Level.OK
    assert int(worst([*findings, Finding("a", Level.WARNING, "")])) == 1
    assert int(worst([*findings, Finding("a", Level.PROBLEM, ""), Finding("a", Level.WARNING, "")])) == 2


def test_a_running_service_is_seen_by_its_lock(kiosk):
    assert not running_service(kiosk.path, None).running
    assert not kiosk.path.with_name("spool.db.uplink").exists()
    lock = UplinkLock(kiosk.path)
    assert lock.acquire()
    assert running_service(kiosk.path, None).running
    lock.release()
    assert not running_service(kiosk.path, None).running
    assert lock.acquire()  # the look did not keep it


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_services_user(tmp_path):
    folder = tmp_path / "var"
    folder.mkdir()
    os.chown(folder, 4711, 4712)
    tmp_path.chmod(0o755)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        become_owner_of(folder)
        os.write(write, f"{os.getuid()} {os.getgid()} {os.getgroups()}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"4711 4712 []"
    assert become_owner_of(tmp_path) == ""


# -- progress


class Stopped:
    """A link handler's friends, without a network."""

    def __init__(self, spool, **broker):
        from edge_service.clock import SystemClock
        from edge_service.settings import UplinkSettings
        from interchange.settings import BrokerSettings

        self.uplink = WatchedUplink(
            spool=spool,
            device="kiosk-1",
            broker=BrokerSettings(**broker),
            settings=UplinkSettings(),
            clock=SystemClock(store=spool),
        )


def test_progress_needs_a_turn_a_spool_and_its_lock(kiosk, monkeypatch):
    with kiosk.spool() as opened:
        uplink = Stopped(opened, backoff_max_s=1.0, connect_timeout_s=1.0).uplink
        progress = EdgeProgress(spool=opened, limits=kiosk.settings.spool, uplink=uplink)
        assert progress.prove() == ""
        now = time.monotonic()
        monkeypatch.setattr(uplink.pulse, "_clock", lambda: now + 18)
        assert "stands still" in progress.prove()
        uplink.pulse.beat()
        assert progress.prove() == ""

        other = sqlite3.connect(kiosk.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            write_lock(kiosk.path, timeout_s=0.1)
        other.execute("ROLLBACK")
        other.close()
        assert write_lock(kiosk.path) == ""

        opened._file.connection.close()
        assert "does not answer" in progress.prove()
        opened._file.connection = sqlite3.connect(kiosk.path)


def test_a_proof_writes_nothing(kiosk):
    with kiosk.spool() as opened:
        opened.add(tcn(), b"x")
        files = {name: kiosk.path.with_name(name).read_bytes() for name in ("spool.db", "spool.db-wal")}
        for _ in range(5):
            assert write_lock(kiosk.path) == ""
        assert files == {name: kiosk.path.with_name(name).read_bytes() for name in files}


def test_ready_in_words(kiosk):
    kiosk.set("spool.max_submissions=2")
    with kiosk.spool(max_submissions=2) as opened:
        trouble = ["sensor.missing"]
        progress = EdgeProgress(
            spool=opened,
            limits=kiosk.settings.spool,
            uplink=Stopped(opened).uplink,
            sensor_trouble=lambda: trouble[0],
        )
        said = {c.name: (c.holds, c.words) for c in progress.ready()}
        assert said == {
            "broker": (False, "not connected"),
            "spool": (True, ""),
            "sensor": (False, "sensor.missing"),
        }
        opened.add(tcn(), b"x")
        opened.add(tcn(), b"x")
        assert progress.ready()[1].words == "full: no booking is taken"
        assert progress.words() == "no broker, 2 to deliver"
