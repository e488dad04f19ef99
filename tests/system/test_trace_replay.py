"""A fault is recorded on the wire of a sensor, and the driver meets it again in the replay."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge_service.sensors import SensorError, SensorUnplugged, Timing, ZfmSensor
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import grey_levels
from hardware.bench.record import Recorder
from hardware.bench.trace import UP, read_trace
from hardware.bench.trace_cleaning import made_up_print
from hardware.bench.trace_replay import TraceEmulator

pytestmark = pytest.mark.system

FAST = Timing(
    poll_s=0.005,
    probe_s=0.2,
    reply_s=1.5,
    quiet_s=0.03,
    silence_in_image_s=1.0,
    look_every_s=0.002,
    image_margin_s=5.0,
)
FINGER = np.random.default_rng(3).integers(0, 256, (288, 256), dtype=np.uint8)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0


def session(path: str, *, captures: int = 3) -> list[str]:
    """Captures as an officer would do them; what came of each, without the port's name."""
    came: list[str] = []
    with ZfmSensor(path, model="R307", timing=FAST) as sensor:
        for _ in range(captures):
            try:
                frame = sensor.capture(timeout_s=2)
                came.append(f"{frame.model} {frame.pixels.shape}")
            except SensorError as error:
                facts = {k: v for k, v in vars(error).items() if k not in {"path", "waited_s"}}
                came.append(f"{type(error).__name__} {facts}")
                if isinstance(error, SensorUnplugged):
                    time.sleep(0.6)  # until the port is surely back
    return came


@pytest.mark.parametrize(
    ("fault", "meets"),
    [
        ("stray-zerox0", "R307 (288, 256)"),
        ("drop@7x2", "SensorGarbled"),
        ("repeat@7x2", "SensorGarbled"),
        ("bad-checksum@3x2", "1 packets of the image are damaged"),
        ("lose-bytes@3x2", "SensorGarbled"),
        ("garbage@ackxalways", "R307 (288, 256)"),
        ("silence", "SensorSilent"),
        ("unplug@9", "SensorUnplugged"),
        ("wrong-password", "SensorLocked"),
    ],
)
def test_the_driver_meets_the_same_fault_in_the_replay(tmp_path: Path, fault: str, meets: str):
    out = tmp_path / "trace.jsonl"
    captures = 1 if fault == "silence" else 3  # a silence takes its time
    emulator = SensorEmulator("R307", images=[FINGER] * 9, faults=[fault], replug_after_s=0.1)
    with emulator, Recorder(emulator.path, out) as recorder:
        first = session(recorder.path, captures=captures)
    assert meets in first[0]
    with TraceEmulator(read_trace(out), speed=1.0) as replayed:
        assert session(replayed.path, captures=captures) == first
        assert replayed.tally().unanswered == 0


def test_without_images_a_made_up_print_is_replayed(tmp_path: Path):
    out = tmp_path / "trace.jsonl"
    with (
        SensorEmulator("R307", images=[FINGER], password=0x1337C0DE) as emulator,
        Recorder(emulator.path, out) as recorder,
        ZfmSensor(recorder.path, model="R307", timing=FAST, password=0x1337C0DE) as sensor,
    ):
        real = sensor.capture(timeout_s=5)
    assert np.array_equal(real.pixels, grey_levels(FINGER))
    text = out.read_text()
    assert "1337c0de" not in text
    trace = read_trace(out)
    assert not trace.real_contents
    with TraceEmulator(trace) as replayed, ZfmSensor(replayed.path, timing=FAST) as sensor:
        frame = sensor.capture(timeout_s=5)
    assert np.array_equal(frame.pixels, grey_levels(made_up_print(256, 288)))


def test_with_images_the_print_itself(tmp_path: Path):
    out = tmp_path / "trace.jsonl"
    with (
        SensorEmulator("R307", images=[FINGER]) as emulator,
        Recorder(emulator.path, out, with_images=True) as recorder,
        ZfmSensor(recorder.path, model="R307", timing=FAST) as sensor,
    ):
        sensor.capture(timeout_s=5)
    assert "FINGERPRINT" in out.read_text().splitlines()[0]
    with TraceEmulator(read_trace(out)) as replayed, ZfmSensor(replayed.path, timing=FAST) as sensor:
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, grey_levels(FINGER))


def test_recorded_pauses_are_kept_or_shortened(tmp_path: Path):
    out = tmp_path / "trace.jsonl"
    with (
        SensorEmulator("R503", images=[FINGER], speed=20.0) as emulator,
        Recorder(emulator.path, out, model="R503") as recorder,
        ZfmSensor(recorder.path, model="R503", timing=FAST) as sensor,
    ):
        sensor.capture(timeout_s=5)
    ups = [entry.at_ms for entry in read_trace(out).entries if entry.what == UP]
    for speed in (1.0, 50.0):
        with TraceEmulator(read_trace(out), speed=speed) as replayed:
            with ZfmSensor(replayed.path, model="R503", timing=FAST) as sensor:
                took_s = sensor.capture(timeout_s=5).transfer_s
            if speed == 1.0:
                assert took_s > 0.1
    assert ups[-1] - ups[0] > 100


def test_a_disk_that_is_full_does_not_take_the_sensor_away(tmp_path: Path):
    with (
        SensorEmulator("R307", images=[FINGER]) as emulator,
        Recorder(emulator.path, tmp_path / "t") as recorder,
    ):
        before = recorder._writer._file  # the recorder's thread may be writing to it: closed at the end
        recorder._writer._file = Path("/dev/full").open("w")  # noqa: SIM115
        with ZfmSensor(recorder.path, model="R307", timing=FAST) as sensor:
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, grey_levels(FINGER))
        deadline = time.monotonic() + PATIENCE_S
        while recorder.failed is None and time.monotonic() < deadline:
            time.sleep(0.01)  # the recorder's thread tells
        assert recorder.failed is not None
        assert recorder.failed.strerror == "No space left on device"
        recorder._writer._file = before


def test_the_programs_record_and_replay(tmp_path: Path):
    out, link = tmp_path / "t.jsonl", tmp_path / "sensor"

    def run(module: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"hardware.bench.{module}", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )

    def use_and_end(process: subprocess.Popen[str]) -> str:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            deadline = time.monotonic() + PATIENCE_S
            while not os.path.lexists(link) and time.monotonic() < deadline:
                time.sleep(0.01)
            with ZfmSensor(str(link), model="R307", timing=FAST) as sensor:
                sensor.capture(timeout_s=5)
            process.send_signal(signal.SIGINT)
            return first + process.communicate(timeout=PATIENCE_S)[0]
        finally:
            process.kill()
            process.wait()

    with SensorEmulator("R307", images=[FINGER]) as emulator:
        said = use_and_end(
            run("record", "--port", emulator.path, "--out", str(out), "--link", str(link), "--note", "odd")
        )
    assert "recording" in said
    assert "bytes up" in said
    assert "WARNING" not in said
    said = use_and_end(run("replay", str(out), "--link", str(link), "--speed", "10"))
    assert "odd" in said
    assert "0 not in the record" in said


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("record", ["--port", "/nowhere", "--out", "{tmp}/there"], "name a new file"),
        ("record", ["--port", "/nowhere", "--out", "{tmp}/new", "--model", "R306"], "did you mean"),
        ("replay", ["{tmp}/there"], "no trace"),
        ("replay", ["{tmp}/none"], "cannot be read"),
    ],
)
def test_wrong_options_are_explained(tmp_path: Path, module: str, options: list[str], words: str):
    (tmp_path / "there").write_text("precious")
    done = subprocess.run(
        [sys.executable, "-m", f"hardware.bench.{module}", *(o.format(tmp=tmp_path) for o in options)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr


def test_the_recorder_warns_of_prints(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "hardware.bench.record", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "WARNING" in done.stdout
    assert "made-up print" in done.stdout


def test_a_session_with_random_damage_is_met_again(tmp_path: Path):
    random_faults = random.Random(5)
    kinds = ["drop", "repeat", "bad-checksum", "lose-bytes", "garbage", "stray-zero"]
    for number in range(3):
        faults = [f"{random_faults.choice(kinds)}@{random_faults.randrange(1, 200)}" for _ in range(4)]
        out = tmp_path / f"{number}.jsonl"
        with (
            SensorEmulator("R307", images=[FINGER] * 9, faults=faults) as emulator,
            Recorder(emulator.path, out) as recorder,
        ):
            first = session(recorder.path)
        with TraceEmulator(read_trace(out)) as replayed:
            assert session(replayed.path) == first, faults
