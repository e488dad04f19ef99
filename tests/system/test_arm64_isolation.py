"""Mounts of `make test-arm64` end with it, however it ends, and are seen by nobody else. Needs root."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.arm64.errors import StillMounted
from deploy.arm64.mounts import mounted_below, remove_tree

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 30.0
# Mounts a precious folder below a root, as a run does with the pseudo-terminals, and then does as it is told.
PROGRAM = """
import subprocess, sys, time
from pathlib import Path
from deploy.arm64.errors import StillMounted
from deploy.arm64.isolation import run_isolated
from deploy.arm64.mounts import Mounts, mounted_below, remove_tree
folder, what = Path(sys.argv[1]), sys.argv[2]
def work():
    with Mounts(folder / "root") as mounts:
        mounts.special("tmpfs", "/run")
        mounts.bind(folder / "precious", "/dev/pts")
        (folder / "root/run/file").write_text("in memory")
        try:
            remove_tree(folder / "root")
        except StillMounted as refused:
            print("refused:", len(refused.mounts), flush=True)
        subprocess.Popen(["sleep", "600"], cwd=folder / "root/dev/pts")  # keeps it busy
        print("mounted:", len(mounted_below(folder)), flush=True)
        if what == "wait":
            while True:
                time.sleep(0.1)  # in short pieces: a signal just before the sleep is seen after it only
        subprocess.run(["pkill", "-x", "sleep"])  # its own processes only: no others are there
    print("left:", len(mounted_below(folder)), flush=True)
    if what == "fail":
        raise RuntimeError("a fault")
    return 7
sys.exit(run_isolated(work))
"""


def can_isolate():
    tried = ["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"]
    return os.geteuid() == 0 and subprocess.run(tried, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not can_isolate(), reason="needs root and mounts of its own"),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/kept").write_text("kept")
    (tmp_path / "root").mkdir()
    return tmp_path


def start(folder, what):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), what],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
    )


def nothing_is_left(folder):
    assert mounted_below(folder) == []
    assert (folder / "precious/kept").read_text() == "kept"
    remove_tree(folder / "root")
    assert (folder / "precious/kept").read_text() == "kept"


def test_to_the_end(folder):
    process = start(folder, "end")
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert said.split("\n")[:3] == ["refused: 2", "mounted: 2", "left: 0"]
    assert process.returncode == 7
    assert not (folder / "root/run/file").exists()
    nothing_is_left(folder)


def test_a_fault(folder):
    process = start(folder, "fail")
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert "RuntimeError: a fault" in said
    assert process.returncode == 1
    nothing_is_left(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_from_outside(folder, number):
    process = start(folder, "wait")
    assert process.stdout.readline() == "refused: 2\n"
    assert process.stdout.readline() == "mounted: 2\n"
    assert mounted_below(folder) == []  # out here there never was a mount
    process.send_signal(number)
    said, _ = process.communicate(
        timeout=PATIENCE_S
    )  # ends only once all who hold the pipe are gone: the sleeper too
    if number == signal.SIGTERM:
        assert process.returncode == 130
        assert "nothing is left mounted" in said
    else:
        assert process.returncode == -signal.SIGKILL
    nothing_is_left(folder)


def test_a_real_mount_is_never_removed_through(folder):
    subprocess.run(["mount", "--bind", folder / "precious", folder / "root"], check=True)
    try:
        with pytest.raises(StillMounted):
            remove_tree(folder / "root")
    finally:
        time.sleep(0.05)
        subprocess.run(["umount", folder / "root"], check=True)
    nothing_is_left(folder)
