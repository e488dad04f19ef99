"""Clients that others wrote fetch images from the emulator, pixel for pixel.

They share no line of code with it: an error in the codec that the emulator and the driver have in common, or
a wrong idea of the protocol, shows here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_service.sensors.zfm_answers import unpack_image
from hardware.bench.emulator import SensorEmulator

CLIENTS = Path(__file__).resolve().parent / "sensor_clients"
BUILD_S = 300
RUN_S = 60

pytestmark = [pytest.mark.system, pytest.mark.timeout(BUILD_S + RUN_S)]
RNG = np.random.default_rng(13)


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of the clients' environment, which is made if it is missing."""
    script = CLIENTS / "make_environment.py"
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=BUILD_S
    )
    if done.returncode:
        pytest.fail(f"the clients' environment cannot be made (is there a network?)\n{done.stderr}")
    return done.stdout.strip()


def run(python: str, client: str, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [python, str(CLIENTS / client), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def finger(height: int = 288, width: int = 256) -> np.ndarray:
    return RNG.integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize(
    ("model", "packet_bytes", "baud"), [("R307", 128, 57_600), ("R307", 256, 115_200), ("R503", 128, 57_600)]
)
def test_adafruits_client(python: str, tmp_path: Path, model: str, packet_bytes: int, baud: int):
    image = tmp_path / "image"
    with SensorEmulator(model, packet_bytes=packet_bytes, baud=baud) as emulator:
        height, width = emulator.model.height, emulator.model.width
        sent = emulator.present(finger(height, width))
        seen = run(python, "adafruit_client.py", emulator.path, str(baud), str(image))
    data = image.read_bytes()
    # Not with the driver's help: left pixel in the high nibble, expanded by hand.
    pixels = [level * 17 for byte in data for level in (byte >> 4, byte & 15)]
    assert np.array_equal(np.array(pixels, np.uint8).reshape(height, width), sent)
    assert np.array_equal(unpack_image(data, width=width, height=height), sent)
    assert Path(f"{image}.back").read_bytes() == data
    assert seen == {
        "packet code": {128: 2, 256: 3}[packet_bytes],
        "baud code": baud // 9600,
        "features 1": 0,
        "features 2": 0,
        "model": 0,
        "template": {"R307": 512, "R503": 1536}[model],
        "store": 0 if model == "R307" else 0x0B,
        "read": 0,
        "places": [260] if model == "R307" else [],
        "search": [0, 260] if model == "R307" else [9, 0],
        "fast search": [0, 260] if model == "R307" else [9, 0],
        "delete": 0 if model == "R307" else 0x10,
        "count": 0,
        "empty": 0,
        "echo": True,
    }


@pytest.mark.parametrize(("packet_bytes", "baud", "password"), [(128, 57_600, 0), (32, 115_200, 0x01020304)])
def test_pyfingerprint(python: str, tmp_path: Path, packet_bytes: int, baud: int, password: int):
    image = tmp_path / "image.png"
    with SensorEmulator("R307", packet_bytes=packet_bytes, baud=baud, password=password) as emulator:
        sent = emulator.present(finger())
        seen = run(python, "pyfingerprint_client.py", emulator.path, str(baud), str(password), str(image))
    assert np.array_equal(np.asarray(Image.open(image)), sent)
    assert seen.pop("parameters") == [
        0x0004,
        0,
        1000,
        3,
        0xFFFFFFFF,
        {32: 0, 128: 2}[packet_bytes],
        baud // 9600,
    ]
    assert seen == {
        "password": True,
        "same": True,
        "model": True,
        "features": 512,
        "place": 0,
        "search": 0,
        "upload": True,
        "load": True,
        "index": [0],
        "count": 1,
        "delete": True,
        "clear": True,
        "count after": 0,
        "packet": 64,
        "random": True,
        "new password": True,
        "new address": True,
    }
