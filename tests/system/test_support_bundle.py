"""The support bundle: prints, keys, names and numbers of bookings are planted everywhere, and none may be in it."""

import base64
import json
import re
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from edge_service.ops.log_filter import LogFilter, known_messages
from edge_service.ops.settings_file import SETTINGS_MODEL
from edge_service.ops.shown_settings import HIDDEN, SHOWN, shown
from edge_service.spool import Spool
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.logs import KeyValueFormatter, facts
from interchange.messages import encode_message
from interchange.settings import load_settings

pytestmark = pytest.mark.system

EDGE = Path(sys.executable).with_name("edge-service")
NAME, BOOKING, CHARGE, BADGE = "Made-Up-Surname", "BK-2026-00417", "made-up-charge-class", "d104-officer"
SECRET_KEY = base64.b64encode(b"made-up key material, 32 bytes!!").decode()
PASSWORD = 3_141_592_653
HOST = "broker.madeup-county.example"


def line(message, **values):
    """As our own logging writes it."""
    import logging

    record = logging.LogRecord("edge.booking", logging.INFO, "x.py", 1, message, None, None)
    record.__dict__.update(facts(**values))
    return KeyValueFormatter().format(record)


@pytest.fixture
def planted(tmp_path):
    """A kiosk with something that must not leave it wherever something can be put; the words to look for."""
    submission = made_up_submission("kiosk-1", {2: made_up_minutiae(3), 7: made_up_minutiae(4)})
    payload = encode_message(submission)
    template = submission.prints[0].template
    tcn = submission.tcn
    spool_path = tmp_path / "kiosk.db"
    with Spool(spool_path, device="kiosk-1") as spool:
        spool.add(tcn, payload)
        spool.refuse(tcn, field=NAME, reason=f"{BOOKING} {CHARGE}")
    with sqlite3.connect(spool_path) as connection:
        connection.execute("INSERT INTO fact VALUES (?, ?)", (NAME, SECRET_KEY))
    connection.close()
    (tmp_path / f"kiosk.db.damaged-{NAME}").write_bytes(template)
    (tmp_path / "board-pairing.json").write_text(json.dumps({"key": SECRET_KEY, "board": BADGE}))
    for name in ("ca", "own", "key"):
        (tmp_path / f"{NAME}-{name}.pem").write_text(SECRET_KEY)
    config = tmp_path / "edge.toml"
    config.write_text(
        f'# {NAME}\nversion = 1\ndevice = "kiosk-1"\n[spool]\npath = "{spool_path}"\n'
        f'[sensor]\nport = "/dev/{BOOKING}"\npassword = {PASSWORD}\n'
        f'[broker]\nhost = "{HOST}"\nport = 9\n[broker.tls]\nca = "{tmp_path}/{NAME}-ca.pem"\n'
        f'certificate = "{tmp_path}/{NAME}-own.pem"\nkey = "{tmp_path}/{NAME}-key.pem"\n'
    )
    hexed, based = template.hex(), base64.b64encode(template).decode()
    log = tmp_path / "edge.log"
    log.write_text(
        "\n".join(
            [
                line("booking saved", tcn=tcn, prints=2, purpose="booking"),
                line(
                    "booking saved",
                    tcn=tcn,
                    prints=NAME,
                    purpose=BOOKING,
                    name=NAME,
                    key=SECRET_KEY,
                ),
                line("submission sent", tcn=f"{NAME}", bytes=100, again=False),
                line(f"booking of {NAME}", tcn=tcn),
                line(f"booking saved {BOOKING}", prints=hexed),
                line("press not used", position=2, reason=f"{NAME} {hexed}"),
                line("no connection to the broker", reason=f"ConnectionRefusedError: {HOST}", again_in_s=0.5),
                line("submission refused", field=CHARGE, reason=BADGE),
                f"Traceback (most recent call last): {NAME}",
                f'  File "/opt/{NAME}/edge_service/spool.py", line 12, in add',
                f'    payload = "{based}"',
                f"ValueError: {BOOKING} {based}",
                f"{NAME} {BOOKING} {tcn}",
                f"2026-01-05T10:11:12.345Z level=info at=x msg=ready {NAME}={BOOKING}",
                json.dumps({"template": based, "name": NAME}),
            ]
        )
    )
    needles = [
        NAME,
        BOOKING,
        CHARGE,
        BADGE,
        SECRET_KEY,
        str(PASSWORD),
        HOST,
        tcn,
        tcn.partition(".")[2],
        tcn[-10:],
    ]
    needles += [hexed[:24], hexed[-24:], based[:20], based[-20:], str(tmp_path), "kiosk-1"]
    return config, log, needles


def bundle(config, log, out):
    command = [EDGE, "support-bundle", out, "--config", config, "--log", log]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        return {m.name: archive.extractfile(m).read().decode() for m in archive.getmembers()}


def test_nothing_that_was_planted_is_in_it(planted, tmp_path):
    config, log, needles = planted
    parts = bundle(config, log, tmp_path / "out.tar.gz")
    assert {Path(name).name for name in parts} == {
        "README.txt",
        "doctor.json",
        "settings.json",
        "versions.json",
        "spool.json",
        "board.json",
        "service.json",
        "log.txt",
    }
    whole = "\n".join([*parts, *parts.values()])
    for needle in needles:
        assert needle.lower() not in whole.lower(), needle


def test_what_helps_is_in_it(planted, tmp_path):
    config, log, _ = planted
    parts = {Path(name).name: text for name, text in bundle(config, log, tmp_path / "o.tgz").items()}
    assert {finding["check"] for finding in json.loads(parts["doctor.json"])} >= {"spool", "broker", "sensor"}
    assert json.loads(parts["spool.json"])["by_state"] == {"refused": 1}
    assert json.loads(parts["spool.json"])["set_aside"] == 1
    settings = json.loads(parts["settings.json"])
    assert settings["broker"]["port"] == 9
    assert settings["broker"]["host"] == settings["sensor"]["password"] == settings["device"] == HIDDEN
    assert "whorl" in json.loads(parts["versions.json"])
    lines = parts["log.txt"].splitlines()
    marks = re.findall(
        r'"booking saved" tcn=(tcn#[0-9a-f]{8}) prints=(\(not shown\)|\S+) purpose=(\(not shown\)|\S+)',
        parts["log.txt"],
    )
    assert [(mark == marks[0][0], *rest) for mark, *rest in marks] == [
        (True, "2", "booking"),
        (True, "(not shown)", "(not shown)"),
    ]
    assert any(
        '"no connection to the broker" reason=ConnectionRefusedError again_in_s=0.5' in line for line in lines
    )
    assert "  edge_service/spool.py:12 add" in lines
    assert "  ValueError" in lines
    assert lines[-1].endswith("lines not shown)")


def test_it_is_its_owners_alone_and_never_writes_over(planted, tmp_path):
    config, log, _ = planted
    out = tmp_path / "o.tgz"
    bundle(config, log, out)
    done = subprocess.run(
        [EDGE, "support-bundle", out, "--config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert out.stat().st_mode & 0o077 == 0
    assert out.stat().st_size > 500


def test_settings_that_cannot_be_used_are_not_quoted(tmp_path):
    config = tmp_path / "edge.toml"
    config.write_text(f'version = 1\ndevice = "kiosk-1"\n{NAME} = "{BOOKING}"\n')
    parts = bundle(config, config, tmp_path / "o.tgz")
    whole = "\n".join(parts.values())
    assert NAME not in whole
    assert BOOKING not in whole
    assert json.loads(parts["whorl-support/doctor.json"])[0]["level"] == "problem"


def test_marks_are_equal_for_equal_numbers_within_a_bundle_only():
    tcn = "kiosk-1.01ARZ3NDEKTSV4RRFFQ69G5FAV"
    one, other = LogFilter(secret=b"a" * 32), LogFilter(secret=b"b" * 32)
    assert one.mark(tcn) == one.mark(tcn) != other.mark(tcn)


def test_the_messages_of_our_own_source_are_known():
    assert {"booking saved", "submission sent", "connected", "ready", "stopped"} <= known_messages()


def test_every_setting_that_is_shown_exists_and_the_others_are_hidden():
    tree = shown(load_settings(SETTINGS_MODEL, None, ["device=kiosk-1"]))

    def keys(table, above=""):
        for key, value in table.items():
            if isinstance(value, dict):
                yield from keys(value, f"{above}{key}.")
            else:
                yield above + key, value

    found = dict(keys(tree))
    assert set(found) >= SHOWN
    assert {value for key, value in found.items() if key not in SHOWN} <= {HIDDEN, None}
