"""`edge-service board`: against the real firmware in the real interpreter, as a technician types it."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_service.sensors.board.pairing import PairingFile, PairingState
from hardware.bench.emulator import SensorEmulator
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard

pytestmark = pytest.mark.system

EDGE = Path(sys.executable).with_name("edge-service")


class Desk:
    """A technician at a terminal, and the kiosk in front of him."""

    def __init__(self, board, folder):
        self.board = board
        self.folder = folder
        self.file = PairingFile(folder / "board-pairing.json", port=board.path)

    def words(self, *words):
        settings = ("device=kiosk-1", f"sensor.port={self.board.path}", f"spool.path={self.folder}/spool.db")
        return [str(EDGE), "board", *words, *(part for s in settings for part in ("--set", s))]

    def type(self, *words):
        done = subprocess.run(
            self.words(*words),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"COLUMNS": "200"},
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def pair(self):
        return pair(self.board, self.file.path)


@pytest.fixture(scope="module")
def sensor():
    with SensorEmulator("R503") as running:
        yield running


@pytest.fixture
def desk(sensor, tmp_path):
    with VirtualBoard(sensor) as board:
        yield Desk(board, tmp_path)


def test_a_new_board_is_paired_step_by_step(desk):
    code, words = desk.type("status")
    assert code == 1
    assert "never paired with this kiosk" in words
    assert "edge-service board pair" in words

    with subprocess.Popen(
        desk.words("pair"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pairing:
        for expected, act in (
            ("Open the lid", desk.board.open_lid),
            ("Hold the button", desk.board.press_button),
            ("close the lid", desk.board.close_lid),
        ):
            line = pairing.stdout.readline()
            # The board calls a lid open until it has looked at it twice.
            while expected not in line and line:
                line = pairing.stdout.readline()
            assert line, expected
            act()
        rest = pairing.stdout.read()
        assert pairing.wait(30) == 0, rest
    assert "Paired" in rest
    desk.board.release_button()
    assert desk.file.read().state is PairingState.PAIRED

    code, words = desk.type("status")
    assert code == 0, words
    for part in (
        "All is well",
        "R503, 192 x 192",
        "pairing paired",
        "tampered no",
        "lid closed",
        "pairings 1",
    ):
        assert part in words, part


def test_an_opened_lid_is_told_and_stays_told(desk):
    desk.pair()
    desk.board.open_lid()
    time.sleep(0.2)
    code, words = desk.type("status")
    assert code == 1
    assert "lid of the kiosk was opened" in words
    assert "tampered yes" in words
    desk.board.close_lid()
    desk.board.reset()
    code, words = desk.type("status")
    assert code == 1
    assert "lid of the kiosk was opened" in words
    desk.pair()
    assert desk.type("status")[0] == 0


def test_nobody_comes_to_hold_the_button(desk):
    desk.board.open_lid()
    code, words = desk.type("pair", "--seconds", "5")
    assert code == 1
    assert "pairing took too long" in words
    assert "Hold the button" in words
    assert desk.file.read().state is PairingState.UNPAIRED


def test_pairing_again_while_all_is_well(desk):
    first = desk.pair()
    key = desk.file.read().key
    assert desk.pair().unique == first.unique
    assert desk.file.read().key != key
    assert desk.type("status")[0] == 0


def test_unpair_on_both_sides_and_on_one(desk):
    desk.pair()
    code, words = desk.type("unpair")
    assert code == 0
    assert "have forgotten their key" in words
    assert desk.file.read().state is PairingState.UNPAIRED
    assert "never paired" in desk.type("status")[1]

    desk.pair()
    desk.board.unplug()
    code, words = desk.type("unpair")
    assert code == 0
    assert "did not confirm" in words
    desk.board.replug()
    assert "paired with another kiosk" in desk.type("status")[1]
    desk.pair()
    assert desk.type("status")[0] == 0


def test_counters_in_words_and_as_json(desk):
    desk.pair()
    code, words = desk.type("counters")
    assert code == 0
    assert re.search(r"starts of the board 1\b", words)
    assert "returns to the firmware before" not in words
    code, words = desk.type("counters", "--json")
    told = json.loads(words)
    assert told["board"] == desk.file.read().board
    assert told["counters"]["pairings"] == 1
    assert told["counters"]["fallbacks"] == 0


def test_watch_tells_of_the_lid(desk):
    desk.pair()
    timer = threading.Timer(1.5, desk.board.press_button)
    timer.start()
    code, words = desk.type("watch", "--seconds", "4")
    timer.join()
    assert code == 0
    assert "lid closed, button free" in words
    assert "lid closed, button held" in words


def test_reboot(desk):
    desk.pair()
    code, words = desk.type("reboot")
    assert code == 0
    deadline = time.monotonic() + 20
    while desk.board.boots < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    code, words = desk.type("status")
    assert code == 0, words
    assert "it was asked to" in words


def test_no_board_and_no_board_at_all(desk):
    desk.board.unplug()
    code, words = desk.type("status")
    assert code == 1
    assert "Plug the sensor's cable in" in words
    code, words = desk.type("status", "--set", "sensor.through=uart")
    assert code == 1
    assert "has no board" in words


def test_a_board_without_a_sensor(tmp_path):
    with VirtualBoard(None) as board:
        desk = Desk(board, tmp_path)
        desk.pair()
        code, words = desk.type("status")
        assert code == 1
        assert "none found" in words
        assert "the sensor does not answer. Check the cable" in words
