"""The pairing file: what it keeps, who may read it, and what becomes of a damaged one."""

import json
import os
import stat

import pytest

from edge_service.sensors.board import BoardUnpaired
from edge_service.sensors.board.pairing import NO_KEY, Pairing, PairingFile, PairingState

KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path):
    return PairingFile(tmp_path / "pairing.json", port="/dev/board")


def test_nothing_is_remembered_at_first(file):
    assert file.read() == Pairing()
    assert file.read().key == NO_KEY


def test_offered_paired_tampered_forgotten(file):
    file.offer(KEY, board="ab" * 8)
    assert file.read().state is PairingState.OFFERED
    file.confirm(KEY, board="ab" * 8)
    read = file.read()
    assert (read.state, read.key, read.board) == (PairingState.PAIRED, KEY, "ab" * 8)
    assert read.since.endswith("Z")
    file.tampered("the lid was opened", board="ab" * 8)
    file.tampered("something else", board="cd" * 8)
    read = file.read()
    assert (read.state, read.key, read.evidence) == (PairingState.TAMPERED, NO_KEY, "the lid was opened")
    assert KEY.hex() not in file.path.read_text()
    file.forget()
    file.forget()
    assert file.read() == Pairing()


def test_only_its_owner_can_read_it(file):
    old = os.umask(0)
    try:
        file.confirm(KEY, board="ab" * 8)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [p.name for p in file.path.parent.iterdir()] == ["pairing.json"]
    file.path.chmod(0o640)
    with pytest.raises(BoardUnpaired, match=r"others may read .* edge-service board pair"):
        file.read()


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: "",
        lambda tree: "[]",
        lambda tree: "{}",
        lambda tree: json.dumps(tree)[:-10],
        lambda tree: json.dumps(tree | {"key": "00" * 32}),
        lambda tree: json.dumps(tree | {"key": "ab"}),
        lambda tree: json.dumps(tree | {"key": 5}),
        lambda tree: json.dumps(tree | {"state": "happy"}),
        lambda tree: json.dumps(tree | {"state": "tampered"}),
        lambda tree: json.dumps(tree | {"version": 2}),
        lambda tree: "\udcff",
    ],
)
def test_a_damaged_file_is_not_trusted_and_can_be_replaced(file, change):
    file.confirm(KEY, board="ab" * 8)
    text = change(json.loads(file.path.read_text()))
    file.path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BoardUnpaired, match="is damaged"):
        file.read()
    file.confirm(KEY, board="ab" * 8)
    assert file.read().state is PairingState.PAIRED


def test_tampered_is_written_over_a_damaged_file(file):
    file.path.write_text("{")
    file.path.chmod(0o600)
    file.tampered("the lid was opened", board="ab" * 8)
    assert file.read().state is PairingState.TAMPERED


def test_a_folder_that_is_not_there(tmp_path):
    file = PairingFile(tmp_path / "none" / "pairing.json", port="/dev/board")
    assert file.read() == Pairing()
    with pytest.raises(BoardUnpaired, match="cannot be written"):
        file.confirm(KEY, board="ab" * 8)


def test_a_write_that_fails_leaves_the_old_one(file, monkeypatch):
    file.confirm(KEY, board="ab" * 8)

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BoardUnpaired, match="No space left"):
        file.offer(bytes(31) + b"\1", board="cd" * 8)
    monkeypatch.undo()
    assert file.read().key == KEY
    assert [p.name for p in file.path.parent.iterdir()] == ["pairing.json"]
