"""The real firmware in the real interpreter, between the sensor emulator and a small Pi; the same on CPython."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from firmware.core import bodies, codes
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import pack_image
from hardware.bench.firmware_process import find_micropython
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.wire import Wire

sys.path.append(str(Path(__file__).parents[1] / "firmware"))
from helpers.host import NO_KEY, Host, SilenceError

pytestmark = pytest.mark.system

KEY = bytes(range(32))
RNG = np.random.default_rng(5)
INTERPRETERS = [
    pytest.param(
        "micropython", marks=pytest.mark.skipif(find_micropython() is None, reason="no MicroPython here")
    ),
    "cpython",
]


@pytest.fixture(params=INTERPRETERS)
def interpreter(request):
    return request.param


@pytest.fixture
def sensor():
    with SensorEmulator("R307", cold_start=True, boot_s=0.05) as running:
        yield running


@pytest.fixture
def board(sensor, interpreter):
    with VirtualBoard(sensor, interpreter=interpreter) as running:
        yield running
        assert running.log() == ""
        assert running.crashes == []


@pytest.fixture
def host(board):
    with Host(board.path) as running:
        yield running


@pytest.fixture
def paired(board, host):
    host.pair(board, KEY)
    host.wait_for(codes.STATE_READY)
    return host


def finger():
    return RNG.integers(0, 256, (288, 256), dtype=np.uint8)


def wait_until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not (seen := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return seen


# -- the good days


def test_identify_says_which_board_this_is(board, host):
    identity = host.identify()
    assert identity["board"] == codes.BOARD_UNIX
    assert identity["reset_cause"] == codes.RESET_POWER
    assert identity["boots"] == 1
    assert identity["unique"] == b"whorl\0\0\1"
    assert identity["version"].rstrip(b"\0")
    assert identity["capabilities"] & codes.CAN_DETECT
    assert not identity["capabilities"] & codes.CAN_UPDATE


@pytest.mark.parametrize("model", ["R307", "R503"])
def test_an_image_arrives_byte_for_byte(model, interpreter):
    with (
        SensorEmulator(model, cold_start=True) as sensor,
        VirtualBoard(sensor, interpreter=interpreter) as board,
        Host(board.path) as host,
    ):
        host.pair(board, KEY)
        host.wait_for(codes.STATE_READY)
        for _ in range(2):
            image = RNG.integers(0, 256, (sensor.model.height, sensor.model.width), dtype=np.uint8)
            sensor.present(image)
            assert host.capture() == pack_image(image)
            sensor.lift()
            host.do(codes.WAIT_LIFT, bodies.WAIT_LIFT.pack(5000))
            host.wait_for(codes.STATE_READY)
        counted = host.counters()
        assert counted["images"] == 2
        assert counted["link_bad_crc"] == counted["sensor_damaged"] == counted["link_stalls"] == 0
        assert board.crashes == []
        assert sensor.inspect(lambda module: module.baud) == 115_200


def test_fingers_that_wait_come_one_after_the_other(interpreter):
    images = [finger() for _ in range(3)]
    with (
        SensorEmulator("R307", images=images, cold_start=True) as sensor,
        VirtualBoard(sensor, interpreter=interpreter) as board,
        Host(board.path) as host,
    ):
        host.pair(board, KEY)
        host.wait_for(codes.STATE_READY)
        for image in images:
            assert host.capture() == pack_image(image)
            host.do(codes.WAIT_LIFT, bodies.WAIT_LIFT.pack(5000))
            host.wait_for(codes.STATE_READY)
        assert host.ask(codes.CAPTURE, bodies.CAPTURE.pack(200, 1))[0] == 0
        wait_until(lambda: host.status()["error"] == codes.ERROR_NO_FINGER)


def test_without_a_detect_line_the_sensor_is_asked(sensor, interpreter):
    with (
        VirtualBoard(sensor, interpreter=interpreter, detect_line=False) as board,
        Host(board.path) as host,
    ):
        assert not host.identify()["capabilities"] & codes.CAN_DETECT
        host.pair(board, KEY)
        host.wait_for(codes.STATE_READY)
        image = finger()
        sensor.present(image)
        assert host.capture() == pack_image(image)


def test_the_light_speaks(board, paired, sensor):
    assert board.led == "ready"
    paired.do(codes.CAPTURE, bodies.CAPTURE.pack(10_000, 1))
    wait_until(lambda: board.led == "press")
    sensor.present(finger())
    wait_until(lambda: board.led == "done")
    board.open_lid()
    wait_until(lambda: board.led == "tamper")


def test_memory_stays_flat_during_a_transfer(sensor):
    if find_micropython() is None:
        pytest.skip("no MicroPython here")
    with VirtualBoard(sensor, interpreter="micropython") as board, Host(board.path) as host:
        host.pair(board, KEY)
        host.wait_for(codes.STATE_READY)
        peaks = []
        for _ in range(3):
            image = finger()
            sensor.present(image)
            assert host.capture() == pack_image(image)
            time.sleep(0.1)
            peaks.append(board.memory()["peak_bytes"])
        assert 0 < peaks[0] < 220_000
        assert peaks[2] - peaks[0] < 4_000
        assert board.memory()["heap_bytes"] < 270_336


# -- pairing and tampering


def test_pairing_survives_a_reset_and_opening_ends_it(board, paired, sensor):
    board.reset("watchdog")
    identity = paired.identify()
    assert identity["reset_cause"] == codes.RESET_WATCHDOG
    assert identity["boots"] == 2
    assert identity["flags"] & codes.FLAG_PAIRED
    paired.wait_for(codes.STATE_READY)
    assert paired.counters()["watchdog_resets"] == 1
    paired.events.clear()
    board.open_lid()
    wait_until(lambda: (paired.listen(0.05), codes.EVENT_TAMPER in [kind for kind, _ in paired.events])[1])
    assert paired.identify()["error"] == codes.ERROR_NOT_PAIRED_WITH_YOU
    board.close_lid()
    board.reset()
    paired.use_key(NO_KEY)
    identity = paired.identify()
    assert identity["error"] == 0
    assert identity["flags"] & codes.FLAG_TAMPERED
    assert paired.ask(codes.CAPTURE, bodies.CAPTURE.pack(1000, 1))[0] == codes.ERROR_UNPAIRED
    assert all(KEY not in path.read_bytes() for path in board.folder.glob("state.*"))
    paired.pair(board, KEY)
    assert not paired.identify()["flags"] & codes.FLAG_TAMPERED
    assert paired.counters()["tampers"] == 1


def test_a_lid_opened_in_the_dark_is_noticed(board, paired):
    board.unplug()
    board.open_lid()
    board.replug()
    wait_until(lambda: paired.identify()["error"] == codes.ERROR_NOT_PAIRED_WITH_YOU)


def test_pairing_needs_the_button_and_the_lid(board, host):
    host.identify()
    assert host.ask(codes.PAIR, KEY)[0] == codes.ERROR_NOT_ALLOWED
    board.press_button()
    assert host.ask(codes.PAIR, KEY)[0] == codes.ERROR_NOT_ALLOWED


# -- trouble


def test_a_tamper_alarm_in_mid_transfer_ends_it(board, paired, sensor):
    sensor.present(finger())
    paired.do(codes.CAPTURE, bodies.CAPTURE.pack(5000, 1))
    wait_until(lambda: (paired.listen(0.01), any(k == codes.EVENT_CHUNK for k, _ in paired.events))[1])
    board.open_lid()
    wait_until(lambda: (paired.listen(0.01), paired.events[-1][0] == codes.EVENT_TAMPER)[1])
    assert paired.identify()["error"] == codes.ERROR_NOT_PAIRED_WITH_YOU


def test_a_firmware_that_stands_still_is_reset_by_the_watchdog(sensor, interpreter):
    with (
        VirtualBoard(sensor, interpreter=interpreter, watchdog_s=1.0) as board,
        Host(board.path) as host,
    ):
        assert host.identify()["reset_cause"] == codes.RESET_POWER
        board.freeze()
        wait_until(lambda: board.watchdog_resets == 1)
        identity = host.identify()
        assert identity["reset_cause"] == codes.RESET_WATCHDOG
        host.wait_for(codes.STATE_READY)
        assert host.counters()["watchdog_resets"] == 1


def test_a_host_that_does_not_read_stops_nothing(board, paired, sensor):
    image = finger()
    sensor.present(image)
    paired.do(codes.CAPTURE, bodies.CAPTURE.pack(5000, 1))
    time.sleep(4)  # the port is full after a third of the image; the board has to go on all the same
    assert board.boots == 1
    status = paired.status()
    assert status["complete"] == 1
    assert status["state"] == codes.STATE_DONE
    assert paired.counters()["link_stalls"] >= 1


def test_garbage_is_counted_and_harms_nothing(board, paired):
    rng = np.random.default_rng(2)
    for size in (1, 50, 600, 3000):
        paired.write(rng.bytes(size) + b"\0")
        paired.listen(0.05)
    paired.write(b"\1" * 2000)
    assert paired.ask(0x3E)[0] == codes.ERROR_UNKNOWN_REQUEST
    counted = paired.counters()
    assert counted["link_damaged"] + counted["link_too_long"] + counted["link_bad_crc"] >= 4
    assert counted["link_unknown"] == 1
    old = paired.pi.frame(codes.STATUS, b"", sequence=9, counter=1)
    paired.write(b"\0" + old)
    time.sleep(0.1)
    assert paired.counters()["link_replayed"] == 1


def test_a_sensor_that_is_not_there_is_a_fault_with_a_name(interpreter):
    with VirtualBoard(None, interpreter=interpreter) as board, Host(board.path) as host:
        host.identify()
        status = host.wait_for(codes.STATE_FAULT, timeout_s=60)
        assert status["error"] == codes.ERROR_SENSOR_SILENT
        assert board.led == "fault"
        assert board.boots == 1


def test_a_sensor_that_is_pulled_and_put_back_is_found_again(board, paired, sensor):
    sensor.unplug()
    assert paired.ask(codes.CAPTURE, bodies.CAPTURE.pack(1000, 1))[0] == 0
    paired.wait_for(codes.STATE_FAULT, timeout_s=60)
    sensor.replug()
    image = finger()
    sensor.present(image)
    assert paired.capture() == pack_image(image)


def test_a_reboot_is_answered_and_the_port_comes_back(board, paired):
    paired.do(codes.REBOOT)
    wait_until(lambda: board.boots == 2)
    identity = paired.identify()
    assert identity["reset_cause"] == codes.RESET_ASKED
    assert identity["error"] == 0


def test_a_pulled_cable_takes_the_port_away(board, paired):
    board.unplug()
    assert not Path(board.path).exists()
    assert board.led == "off"
    with pytest.raises(SilenceError):
        paired.identify(timeout_s=0.5)
    board.replug()
    assert paired.identify()["reset_cause"] == codes.RESET_POWER


def test_both_wires_may_have_a_hand_on_them(sensor, interpreter):
    with (
        Wire(usb=True) as usb,
        Wire() as uart,
        VirtualBoard(sensor, interpreter=interpreter, usb_wire=usb, sensor_wire=uart) as board,
        Host(board.path) as host,
    ):
        host.pair(board, KEY)
        host.wait_for(codes.STATE_READY)
        image = finger()
        sensor.present(image)
        assert host.capture() == pack_image(image)
        assert sensor.inspect(lambda module: module.baud) == 115_200
        board.reset()
        host.identify()


# -- the bench itself


def test_no_process_outlives_the_bench(tmp_path, interpreter):
    program = (
        "import time\n"
        "from hardware.bench.virtual_board import VirtualBoard\n"
        f"with VirtualBoard(interpreter={interpreter!r}) as board:\n"
        "    print(board._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    bench = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(bench.stdout.readline())
    os.kill(pid, 0)
    bench.send_signal(signal.SIGKILL)
    bench.wait()

    def gone():
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
        except OSError:
            return True

    wait_until(gone)


def test_the_flash_outlives_the_board(tmp_path, sensor, interpreter):
    for boots in (1, 2):
        with (
            VirtualBoard(sensor, interpreter=interpreter, folder=tmp_path / "flash") as board,
            Host(board.path) as host,
        ):
            assert host.identify()["boots"] == boots
    assert {path.name for path in (tmp_path / "flash").iterdir()} == {"state.a", "state.b"}
