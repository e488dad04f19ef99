"""The demo as a stranger starts it: real parts, an end of its own, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from PIL import Image

from models.synthetic import impression, master

pytestmark = pytest.mark.system

MARK = "WHORL_DEMO_TEST"
COLOURS = re.compile(r"(criminal|immigration)\s+(RED|YELLOW|GREEN)")


def demo(tmp_path, *options):
    """The command, and the environment whose mark its children inherit."""
    mark = uuid.uuid4().hex
    command = [
        sys.executable,
        "-m",
        "demo",
        "--speed",
        "0",
        "--pictures",
        str(tmp_path / "pictures"),
        *options,
    ]
    return command, os.environ | {MARK: mark, "COLUMNS": "140"}, mark


def left_behind(mark):
    """Processes that carry the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found


@pytest.fixture
def busy_1883():
    """Somebody else's broker, or anything, on the usual port."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 1883))
            other.listen()
        except OSError:
            pass  # then something is there already, which is what is wanted
        yield


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("option", "between"),
    [
        ((), "the sensor board's firmware"),
        (("--direct",), "straight to the kiosk"),
        (("--secure", "--direct"), "signed and sealed"),
    ],
)
def test_three_bookings(tmp_path, busy_1883, option, between):
    command, env, mark = demo(tmp_path, "--crowd", "40", *option)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert between in done.stdout
    assert COLOURS.findall(done.stdout) == [
        ("criminal", "RED"),
        ("immigration", "GREEN"),
        ("criminal", "RED"),
        ("immigration", "RED"),
        ("criminal", "GREEN"),
        ("immigration", "GREEN"),
    ]
    assert done.stdout.count("ms from the sensor's last byte to the reply") == 3
    drawn = {p.name for p in (tmp_path / "pictures").glob("*.png")}
    assert {"person-a-print.png", "person-a-criminal.png", "person-b-immigration.png"} <= drawn
    for name in drawn:
        with Image.open(tmp_path / "pictures" / name) as picture:
            assert min(picture.size) > 400
        assert name in done.stdout
    assert left_behind(mark) == []


@pytest.mark.timeout(300)
def test_own_prints(tmp_path):
    folder = tmp_path / "prints"
    folder.mkdir()
    for finger, suffix in ((1, "png"), (2, "bmp"), (3, "tif")):
        for k in (1, 2, 3):
            Image.fromarray(impression(master(700 + finger), k)).save(folder / f"{finger}_{k}.{suffix}")
    (folder / "notes.txt").write_text("not a print")
    (folder / "3_4.png").write_bytes(b"no picture at all")
    command, env, mark = demo(tmp_path, "--prints", str(folder), "--crowd", "20")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    total = re.search(r"all\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+)", done.stdout)
    assert total, done.stdout
    hits, misses, wrong, no_print = map(int, total.groups())
    assert (hits, misses, wrong, no_print) == (6, 0, 0, 1)
    assert "3_4.png" in done.stdout
    assert left_behind(mark) == []


@pytest.mark.parametrize("content", ["nothing there", "empty", "one impression each"])
def test_a_folder_that_holds_nothing_to_do(tmp_path, content):
    folder = tmp_path / "prints"
    if content != "nothing there":
        folder.mkdir()
    if content == "one impression each":
        Image.fromarray(impression(master(1), 1)).save(folder / "1_1.png")
    command, env, _ = demo(tmp_path, "--prints", str(folder))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "1_1.png" in done.stdout  # says how the images are to be named
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_midway_it_leaves_nothing(tmp_path, number):
    command, env, mark = demo(tmp_path, "--crowd", "20", "--speed", "0.5")
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "Booking 1" in line:
                break
        time.sleep(0.5)
        began = time.monotonic()
        run.send_signal(number)
        run.wait(30)
        assert time.monotonic() - began < 15
        assert run.returncode != 0
    assert left_behind(mark) == []
