"""The fingerprint reader that the settings name."""

from pathlib import Path

import pytest

from edge_service.board_words import COUNTERS, counter_words, duration_words, state_words
from edge_service.reader import fingerprint_reader, sensor_board
from edge_service.sensors import ZfmSensor
from edge_service.sensors.board import BoardSensor
from edge_service.settings import EdgeSettings
from firmware.core import codes
from firmware.core.counters import NAMES
from interchange.settings import load_settings


def settings(*assign):
    return load_settings(EdgeSettings, None, ["device=kiosk-1", *assign])


def test_a_board_unless_told_otherwise():
    said = settings("spool.path=/var/lib/whorl/spool.db")
    reader = fingerprint_reader(said)
    assert isinstance(reader, BoardSensor)
    assert said.sensor.port == "/dev/whorl-board"
    assert said.pairing_path == Path("/var/lib/whorl/board-pairing.json")
    assert sensor_board(said).path == "/dev/whorl-board"


def test_a_place_of_its_own_for_the_key():
    assert settings("sensor.pairing=/etc/whorl/key.json").pairing_path == Path("/etc/whorl/key.json")


def test_straight_on_a_uart():
    reader = fingerprint_reader(
        settings("sensor.through=uart", "sensor.port=/dev/serial0", "sensor.model=r503")
    )
    assert isinstance(reader, ZfmSensor)


def test_every_counter_of_the_firmware_has_words():
    assert set(COUNTERS) == set(NAMES)
    assert counter_words("of_next_year") == "of next year"


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0 s"), (59_999, "59 s"), (61_000, "1 min 1 s"), (3_660_000, "1 h 1 min"), (90_000_000, "1 d 1 h")],
)
def test_durations(ms, words):
    assert duration_words(ms) == words


def test_states_and_what_went_before():
    assert state_words(codes.STATE_READY) == "ready"
    assert state_words(codes.STATE_READY, codes.ERROR_NO_FINGER) == "ready (last: nobody pressed in time)"
    assert state_words(77, 78) == "state 77 (last: 78)"
