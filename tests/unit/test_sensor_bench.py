"""The bench's pure parts: pictures, faults, fingers, the pace of bytes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge_service.sensors.zfm_answers import unpack_image
from hardware.bench.faults import Fault, FaultKind, FaultPlan, Mark
from hardware.bench.finger_images import (
    fit_to_window,
    grey_levels,
    images_in,
    load_image,
    pack_image,
    unpack_wire,
)
from hardware.bench.finger_stand import FingerStand
from hardware.bench.paced_queue import PacedQueue
from hardware.bench.sensor_emulator import speed_of

if TYPE_CHECKING:
    from pathlib import Path

NOISE = random.Random(3)


def stripes(height: int, width: int) -> np.ndarray:
    return np.tile(np.where(np.arange(width) // 4 % 2, 230, 40).astype(np.uint8), (height, 1))


def test_top_four_bits_high_nibble_left():
    assert pack_image(np.array([[0xAB, 0xCD], [0x12, 0xFE]], np.uint8)) == bytes([0xAC, 0x1F])


@given(st.binary(min_size=48, max_size=48))
def test_the_driver_reads_what_the_bench_packs(raw: bytes):
    window = np.frombuffer(raw, np.uint8).reshape(6, 8)
    data = pack_image(window)
    assert np.array_equal(unpack_image(data, width=8, height=6), grey_levels(window))
    assert np.array_equal(unpack_wire(data, width=8, height=6), window & 0xF0)


def test_a_small_picture_is_padded_with_its_background():
    picture = np.full((100, 80), 250, np.uint8)
    picture[20:80, 16:64] = stripes(60, 48)
    window = fit_to_window(picture, width=256, height=288)
    assert window.shape == (288, 256)
    assert window[0, 0] == 250
    assert np.array_equal(window[94:194, 88:168], picture)


def test_the_window_follows_the_print_but_not_past_the_edge():
    picture = np.full((600, 500), 255, np.uint8)
    picture[320:600, 240:496] = stripes(280, 256)
    window = fit_to_window(picture, width=256, height=288)
    assert np.array_equal(window, picture[312:600, 240:496])


def test_one_side_larger_one_smaller():
    picture = stripes(560, 200)
    window = fit_to_window(picture, width=256, height=288)
    assert np.array_equal(window[:, 28:228], picture[136:424])


def test_a_blank_picture_and_a_tiny_one():
    assert fit_to_window(np.full((400, 400), 7, np.uint8), width=192, height=192).max() == 7
    assert fit_to_window(np.full((1, 1), 9, np.uint8), width=192, height=192).shape == (192, 192)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_files_are_read(tmp_path: Path, suffix: str):
    picture = stripes(40, 60)
    Image.fromarray(picture).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(load_image(tmp_path / f"a.{suffix}"), picture)


def test_wsq_is_read(tmp_path: Path):
    import wsq  # noqa: F401

    Image.fromarray(stripes(128, 128)).save(tmp_path / "a.wsq")
    assert np.abs(load_image(tmp_path / "a.wsq").astype(int) - stripes(128, 128)).mean() < 40


def test_sixteen_bits_and_colour_become_eight_bit_grey(tmp_path: Path):
    deep = (stripes(16, 16).astype(np.uint16) << 8) + 255
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(load_image(tmp_path / "deep.png"), stripes(16, 16))
    Image.fromarray(np.dstack([stripes(16, 16)] * 3)).save(tmp_path / "colour.png")
    assert np.array_equal(load_image(tmp_path / "colour.png"), stripes(16, 16))


def test_what_is_no_picture_is_named(tmp_path: Path):
    (tmp_path / "no.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"no\.png"):
        load_image(tmp_path / "no.png")
    with pytest.raises(FileNotFoundError):
        load_image(tmp_path / "absent.png")
    with pytest.raises(ValueError, match="uint8"):
        load_image(np.zeros((4, 4), np.float32))  # pyright: ignore[reportArgumentType]


def test_a_folder_is_in_natural_order(tmp_path: Path):
    for name in ("10_1.png", "2_1.png", "2_10.tif", "2_9.bmp", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["2_1.png", "2_9.bmp", "2_10.tif", "10_1.png"]


def test_faults_are_read():
    assert Fault.parse("silence") == Fault(FaultKind.SILENCE, None, None)
    assert Fault.parse("drop@10") == Fault(FaultKind.DROP, 10, 1)
    assert Fault.parse("garbage@ackx3") == Fault(FaultKind.GARBAGE, 0, 3)
    assert Fault.parse("bad-checksum@7xalways") == Fault(FaultKind.BAD_CHECKSUM, 7, None)
    assert Fault.parse("wrong-passwordx2") == Fault(FaultKind.WRONG_PASSWORD, None, 2)


@pytest.mark.parametrize("text", ["", "explode", "drop@", "drop@-1", "dropx", "silence "])
def test_what_is_no_fault_is_refused(text: str):
    with pytest.raises(ValueError, match="lose-bytes"):
        Fault.parse(text)


def test_faults_spoil_what_they_name_as_often_as_they_say():
    answer = [b"ack--", b"first", b"second", b"last!"]
    plan = FaultPlan([Fault.parse("drop@2x2"), Fault.parse("repeat@3xalways"), Fault.parse("unplug@9")])
    assert plan.spoil(answer, NOISE) == [b"ack--", b"first", b"last!", b"last!"]
    assert plan.spoil([b"ack--"], NOISE) == [b"ack--"]
    assert plan.spoil(answer, NOISE) == [b"ack--", b"first", b"last!", b"last!"]
    assert plan.spoil(answer, NOISE) == [b"ack--", b"first", b"second", b"last!", b"last!"]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (
            "garbage",
            lambda out: len(out) == 2 and out[1] == b"0123456789ABCDEF" and out[0].endswith(b"0123456"),
        ),
        ("stray-zero", lambda out: out == [b"\0", b"0123456789ABCDEF"]),
        ("bad-checksum", lambda out: out[0][:-1] == b"0123456789ABCDE" and out[0][-1:] != b"F"),
        ("lose-bytes", lambda out: out == [b"01234567DEF"]),
        ("unplug", lambda out: out == [Mark.UNPLUG]),
    ],
)
def test_each_accident(kind: str, check):
    assert check(FaultPlan([Fault.parse(kind)]).spoil([b"0123456789ABCDEF"], NOISE))


def test_states_are_counted_and_removed():
    plan = FaultPlan([Fault.parse("no-fingerx2"), Fault.parse("silence")])
    assert [plan.takes(FaultKind.NO_FINGER) for _ in range(3)] == [True, True, False]
    assert plan.has(FaultKind.SILENCE)
    plan.remove(FaultKind.SILENCE)
    assert not plan.has(FaultKind.SILENCE)


def test_the_queue_of_fingers_shows_an_empty_window_in_between():
    one, two = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    stand = FingerStand(auto_next=True)
    stand.queue.extend([one, two])
    assert stand.look() is None
    assert stand.look() is one
    assert stand.look() is one
    stand.sent()
    stand.sent()
    assert stand.look() is None
    assert stand.look() is two
    stand.sent()
    assert stand.look() is None
    assert stand.look() is None


def test_without_auto_next_a_finger_stays():
    stand = FingerStand()
    finger = np.zeros((2, 2), np.uint8)
    stand.present(finger)
    stand.look()
    stand.sent()
    assert stand.look() is finger
    stand.lift()
    assert stand.look() is None


def drain(queue: PacedQueue, now: float, baud: int) -> int:
    count = 0
    while data := queue.due(now=now, baud=baud):
        queue.left(len(data), baud=baud)
        count += len(data)
    return count


def test_bytes_leave_at_the_pace_of_the_wire():
    queue = PacedQueue(speed=1.0)
    queue.put([bytes(139)] * 20, now=100.0)
    # 9,600 baud are 960 bytes a second
    assert drain(queue, 100.0, 9600) == 0
    assert 460 <= drain(queue, 100.5, 9600) <= 480
    assert 0 < queue.wait_s(now=100.5, baud=9600) < 0.02
    assert 460 <= drain(queue, 101.0, 9600) <= 500
    assert drain(queue, 110.0, 9600) > 0
    assert not queue


def test_pace_can_be_a_factor_or_off():
    queue = PacedQueue(speed=10.0)
    queue.put([bytes(5000)], now=0.0, delay_s=1.0)
    assert drain(queue, 0.1, 9600) == 0
    assert 900 <= drain(queue, 0.2, 9600) <= 961
    unpaced = PacedQueue(speed=0.0)
    unpaced.put([bytes(5000), b"", Mark.UNPLUG], now=0.0, delay_s=1.0)
    assert drain(unpaced, 0.0, 9600) == 5000
    assert unpaced.head is Mark.UNPLUG


def test_pace_on_the_command_line():
    assert speed_of("real") == 1.0
    assert speed_of("fast") == 0.0
    assert speed_of("2.5") == 2.5
    for bad in ("slow", "-1", "nan"):
        with pytest.raises(ValueError, match=bad):
            speed_of(bad)
