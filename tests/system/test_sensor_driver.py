"""The driver against the emulated sensor on a real pseudo-terminal: the good days, and every fault.

One long file on purpose: every fault is driven through the same few fixtures and helpers, which stand at its top.
"""

from __future__ import annotations

import itertools
import os
import termios
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import serial

from edge_service.sensors import (
    FingerprintSensor,
    NoFinger,
    SensorError,
    SensorGarbled,
    SensorLocked,
    SensorSilent,
    SensorUnplugged,
    Timing,
    ZfmSensor,
    open_sensor,
)
from edge_service.sensors.zfm_codes import Confirmation, Instruction
from edge_service.sensors.zfm_frame import command
from hardware.bench.emulator import SensorEmulator
from hardware.bench.pty_port import PtyPort

pytestmark = pytest.mark.system

FAST = Timing(
    poll_s=0.02,
    probe_s=0.15,
    reply_s=0.5,
    silence_in_image_s=0.3,
    quiet_s=0.05,
    babble_s=1.0,
    look_every_s=0.005,
    reopen_first_s=0.02,
    reopen_longest_s=0.1,
)
RNG = np.random.default_rng(11)
UP_IMAGE_LAST_PACKET = 288


def finger() -> np.ndarray:
    return RNG.integers(0, 256, (288, 256), dtype=np.uint8)


def connect(emulator: SensorEmulator, **options) -> ZfmSensor:
    return open_sensor(emulator.path, options.pop("model", emulator.model.name), timing=FAST, **options)


@pytest.fixture
def emulator():
    with SensorEmulator("R307") as running:
        yield running


# -- the good days


@pytest.mark.parametrize("model", ["R307", "R503"])
@pytest.mark.parametrize("packet_bytes", [32, 128, 256])
def test_the_image_arrives_pixel_for_pixel(model: str, packet_bytes: int):
    with SensorEmulator(model, packet_bytes=packet_bytes) as emulator, connect(emulator) as sensor:
        sent = emulator.present(finger())
        steps: list[tuple[int, int]] = []
        frame = sensor.capture(timeout_s=5, progress=lambda done, total: steps.append((done, total)))
        assert np.array_equal(frame.pixels, sent)
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (emulator.model.height, emulator.model.width)
        assert not frame.pixels.flags.writeable
        assert frame.model == model
        assert frame.dpi == {"R307": 500.0, "R503": 508.0}[model]
        assert 0 < time.monotonic() - frame.captured_at < 60
        assert 0 < frame.transfer_s < 60
        total = frame.pixels.size // 2
        assert steps == sorted(steps)
        assert steps[-1] == (total, total)
        assert sensor.info is not None
        assert sensor.info.packet_bytes == packet_bytes


def test_it_is_a_fingerprint_sensor(emulator: SensorEmulator):
    sensor: FingerprintSensor = connect(emulator)
    sensor.close()
    sensor.close()


def test_nothing_comes_between_taking_and_fetching_the_image(emulator: SensorEmulator):
    emulator.inspect(lambda module: module.library.stored.update({3: b"somebody", 900: b"else"}))
    with connect(emulator) as sensor:
        assert sensor.info is not None
        assert sensor.info.library_emptied
        assert emulator.inspect(lambda module: len(module.library.stored)) == 0
        emulator.present(finger())
        sensor.capture(timeout_s=5)
    heard = emulator.heard()
    assert heard[heard.index(Instruction.UP_IMAGE) - 1] == Instruction.GEN_IMG
    assert Instruction.IMG2TZ not in heard


def test_an_empty_library_is_not_erased(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        assert sensor.info is not None
        assert sensor.info.library_emptied
    assert Instruction.TEMPLATE_COUNT in emulator.heard()
    assert Instruction.EMPTY not in emulator.heard()


@pytest.mark.parametrize("baud", [9_600, 19_200, 38_400, 57_600, 115_200])
def test_the_baud_rate_is_found(baud: int):
    with SensorEmulator("R503", baud=baud) as emulator, connect(emulator) as sensor:
        sent = emulator.present(finger())
        assert sensor.info is not None
        assert sensor.info.baud == baud
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_module_that_tells_a_wrong_baud_rate_is_spoken_to_at_the_right_one():
    with SensorEmulator("R503", baud=57_600) as emulator:
        emulator.inspect(lambda module: setattr(module, "_baud_code", 12))
        with connect(emulator) as sensor:
            assert sensor.info is not None
            assert sensor.info.baud == 57_600


def test_fingers_come_one_after_the_other():
    prints = [finger() for _ in range(3)]
    with SensorEmulator("R503", images=prints) as emulator, connect(emulator) as sensor:
        sent = [emulator.present(image) for image in prints]
        emulator.lift()
        for wanted in sent:
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, wanted)
            assert sensor.wait_for_lift(timeout_s=5)
        assert emulator.waiting() == 0
        with pytest.raises(NoFinger):
            sensor.capture(timeout_s=0.05)


def test_wait_for_lift_ends_while_the_finger_stays(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        assert not sensor.wait_for_lift(timeout_s=0.05)
        cancel = threading.Event()
        cancel.set()
        assert not sensor.wait_for_lift(timeout_s=60, cancel=cancel)


# -- geometry


def test_a_newer_module_tells_its_model():
    with SensorEmulator("R503") as emulator, connect(emulator, model=None) as sensor:
        assert sensor.info is not None
        assert sensor.info.model == "R503"


def test_the_first_image_settles_an_unknown_geometry():
    with SensorEmulator("R307") as emulator, connect(emulator, model=None) as sensor:
        assert sensor.info is not None
        assert sensor.info.model is None
        sent = emulator.present(finger())
        frame = sensor.capture(timeout_s=5)
        assert np.array_equal(frame.pixels, sent)
        assert frame.model == sensor.info.model == "256x288"


@pytest.mark.parametrize(("real", "configured"), [("R503", "R307"), ("R307", "R503")])
def test_a_wrong_model_is_named(real: str, configured: str):
    with SensorEmulator(real) as emulator, connect(emulator, model=configured) as sensor:
        emulator.present(finger())
        with pytest.raises(SensorGarbled, match=rf"{real}.* set the sensor's model") as caught:
            sensor.capture(timeout_s=5)
        assert caught.value.expected_bytes != caught.value.received_bytes


# -- noise on the wire


@pytest.mark.parametrize("fault", ["garbagexalways", "stray-zeroxalways"])
def test_noise_before_every_header_does_no_harm(emulator: SensorEmulator, fault: str):
    emulator.arm(fault)
    with connect(emulator) as sensor:
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)
        assert emulator.images_sent() == 1


@pytest.mark.parametrize("kind", ["bad-checksum", "drop", "lose-bytes"])
def test_a_damaged_or_missing_answer_is_asked_for_again(emulator: SensorEmulator, kind: str):
    with connect(emulator) as sensor:
        sent = emulator.present(finger())
        emulator.arm(f"{kind}@ack")
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_answers_that_are_always_damaged_are_an_error(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.arm("bad-checksum@ackxalways")
        with pytest.raises(SensorGarbled, match="arrive damaged"):
            sensor.capture(timeout_s=5)
        emulator.clear_faults()
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_question_that_arrives_damaged_is_asked_again(emulator: SensorEmulator, monkeypatch):
    with connect(emulator) as sensor:
        emulator.present(finger())
        write = sensor._port.write
        damaged = iter([True])

        def once_damaged(data: bytes) -> None:
            write(data[:-1] + b"\x99" if next(damaged, False) else data)

        monkeypatch.setattr(sensor._port, "write", once_damaged)
        assert sensor.capture(timeout_s=5).pixels.shape == (288, 256)


@pytest.mark.parametrize("kind", ["bad-checksum", "drop", "repeat", "lose-bytes"])
@pytest.mark.parametrize("packet", [1, 144, UP_IMAGE_LAST_PACKET - 1, UP_IMAGE_LAST_PACKET])
def test_an_image_that_suffered_is_fetched_again(emulator: SensorEmulator, kind: str, packet: int):
    with connect(emulator) as sensor:
        sent = emulator.present(finger())
        emulator.arm(f"{kind}@{packet}")
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)
        harmless = kind == "repeat" and packet == UP_IMAGE_LAST_PACKET
        assert emulator.images_sent() == (1 if harmless else 2)
        again = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, again)


@pytest.mark.parametrize(
    ("fault", "reason", "received"),
    [
        ("bad-checksum@7", "damaged", 36_864 - 128),
        ("lose-bytes@7", "damaged", 36_864 - 128),
        ("drop@7", "36736 bytes instead of 36864", 36_864 - 128),
        ("repeat@7", "36992 bytes instead of 36864", 36_864 + 128),
        (f"drop@{UP_IMAGE_LAST_PACKET}", "broke off", 36_864 - 128),
    ],
)
def test_an_image_that_always_suffers_is_refused(
    emulator: SensorEmulator, fault: str, reason: str, received: int
):
    with connect(emulator) as sensor:
        emulator.present(finger())
        emulator.arm(f"{fault}xalways")
        with pytest.raises(SensorGarbled, match=reason) as caught:
            sensor.capture(timeout_s=5)
        assert caught.value.expected_bytes == 36_864
        assert caught.value.received_bytes == received
        assert emulator.images_sent() == 2
        emulator.clear_faults()
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_line_that_never_rests_is_an_error(tmp_path: Path):
    port = PtyPort(tmp_path / "noise")
    port.plug()
    stop = threading.Event()

    def babble() -> None:
        while not stop.wait(0.002):
            port.write(b"\xa5" * 50)

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        with pytest.raises(SensorGarbled, match="without a pause"):
            open_sensor(str(port.link), "R307", baud=57_600, timing=FAST)
    finally:
        stop.set()
        thread.join()
        port.unplug()


# -- silence


def test_silence_is_an_error_that_tells_what_was_tried(emulator: SensorEmulator):
    emulator.arm("silence")
    with pytest.raises(SensorSilent, match="Switch its power off") as caught:
        connect(emulator)
    assert caught.value.bauds == (57_600, 115_200, 38_400, 19_200, 9_600)
    assert caught.value.path == emulator.path


def test_a_wrong_configured_baud_rate_is_silence(emulator: SensorEmulator):
    with pytest.raises(SensorSilent, match="115200 baud"):
        connect(emulator, baud=115_200)


def test_a_module_that_fell_silent_is_found_again_after_a_power_cycle(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.arm("silence")
        sent = emulator.present(finger())
        with pytest.raises(SensorSilent):
            sensor.capture(timeout_s=5)
        emulator.power_cycle()
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_module_that_just_starts_is_waited_for():
    with SensorEmulator("R503", cold_start=True, boot_s=0.3) as emulator:
        emulator.arm("stray-zero")
        with connect(emulator) as sensor:
            sent = emulator.present(finger())
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_silence_after_the_acknowledgement(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        for packet in range(1, UP_IMAGE_LAST_PACKET + 1):
            emulator.arm(f"drop@{packet}xalways")
        with pytest.raises(SensorSilent):
            sensor.capture(timeout_s=5)


# -- the cable


def test_unplugged_in_the_middle_of_an_image(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        pulled = []

        def pull(done: int, _: int) -> None:
            if done > 5000 and not pulled:
                pulled.append(done)
                emulator.unplug()

        # The host may have read everything before the plug is out; a packet that never comes makes sure.
        emulator.arm(f"drop@{UP_IMAGE_LAST_PACKET}")
        with pytest.raises(SensorUnplugged, match="went away") as caught:
            sensor.capture(timeout_s=5, progress=pull)
        assert caught.value.reason == "lost"
        assert not Path(emulator.path).exists()
        with pytest.raises(SensorUnplugged, match="is not there"):
            sensor.capture(timeout_s=0.1)
        emulator.replug()
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_the_fault_unplug_ends_by_itself():
    with SensorEmulator("R307", replug_after_s=0.2) as emulator, connect(emulator) as sensor:
        sent = emulator.present(finger())
        emulator.arm("unplug@100")
        with pytest.raises(SensorUnplugged):
            sensor.capture(timeout_s=5)
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_unplugged_between_two_captures_is_no_error(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.unplug()
        emulator.replug()
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_unplugged_while_waiting_for_a_finger(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        timer = threading.Timer(0.1, emulator.unplug)
        timer.start()
        with pytest.raises(SensorUnplugged):
            sensor.capture(timeout_s=10)
        timer.join()
        assert sensor.info is None


def test_connect_waits_for_the_plug(emulator: SensorEmulator):
    emulator.unplug()
    timer = threading.Timer(0.2, emulator.replug)
    timer.start()
    with connect(emulator, timeout_s=10.0) as sensor:
        assert sensor.info is not None
    timer.join()


def test_connect_can_be_cancelled(emulator: SensorEmulator):
    emulator.unplug()
    cancel = threading.Event()
    timer = threading.Timer(0.1, cancel.set)
    timer.start()
    sensor = ZfmSensor(emulator.path, timing=FAST)
    with pytest.raises(NoFinger) as caught:
        sensor.connect(timeout_s=60, cancel=cancel)
    assert caught.value.cancelled
    timer.join()


def test_a_port_that_was_never_there(tmp_path: Path):
    with pytest.raises(SensorUnplugged, match="Plug the sensor's cable in"):
        open_sensor(str(tmp_path / "none"), "R307", timeout_s=0.05, timing=FAST)


def test_a_file_is_no_port(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SensorUnplugged, match="not a serial port"):
        open_sensor(str(tmp_path / "file"), "R307", timeout_s=0.05, timing=FAST)


def test_two_readers_are_kept_apart(emulator: SensorEmulator):
    with connect(emulator):
        with pytest.raises(SensorUnplugged, match="another program") as caught:
            connect(emulator, timeout_s=0.05)
        assert caught.value.reason == "busy"
        with pytest.raises(serial.SerialException):
            serial.Serial(emulator.path, exclusive=True)
    connect(emulator).close()


def test_closing_the_port_does_not_drop_its_lines(emulator: SensorEmulator):
    fd = os.open(emulator.path, os.O_RDWR | os.O_NOCTTY)
    try:
        attributes = termios.tcgetattr(fd)
        attributes[2] |= termios.HUPCL
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
        with connect(emulator) as sensor:
            sensor._port.set_baud(115_200)
            sensor._port.set_baud(57_600)
            assert not termios.tcgetattr(fd)[2] & termios.HUPCL
    finally:
        os.close(fd)


# -- the person


def test_no_finger_in_time(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        with pytest.raises(NoFinger, match="Place the finger flat") as caught:
            sensor.capture(timeout_s=0.1)
        assert 0.1 <= caught.value.waited_s < 30
        assert not caught.value.cancelled
        emulator.present(finger())
        emulator.arm("no-finger")
        with pytest.raises(NoFinger):
            sensor.capture(timeout_s=0.1)
        emulator.clear_faults()
        sensor.capture(timeout_s=5)


def test_a_finger_that_comes_late(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        timer = threading.Timer(0.1, emulator.present, [finger()])
        timer.start()
        assert sensor.capture(timeout_s=30).pixels.size
        timer.join()


def test_a_finger_of_which_no_image_can_be_taken(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        emulator.arm("bad-image")
        with pytest.raises(NoFinger, match="dry cloth") as caught:
            sensor.capture(timeout_s=0.1)
        assert caught.value.failed_images > 0
        emulator.clear_faults()
        emulator.arm("bad-imagex2")
        sensor.capture(timeout_s=5)


def test_the_wait_can_be_cancelled(emulator: SensorEmulator):
    cancel = threading.Event()
    with connect(emulator) as sensor:
        timer = threading.Timer(0.1, cancel.set)
        timer.start()
        with pytest.raises(NoFinger, match="cancelled") as caught:
            sensor.capture(timeout_s=60, cancel=cancel)
        assert caught.value.cancelled
        timer.join()


def test_a_transfer_can_be_cancelled_and_the_next_one_is_clean():
    with SensorEmulator("R307", speed=20) as emulator, connect(emulator) as sensor:
        emulator.present(finger())
        cancel = threading.Event()
        with pytest.raises(NoFinger) as caught:
            sensor.capture(timeout_s=5, progress=lambda *_: cancel.set(), cancel=cancel)
        assert caught.value.cancelled
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_callback_that_fails_does_not_spoil_the_next_capture(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        with pytest.raises(ZeroDivisionError):
            sensor.capture(timeout_s=5, progress=lambda *_: 1 // 0)
        sent = emulator.present(finger())
        assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


# -- the lock


def test_a_wrong_password(emulator: SensorEmulator):
    emulator.arm("wrong-password")
    with pytest.raises(SensorLocked, match="password"):
        connect(emulator)


def test_a_password_of_ones_own_is_told_again_after_a_loss_of_power():
    with SensorEmulator("R307", password=0xC0FFEE) as emulator:
        with pytest.raises(SensorLocked):
            connect(emulator)
        with connect(emulator, password=0xC0FFEE) as sensor:
            sent = emulator.present(finger())
            sensor.capture(timeout_s=5)
            emulator.inspect(lambda module: module.power_up())
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_an_image_lost_to_a_power_cut_is_a_refusal(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        emulator.present(finger())
        request = sensor._link.request

        def cut_before_fetching(instruction: int, *args, **kwargs):
            if instruction == Instruction.UP_IMAGE:
                emulator.inspect(lambda module: module.power_up())
            return request(instruction, *args, **kwargs)

        sensor._link.request = cut_before_fetching
        with pytest.raises(SensorError, match="UP_IMAGE") as caught:
            sensor.capture(timeout_s=5)
        assert caught.value.code == Confirmation.UPLOAD_IMAGE_FAILED
        sensor._link.request = request
        sensor.capture(timeout_s=5)


# -- other programs before ours


@pytest.mark.parametrize("speed", [0.0, 30.0])
def test_a_transfer_that_another_program_left_behind_is_waited_out(speed: float):
    with SensorEmulator("R307", speed=speed) as emulator:
        emulator.present(finger())
        with serial.Serial(emulator.path, 57_600, timeout=5) as port:
            port.write(command(Instruction.GEN_IMG))
            port.read(12)
            port.write(command(Instruction.UP_IMAGE))
            port.read(2000)
        with connect(emulator) as sensor:
            sent = emulator.present(finger())
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_many_captures_in_a_row(emulator: SensorEmulator):
    with connect(emulator) as sensor:
        for kind in itertools.islice(itertools.cycle(["drop@3", "repeat@5", "stray-zero", "garbage@9"]), 20):
            sent = emulator.present(finger())
            emulator.arm(kind)
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


# -- time


def test_a_paced_transfer_takes_the_time_of_the_wire():
    with SensorEmulator("R503", speed=1.0, baud=115_200, packet_bytes=256) as emulator:
        # Polled so often that pauses between two groups of bytes are seen; they must not count as silence.
        timing = replace(FAST, poll_s=0.0005)
        with open_sensor(emulator.path, "R503", timing=timing) as sensor:
            sent = emulator.present(finger())
            frame = sensor.capture(timeout_s=10)
        assert np.array_equal(frame.pixels, sent)
        on_wire_s = (18_432 + 18_432 // 256 * 11) * 10 / 115_200
        assert 0.9 * on_wire_s < frame.transfer_s < 2.5 * on_wire_s + 1.0
