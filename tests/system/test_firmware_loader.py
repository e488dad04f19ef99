"""The loader in the real interpreter: which slot starts, and what happens when it does not."""

import pytest

from firmware.boot.boot_state import (
    FALL_BACK_RAISED,
    FALL_BACK_UNCONFIRMED,
    FALL_BACK_UNREADABLE,
    TRIAL_BOOTS,
    BootState,
)
from hardware.bench import made_up_firmware as made_up
from hardware.bench.firmware_process import find_micropython

REBOOT, RESCUE = 75, 76
GOOD = made_up.TELLS.format(at_start="pass")
HANGS = made_up.TELLS.format(at_start="while True: pass")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_micropython() is None, reason="no MicroPython for this machine"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A firmware by its main module: written once, compiled when it is put somewhere."""
    known = {}

    def of(main, version="1.0.0"):
        if (main, version) not in known:
            folder = tmp_path_factory.mktemp("sources")
            known[main, version] = made_up.write_sources(folder, version=version, main=main)
        return known[main, version]

    return of


@pytest.fixture
def board(tmp_path, sources):
    """A board with 1.0.0 in slot 0, and whatever 2.0.0 a test puts on trial in slot 1."""

    class Board:
        flash = tmp_path / "flash"

        def install(self, main=GOOD):
            made_up.install(sources(main), self.flash)

        def put_on_trial(self, main):
            made_up.put_in_slot(sources(main, "2.0.0"), self.flash, slot=1)
            self.state().begin_trial(1)

        def state(self):
            return BootState(root=str(self.flash))

        def start(self, **options):
            return made_up.start_once(self.flash, **options)

        def settle(self):
            """Start again and again, as a board does that resets, until an application ends well."""
            for count in range(1, 10):
                start = self.start()
                if start.status != REBOOT:
                    return start, count
            raise AssertionError("it never settled")

    board = Board()
    board.install()
    return board


def test_a_new_board_starts_slot_0_and_writes_nothing(board):
    before = sorted(board.flash.rglob("*"))
    start = board.start()
    assert (start.status, start.told()) == (0, {"version": "1.0.0", "slot": "0", "fell_back": "0"})
    assert sorted(board.flash.rglob("*")) == before


def test_an_update_that_is_confirmed_stays(board):
    board.put_on_trial(made_up.CONFIRMS)
    for _ in range(TRIAL_BOOTS + 2):
        assert board.start().told() == {"version": "2.0.0", "slot": "1", "fell_back": "0"}
    assert not board.state().on_trial


def test_an_update_that_nobody_confirms_falls_back(board):
    board.put_on_trial(GOOD)
    for count in range(1, TRIAL_BOOTS + 1):
        assert board.start().told()["version"] == "2.0.0"
        assert board.state().trial_boots == count
    start, starts = board.settle()
    assert start.told() == {"version": "1.0.0", "slot": "0", "fell_back": "1"}
    assert starts == 2, "one for the fall back, one from a clean memory"
    assert board.state().last_fall_back == FALL_BACK_UNCONFIRMED
    assert board.start().told()["fell_back"] == "0", "told once"


@pytest.mark.parametrize(
    "main", [made_up.RAISES_IN_IMPORT, made_up.RAISES_IN_BUILD, "", "import machine_no\n"]
)
def test_an_update_that_does_not_start_falls_back_at_once(board, main):
    board.put_on_trial(main)
    start, starts = board.settle()
    assert start.told() == {"version": "1.0.0", "slot": "0", "fell_back": "1"}
    assert starts == 2
    assert board.state().last_fall_back == FALL_BACK_RAISED
    assert board.state().fall_backs == 1


def test_an_update_that_raises_later_gets_its_trial(board):
    board.put_on_trial(made_up.RAISES_IN_RUN)
    first = board.start()
    assert first.status == REBOOT
    assert "ValueError: no run" in first.output, "a technician can read why"
    start, starts = board.settle()
    assert start.told()["version"] == "1.0.0"
    assert starts == TRIAL_BOOTS - 1 + 2
    assert board.state().last_fall_back == FALL_BACK_UNCONFIRMED


@pytest.mark.parametrize("main", [HANGS, "while True: pass\n"])
def test_an_update_that_hangs_falls_back(board, main):
    board.put_on_trial(main)
    for _ in range(TRIAL_BOOTS):
        assert board.start(patience_s=1.0).status is None, "the watchdog ends it"
    start, _ = board.settle()
    assert start.told()["version"] == "1.0.0"


def test_a_confirmed_version_that_raises_later_is_started_again_for_ever(board):
    board.install(made_up.RAISES_IN_RUN)
    for _ in range(TRIAL_BOOTS + 2):
        start = board.start()
        assert (start.status, start.told()["version"]) == (REBOOT, "1.0.0")


@pytest.mark.parametrize(
    "harm",
    [
        lambda slot: (slot / "manifest.json").unlink(),
        lambda slot: (slot / "manifest.json").write_bytes(b"{}"),
        lambda slot: (slot / "manifest.json").write_bytes(b"\xff not json"),
        lambda slot: (slot / "manifest.json").write_bytes((slot / "manifest.json").read_bytes()[:-40]),
        lambda slot: (slot / "firmware" / "unix" / "main.mpy").unlink(),
        lambda slot: (slot / "firmware" / "unix" / "main.mpy").write_bytes(b"M\x06\x00\x1f garbage"),
        lambda slot: (slot / "firmware" / "always.mpy").write_bytes(b""),
    ],
)
def test_a_slot_that_is_damaged_is_left(board, sources, harm):
    board.put_on_trial(GOOD)
    board.state().confirm()
    harm(board.flash / "slot1")
    start, _ = board.settle()
    assert start.told() == {"version": "1.0.0", "slot": "0", "fell_back": "1"}
    assert board.state().last_fall_back == FALL_BACK_UNREADABLE


def test_a_new_board_whose_only_slot_is_damaged_asks_for_rescue(board):
    (board.flash / "slot0" / "manifest.json").unlink()
    assert board.start().status == RESCUE
    assert board.start().status == RESCUE, "and again after the next power cycle"


def test_two_slots_that_do_not_start_end_in_rescue_not_in_a_loop(board):
    board.install(made_up.RAISES_IN_BUILD)
    board.put_on_trial(made_up.RAISES_IN_IMPORT)
    start, starts = board.settle()
    assert (start.status, starts) == (RESCUE, 2)
    assert board.state().active == 0
    start, starts = board.settle()
    assert start.status == RESCUE, "a power cycle tries both again"
    assert starts == 2


def test_a_broken_boot_state_starts_slot_0(board):
    board.put_on_trial(GOOD)
    for copy in ("boot_a", "boot_b"):
        (board.flash / copy).write_bytes(b"\xff" * 32)
    assert board.start().told()["version"] == "1.0.0"


def test_the_power_cut_while_a_trial_is_counted(board):
    """The copy being written is lost: the state of before counts, so the trial gets one start more, not fewer."""
    board.put_on_trial(GOOD)
    board.start()
    newest = max(
        (board.flash / name for name in ("boot_a", "boot_b")), key=lambda path: path.read_bytes()[4:8]
    )
    newest.write_bytes(newest.read_bytes()[:7])
    assert board.state().trial_boots == 0
    assert board.start().told()["version"] == "2.0.0"
    assert board.state().trial_boots == 1


MACHINE = """
import sys

def reset():
    print("reset")
    sys.exit(75)

class WDT:
    def __init__(self, timeout):
        print("watchdog", timeout)

    def feed(self):
        print("fed")

class Pin:
    OUT = 1

    def __init__(self, name, mode):
        {pin}

    def toggle(self):
        print("toggled")

class Timer:
    PERIODIC = 1

    def __init__(self, number, period, mode, callback):
        callback(self)
        callback(self)
"""
"""As much of the board's `machine` as the loader uses; a file of this name goes before the built-in module."""


@pytest.fixture
def with_machine(board):
    (board.flash / "machine.py").write_text(MACHINE.format(pin="pass"))
    return board


def test_on_a_board_the_watchdog_runs_before_anything_else(with_machine):
    start = with_machine.start()
    assert start.status == 0
    assert start.output.index("watchdog 8000") < start.output.index("version=1.0.0")


def test_on_a_board_starting_again_is_a_reset(with_machine):
    with_machine.put_on_trial(made_up.RAISES_IN_BUILD)
    start = with_machine.start()
    assert (start.status, "reset" in start.output.splitlines()) == (REBOOT, True)


@pytest.mark.parametrize("pin", ["pass", "raise ValueError('unknown named pin')"])
def test_on_a_board_rescue_blinks_feeds_and_ends_at_the_prompt(board, pin):
    (board.flash / "machine.py").write_text(MACHINE.format(pin=pin))
    (board.flash / "slot0" / "manifest.json").unlink()
    start = board.start()
    assert start.status == 1, "not SystemExit, which would be a soft reset"
    assert "NoSlotStarts: install the firmware again" in start.output
    assert start.output.splitlines().count("fed") == 2
    assert start.output.splitlines().count("toggled") == (2 if pin == "pass" else 0)
