"""The image buffer: what counts, its hash, its score."""

import hashlib

from helpers.scripted_sensor import pixel_byte

from firmware.core.image import IMAGE_CAPACITY_BYTES, ImageBuffer

IMAGE = ImageBuffer()


def filled(data, piece=128):
    assert IMAGE.clear(len(data))
    for start in range(0, len(data), piece):
        assert IMAGE.append(data, start, min(piece, len(data) - start))
    return IMAGE


def ridges(rows, row_bytes, low, high, share=100):
    """Pixels that change from `low` to `high` and back every nine, over the left `share` percent of each row."""
    data = bytearray(bytes((high << 4 | high,)) * (rows * row_bytes))
    for row in range(rows):
        for at in range(row_bytes * share // 100):
            left = low if (2 * at) % 9 < 4 else high
            right = low if (2 * at + 1) % 9 < 4 else high
            data[row * row_bytes + at] = left << 4 | right
    return data


def test_the_hash_is_that_of_the_bytes_so_far_for_any_pieces():
    data = bytearray([pixel_byte(at) for at in range(1000)])
    out = bytearray(40)
    for piece in (1, 31, 32, 64, 100, 256, 1000):
        image = filled(data, piece)
        image.sha256_into(out, 8)
        assert bytes(out[8:]) == hashlib.sha256(data).digest()
        image.sha256_into(out)  # a second time gives the same
        assert bytes(out[:32]) == hashlib.sha256(data).digest()
        assert bytes(image.data[:1000]) == data


def test_more_than_expected_is_refused_and_nothing_taken():
    data = bytearray(300)
    assert IMAGE.clear(256)
    assert IMAGE.append(data, 0, 200)
    assert not IMAGE.append(data, 0, 57)
    assert IMAGE.length == 200
    assert IMAGE.append(data, 0, 56)
    assert not IMAGE.complete
    IMAGE.finish()
    assert IMAGE.complete
    assert not IMAGE.clear(IMAGE_CAPACITY_BYTES + 1)


def test_the_generation_rises_and_wraps_past_nought():
    before = IMAGE.generation
    IMAGE.clear(10)
    assert IMAGE.generation == before + 1
    IMAGE.generation = 0xFFFF
    IMAGE.clear(10)
    assert IMAGE.generation == 1


def test_wiped_is_gone():
    filled(bytearray(b"\x7f" * 500))
    IMAGE.wipe()
    assert (IMAGE.length, IMAGE.expected, IMAGE.complete, IMAGE.score) == (0, 0, False, 0)
    assert not any(IMAGE.data)


def test_the_score_ranks_contrast_and_area():
    rows, row_bytes = 96, 96
    nothing = filled(bytearray(rows * row_bytes)).score
    faint = filled(ridges(rows, row_bytes, 6, 9)).score
    grey = filled(ridges(rows, row_bytes, 4, 10)).score
    partial = filled(ridges(rows, row_bytes, 1, 13, share=30)).score
    full = filled(ridges(rows, row_bytes, 1, 13)).score
    assert nothing == faint == 0
    assert 400 <= grey <= 600
    assert 400 <= partial <= 600
    assert full == 1000


def test_the_score_does_not_depend_on_the_pieces():
    data = ridges(64, 96, 2, 11, share=50)
    assert len({filled(data, piece).score for piece in (32, 50, 128, 256)}) == 1
