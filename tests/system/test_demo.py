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

import httpx
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
def test_from_the_sensor_to_the_report(tmp_path, busy_1883, option, between):
    command, env, mark = demo(tmp_path, "--crowd", "40", *option)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert between in said
    # Three in a county that is activated; the second of them again in one that is not: no word of immigration there.
    assert COLOURS.findall(done.stdout) == [("criminal", one) for one in ("RED", "RED", "GREEN", "RED")]
    assert done.stdout.count("to follow, after people have looked at it") == 3
    assert done.stdout.count("ms from the sensor's last byte to the reply") == 4
    in_order = (
        "No rule opens 'immigration' to submissions of Cole County",
        "candidates, shuffled, without scores, known strangers among them",
        "examiner2: ",
        "Nobody is told yet: the class of the charge was not reported yet",
        "gave a signed receipt",
        "convicted of nothing, so no level",
        "lawful status; nothing was asked of the jail",
        "no finding of anybody's status or guilt, and no ground to hold anyone",
        "retracted, with a signed receipt",
        "Its case: withdrawn. The kiosk: immigration taken back",
        "Identifications that were taken back 0 1",
        "nothing was changed",
    )
    assert [words for words in in_order if words not in said] == []
    assert sorted(in_order, key=said.index) == list(in_order)
    assert (tmp_path / "pictures" / "report" / "report.html").stat().st_size > 10_000
    drawn = {p.name for p in (tmp_path / "pictures").glob("*.png")}
    assert {"person-a-print.png", "person-a-criminal.png", "person-b-immigration.png"} <= drawn
    for name in drawn:
        with Image.open(tmp_path / "pictures" / name) as picture:
            assert min(picture.size) > 400
        assert name in done.stdout
    assert left_behind(mark) == []


@pytest.mark.timeout(300)
def test_it_stays_with_people_who_can_sign_in(tmp_path):
    command, env, mark = demo(tmp_path, "--crowd", "20", "--direct", "--stay")
    with subprocess.Popen(
        command,
        env=env | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        address, people = "", {}
        for line in run.stdout:
            if found := re.search(r"The console: (http://\S+)", line):
                address = found[1]
            if found := re.match(r"\s+(\w+)\s.*\s{2}(four .*\S)", line):
                people[found[1]] = found[2]
            if "Ctrl-C" in line:
                break
        assert len(people) == 8, people
        with httpx.Client(base_url=address, follow_redirects=True) as client:
            for name in ("examiner1", "caseofficer"):
                token = re.search(r'name="csrf" value="([^"]+)"', client.get("sign-in").text)[1]
                form = {"csrf": token, "name": name, "password": people[name]}
                page = client.post("sign-in", data=form).text
                assert f"<strong>{name}</strong>" in page, page[-500:]
                assert "What waits for you" in page
                client.cookies.clear()
        run.send_signal(signal.SIGINT)
        run.wait(30)
        assert run.returncode == 130
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
