"""The pieces of the comparison, each against a plain reckoning of the same thing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher_service.search import compare_prepared, prepare
from matcher_service.search import parameters as p
from matcher_service.search.alignment import fit
from matcher_service.search.compiled import cache_folder
from matcher_service.search.coverage import CELLS
from matcher_service.search.geometry import turn_between
from matcher_service.search.hull import convex_hull, outside_distance
from matcher_service.search.packed import pack_print
from matcher_service.search.popcount import popcount
from matcher_service.search.scan import score_all, score_chosen, unpack
from matcher_service.search.shelf import join
from matcher_service.search.similarity import best_pairs, similarities
from models.synthetic.crowd import stranger


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_popcount(word):
    assert popcount(np.uint64(word)) == word.bit_count()


@given(st.floats(-30, 30), st.floats(-30, 30))
@settings(max_examples=50, deadline=None)
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
    at = np.array(points, np.float32)
    hull = convex_hull(at[:, 0].copy(), at[:, 1].copy())
    for x, y in points:
        assert outside_distance(hull, float(x), float(y)) == pytest.approx(0.0, abs=1e-6)
    assert outside_distance(hull, 100.0, 100.0) > 90.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_point_is_in_its_hull(points):
    at = np.array(points, np.float32)
    hull = convex_hull(at[:, 0].copy(), at[:, 1].copy())
    assert all(outside_distance(hull, float(x), float(y)) < 1e-3 for x, y in points)


def unpacked(words):
    """Bits of words (..., 1 or more), float (..., 64)."""
    return ((words[..., None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)).astype(float)


def plain_cylinder(t, m):
    """What the disc's cells hold round minutia m, (52, 6), and which are known, in plain double precision."""
    row, column = np.divmod(np.arange(64), 8)
    u, v = (row - 3.5) * 17.5, (column - 3.5) * 17.5
    cos, sin = math.cos(t.angle[m]), math.sin(t.angle[m])
    x, y = t.x[m] + cos * u - sin * v, t.y[m] + sin * u + cos * v
    disc = np.hypot(u, v) <= p.CYLINDER_RADIUS_PX
    x, y = x[disc], y[disc]
    known = np.array(
        [outside_distance(t.hull, float(a), float(b)) <= p.HULL_MARGIN_PX for a, b in zip(x, y, strict=True)]
    )
    held = np.zeros((CELLS, 6))
    for k in range(len(t.x)):
        if (
            k == m
            or math.hypot(t.x[k] - t.x[m], t.y[k] - t.y[m]) > p.CYLINDER_RADIUS_PX + 3 * p.SPATIAL_SIGMA_PX
        ):
            continue
        d2 = (t.x[k] - x) ** 2 + (t.y[k] - y) ** 2
        bell = np.exp(-0.5 * d2 / p.SPATIAL_SIGMA_PX**2) / (p.SPATIAL_SIGMA_PX * math.sqrt(2 * math.pi))
        bell[d2 > (3 * p.SPATIAL_SIGMA_PX) ** 2] = 0
        for s in range(6):
            gap = float(turn_between(t.angle[m] - t.angle[k], (s + 0.5) * math.pi / 3 - math.pi))
            half, scale = math.pi / 6, p.DIRECTION_SIGMA_RAD * math.sqrt(2)
            held[:, s] += bell * 0.5 * (math.erf((gap + half) / scale) - math.erf((gap - half) / scale))
    return held, known


@pytest.mark.parametrize("seed", [1, 2])
def test_cylinders_are_the_papers_formulae(seed):
    t = prepare(stranger(seed))
    bits, mask = unpacked(t.bits)[:, :, :CELLS], unpacked(t.mask[:, 0])[:, :CELLS]
    assert unpacked(t.bits)[:, :, CELLS:].sum() == unpacked(t.mask[:, 0])[:, CELLS:].sum() == 0
    for m in range(0, len(t.x), 3):
        held, known = plain_cylinder(t, m)
        assert (mask[m] == known).all()
        clear = known[:, None] & (np.abs(held - p.BIT_THRESHOLD) > 2e-5)
        assert ((held >= p.BIT_THRESHOLD) == bits[m].T)[clear].all()
        assert bits[m][:, ~known].sum() == 0
        assert t.valid[m] == (
            known.sum() >= p.MIN_VALID_CELLS * CELLS and neighbours(t, m) >= p.MIN_NEIGHBOURS
        )


def neighbours(t, m):
    return (np.hypot(t.x - t.x[m], t.y - t.y[m]) <= p.CYLINDER_RADIUS_PX).sum() - 1


def plain_similarities(a, b):
    """Eq. 17 and 21 of the paper with numpy, double precision."""
    bits_a, bits_b = unpacked(a.bits).reshape(len(a.x), 384), unpacked(b.bits).reshape(len(b.x), 384)
    known_a, known_b = unpacked(a.mask[:, 0]), unpacked(b.mask[:, 0])
    table = np.zeros((len(a.x), len(b.x)))
    for i in np.flatnonzero(a.valid):
        for j in np.flatnonzero(b.valid):
            common = known_a[i] * known_b[j]
            ca, cb = bits_a[i] * np.tile(common, 6), bits_b[j] * np.tile(common, 6)
            lengths = np.linalg.norm(ca) + np.linalg.norm(cb)
            if common.sum() >= p.MIN_COMMON_CELLS * CELLS and lengths > 0:
                table[i, j] = 1 - np.linalg.norm(ca - cb) / lengths
    return table


@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_similarity_is_the_papers_formula(seed, na, nb):
    whole_a, whole_b = stranger(seed), stranger(seed + 1)
    a, b = (
        prepare(whole_a.take(np.arange(min(na, len(whole_a))))),
        prepare(whole_b.take(np.arange(min(nb, len(whole_b))))),
    )
    table = similarities(a, b)
    assert table.shape == (len(a.x), len(b.x))
    assert table.dtype == np.float32
    assert table == pytest.approx(plain_similarities(a, b), abs=2e-6)
    assert np.abs(similarities(b, a).T - table).max(initial=0.0) <= 1e-7


def test_similarities_of_whole_prints_are_worth_testing():
    table = plain_similarities(prepare(stranger(1)), prepare(stranger(2)))
    assert (table > 0.2).mean() > 0.3
    assert table.max() < 1


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 45),
    st.sampled_from([3, 255, 0]),
)
@settings(max_examples=60, deadline=None)
def test_best_pairs_are_the_greedy_assignment(seed, na, nb, most, levels):
    table = np.random.default_rng(seed).random((na, nb)).astype(np.float32)
    if levels:  # many equal ones, and zeros
        table = np.round(table * levels) / np.float32(levels)
    first, second = best_pairs(table.astype(np.float32), most)
    assert len(set(first)) == len(first)
    assert len(set(second)) == len(second)
    free = table.copy()
    for i, j in zip(first, second, strict=True):
        assert free[i, j] >= free.max() - 2.0**-21
        free[i, :] = free[:, j] = -1
    assert len(first) == most or free.max() <= 2.0**-21


def test_best_pairs_takes_as_many_minutiae_as_a_print_may_have():
    table = np.zeros((p.MOST_MINUTIAE, p.MOST_MINUTIAE), np.float32)
    table[p.MOST_MINUTIAE - 1, p.MOST_MINUTIAE - 1] = 1.0
    table[p.MOST_MINUTIAE - 1, 0] = 0.5
    table[0, p.MOST_MINUTIAE - 1] = 0.5
    table[0, 0] = 0.25
    first, second = best_pairs(table, 5)
    assert first.tolist() == second.tolist() == [p.MOST_MINUTIAE - 1, 0]


def test_best_pairs_of_nothing_alike():
    first, second = best_pairs(np.zeros((5, 4), np.float32), 12)
    assert len(first) == len(second) == 0


def test_fit_finds_the_motion():
    a = prepare(stranger(4))
    turn, shift = 0.7, (12.0, -30.0)
    x = math.cos(turn) * a.x - math.sin(turn) * a.y + shift[0]
    y = math.sin(turn) * a.x + math.cos(turn) * a.y + shift[1]
    b = a._replace(x=x.astype(np.float32), y=y.astype(np.float32))
    own = np.arange(len(a.x))
    b = b._replace(angle=a.angle + np.float32(turn))
    found = fit(a, b, own, own, np.ones(len(own)))
    assert found == pytest.approx((turn, *shift), abs=1e-2)


def test_the_kernel_cache_follows_the_sources(monkeypatch, tmp_path):
    from matcher_service.search import compiled

    (tmp_path / "parameters.py").write_text("A = 1\n")
    monkeypatch.setattr(compiled, "_HERE", tmp_path)
    before = cache_folder()
    (tmp_path / "parameters.py").write_text("A = 2\n")
    assert cache_folder() != before


def crowd_shelf(count):
    prints = [stranger(seed) for seed in range(count)]
    prints[3] = prints[3].take([0, 1])
    prints[4] = prints[4].take(np.arange(0))
    return prints, join([(f"{k:032x}", 1, 50, pack_print(print_)) for k, print_ in enumerate(prints)])


def test_a_shelf_scores_as_its_prints_do():
    prints, shelf = crowd_shelf(12)
    probe = prepare(prints[7])
    chosen = np.array([7, 0, 11, 3, 4, 7], np.int64)
    out = np.full(len(chosen), -1.0)
    score_chosen(probe, shelf, chosen, out)
    plain = [compare_prepared(probe, prepare(prints[k])) for k in chosen]
    assert out == pytest.approx(plain, rel=0.02, abs=1.0)  # coordinates are kept to a sixteenth of a pixel
    assert out[0] == out[5] > 20
    assert out[3] == out[4] == 0
    every = np.zeros(12)
    score_all(probe, shelf, 0, 5, every)
    score_all(probe, shelf, 5, 12, every)
    assert every[chosen].tolist() == out.tolist()


def test_a_shelf_is_asked_only_for_what_it_has():
    prints, shelf = crowd_shelf(6)
    probe = prepare(prints[0])
    for wrong in (-1, 6):
        with pytest.raises(IndexError, match="prints 0 to 5"):
            score_chosen(probe, shelf, np.array([0, wrong]), np.zeros(2))
    with pytest.raises(ValueError, match="room for 3"):
        score_chosen(probe, shelf, np.array([0, 1]), np.zeros(3))


def test_unpacking_gives_back_the_print():
    print_ = stranger(5)
    packed = pack_print(print_)
    t = unpack(packed.x, packed.y, packed.angle, packed.info)
    assert t.x == pytest.approx(print_.x, abs=1 / 32)
    assert t.y == pytest.approx(-print_.y, abs=1 / 32)
    assert np.cos(t.angle - print_.angle).min() > 1 - 1e-6
    assert t.quality == pytest.approx(print_.quality, abs=1 / 500)
    assert t.type.tolist() == print_.type.tolist()
