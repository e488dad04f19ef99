"""The services do their work under the system-call filters of their own units, applied here by libseccomp.

What systemd adds besides (a read-only system, private devices, no network addresses) is not tried here: that takes a
machine that was started by systemd.
"""

import configparser
import ctypes
import ctypes.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardware.bench.broker import find_mosquitto

pytestmark = pytest.mark.system

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
ANALYZE = shutil.which("systemd-analyze")
LIBRARY = ctypes.util.find_library("seccomp")
ALLOW, EPERM = 0x7FFF0000, 0x00050001
NO_NEW_PRIVILEGES, DENY_WRITE_EXECUTE = 38, 65
BIN = Path(sys.executable).parent
NOBODY = 65534

if ANALYZE is None or LIBRARY is None:
    pytest.skip("systemd-analyze or libseccomp is not installed", allow_module_level=True)


def group(name):
    """System calls of a group, as this systemd knows it."""
    done = subprocess.run([ANALYZE, "syscall-filter", name], capture_output=True, text=True, check=True)
    calls = set()
    for word in (row.strip() for row in done.stdout.splitlines()[1:]):
        if word.startswith("@"):
            calls |= group(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed(lines):
    calls = group("@default")
    for line in lines:
        words = line.removeprefix("~").split()
        named = set().union(*(group(word) if word.startswith("@") else {word} for word in words))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


class Repeated(dict):
    """Keys that stand more than once are gathered."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self:
            value = self[key] + value
        super().__setitem__(key, value)


@pytest.fixture(scope="module")
def filtered():
    """For a unit, what makes a child process as shut in as it is."""
    seccomp = ctypes.CDLL(LIBRARY, use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    libc = ctypes.CDLL(None, use_errno=True)

    def of(name):
        read = configparser.RawConfigParser(strict=False, dict_type=Repeated)
        read.optionxform = str
        read.read_string((UNITS / name).read_text("utf-8"))
        service = read["Service"]
        calls = allowed(service["SystemCallFilter"].splitlines())
        numbers = [seccomp.seccomp_syscall_resolve_name(call.encode()) for call in sorted(calls)]
        jail = ctypes.c_void_p(seccomp.seccomp_init(EPERM))
        for number in numbers:
            if number >= 0:
                assert seccomp.seccomp_rule_add(jail, ALLOW, number, 0) == 0

        def enter():
            libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            if service["MemoryDenyWriteExecute"] == "yes":
                libc.prctl(DENY_WRITE_EXECUTE, 1, 0, 0, 0)  # Linux 6.3; before that it says no
            seccomp.seccomp_load(jail)

        return enter

    return of


def run(enter, *command, **options):
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        preexec_fn=enter,
        **options,
    )


def test_the_filter_is_on(filtered):
    look = "import os; print(open('/proc/self/status').read()); os.setpriority(0, 0, 5)"
    done = run(filtered("whorl-edge.service"), sys.executable, "-c", look)
    assert "Seccomp:\t2" in done.stdout
    assert "PermissionError" in done.stderr


def test_the_kiosk_finds_minutiae_and_knows_its_clock(filtered, tmp_path):
    y, x = np.mgrid[0:288, 0:256]
    ridges = 127 + 120 * np.cos(2 * np.pi * (y + 25 * np.sin(x / 40)) / 9)
    Image.fromarray(ridges.astype(np.uint8)).save(tmp_path / "print.png")
    enter = filtered("whorl-edge.service")
    done = run(enter, BIN / "edge-service", "extract", tmp_path / "print.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    look = "import ctypes; print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))"
    assert int(run(enter, sys.executable, "-c", look).stdout) >= 0


def test_the_kiosks_service_saves_and_ends(filtered, tmp_path):
    enter = filtered("whorl-edge.service")
    settings = [
        "--set",
        "device=kiosk-1",
        "--set",
        f"spool.path={tmp_path}/spool.db",
        "--set",
        "broker.port=9",
    ]
    done = run(enter, BIN / "edge-service", "doctor", "--json", *settings)
    found = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert found["model"]["level"] == found["spool"]["level"] == "ok"
    save = (
        "import sys; from pathlib import Path; from edge_service.spool import Spool;"
        " s = Spool(Path(sys.argv[1]), device='kiosk-1'); s.add('kiosk-1.01ARZ3NDEKTSV4RRFFQ69G5FAV', b'x');"
        " print(s.stats().undelivered); s.close()"
    )
    saved = run(enter, sys.executable, "-c", save, tmp_path / "spool.db")
    assert saved.stdout.strip() == "1", saved.stderr


def test_the_matcher_compiles_and_compares(filtered, tmp_path):
    """numba writes machine code, and keeps it in the folder that the unit names."""
    code = (
        "import numpy as np; from interchange import Minutiae; from matcher_service.explaining import explain;"
        " t = np.arange(12) * 0.5;"
        " m = Minutiae.make(150 + 40 * np.cos(t * 3), 150 + 12 * t, t, width=300, height=300); explain(m, m);"
        " print('compared')"
    )
    done = run(filtered("whorl-matcher.service"), sys.executable, "-c", code)
    assert done.stdout.strip() == "compared", done.stderr


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else; root's has no sandbox")
def test_the_screens_chromium_makes_its_sandbox_and_shows_a_page(filtered):
    enter = filtered("whorl-kiosk.service")

    def as_nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        enter()

    with tempfile.TemporaryDirectory() as place:
        page = Path(place) / "page.html"
        page.write_text("<p id=a>before</p><script>a.textContent = 'after' + [1, 2].map(x => x * 2)</script>")
        page.chmod(0o644)
        os.chown(place, NOBODY, NOBODY)
        done = run(
            as_nobody,
            shutil.which("chromium"),
            "--headless=new",
            "--dump-dom",
            "--disable-gpu",
            f"--user-data-dir={place}/profile",
            page.as_uri(),
            env={"HOME": place, "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": place},
            cwd="/",
        )
    assert "after2,4" in done.stdout, done.stderr[-2000:]


def test_the_broker_runs_as_its_drop_in_says(filtered, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\n"
        f"persistence true\npersistence_location {tmp_path}/\n"
    )
    enter = filtered("mosquitto.service.d/whorl.conf")
    with subprocess.Popen(
        [find_mosquitto(), "-c", config],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=enter,  # noqa: PLW1509 - the filter is entered between fork and exec
    ) as broker:
        line = broker.stderr.readline()
        while line and "running" not in line:
            line = broker.stderr.readline()
        assert "running" in line
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00")
            assert peer.recv(4)[0] == 0x20
        broker.terminate()
        assert broker.wait(10) == 0
    assert (tmp_path / "mosquitto.db").exists()
