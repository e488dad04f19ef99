"""New firmware on the board: one that is good, and one that does not start."""

import pytest

from edge_service.firmware_update import UpdateFailed
from hardware.bench.labgrid.firmware_bundles import build_firmware

pytestmark = [pytest.mark.hil, pytest.mark.lg_feature("board"), pytest.mark.timeout(900)]


@pytest.fixture
def kind(board):
    """What the board's firmware is built for; the checkout's own is on it again after the test."""
    kind = board.kind()
    if kind is None:
        pytest.skip("this board's firmware does not lie in slots, so it cannot be updated over the link")
    return kind


@pytest.fixture
def ours(kind, board, tmp_path_factory):
    """The checkout's firmware, which is on the board again after the test."""
    built = build_firmware(kind, tmp_path_factory.mktemp("ours"))
    yield built
    board.update(built, allow_older=True)


def test_an_update_is_installed_and_keeps_the_pairing(kind, ours, board, take, tmp_path):
    newer = build_firmware(kind, tmp_path, newer_by=1)
    assert board.update(newer) == newer.version
    assert board.identify()["firmware"] == newer.version
    assert board.is_paired()
    take(7)


def test_firmware_that_does_not_start_falls_back(kind, ours, board, take, tmp_path):
    before = board.identify()
    with pytest.raises(UpdateFailed) as caught:
        board.update(build_firmware(kind, tmp_path, newer_by=2, broken=True))
    assert caught.value.fell_back
    after = board.identify()
    assert after["firmware"] == before["firmware"]
    assert after["last reset"] == "fell back to the firmware before"
    take(8)
