"""The pieces of the comparison, each against a plain reckoning of the same thing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher_service.search import prepare
from matcher_service.search.alignment import fit
from matcher_service.search.compiled import cache_folder
from matcher_service.search.cylinders import CELLS, MASK_WORDS
from matcher_service.search.geometry import turn_between
from matcher_service.search.hull import convex_hull, outside_distance
from matcher_service.search.popcount import popcount
from matcher_service.search.similarity import best_pairs, similarities
from models.synthetic.crowd import stranger


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=50)
def test_popcount(word):
    assert popcount(np.uint64(word)) == word.bit_count()


@given(st.floats(-30, 30), st.floats(-30, 30))
@settings(max_examples=50)
def test_turn_between(a, b):
    turn = turn_between(a, b)
    assert -math.pi - 1e-9 <= turn <= math.pi + 1e-9
    assert math.isclose(math.cos(turn), math.cos(a - b), abs_tol=1e-9)
    assert math.isclose(math.sin(turn), math.sin(a - b), abs_tol=1e-9)


def test_hull_of_a_square_with_points_inside():
    points = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5], [3, 7], [5, 0]], np.float32)
    hull = convex_hull(points[:, 0].copy(), points[:, 1].copy())
    assert {tuple(c) for c in hull.tolist()} == {(0, 0), (10, 0), (10, 10), (0, 10)}
    assert outside_distance(hull, 5.0, 5.0) == 0.0
    assert outside_distance(hull, 13.0, 14.0) == pytest.approx(5.0)
    assert outside_distance(hull, 5.0, -2.0) == pytest.approx(2.0)


@pytest.mark.parametrize("points", [[[4, 4]], [[4, 4]] * 5, [[1, 1], [2, 2], [3, 3]], [[5, 1], [5, 9]]])
def test_hull_of_points_that_span_nothing(points):
    p = np.array(points, np.float32)
    hull = convex_hull(p[:, 0].copy(), p[:, 1].copy())
    for x, y in points:
        assert outside_distance(hull, float(x), float(y)) == pytest.approx(0.0, abs=1e-6)
    assert outside_distance(hull, 100.0, 100.0) > 90.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_point_is_in_its_hull(points):
    p = np.array(points, np.float32)
    hull = convex_hull(p[:, 0].copy(), p[:, 1].copy())
    assert all(outside_distance(hull, float(x), float(y)) < 1e-3 for x, y in points)


def test_similarity_is_the_papers_formula():
    a, b = prepare(stranger(1)), prepare(stranger(2))
    table = similarities(a, b)
    cells = np.arange(CELLS)

    def unpacked(t, i):
        known = (t.mask[i, cells // 64] >> (cells % 64).astype(np.uint64)) & np.uint64(1)
        bits = np.stack(
            [
                (t.bits[i, s * MASK_WORDS + cells // 64] >> (cells % 64).astype(np.uint64)) & np.uint64(1)
                for s in range(6)
            ]
        )
        return bits.astype(float), known.astype(bool)

    compared = 0
    for i in range(0, len(a.x), 5):
        for j in range(0, len(b.x), 5):
            (ca, ka), (cb, kb) = unpacked(a, i), unpacked(b, j)
            ca, cb = ca[:, ka & kb], cb[:, ka & kb]
            if table[i, j] > 0:
                expected = 1 - np.linalg.norm(ca - cb) / (np.linalg.norm(ca) + np.linalg.norm(cb))
                assert table[i, j] == pytest.approx(expected, abs=1e-5)
                compared += 1
    assert compared > 20


def test_best_pairs_are_the_greedy_assignment():
    rng = np.random.default_rng(3)
    table = rng.random((20, 30)).astype(np.float32)
    table = np.round(table * 255) / np.float32(255)  # one value a bucket, so that the order is exact
    first, second = best_pairs(table.astype(np.float32), 12)
    values = table[first, second]
    assert len(set(first)) == len(set(second)) == 12
    assert (np.diff(values) <= 1e-6).all()
    free = table.copy()
    for i, j in zip(first, second, strict=True):
        assert free[i, j] == free.max()
        free[i, :] = free[:, j] = -1


def test_best_pairs_of_nothing_alike():
    first, second = best_pairs(np.zeros((5, 4), np.float32), 12)
    assert len(first) == len(second) == 0


def test_fit_finds_the_motion():
    a = prepare(stranger(4))
    turn, shift = 0.7, (12.0, -30.0)
    x = math.cos(turn) * a.x - math.sin(turn) * a.y + shift[0]
    y = math.sin(turn) * a.x + math.cos(turn) * a.y + shift[1]
    b = a._replace(x=x.astype(np.float32), y=y.astype(np.float32))
    found = fit(a, b, np.arange(len(a.x)))
    assert found == pytest.approx((turn, *shift), abs=1e-2)


def test_the_kernel_cache_follows_the_sources(monkeypatch, tmp_path):
    from matcher_service.search import compiled

    (tmp_path / "parameters.py").write_text("A = 1\n")
    monkeypatch.setattr(compiled, "_HERE", tmp_path)
    before = cache_folder()
    (tmp_path / "parameters.py").write_text("A = 2\n")
    assert cache_folder() != before
