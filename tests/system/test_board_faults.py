"""The fault campaign in small: the real firmware between two bad wires; and whether the campaign would notice."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.board_bench import flash_of_a_new_board
from benchmarks.board_faults import parameters as p
from benchmarks.board_faults.judging import IMAGE, Verdict, run_once
from benchmarks.board_faults.plan import Plan, finger_of, plan_of
from benchmarks.board_faults.residue import outcome
from benchmarks.board_faults.rig import DirectRig
from benchmarks.board_faults.troubles import HOST, KINDS, MODULE, SENSOR_UP, RigKind, Trouble
from benchmarks.board_faults.workers import Counted, Orders, campaign, do_block
from edge_service.sensors import zfm_sensor
from edge_service.sensors.zfm_frame import data_packets
from hardware.bench.firmware_process import find_micropython
from hardware.bench.trace import read_trace
from hardware.bench.wire_faults import Harm, Incident

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
KIND = RigKind("R307", packet_bytes=128, baud=57_600, detect_line=True)
needs_interpreter = pytest.mark.skipif(
    find_micropython() is None, reason="no MicroPython on this kind of machine"
)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Orders:
    return Orders(
        1, direct=False, haste=p.HASTE, flash=str(flash_of_a_new_board(tmp_path_factory.mktemp("fw")))
    )


def verdicts(said: Iterator[Verdict | Counted]) -> list[Verdict]:
    return [verdict for verdict in said if isinstance(verdict, Verdict)]


@needs_interpreter
@pytest.mark.timeout(300)
def test_every_kind_of_trouble_once_or_so(orders: Orders):
    first: dict[str, int] = {}
    for number in range(2 * p.RIG_RUNS):
        first.setdefault(plan_of(1, number, direct=False).kind, number)
    numbers = sorted(first.values())[:42]
    found = verdicts(do_block(orders, numbers))
    assert [v.number for v in found] == numbers
    assert [(v.number, v.failure) for v in found if v.failure] == []
    assert sum(v.outcome == IMAGE for v in found) > len(found) // 2


@needs_interpreter
@pytest.mark.timeout(300)
def test_the_program_keeps_its_progress_and_goes_on_with_it(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.board_faults",
        "--seed",
        "3",
        "--workers",
        "1",
        "--out",
        str(tmp_path),
    ]

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *options], capture_output=True, text=True, cwd=ROOT, timeout=200, check=False
        )

    done = run("--runs", "3")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"] == 3
    assert "add --resume" in run("--runs", "5").stderr
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    # As if it had been killed in the middle of a line.
    (tmp_path / "runs.jsonl").write_text("\n".join(lines[:3]) + '\n{"number": 2, "ki')
    done = run("--runs", "5", "--resume")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "figures.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()[1:]]
    assert sorted(row["number"] for row in rows if "number" in row) == [0, 1, 2, 3, 4]
    assert run("--runs", "5", "--resume", "--haste", "4").returncode == 2


@needs_interpreter
@pytest.mark.timeout(200)
def test_one_run_alone_leaves_a_trace(tmp_path: Path):
    trace = tmp_path / "run.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.board_faults", "--only", "0", "--trace", str(trace)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["failure"] == ""
    assert verdict["counters"]["boots"] >= 1
    recorded = read_trace(trace)
    assert "run 0" in recorded.note
    assert sum(len(entry.data) for entry in recorded.entries) > 36_864


@pytest.mark.timeout(200)
def test_a_worker_that_is_lost_is_a_finding_and_the_rest_is_done():
    said = campaign(Orders(1, direct=True, haste=p.HASTE, flash=""), range(6), workers=1)
    first = next(v for v in said if isinstance(v, Verdict))
    for process in multiprocessing.active_children():
        process.kill()
    found = [first, *verdicts(said)]
    assert sorted(v.number for v in found) == list(range(6))
    lost = [v for v in found if "ended by itself" in v.failure]
    assert len(lost) == 1


# -- would it notice?


def judged(*troubles: Trouble) -> Verdict:
    rig = DirectRig(KIND, seed=1, haste=p.HASTE)
    rig.open()
    try:
        return run_once(rig, Plan(1, KIND, troubles), seed=1)
    finally:
        rig.close()


def test_a_wrong_image_is_noticed(monkeypatch: pytest.MonkeyPatch):
    # No sum is wrong, and the count of bytes is right: without this the driver cannot tell.
    monkeypatch.setattr(zfm_sensor, "repeats_a_packet", lambda data, packet_bytes: False)
    verdict = judged(Trouble("swap", MODULE, faults=("drop@100", "repeat@150")))
    assert verdict.failure.startswith("wrong image: ")
    assert "rows 99 to 148" in verdict.failure
    assert verdict.outcome == IMAGE


def test_a_packet_dropped_and_another_repeated_is_noticed_by_the_driver_without_a_board():
    verdict = judged(Trouble("swap", MODULE, faults=("drop@100", "repeat@150")))
    assert (verdict.outcome, verdict.failure) == (IMAGE, "")


def test_a_sensor_that_stays_broken_is_no_recovery(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(DirectRig, "heal", lambda self: None)
    verdict = judged(Trouble("silence", MODULE, faults=("silence",)))
    assert verdict.outcome == "SensorSilent"
    assert verdict.failure.startswith("no recovery: SensorSilent")


def test_an_error_without_a_name_is_noticed(monkeypatch: pytest.MonkeyPatch):
    def fail(self: DirectRig) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(DirectRig, "capture", fail)
    assert "an error without a name: ZeroDivisionError" in judged().failure


def test_what_is_late_is_noticed(monkeypatch: pytest.MonkeyPatch):
    rig = DirectRig(KIND, seed=1, haste=p.HASTE)
    rig.open()
    try:
        rig.limit_s = 0.001
        assert run_once(rig, Plan(1, KIND, ()), seed=1).failure.startswith("too late")
    finally:
        rig.close()


def test_a_run_tells_what_happened():
    verdict = judged(Trouble("lose", SENSOR_UP, (Incident.parse("lose@2000x4"),)))
    assert verdict.happened == ["sensor-up lose@2000x4"]
    assert (verdict.outcome, verdict.failure) == (IMAGE, "")


# -- plans


def test_a_plan_is_the_same_each_time_and_every_kind_is_planned():
    assert [plan_of(7, n, direct=False) for n in range(50)] == [
        plan_of(7, n, direct=False) for n in range(50)
    ]
    kinds = {plan_of(1, number, direct=False).kind for number in range(4000)}
    assert len(kinds) >= len(KINDS) + 1
    assert {t.where for n in range(300) for t in plan_of(1, n, direct=True).troubles} <= {
        SENSOR_UP,
        "sensor-down",
        MODULE,
        HOST,
    }


def test_no_two_runs_have_the_same_finger():
    fingers = {finger_of(1, number, which, "R503").tobytes() for number in range(60) for which in (0, 1)}
    assert len(fingers) == 120


# -- what nobody can tell


def test_two_flips_that_cancel_are_the_residue():
    image = bytes(512)
    stream = b"".join(data_packets(image, 128))
    flipped = bytes([0x10]) + image[1:]
    # One bit up in the first byte of the first packet, the same bit down in the second.
    up_and_down = b"".join(data_packets(flipped, 128))
    cancel = Trouble("", SENSOR_UP, (Incident(9, Harm.FLIP, 2, 0x10),))
    single = Trouble("", SENSOR_UP, (Incident(9, Harm.FLIP, 1, 0x10),))
    late = Trouble("", SENSOR_UP, (Incident(10_000, Harm.FLIP, 1, 0x10),))
    assert outcome(up_and_down, flipped, cancel) == "wrong"
    assert outcome(stream, image, cancel) == "noticed"
    assert outcome(stream, image, single) == "noticed"
    assert outcome(stream, image, late) == "right"
