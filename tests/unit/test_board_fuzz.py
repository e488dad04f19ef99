"""Whatever comes from the board, the driver ends in time: with the right image, or with an error of its own."""

import contextlib
import random
from contextlib import suppress
from threading import Event

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_service.sensors import SensorError
from edge_service.sensors.board import BoardSensor
from edge_service.sensors.board.answers import Identity, MalformedError, SensorAnswer, Status, decode_counters
from edge_service.sensors.board.board_link import Event as BoardEvent
from edge_service.sensors.board.image_watch import ImageWatch
from edge_service.sensors.board.pairing import PairingFile
from edge_service.sensors.zfm_answers import unpack_image
from firmware.core import codes
from hardware.bench.memory_board import MemoryBoard

KEY = bytes(range(1, 33))
TIMEOUT_S = 2.0
LONGEST_S = 400.0
"""Finger, image and every deadline of the link, each at its worst."""

seeds = st.integers(0, 2**32 - 1)
fuzz = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def bench(folder, seed):
    chance = random.Random(seed)
    wire = MemoryBoard(key=KEY)
    wire.script.geometry = (64, 64, 500, codes.MODEL_OTHER)
    wire.script.image = chance.randbytes(2048)
    file = PairingFile(folder / f"pairing-{seed}.json", port="memory")
    file.confirm(KEY, board="0011223344556677")
    reader = BoardSensor("memory", pairing=file.path, clock=wire.time, line=wire)
    return chance, wire, reader


def use(wire, reader, *, honest=True):
    began = wire.time.now_s
    with suppress(SensorError):
        frame = reader.capture(timeout_s=TIMEOUT_S)
        if honest:
            assert np.array_equal(frame.pixels, unpack_image(wire.script.image, width=64, height=64))
    assert wire.time.now_s - began < LONGEST_S
    with suppress(SensorError):
        reader.wait_for_lift(timeout_s=TIMEOUT_S)
    assert wire.time.now_s - began < 2 * LONGEST_S
    reader.close()


@fuzz
@given(seed=seeds, share=st.sampled_from([0.02, 0.1, 0.5, 1.0]))
def test_noise_in_place_of_frames(tmp_path, seed, share):
    chance, wire, reader = bench(tmp_path, seed)

    def spoil(data):
        if chance.random() >= share:
            return data
        return chance.choice(
            [
                lambda: chance.randbytes(chance.randrange(700)),
                lambda: data[: chance.randrange(len(data) + 1)],
                lambda: data + data,
                lambda: b"\0" * chance.randrange(50) + data,
                lambda: b"\xff" * 2000,
                lambda: data[: len(data) // 2] + bytes([chance.randrange(256)]) + data[len(data) // 2 :],
            ]
        )()

    wire.spoil_up = spoil
    use(wire, reader)


@fuzz
@given(seed=seeds, share=st.sampled_from([0.05, 0.3]))
def test_frames_lost_both_ways_and_boards_that_restart(tmp_path, seed, share):
    chance, wire, reader = bench(tmp_path, seed)

    def lose(data):
        if chance.random() < share:
            wire.swallow_down = chance.randrange(3)
            return b""
        if chance.random() < share / 20:
            wire.script.restart()
        return data

    wire.spoil_up = lose
    use(wire, reader)


@fuzz
@given(seed=seeds)
def test_a_board_with_the_right_key_that_answers_nonsense(tmp_path, seed):
    chance, wire, reader = bench(tmp_path, seed)
    script = wire.script

    def lie(request):
        script.replies.clear()
        script.answers.clear()
        if chance.random() < 0.2:
            script.replies[request] = chance.randbytes(chance.choice([0, 1, 4, 18, 64, 300]))
        if chance.random() < 0.1:
            script.answers[request] = (chance.randrange(256), chance.randrange(256))
        if chance.random() < 0.2:
            script.state = chance.randrange(12)
        for _ in range(chance.randrange(4)):
            kind = chance.choice([0x60, 0x61, 0x62, 0x63, 0x65, 0x7F])
            script.event(kind, chance.randbytes(chance.choice([0, 3, 4, 18, 44, 260])))

    script.on_request = lie
    use(wire, reader, honest=False)


@given(kind=st.sampled_from([0x60, 0x61, 0x62, 0x63, 0x64, 0x7F]), body=st.binary(max_size=512))
def test_events_of_any_content(kind, body):
    watch = ImageWatch(before=0, now=0.0, progress=lambda done, total: None)
    watch.take_event(BoardEvent(kind, body), 1.0)
    assert watch.assembly.gathered_bytes <= 256


@given(body=st.binary(max_size=512))
def test_answers_of_any_content(body):
    for decode in (
        lambda b: Identity.decode(b, proven=False),
        Status.decode,
        SensorAnswer.decode,
        decode_counters,
    ):
        with suppress(MalformedError):
            decode(body)


def test_a_flood_of_useless_events_is_no_reason_to_wait_longer(tmp_path):
    _, wire, reader = bench(tmp_path, 1)
    wire.script.image = None
    step = wire.script.step

    def flood():
        if wire.script.idle:
            wire.script.event(0x7F, b"")
        step()

    wire.script.step = flood
    use(wire, reader)
    cancel = Event()
    cancel.set()
    began = wire.time.now_s
    with contextlib.suppress(SensorError):
        reader.capture(timeout_s=600.0, cancel=cancel)
    assert wire.time.now_s - began < 20.0
