"""The systemd units that are shipped: what systemd itself says of them, and that they say what the pages say."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_service.kiosk.parameters import PORT as PAGE_PORT

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
OURS = sorted(path.name for path in UNITS.glob("*.service"))
DEBIANS = Path("/usr/lib/systemd/system/mosquitto.service")
MOST_EXPOSED = 2.0  # of 10, by `systemd-analyze security`
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def unit(name):
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str
    read.read_string((UNITS / name).read_text("utf-8"))
    return read


def exposure(*arguments):
    done = subprocess.run(
        [ANALYZE, "security", "--offline=true", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"Overall exposure level for (\S+): ([0-9.]+)", done.stdout)
    assert found, done.stderr
    print(f"{found[1]}: {found[2]}")  # noqa: T201 - `pytest -s` shows the figures
    return float(found[2])


def test_all_are_there():
    names = ("api", "console", "crl", "edge", "kiosk", "matcher")
    assert [f"whorl-{name}.service" for name in names] == OURS


@needs_systemd
@pytest.mark.parametrize("name", OURS)
def test_little_is_exposed(name):
    assert exposure(UNITS / name) <= MOST_EXPOSED


@needs_systemd
@pytest.mark.skipif(not DEBIANS.exists(), reason="Debian's mosquitto.service is not installed")
def test_the_broker_with_our_drop_in_exposes_little(tmp_path):
    system = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(UNITS / "mosquitto.service.d", system / "mosquitto.service.d")
    vendor = tmp_path / "usr" / "lib" / "systemd" / "system"
    vendor.mkdir(parents=True)
    shutil.copy(DEBIANS, vendor)
    assert exposure(f"--root={tmp_path}", "mosquitto.service") <= MOST_EXPOSED


@needs_systemd
@pytest.mark.parametrize("name", OURS)
def test_systemd_itself_accepts_the_unit(name, tmp_path):
    text = (UNITS / name).read_text("utf-8")
    copy = tmp_path / name  # its programs need not be installed here
    copy.write_text(re.sub(r"^ExecStart=(?:.*\\\n)*.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    said = [row for row in done.stderr.splitlines() if name in row]
    assert (said, done.returncode) == ([], 0)


@pytest.mark.parametrize("name", [name for name in OURS if name != "whorl-crl.service"])
def test_what_every_lasting_unit_has(name):
    read = unit(name)
    service = read["Service"]
    assert service["User"].startswith("whorl")
    assert int(read["Unit"]["StartLimitBurst"]) > 1
    assert service["Restart"] in ("on-failure", "always")
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert read["Install"]["WantedBy"] == "multi-user.target"
    users = "".join(path.read_text("utf-8") for path in UNITS.glob("sysusers.d/*.conf"))
    assert re.search(rf"^u\s+{service['User']}\s", users, re.MULTILINE)


def test_the_one_that_runs_as_root_may_next_to_nothing():
    service = unit("whorl-crl.service")["Service"]
    assert service["Type"] == "oneshot"
    assert set(service["CapabilityBoundingSet"].split()) == {"CAP_DAC_READ_SEARCH", "CAP_CHOWN"}
    assert service["PrivateNetwork"] == "yes"
    assert service["ReadWritePaths"] == "/etc/whorl/broker"


@pytest.mark.parametrize("name", ["whorl-edge.service", "whorl-matcher.service"])
def test_the_watchdog_is_wanted_and_heard(name):
    service = unit(name)["Service"]
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert 15 <= int(service["WatchdogSec"]) <= 120


@pytest.mark.parametrize(
    ("name", "program", "settings"),
    [
        ("whorl-edge.service", "edge-service kiosk", "/etc/whorl/edge.toml"),
        ("whorl-matcher.service", "matcher-service run", "/etc/whorl/centre.toml"),
        ("whorl-api.service", "matcher-service api", "/etc/whorl/centre.toml"),
        ("whorl-console.service", "matcher-service console", "/etc/whorl/centre.toml"),
    ],
)
def test_the_programs_that_are_started(name, program, settings):
    assert unit(name)["Service"]["ExecStart"].endswith(f"/{program} --config {settings}")


def test_the_screen_sees_the_page_and_nothing_else():
    service = unit("whorl-kiosk.service")["Service"]
    text = (UNITS / "whorl-kiosk.service").read_text("utf-8")
    assert f"http://127.0.0.1:{PAGE_PORT}/" in text
    assert (service["IPAddressDeny"], service["IPAddressAllow"]) == ("any", "localhost")
    policy = json.loads((UNITS / "chromium-policy.json").read_text("utf-8"))
    assert (policy["URLBlocklist"], policy["URLAllowlist"]) == (["*"], [f"http://127.0.0.1:{PAGE_PORT}"])
    assert (policy["DeveloperToolsAvailability"], policy["DownloadRestrictions"]) == (2, 3)


@needs_systemd
@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
@pytest.mark.parametrize("name", ["whorl-edge", "whorl-matcher"])
def test_users_are_made(name, tmp_path):
    (tmp_path / "etc").mkdir()
    done = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "sysusers.d" / f"{name}.conf")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "etc" / "passwd").read_text()
    assert ("whorl-matcher:" in made) == (name == "whorl-matcher")
    assert ("whorl-kiosk:" in made) == (name == "whorl-edge")


@pytest.mark.parametrize("name", ["whorl-edge", "whorl-matcher"])
def test_folders_are_private(name):
    lines = (UNITS / "tmpfiles.d" / f"{name}.conf").read_text("utf-8")
    folders = dict(re.findall(r"^d\s+(\S+)\s+(\d+)", lines, re.MULTILINE))
    assert "/etc/whorl" in folders
    for path, mode in folders.items():
        assert int(mode, 8) & 0o022 == 0, path
        assert mode == "0700" or not path.startswith("/var"), path


@pytest.mark.parametrize("path", sorted(UNITS.rglob("*")), ids=lambda path: path.name)
def test_nothing_of_this_machine(path):
    if path.is_file():
        assert not re.search(r"/(root|work|tmp)/", path.read_text("utf-8"))
