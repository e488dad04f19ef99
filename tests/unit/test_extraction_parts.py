"""The extraction's pure parts: tiles, peaks, quality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.extraction import decode, frames
from edge_service.extraction import parameters as p

SHAPES = p.SHAPES_PX


@given(height=st.integers(40, 1700), width=st.integers(40, 1700))
def test_tiles_cover_every_cell_and_overlap_enough(height, width):
    (rows, columns), corners = frames.tiles((height, width), SHAPES)
    assert (rows, columns) in SHAPES
    seen = np.zeros((-(-height // p.STRIDE_PX), -(-width // p.STRIDE_PX)), np.int64)
    for y, x in corners:
        assert y % p.GRID_PX == x % p.GRID_PX == 0
        assert y < height
        assert x < width
        top, left = y // p.STRIDE_PX, x // p.STRIDE_PX
        seen[top : top + rows // p.STRIDE_PX, left : left + columns // p.STRIDE_PX] += 1
    assert seen.min() >= 1
    for starts, size in ((sorted({y for y, _ in corners}), rows), (sorted({x for _, x in corners}), columns)):
        assert all(size - gap >= p.TILE_OVERLAP_PX for gap in np.diff(starts))


@pytest.mark.parametrize(
    ("shape", "tile"),
    [((192, 192), (192, 192)), ((288, 256), (288, 256)), ((193, 100), (288, 256)), ((289, 200), (416, 416))],
)
def test_the_smallest_shape_that_holds_the_print_is_used(shape, tile):
    assert frames.tiles(shape, SHAPES) == (tile, [(0, 0)])


@given(height=st.integers(100, 900), width=st.integers(100, 900))
def test_tiles_laid_together_are_the_whole(height, width):
    """With a network that only repeats what it sees, tiling must not be noticed."""
    rng = np.random.default_rng([height, width])
    image = rng.integers(0, 256, (height, width), np.uint8)
    size, corners = frames.tiles(image.shape, SHAPES)
    pieces = [(at, np.repeat(frames.cut(image, at, size, 7)[::4, ::4, None], 7, 2)) for at in corners]
    whole = frames.join([(at, piece.astype(np.float32)) for at, piece in pieces], image.shape)
    assert np.array_equal(whole[..., 0], image[::4, ::4])


def output(rows: int, columns: int, *, heat: float = -20.0) -> np.ndarray:
    made = np.zeros((rows, columns, p.OUTPUT_CHANNELS), np.float32)
    made[..., decode.HEAT] = heat
    made[..., decode.COS] = 1.0
    return made


def test_a_peak_is_a_minutia():
    cells = output(20, 20)
    cells[5, 8] = [3.0, 0.25, -0.25, 0.0, 1.0, 2.0, 9.0]
    found = decode.minutiae(cells, width=80, height=80)
    assert len(found) == 1
    assert found.x[0] == pytest.approx((8.5 + 0.25) * 4 - 0.5)
    assert found.y[0] == pytest.approx((5.5 - 0.25) * 4 - 0.5)
    assert found.angle[0] == pytest.approx(np.pi / 2)
    assert found.quality[0] == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_of_two_that_are_too_near_the_more_certain_stays():
    cells = output(20, 20)
    cells[5, 8, [decode.HEAT, decode.OFFSET_X]] = 1.0, 1.0
    cells[5, 10, [decode.HEAT, decode.OFFSET_X]] = 2.0, -0.9
    found = decode.minutiae(cells, width=80, height=80)
    assert len(found) == 1
    assert found.quality[0] == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_an_output_that_is_hot_everywhere_takes_neither_long_nor_much():
    found = decode.minutiae(output(417, 417, heat=5.0), width=1667, height=1667)
    assert 0 < len(found) <= p.MOST_MINUTIAE


def test_no_minutia_lies_beyond_the_image():
    rng = np.random.default_rng(3)
    cells = rng.normal(0, 3, (30, 30, p.OUTPUT_CHANNELS)).astype(np.float32)
    cells[..., decode.OFFSET_X] *= 50
    found = decode.minutiae(cells, width=117, height=119)
    assert len(found) > 5
    assert 0 <= found.x.min() <= found.x.max() <= 116
    assert 0 <= found.y.min() <= found.y.max() <= 118


@given(st.floats(width=32, allow_nan=False))
def test_any_logit_is_a_probability(logit):
    assert 0.0 <= decode.probability(np.array([logit], np.float32))[0] <= 1.0
