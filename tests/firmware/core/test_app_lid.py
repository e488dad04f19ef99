"""The application's lid and pairing key. On CPython and on MicroPython."""
# heap: 512k - all of the firmware as sources, and the tests; a board holds it compiled, and no tests

from helpers.app_bench import AppBench  # first: it needs memory in one piece

# isort: split
from helpers.link_bench import KEY

from firmware.core import bodies, codes, parameters

CAPTURE = bodies.CAPTURE.pack(5000, 1)
NO_KEY = bytes(32)


def test_a_lid_that_opens_makes_the_board_forget():
    bench = AppBench()
    bench.captured()
    bench.board.lid_open = True
    bench.step(parameters.LID_DEBOUNCE_MS - 5)
    bench.board.lid_open = False
    bench.step(100)
    assert bench.app.link.paired
    bench.board.lid_open = True
    bench.step(parameters.LID_DEBOUNCE_MS + 5)
    bench.listen()
    assert bench.events[-1] == (codes.EVENT_TAMPER, b"")
    assert not bench.app.link.paired
    assert not any(bench.image.data)
    assert [saved[:2] for saved in bench.store.saved[-2:]] == [(None, True)] * 2
    assert bench.count("tampers") == 1
    assert bench.board.lights[-1] == codes.LED_TAMPER
    identity = bench.open()
    assert identity["error"] == codes.ERROR_NOT_PAIRED_WITH_YOU
    assert identity["flags"] == codes.FLAG_TAMPERED | codes.FLAG_LID_OPEN


def test_an_alarm_waits_for_no_pi():
    bench = AppBench()
    bench.captured()
    bench.wire.room = 0
    bench.board.lid_open = True
    bench.step(parameters.LID_DEBOUNCE_MS + 5)
    assert not bench.app.link.paired
    assert not any(bench.image.data)


def test_an_alarm_that_the_flash_refuses_is_saved_later():
    bench = AppBench()
    bench.ready()
    bench.store.refuses = True
    bench.board.lid_open = True
    bench.step(100)
    assert not bench.app.link.paired
    assert bench.store.pairing_key is None
    bench.store.refuses = False
    bench.step(parameters.SAVE_AGAIN_MS + 2000)
    assert [saved[:2] for saved in bench.store.saved[-2:]] == [(None, True)] * 2


def test_a_board_that_starts_with_its_lid_open_forgets():
    bench = AppBench(lid_open=True)
    bench.step(100)
    assert not bench.app.link.paired
    assert bench.store.saved[-1][:2] == (None, True)


def test_an_unpaired_board_moves_no_print():
    bench = AppBench(key=None, pi_key=NO_KEY)
    assert bench.ready()["flags"] == codes.FLAG_SESSION
    assert bench.ask(codes.CAPTURE, CAPTURE) == (codes.ERROR_UNPAIRED, b"\0")
    assert bench.ask(codes.GET_CHUNKS, bodies.GET_CHUNKS.pack(1, 0, 1)) == (codes.ERROR_UNPAIRED, b"\0")
    bench.board.lid_open = True
    bench.step(100)
    assert bench.ask(codes.CAPTURE, CAPTURE) == (codes.ERROR_LID_OPEN, b"\0")
    assert bench.count("tampers") == 0


def test_pairing_needs_an_open_lid_a_finger_on_the_button_and_no_key():
    bench = AppBench(key=None, pi_key=NO_KEY)
    bench.ready()
    bench.board.button = True
    assert bench.ask(codes.PAIR, KEY) == (codes.ERROR_NOT_ALLOWED, b"\0")
    bench.board.button = False
    bench.board.lid_open = True
    bench.step(100)
    assert bench.ask(codes.PAIR, KEY) == (codes.ERROR_NOT_ALLOWED, b"\0")
    bench.board.button = True
    assert bench.ask(codes.PAIR, NO_KEY) == (codes.ERROR_BAD_BODY, b"\1")
    bench.store.refuses = True
    assert bench.ask(codes.PAIR, KEY)[0] == codes.ERROR_UPDATE_STORAGE
    bench.store.refuses = False
    assert bench.ask(codes.PAIR, KEY) == (0, b"")
    assert bench.store.pairing_key == KEY
    assert bench.count("pairings") == 2


def test_a_lid_that_nobody_has_looked_at_yet_lets_no_print_and_no_pairing_through():
    bench = AppBench(key=None, pi_key=NO_KEY)
    bench.board.button = True
    bench.open()
    assert bench.ask(codes.PAIR, KEY) == (codes.ERROR_NOT_ALLOWED, b"\0")
    assert bench.ask(codes.CAPTURE, CAPTURE) == (codes.ERROR_LID_OPEN, b"\0")


def paired_just_now():
    bench = AppBench(key=None, pi_key=NO_KEY, lid_open=True)
    bench.ready()
    bench.board.button = True
    assert bench.ask(codes.PAIR, KEY) == (0, b"")
    bench.pi.__init__(KEY)
    bench.step(100)
    return bench


def test_a_board_just_paired_keeps_its_key_until_the_lid_opens_again():
    bench = paired_just_now()
    assert bench.open()["error"] == 0
    assert bench.ask(codes.PAIR, KEY)[0] == codes.ERROR_NOT_ALLOWED
    assert bench.ask(codes.CAPTURE, CAPTURE) == (codes.ERROR_LID_OPEN, b"\0")
    bench.board.lid_open = False
    bench.step(100)
    assert bench.ask(codes.CAPTURE, CAPTURE) == (0, b"")
    bench.board.lid_open = True
    bench.step(100)
    assert not bench.app.link.paired


def test_unpairing_is_answered_and_then_forgotten():
    bench = AppBench()
    bench.ready()
    assert bench.ask(codes.UNPAIR) == (0, b"")
    assert not bench.app.link.paired
    assert [saved[:2] for saved in bench.store.saved[-2:]] == [(None, False)] * 2


def test_a_reboot_is_answered_first():
    bench = AppBench()
    bench.ready()
    assert bench.ask(codes.REBOOT) == (0, b"")
    assert bench.board.reboots == 0
    bench.step(parameters.LAST_BYTES_MS + 5)
    assert bench.board.reboots > 0
