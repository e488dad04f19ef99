"""The emulator itself: its port, its program, its end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import serial
from PIL import Image

from edge_service.sensors import SensorSilent, Timing, open_sensor
from edge_service.sensors.zfm_codes import Instruction
from edge_service.sensors.zfm_frame import command
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import fit_to_window, grey_levels
from hardware.bench.loop_thread import LoopThread

pytestmark = pytest.mark.system

RNG = np.random.default_rng(12)
FAST = Timing(poll_s=0.02, probe_s=0.2, reply_s=1.0, quiet_s=0.05, look_every_s=0.005)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0


def finger() -> np.ndarray:
    return RNG.integers(0, 256, (288, 256), dtype=np.uint8)


class Program:
    """`python -m hardware.bench.sensor_emulator` as a child."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hardware.bench.sensor_emulator", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        ready = select.select([self.process.stdout], [], [], PATIENCE_S)[0]
        assert ready, "the program says nothing"
        return self.process.stdout.readline().decode().strip()

    def say(self, text: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return self.line()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def test_the_link_is_stable_and_nothing_is_left_behind(tmp_path: Path):
    link = tmp_path / "by-id"
    link.symlink_to("/nowhere/stale")
    with SensorEmulator("R503", link=link) as emulator:
        first = link.readlink()
        assert emulator.path == str(link)
        emulator.unplug()
        assert not os.path.lexists(link)
        emulator.unplug()
        emulator.replug()
        emulator.replug()
        assert link.exists()
        assert emulator.alive
    assert not emulator.alive
    assert not list(tmp_path.iterdir())
    assert str(first).startswith("/dev/pts/")


def test_what_is_no_link_is_never_replaced(tmp_path: Path):
    (tmp_path / "precious").write_text("data")
    with pytest.raises(FileExistsError, match="precious"):
        SensorEmulator("R503", link=tmp_path / "precious").start()
    assert (tmp_path / "precious").read_text() == "data"


def test_a_link_that_someone_else_took_over_is_left_alone(tmp_path: Path):
    link = tmp_path / "sensor"
    with SensorEmulator("R503", link=link), SensorEmulator("R307", link=link) as second:
        sent = second.present(finger())
        taken = link.readlink()
        assert taken == link.readlink()
        with open_sensor(str(link), timing=FAST) as sensor:
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, sent)


def test_a_place_of_its_own_is_removed():
    with SensorEmulator("R503") as emulator:
        folder = Path(emulator.path).parent
        assert folder.is_dir()
    assert not folder.exists()


def test_threads_and_files_are_given_back():
    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for _ in range(5):
        with SensorEmulator("R503") as emulator:
            emulator.present(finger())
            emulator.unplug()
            emulator.replug()
    assert count() == before


def test_stop_while_the_host_does_not_read():
    emulator = SensorEmulator("R307")
    emulator.start()
    emulator.present(finger())
    with serial.Serial(emulator.path, 57_600, timeout=2) as port:
        port.write(command(Instruction.GEN_IMG))
        assert len(port.read(12)) == 12
        port.write(command(Instruction.UP_IMAGE))
        assert len(port.read(12)) == 12
        began = time.monotonic()
        emulator.stop()
        assert time.monotonic() - began < PATIENCE_S
    emulator.stop()


def test_what_nobody_reads_is_lost_and_life_goes_on():
    with SensorEmulator("R307") as emulator:
        emulator.present(finger())
        with serial.Serial(emulator.path, 57_600, timeout=5) as port:
            port.write(command(Instruction.GEN_IMG))
            port.read(12)
            port.write(command(Instruction.UP_IMAGE))
            time.sleep(2.5)
            port.timeout = 0.3
            assert 12 < len(port.read(40_000)) < 36_864
            port.timeout = 5
            port.write(command(Instruction.GEN_IMG))
            assert port.read(12).hex() == "ef01ffffffff0700030000" + "0a"


def test_bytes_may_come_one_at_a_time():
    with SensorEmulator("R503") as emulator, serial.Serial(emulator.path, 57_600, timeout=5) as port:
        for byte in command(Instruction.HANDSHAKE):
            port.write(bytes([byte]))
            time.sleep(0.002)
        assert port.read(12).hex() == "ef01ffffffff0700030000" + "0a"


def test_a_host_that_sets_nothing_gets_every_byte_as_it_is():
    with SensorEmulator("R503", check_baud=False) as emulator:
        fd = os.open(emulator.path, os.O_RDWR | os.O_NOCTTY)
        try:
            # 0D, 0A and 03 are line ends and Ctrl-C to a terminal that is not raw.
            page = bytes([0x0D, 0x0A, 0x03, 0x04, 0x7F, 0x11, 0x13, 0x1A]) * 4
            os.write(fd, command(Instruction.WRITE_NOTEPAD, b"\x0a" + page))
            os.write(fd, command(Instruction.READ_NOTEPAD, b"\x0a"))
            answers = b""
            deadline = time.monotonic() + PATIENCE_S
            while len(answers) < 12 + 44 and time.monotonic() < deadline:
                if select.select([fd], [], [], 0.1)[0]:
                    answers += os.read(fd, 100)
            assert answers[12:][10:42] == page
            assert emulator.heard() == [Instruction.WRITE_NOTEPAD, Instruction.READ_NOTEPAD]
        finally:
            os.close(fd)


def test_a_damaged_command_is_answered_with_01():
    with SensorEmulator("R503") as emulator, serial.Serial(emulator.path, 57_600, timeout=5) as port:
        port.write(command(Instruction.HANDSHAKE)[:-1] + b"\xee")
        assert port.read(12).hex() == "ef01ffffffff0700030100" + "0b"


def test_another_baud_rate_gives_noise_both_ways():
    with SensorEmulator("R503") as emulator, serial.Serial(emulator.path, 115_200, timeout=0.3) as port:
        port.write(command(Instruction.HANDSHAKE))
        assert not port.read(12).startswith(b"\xef\x01")
        assert emulator.heard() == []
    relaxed = SensorEmulator("R503", check_baud=False)
    with relaxed, serial.Serial(relaxed.path, 115_200, timeout=5) as port:
        port.write(command(Instruction.HANDSHAKE))
        assert port.read(12).startswith(b"\xef\x01")


def test_a_new_baud_rate_holds_after_the_answer_at_the_old_one():
    with SensorEmulator("R307") as emulator, serial.Serial(emulator.path, 57_600, timeout=5) as port:
        port.write(command(Instruction.SET_SYS_PARA, bytes([4, 12])))
        assert port.read(12)[9] == 0
        port.baudrate = 115_200
        port.write(command(Instruction.GET_ECHO))
        assert port.read(12)[9] == 0x55


def test_power_up_is_deafness_and_one_55():
    with (
        SensorEmulator("R503", boot_s=0.2) as emulator,
        serial.Serial(emulator.path, 57_600, timeout=5) as port,
    ):
        port.write(command(Instruction.SOFT_RST))
        assert port.read(12)[9] == 0
        port.write(command(Instruction.HANDSHAKE))
        assert port.read(1) == b"\x55"
        port.timeout = 0.2
        assert port.read(1) == b""
        port.write(command(Instruction.HANDSHAKE))
        assert port.read(12)[9] == 0


def test_a_loop_that_fails_says_so():
    def fail(_: int) -> None:
        raise ZeroDivisionError

    thread = LoopThread(fail, name="failing")
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while thread.alive and time.monotonic() < deadline:
        time.sleep(0.005)
    assert thread.ask(lambda: 7) == 7
    with pytest.raises(RuntimeError, match="failing"):
        thread.stop()
    thread.stop()


def test_an_error_in_a_question_is_the_askers():
    with SensorEmulator("R503") as emulator:
        with pytest.raises(ZeroDivisionError):
            emulator.inspect(lambda _: 1 // 0)
        assert emulator.alive


def test_the_program_serves_a_folder_and_ends_on_sigterm(tmp_path: Path):
    prints = tmp_path / "prints"
    prints.mkdir()
    pictures = [finger()[:250, :200], finger()]
    for number, picture in enumerate(pictures, 9):
        Image.fromarray(picture).save(prints / f"{number}_1.png")
    link = tmp_path / "sensor"
    with Program(
        "--images", str(prints), "--link", str(link), "--pace", "fast", "--model", "R503"
    ) as program:
        assert program.line() == f"ready {link}"
        with open_sensor(str(link), timing=FAST) as sensor:
            for picture in pictures:
                frame = sensor.capture(timeout_s=PATIENCE_S)
                assert np.array_equal(
                    frame.pixels, grey_levels(fit_to_window(picture, width=192, height=192))
                )
                assert sensor.wait_for_lift(timeout_s=PATIENCE_S)
        assert program.end(signal.SIGTERM) == 0
        assert not os.path.lexists(link)


def test_the_program_ends_on_ctrl_c_in_the_middle_of_a_transfer(tmp_path: Path):
    link = tmp_path / "sensor"
    Image.fromarray(finger()).save(tmp_path / "a.png")
    with Program("--images", str(tmp_path), "--link", str(link), "--pace", "real", "--any-baud") as program:
        program.line()
        with serial.Serial(str(link), 38_400, timeout=5) as port:
            for _ in range(2):
                port.write(command(Instruction.GEN_IMG))
                port.read(12)
            port.write(command(Instruction.UP_IMAGE))
            assert len(port.read(500)) == 500
            assert program.end(signal.SIGINT) == 0


def test_the_program_obeys_its_input(tmp_path: Path):
    link = tmp_path / "sensor"
    picture = finger()
    Image.fromarray(picture).save(tmp_path / "a b.png")
    with Program("--link", str(link), "--pace", "fast", "--control", "--fault", "silence") as program:
        assert program.line() == f"ready {link}"
        with pytest.raises(SensorSilent):
            open_sensor(str(link), baud=57_600, timing=FAST)
        assert program.say("clear-faults") == "ok"
        assert program.say(f"present '{tmp_path}/a b.png'") == "ok"
        with open_sensor(str(link), "R307", timing=FAST) as sensor:
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, grey_levels(picture))
            assert program.say("unplug") == "ok"
            assert not os.path.lexists(link)
            assert program.say("replug") == "ok"
            assert np.array_equal(sensor.capture(timeout_s=5).pixels, grey_levels(picture))
        assert program.say("lift") == "ok"
        assert program.say("fault explode").startswith("error 'explode' is no fault")
        assert program.say("present nowhere.png").startswith("error")
        assert program.say("dance").startswith("error cannot do")
        assert program.process.stdin is not None
        program.process.stdin.close()
        assert program.process.wait(PATIENCE_S) == 0
        program.process.stdin = None


def test_a_killed_program_leaves_no_obstacle(tmp_path: Path):
    link = tmp_path / "sensor"
    with Program("--link", str(link), "--pace", "fast") as program:
        program.line()
        program.end(signal.SIGKILL)
    assert os.path.lexists(link)
    with SensorEmulator("R503", link=link) as emulator, open_sensor(emulator.path, timing=FAST) as sensor:
        assert sensor.info is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fault", "explode"], "is no fault"),
        (["--pace", "slow"], "slow"),
        (["--baud", "1234"], "9600"),
        (["--images", "/nowhere"], "/nowhere"),
        (["--packet", "100"], "100"),
    ],
)
def test_wrong_options_are_explained(tmp_path: Path, options: list[str], words: str):
    with Program("--link", str(tmp_path / "sensor"), *options) as program:
        assert program.process.stderr is not None
        assert program.process.wait(PATIENCE_S) == 2
        assert words in program.process.stderr.read().decode()
