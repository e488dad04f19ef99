"""The lid, the key, and what a kiosk does whose lid was opened."""

import pytest

from edge_service.sensors import SensorError
from edge_service.sensors.board import BoardTampered, BoardUnpaired

pytestmark = [pytest.mark.hil, pytest.mark.lg_feature("board")]


def test_a_paired_board_proves_itself(board):
    assert board.is_paired()


def test_an_open_lid_ends_the_trust_until_somebody_pairs_again(kiosk, board, edge, lid, take):
    lid.set(True)
    with pytest.raises(BoardTampered) as caught:
        edge.capture(timeout_s=10)
    assert "edge-service board pair" in str(caught.value)
    lid.set(False)
    with pytest.raises(BoardTampered):
        edge.connect(timeout_s=5)
    assert not board.is_paired()
    board.pair()
    assert board.is_paired()
    take(4)


def test_an_open_lid_in_the_middle_of_an_image_stops_it(board, edge, lid, finger):
    def open_it(done, total):
        if done >= total / 2 and not lid.get():
            lid.set(True)

    finger.press(5)
    with pytest.raises(BoardTampered):
        edge.capture(timeout_s=60, progress=open_it)
    lid.set(False)
    board.pair()


def test_a_board_that_was_unpaired_takes_no_print(board, edge, lid, take):
    board.unpair()
    with pytest.raises(BoardUnpaired):
        edge.capture(timeout_s=5)
    board.pair()
    take(6)


def test_another_key_is_refused(board, edge, lid):
    """As after an exchange of the board: what answers holds a key, but not the kiosk's."""
    pairing = board.pairing_file
    mine = pairing.read()
    pairing.confirm(bytes(reversed(mine.key)), board=mine.board)
    edge.close()  # a session that is open stays open: the key is asked for at its beginning
    try:
        with pytest.raises(SensorError) as caught:
            edge.connect(timeout_s=5)
        assert "edge-service board pair" in str(caught.value)
    finally:
        pairing.confirm(mine.key, board=mine.board)
    assert board.is_paired()
