"""Pairing and unpairing, with a technician who does as told, or not, or does the wrong thing."""

from threading import Event

import pytest

from edge_service.sensors import SensorUnplugged
from edge_service.sensors.board import Board, BoardFault, BoardMismatch, BoardUnpaired
from edge_service.sensors.board.ceremony import Ceremony, Prompt, unpair
from edge_service.sensors.board.pairing import PairingState
from edge_service.sensors.parameters import BoardTiming
from firmware.core import codes
from hardware.bench.memory_board import MemoryBoard

KEY = bytes(range(1, 33))
UNIQUE = "0011223344556677"


class Hands(Event):
    """The technician: does what he is told while the ceremony waits, which is when a cancel would be seen."""

    def __init__(self, bench):
        super().__init__()
        self.bench = bench

    def wait(self, timeout=None):
        self.bench.wire.time.now_s += timeout
        if self.bench.prompts and self.bench.obeys:
            self.bench.obey(self.bench.prompts[-1])
        return self.is_set()


class Bench:
    def __init__(self, folder, key=None):
        self.wire = MemoryBoard(key=key)
        self.script = self.wire.script
        self.board = Board("memory", pairing=folder / "pairing.json", clock=self.wire.time, line=self.wire)
        self.file = self.board.pairing
        self.prompts = []
        self.obeys = True
        self.hands = Hands(self)
        self.script.answers[codes.PAIR] = (codes.ERROR_NOT_ALLOWED, 0)

    def obey(self, prompt):
        flags = self.script.identity.flags
        if prompt is Prompt.OPEN_LID:
            flags |= codes.FLAG_LID_OPEN
            if self.script.key is not None:
                self.script.alarm()
                flags |= codes.FLAG_TAMPERED
        elif prompt is Prompt.REOPEN_LID:
            self.script.alarm()
        elif prompt is Prompt.HOLD_BUTTON:
            flags |= codes.FLAG_BUTTON
            self.script.answers.clear()
        elif prompt is Prompt.CLOSE_LID:
            flags &= ~(codes.FLAG_LID_OPEN | codes.FLAG_BUTTON)
        elif prompt is Prompt.PLUG_IN:
            self.wire.replug()
        self.script.identity.flags = flags

    def ceremony(self, **options):
        return Ceremony(
            self.board, tell=self.prompts.append, cancel=self.hands, clock=self.wire.time, **options
        )

    def is_paired(self):
        read = self.file.read()
        return read.state is PairingState.PAIRED and read.key == self.script.key and self.board.open().proven


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_a_new_board(bench):
    ceremony = bench.ceremony()
    identity = ceremony.pair()
    assert bench.prompts == [Prompt.OPEN_LID, Prompt.HOLD_BUTTON, Prompt.CLOSE_LID]
    assert identity.unique == bench.file.read().board == UNIQUE
    assert ceremony.await_closed_lid()
    assert bench.is_paired()


def test_our_own_board_again_gets_another_key(bench):
    bench.ceremony().pair()
    bench.obey(Prompt.CLOSE_LID)
    bench.script.answers[codes.PAIR] = (codes.ERROR_NOT_ALLOWED, 0)
    before = bench.file.read().key
    bench.prompts.clear()
    bench.ceremony().pair()
    assert bench.prompts == [Prompt.OPEN_LID, Prompt.HOLD_BUTTON, Prompt.CLOSE_LID]
    assert bench.file.read().key != before
    bench.obey(Prompt.CLOSE_LID)
    assert bench.is_paired()


def test_our_own_board_whose_lid_is_still_open_from_the_last_pairing(bench):
    bench.ceremony().pair()
    before = bench.file.read().key
    bench.script.identity.flags &= ~codes.FLAG_BUTTON
    bench.prompts.clear()
    bench.ceremony().pair()
    assert bench.prompts == [Prompt.HOLD_BUTTON, Prompt.CLOSE_LID]
    assert bench.file.read().key != before


def test_a_board_that_somebody_else_paired(tmp_path):
    bench = Bench(tmp_path, key=KEY)
    bench.ceremony().pair()
    assert bench.prompts == [Prompt.OPEN_LID, Prompt.HOLD_BUTTON, Prompt.CLOSE_LID]
    assert bench.script.key not in {KEY, None}


def test_a_board_that_somebody_else_paired_at_the_open_lid(tmp_path):
    bench = Bench(tmp_path, key=KEY)
    bench.script.identity.flags |= codes.FLAG_LID_OPEN
    bench.ceremony().pair()
    assert bench.prompts == [Prompt.REOPEN_LID, Prompt.HOLD_BUTTON, Prompt.CLOSE_LID]


def test_after_an_alarm(bench):
    bench.ceremony().pair()
    bench.obey(Prompt.CLOSE_LID)
    bench.file.tampered("the lid was opened", board=UNIQUE)
    bench.script.alarm()
    bench.script.answers[codes.PAIR] = (codes.ERROR_NOT_ALLOWED, 0)
    bench.ceremony().pair()
    bench.obey(Prompt.CLOSE_LID)
    assert bench.is_paired()


def test_the_cable_is_out_at_first(bench):
    bench.wire.unplug()
    bench.ceremony().pair()
    assert bench.prompts[0] is Prompt.PLUG_IN


def test_nobody_comes_and_what_was_remembered_stays(bench):
    bench.file.confirm(KEY, board=UNIQUE)
    bench.obeys = False
    began = bench.wire.time.now_s
    with pytest.raises(BoardUnpaired, match=r'took too long \("Open the lid'):
        bench.ceremony(timeout_s=30.0).pair()
    assert 30 <= bench.wire.time.now_s - began < 40
    assert bench.file.read().key == KEY


def test_broken_off(bench):
    bench.hands.set()
    with pytest.raises(BoardUnpaired, match="broken off"):
        bench.ceremony().pair()


def test_the_button_was_let_go_too_early(bench):
    bench.script.identity.flags |= codes.FLAG_LID_OPEN | codes.FLAG_BUTTON
    refusals = []

    def count(request):
        if request == codes.PAIR:
            refusals.append(bench.wire.time.now_s)
            if len(refusals) == 3:
                bench.script.answers.clear()

    bench.script.on_request = count
    bench.obeys = False
    bench.ceremony().pair()
    assert len(refusals) == 3


@pytest.mark.parametrize("lost", [1, 4, 8])
def test_the_answer_to_pair_gets_lost(bench, lost):
    def lose(request):
        if request == codes.PAIR:
            bench.wire.swallow_up = lost
            bench.script.on_request = lambda _: None

    bench.script.on_request = lose
    bench.ceremony().pair()
    bench.obey(Prompt.CLOSE_LID)
    assert bench.is_paired()


def test_a_disk_that_takes_nothing_stops_it_before_the_board_gets_a_key(tmp_path):
    bench = Bench(tmp_path / "missing")
    with pytest.raises(BoardUnpaired, match="cannot be written"):
        bench.ceremony().pair()
    assert bench.script.key is None


def test_a_board_that_cannot_keep_the_key(bench):
    bench.script.identity.flags |= codes.FLAG_LID_OPEN | codes.FLAG_BUTTON
    bench.script.answers[codes.PAIR] = (codes.ERROR_UPDATE_STORAGE, 0)
    with pytest.raises(BoardFault, match="UPDATE_STORAGE"):
        bench.ceremony().pair()


def test_the_lid_stays_open(bench):
    bench.ceremony().pair()
    bench.obeys = False
    assert not bench.ceremony(timeout_s=5.0).await_closed_lid()


def test_unpair(bench):
    bench.ceremony().pair()
    assert unpair(bench.board)
    assert bench.script.key is None
    assert bench.file.read().state is PairingState.UNPAIRED
    assert not unpair(bench.board)


def test_unpair_without_the_board(bench):
    bench.file.confirm(KEY, board=UNIQUE)
    bench.wire.unplug()
    assert not unpair(bench.board)
    assert bench.file.read().state is PairingState.UNPAIRED


def test_a_busy_port_is_not_waited_for(bench):
    def busy(baud):
        raise SensorUnplugged("busy", path="memory")

    bench.wire.open = busy
    with pytest.raises(SensorUnplugged, match="another program"):
        bench.ceremony().pair()


def test_a_board_of_another_version_is_told_at_once(bench, monkeypatch):
    from firmware.core import framing

    body = bytes([codes.ERROR_PROTOCOL, 7, 9, 0]) + bytes(56)

    def refuse(data):
        link = bench.script.link
        writer = link._notices
        writer.begin(codes.IDENTIFY + codes.ANSWER, link._reader.sequence, 0)
        writer.plain[framing.HEADER_BYTES : framing.HEADER_BYTES + len(body)] = body
        return bytes(writer.wire[: writer.finish(len(body), link._keys.everybody)])

    bench.wire.spoil_up = refuse
    with pytest.raises(BoardMismatch, match="7 to 9"):
        bench.ceremony(timing=BoardTiming()).pair()
