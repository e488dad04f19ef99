"""The firmware's sensor session in the real interpreter, with a board's memory, against the emulated sensor."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from firmware.core import codes
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import pack_image

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "tests" / "firmware" / "helpers" / "session_driver.py"
PATIENCE_S = 60.0
HASTE = 4
"""The firmware's deadlines are this many times as short, for there are many of them to wait for."""
BAUDS = (9600, 19200, 38400, 57600, 115200)
PACKETS = (32, 64, 128, 256)
PASSWORD = 0x00C0FFEE


def interpreter():
    beside = Path(sys.executable).with_name("micropython")
    return os.environ.get("WHORL_MICROPYTHON") or (
        str(beside) if beside.exists() else shutil.which("micropython")
    )


pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        interpreter() is None,
        reason="no MicroPython interpreter: there are wheels for x86_64 only (or set WHORL_MICROPYTHON)",
    ),
]


class FirmwareSession:
    """The interpreter with the driver in it, and the wire from its power switch to the emulator."""

    def __init__(self, emulator, *, baud=0, password=0, model=0, haste=HASTE):
        self.emulator = emulator
        self.ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        words = {
            "sensor": emulator.path,
            "control": theirs.fileno(),
            "baud": baud,
            "password": password,
            "model": model,
            "haste": haste,
        }
        command = [interpreter(), "-X", "heapsize=264k", str(DRIVER)]
        command += [f"{name}={value}" for name, value in words.items()]
        self.process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        self.ours.settimeout(PATIENCE_S)
        self.lines = self.ours.makefile("r")
        self.lights = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.ours.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def say(self, line):
        self.ours.sendall(line.encode())

    def until_end(self):
        """What the job that was asked for came to, by name."""
        for line in self.lines:
            word, _, rest = line.strip().partition(" ")
            if word == "power" and rest == "1":
                self.emulator.power_cycle()
            elif word == "led":
                self.lights.append(int(rest))
            elif word == "end":
                facts = dict(fact.split("=") for fact in rest.split())
                return {k: v if k == "sha256" else int(v) for k, v in facts.items()}
        raise AssertionError(f"the firmware ended: {self.process.wait(10)}")

    def capture(self, timeout_ms=20_000, looks=2):
        self.say(f"capture {timeout_ms} {looks}")
        return self.until_end()


def a_finger(model="R307", seed=1):
    """Noise: every packet of it is another."""
    height, width = (288, 256) if model == "R307" else (192, 192)
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def is_image(result, window):
    data = pack_image(window)
    right = result["sha256"] == hashlib.sha256(data).hexdigest()
    return (
        result["error"] == 0
        and result["state"] == codes.STATE_DONE
        and result["bytes"] == len(data)
        and right
    )


def captured(emulator, **options):
    """One capture of one finger from the power switch on; what it came to, and whether that is the finger."""
    window = a_finger(emulator.model.name)
    emulator.present(window)
    with FirmwareSession(emulator, **options) as firmware:
        result = firmware.capture()
    return result, is_image(result, window)


@pytest.mark.parametrize("model", ["R307", "R503"])
@pytest.mark.parametrize(
    ("baud", "packet_bytes"), [*((baud, 128) for baud in BAUDS), *((57600, size) for size in PACKETS)]
)
def test_any_sensor_at_any_rate_and_packet_size(model, baud, packet_bytes):
    with SensorEmulator(model, baud=baud, packet_bytes=packet_bytes) as emulator:
        result, right = captured(emulator)
        assert right, result
        assert result["baud"] == result["remember"] == 115200
        assert result["packet_bytes"] == max(packet_bytes, 128)
        assert result["emptied"] == 1
        assert result["model"] == (codes.MODEL_R503 if model == "R503" else codes.MODEL_OTHER)
        assert emulator.inspect(lambda module: module.baud) == 115200


def test_a_second_start_is_quick_and_writes_nothing():
    with SensorEmulator("R503", baud=115200) as emulator:
        _, right = captured(emulator, baud=115200)
        assert right
        heard = emulator.heard()
        assert 0x0E not in heard  # SetSysPara
        assert 0x0D not in heard  # Empty


@pytest.mark.parametrize("model", ["R307", "R503"])
@pytest.mark.parametrize(
    "fault",
    [
        *(
            "stray-zero@ackx9",
            "garbage@ackx9",
            "bad-checksum@ack",
            "drop@ack",
            "repeat@ackx9",
            "lose-bytes@ack",
        ),
        *("garbage@40", "bad-checksum@1", "bad-checksum@144", "drop@1", "drop@77", "repeat@1", "repeat@100"),
        *("lose-bytes@5", "lose-bytes@144", "stray-zero@30x5", "bad-imagex3", "no-fingerx3", "silence"),
    ],
)
def test_a_fault_costs_time_and_not_the_image(model, fault):
    with SensorEmulator(model) as emulator:
        window = a_finger(model)
        with FirmwareSession(emulator) as firmware:
            nobody = firmware.capture(timeout_ms=1)
            assert nobody["error"] == codes.ERROR_NO_FINGER
            emulator.arm(fault)
            emulator.present(window)
            result = firmware.capture()
        assert is_image(result, window), result
        assert result.get("sensor_power_cycles", 0) == (fault == "silence")


@pytest.mark.parametrize("fault", ["drop@3xalways", "bad-checksum@9xalways", "repeat@50xalways"])
def test_a_wire_that_is_always_bad_is_named(fault):
    with SensorEmulator("R503", faults=[fault]) as emulator:
        result, _ = captured(emulator)
        assert (result["error"], result["state"]) == (codes.ERROR_SENSOR_GARBLED, codes.STATE_READY)
        assert result["bytes"] == 0
        assert emulator.images_sent() == 4


def test_one_packet_lost_and_one_repeated():
    with SensorEmulator("R307", faults=["drop@200", "repeat@20"]) as emulator:
        result, right = captured(emulator)
        assert right, result
        assert emulator.images_sent() == 3


def test_a_password():
    with SensorEmulator("R503", password=PASSWORD) as emulator:
        result, right = captured(emulator, password=PASSWORD)
        assert right, result
        emulator.power_cycle()
        heard = len(emulator.heard())
        result, _ = captured(emulator, password=1)
        assert (result["error"], result["state"]) == (codes.ERROR_SENSOR_LOCKED, codes.STATE_FAULT)
        assert emulator.heard()[heard:] == [0x13]


def test_a_sensor_that_lost_its_power_in_mid_session():
    with SensorEmulator("R503", password=PASSWORD) as emulator:
        window = a_finger("R503")
        emulator.present(window)
        with FirmwareSession(emulator, password=PASSWORD) as firmware:
            assert is_image(firmware.capture(), window)
            emulator.power_cycle()
            time.sleep(0.3)
            result = firmware.capture()
        assert is_image(result, window), result
        assert "sensor_power_cycles" not in result


def test_what_the_library_held_is_gone():
    with SensorEmulator("R307") as emulator:
        emulator.inspect(lambda module: module.library.stored.update({3: bytes(512)}))
        result, right = captured(emulator)
        assert right
        assert result["emptied"] == 1
        assert emulator.inspect(lambda module: len(module.library.stored)) == 0


def test_another_model_than_configured():
    for model, configured in (("R307", codes.MODEL_R503), ("R503", codes.MODEL_AS608)):
        with SensorEmulator(model) as emulator:
            result, _ = captured(emulator, model=configured)
            assert result["error"] == codes.ERROR_SENSOR_UNKNOWN
            assert result["bytes"] == 0


def test_one_finger_after_the_other():
    windows = [a_finger("R503", seed) for seed in range(4)]
    with SensorEmulator("R503") as emulator, FirmwareSession(emulator) as firmware:
        for window in windows:
            emulator.present(window)
            assert is_image(firmware.capture(looks=1), window)
            emulator.lift()
            firmware.say("lift 5000")
            result = firmware.until_end()
            assert (result["error"], result["state"]) == (0, codes.STATE_READY)
        for light in (codes.LED_PRESS, codes.LED_HOLD, codes.LED_DONE):
            assert firmware.lights.count(light) == 4


@pytest.mark.parametrize(("model", "wire_s"), [("R503", 1.74), ("R307", 3.48)])
def test_an_image_takes_no_longer_than_the_wire(model, wire_s):
    with SensorEmulator(model, baud=115200, speed=1) as emulator:
        window = a_finger(model)
        emulator.present(window)
        with FirmwareSession(emulator, baud=115200, haste=1) as firmware:
            results = [firmware.capture() for _ in range(2)]
        for result in results:
            assert is_image(result, window), result
        # The best of two: the machine has other things to do.
        assert min(result["wire_ms"] for result in results) < wire_s * 1050 + 150
