"""Chunks into an image: lost, doubled, of another image, of a wrong size, with a wrong hash."""

import hashlib
import random

import pytest

from edge_service.sensors.board.board_link import Event
from edge_service.sensors.board.image_assembly import Geometry, ImageAssembly
from edge_service.sensors.board.image_watch import ImageWatch
from firmware.core import bodies, codes

SIZE = 36_864
GEOMETRY = Geometry(256, 288, 500, SIZE, 1)
IMAGE = random.Random(5).randbytes(SIZE)
SHA256 = hashlib.sha256(IMAGE).digest()


def chunk(number, image=IMAGE):
    return image[number * 256 : (number + 1) * 256]


def begun(before=6):
    assembly = ImageAssembly(before=before)
    assert assembly.begin(before + 1, GEOMETRY)
    return assembly


def test_in_order():
    assembly = begun()
    for number in range(144):
        assert not assembly.complete
        assert assembly.add(7, number, chunk(number))
    assert assembly.gathered_bytes == SIZE
    assert not assembly.complete
    assert assembly.end(7, SHA256, score=812, wire_ms=3480)
    assert assembly.complete
    assert assembly.take() == IMAGE
    assert (assembly.score, assembly.wire_ms) == (812, 3480)


def test_in_any_order_twice_and_before_it_was_announced():
    assembly = ImageAssembly(before=6)
    numbers = list(range(144)) * 2
    random.Random(1).shuffle(numbers)
    for number in numbers:
        assembly.add(7, number, chunk(number))
    assert assembly.end(7, SHA256, score=0, wire_ms=0)
    assert not assembly.complete
    assert assembly.begin(7, GEOMETRY)
    assert assembly.repeats == 144
    assert assembly.take() == IMAGE


def test_what_is_missing_is_asked_for_in_runs_of_at_most_64():
    assembly = begun()
    assert assembly.missing() == [(0, 64), (64, 64), (128, 16)]
    for number in (0, 70, 143):
        assembly.add(7, number, chunk(number))
    assert assembly.missing() == [(1, 64), (65, 5), (71, 64), (135, 8)]
    assert assembly.lacks(0, 2)
    assert not assembly.lacks(70, 1)


def test_a_newer_image_makes_the_older_void():
    assembly = begun()
    assembly.add(7, 0, chunk(0))
    assembly.end(7, SHA256, score=1, wire_ms=1)
    assert assembly.begin(8, GEOMETRY)
    assert assembly.announced is None
    assert assembly.gathered_bytes == 0
    assert not assembly.add(7, 1, chunk(1))
    assert not assembly.begin(7, GEOMETRY)
    assert not assembly.end(7, SHA256, score=1, wire_ms=1)
    assert assembly.add(8, 1, chunk(1))


def test_the_image_from_before_is_not_wanted_and_numbers_wrap_around():
    assembly = ImageAssembly(before=65_535)
    assert not assembly.begin(65_535, GEOMETRY)
    assert not assembly.add(65_535, 0, chunk(0))
    assert not assembly.begun
    assert assembly.begin(1, GEOMETRY)
    assert not assembly.add(65_535, 0, chunk(0))


def test_a_wrong_hash_never_leaves():
    assembly = begun()
    for number in range(144):
        assembly.add(7, number, chunk(number))
    assembly.end(7, bytes(32), score=0, wire_ms=0)
    assert assembly.take() is None
    assert assembly.missing() == [(0, 64), (64, 64), (128, 16)]
    assert assembly.gathered_bytes == 0


@pytest.mark.parametrize(
    ("number", "content"),
    [(144, b"x" * 256), (0, b""), (0, b"x" * 257), (65_535, b"x"), (143, b"x" * 257)],
)
def test_chunks_that_cannot_be(number, content):
    assert not begun().add(7, number, content)


def test_a_chunk_of_another_length_than_its_place_has_is_missing_until_the_right_one_comes():
    assembly = begun()
    for number in range(144):
        assembly.add(7, number, chunk(number)[:-1] if number == 9 else chunk(number))
    assembly.end(7, SHA256, score=0, wire_ms=0)
    assert assembly.missing() == [(9, 1)]
    assembly.add(7, 9, chunk(9))
    assert assembly.take() == IMAGE


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(0, 0, 500, 0, 1),
        Geometry(256, 288, 500, SIZE + 1, 1),
        Geometry(256, 288, 0, SIZE, 1),
        Geometry(256, 290, 500, 256 * 145, 1),
        Geometry(65_535, 65_535, 500, 2**32 - 1, 1),
    ],
)
def test_geometries_that_cannot_be(geometry):
    assembly = ImageAssembly(before=0)
    assert not assembly.begin(1, geometry)
    assert not assembly.begun


def test_a_sensor_of_unknown_model_is_asked_once_for_its_size():
    """Its size is settled by its first image, at the end; to ask at every chunk would help nobody."""
    watch = ImageWatch(before=6, now=0.0, progress=None)
    watch.take_event(Event(codes.EVENT_IMAGE, bodies.EVENT_IMAGE.pack(7, 0, 0, 0, SIZE, 0, 1, 10)), 0.1)
    for number in range(144):
        body = bodies.EVENT_CHUNK.pack(7, number) + chunk(number)
        watch.take_event(Event(codes.EVENT_CHUNK, body), 0.2)
        assert not watch.doubt
    watch.take_event(
        Event(codes.EVENT_IMAGE_END, bodies.EVENT_IMAGE_END.pack(7, SIZE, SHA256, 812, 3480)), 0.3
    )
    assert watch.doubt
    assert not watch.ended


def test_a_chunk_of_an_image_that_was_not_announced_is_asked_about():
    watch = ImageWatch(before=6, now=0.0, progress=None)
    watch.take_event(Event(codes.EVENT_CHUNK, bodies.EVENT_CHUNK.pack(7, 0) + chunk(0)), 0.2)
    assert watch.doubt
