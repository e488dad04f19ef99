"""`kill -9` on a gallery, some sixty times; `python -m benchmarks.gallery_kill --kills 500` does it for longer."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system

KILLS = 60


def test_what_is_acknowledged_outlives_kill_9_and_what_is_deleted_does_not(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.gallery_kill", "--kills", str(KILLS), "--seed", "1"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path), "--json", str(figures)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(figures.read_text())
    assert found["kills"] == KILLS
    assert sum(found["struck"].values()) == KILLS
    assert found["acknowledged"] > KILLS
    assert found["whole"] + found["absent"] > KILLS / 2
