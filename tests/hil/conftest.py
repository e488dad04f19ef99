"""What the bench's tests share: the kiosk in a wanted state, a finger, and a place for what they saw.

Needs labgrid, so `make test` passes it by; `make hil` runs it in an environment of its own.
"""

import contextlib
import importlib.util
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("labgrid") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from labgrid.driver import ManualPowerDriver, ManualSwitchDriver
    from labgrid.exceptions import NoDriverFoundError

    from edge_service.sensors import SensorError
    from hardware.bench.labgrid import person
    from hardware.bench.labgrid.board_drivers import VirtualBoardDriver
    from hardware.bench.labgrid.protocols import (
        FingerProtocol,
        SensorBaudProtocol,
    )
    from hardware.bench.labgrid.wire_driver import RecordedWireDriver

VIRTUAL = Path(__file__).parents[2] / "hardware" / "bench" / "environments" / "virtual.yaml"
FAILED = pytest.StashKey[bool]()
HEAR_S = 60.0  # a person needs time to press; an emulated finger is there at once
BYTES_NOT_KEPT = (
    "the bytes of this test were not kept, for prints are in them; to keep them: --hil-prints keep"
)
NOBODY = "needs a person at the bench, and nobody is there: run it at a terminal with --hil-attended"


def pytest_addoption(parser):
    group = parser.getgroup("hil", "the bench")
    group.addoption("--hil-run", default="runs/hil", help="folder of the report; emptied first")
    group.addoption("--hil-endurance", type=int, default=20, help="captures in the endurance test")
    group.addoption("--hil-attended", action="store_true", help="a person sits at the bench")
    group.addoption(
        "--hil-prints",
        choices=["keep", "drop"],
        help="keep images and bytes of prints for the report; by default only made-up ones are kept",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "hil: on the bench, real or virtual")
    if getattr(config.option, "lg_env", "") is None and "LG_ENV" not in os.environ:
        config.option.lg_env = str(VIRTUAL)


class Evidence:
    """Where a run keeps what its report shows.

    Attributes:
        keep: whether prints, and bytes in which they are, may be kept.
        made_up: whether they are nobody's.
    """

    def __init__(self, folder, *, keep, made_up):
        self.folder = folder
        self.keep = keep
        self.made_up = made_up

    def place(self, kind, node, suffix):
        """A new file of that kind for a test, relative to the folder."""
        (self.folder / kind).mkdir(exist_ok=True)
        stem = re.sub(r"[^a-z0-9-]+", "-", node.name.removeprefix("test_").lower()).strip("-")
        count = len(list((self.folder / kind).iterdir()))
        return f"{kind}/{count:04d}-{stem}{suffix}"

    def image(self, node, pixels):
        """Keep an image for the report, if prints are kept."""
        if self.keep:
            name = self.place("images", node, ".png")
            Image.fromarray(pixels).save(self.folder / name)
            node.user_properties.append(("image", name))

    def record(self, node, wire):
        """Keep what passed over the wire in a test, if prints are kept."""
        if self.keep:
            name = self.place("bytes", node, ".jsonl")
            wire.save(self.folder / name, real_contents=not self.made_up, note=node.nodeid)
            node.user_properties.append(("bytes", name))
        else:
            node.user_properties.append(("note", BYTES_NOT_KEPT))


@pytest.fixture(scope="session")
def evidence(request, env, record_testsuite_property):
    made_up = "made-up-prints" in env.get_features()
    asked = request.config.getoption("--hil-prints", default=None)
    keep = asked == "keep" if asked else made_up
    folder = Path(request.config.getoption("--hil-run", default="runs/hil"))
    for part in ("images", "bytes"):
        shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    record_testsuite_property("prints", "kept" if keep else "not kept")
    record_testsuite_property("fingers", "made up" if made_up else "of real people")
    return Evidence(folder, keep=keep, made_up=made_up)


@pytest.fixture(scope="session")
def attended(request):
    return request.config.getoption("--hil-attended", default=False) and person.is_there()


@pytest.fixture(scope="session", autouse=True)
def bench(env, target, attended, record_testsuite_property):
    """The environment, told how to speak to a person; at the end, what the kiosk is, for the report."""
    env.interact = person.ask if attended else person.is_missing
    yield
    strategy = target.get_strategy()
    for name, value in strategy.identity.items():
        record_testsuite_property(f"kiosk:{name}", value)
    if strategy.board is None or strategy.status.value < strategy.status.powered.value:
        return
    with contextlib.suppress(SensorError):  # what failed has been told already
        for name, value in strategy.board.counters().items():
            record_testsuite_property(f"counter:{name.replace('_', ' ')}", str(value))


def needs(driver, attended):
    """Skip a test for which somebody would have to move something."""
    by_hand = isinstance(driver, (ManualSwitchDriver, ManualPowerDriver)) or getattr(
        driver, "needs_person", False
    )
    if by_hand and not attended:
        pytest.skip(NOBODY)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Let fixtures know how the test went."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def recorder(request, target, evidence):
    """Keeps the bytes of a test that failed, in it or in getting ready for it."""
    wire = optional(target, RecordedWireDriver, activate=False)
    if wire is not None:
        wire.forget()
    yield
    if wire is not None and request.node.stash.get(FAILED, False):
        evidence.record(request.node, wire)


@pytest.fixture(autouse=True)
def firmware_stays_up(target):
    """Fails a test in which the virtual board's firmware ended by itself, whatever the kiosk made of it."""
    yield
    driver = optional(target, VirtualBoardDriver, activate=False)
    if driver is None or driver.virtual is None:
        return
    log = driver.virtual.log()[-2000:]
    assert driver.crashes() == [], f"the firmware ended by itself:\n{log}"


@pytest.fixture
def kiosk(strategy):
    """The kiosk, ready to take prints; after the test it is looked at anew."""
    strategy.transition("ready")
    yield strategy
    strategy.force("powered")


@pytest.fixture
def edge(kiosk):
    """The kiosk's own driver."""
    return kiosk.sensor


@pytest.fixture
def board(kiosk):
    """The board, as its own driver reaches it."""
    if kiosk.board is None:
        pytest.skip("there is no board in this environment")
    return kiosk.board


@pytest.fixture
def power(kiosk, attended):
    """The board's supply; it is on again after the test."""
    needs(kiosk.power, attended)
    yield kiosk.power
    kiosk.power.on()


@pytest.fixture
def finger(target, attended):
    """A finger; it is gone after the test."""
    driver = target.get_driver(FingerProtocol)
    needs(driver, attended)
    yield driver
    driver.lift()


@pytest.fixture
def lid(board, attended):
    """The lid; closed again after the test."""
    needs(board.lid, attended)
    needs(board.button, attended)
    yield board.lid
    board.lid.set(False)


@pytest.fixture
def set_sensor_baud(target, attended):
    """Sets the sensor's rate behind the kiosk's back."""
    driver = optional(target, SensorBaudProtocol)
    if driver is None:
        pytest.skip("nothing in this environment can set the sensor's baud rate behind the kiosk's back")
    needs(driver, attended)
    return driver.set_sensor_baud


class Taker:
    """One whole capture after the other, looked at: press, take, compare, lift.

    Attributes:
        edge: the kiosk's own driver.
        finger: what is pressed.
    """

    def __init__(self, edge, finger, *, node, evidence):
        self.edge = edge
        self.finger = finger
        self._node = node
        self._evidence = evidence

    def __call__(self, number, *, keep=True):
        expected = self.finger.press(number)
        frame = self.edge.capture(timeout_s=HEAR_S)
        self.finger.lift()
        try:
            self.check(frame, expected)
        except AssertionError:
            self._evidence.image(self._node, frame.pixels)
            raise
        if keep:
            self._evidence.image(self._node, frame.pixels)
        assert self.edge.wait_for_lift(timeout_s=HEAR_S), "the finger is still seen"
        return frame

    @staticmethod
    def check(frame, expected):
        """What is true of every image, whosever finger it is; and that it is the right one, if that is known."""
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape in {(288, 256), (192, 192)}
        assert set(np.unique(frame.pixels)) <= set(range(0, 256, 17)), "more than sixteen grey levels"
        assert frame.pixels.std() > 8, "an empty window"
        if expected is not None:
            assert np.array_equal(frame.pixels, expected), "another image than the finger's"

    def note(self, text):
        """Say something about this test in the report."""
        self._node.user_properties.append(("note", text))


@pytest.fixture
def take(edge, finger, request, evidence):
    """Takes prints."""
    return Taker(edge, finger, node=request.node, evidence=evidence)


def optional(target, protocol, *, activate=True):
    """The driver that can do so, None if the environment has none."""
    try:
        return target.get_driver(protocol, activate=activate)
    except NoDriverFoundError:
        return None
