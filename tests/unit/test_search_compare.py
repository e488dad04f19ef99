"""The exact comparison: what must hold whatever the numbers are tuned to."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interchange import Minutiae, iso19794, record_of
from matcher_service.search import compare, explain_prepared, prepare
from matcher_service.search import parameters as p
from matcher_service.search.calibration import calibration
from models.synthetic.crowd import stranger

CLEAR = 20.0  # far above anything that two strangers reach


def moved(minutiae: Minutiae, *, turn: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Minutiae:
    """Turned counter-clockwise about the middle of the image, then shifted; in a larger image."""
    cx, cy = minutiae.width / 2, minutiae.height / 2
    dx, dy = minutiae.x - cx, minutiae.y - cy
    x = math.cos(turn) * dx + math.sin(turn) * dy + cx + shift[0]
    y = -math.sin(turn) * dx + math.cos(turn) * dy + cy + shift[1]
    return Minutiae.make(
        x, y, minutiae.angle + turn, type=minutiae.type, quality=minutiae.quality, width=900, height=900
    )


def jittered(
    minutiae: Minutiae, seed: int, *, px: float = 1.5, rad: float = 0.06, keep: float = 0.85
) -> Minutiae:
    """Another impression: noise on every minutia, some lost."""
    rng = np.random.default_rng(seed)
    n = len(minutiae)
    made = Minutiae.make(
        minutiae.x + rng.normal(0, px, n),
        minutiae.y + rng.normal(0, px, n),
        minutiae.angle + rng.normal(0, rad, n),
        width=900,
        height=900,
    )
    return made.take(rng.random(n) < keep)


@cache
def impostor_scores() -> list[float]:
    return [compare(stranger(2 * k), stranger(2 * k + 1)) for k in range(300)]


def test_mates_score_far_above_strangers():
    mates = [compare(stranger(k), jittered(stranger(k), k)) for k in range(60)]
    assert min(mates) > 3 * max(impostor_scores())


def test_strangers_stay_below_the_thresholds():
    assert max(impostor_scores()) < calibration().score_at(-5.0)


@pytest.mark.parametrize("turn", [0.5, 1.7, math.pi, -2.4])
def test_any_rotation_is_the_same_print(turn):
    print_ = stranger(3)
    upright = compare(print_, jittered(print_, 1))
    turned = compare(print_, moved(jittered(print_, 1), turn=turn, shift=(40, -25)))
    assert turned == pytest.approx(upright, rel=0.05)


def test_a_mirrored_print_is_somebody_elses():
    print_ = stranger(5)
    mirrored = Minutiae.make(
        255 - print_.x, print_.y, math.pi - print_.angle, width=print_.width, height=print_.height
    )
    assert compare(print_, mirrored) < 0.1 * compare(print_, print_)


@given(a=st.integers(0, 500), b=st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_symmetric(a, b):
    one, other = stranger(a), jittered(stranger(b), b)
    there, back = compare(one, other), compare(other, one)
    assert there == pytest.approx(back, rel=0.15, abs=1.5)


@given(seed=st.integers(0, 200), other=st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_nothing_is_more_alike_than_the_print_itself(seed, other):
    print_ = stranger(seed)
    itself = compare(print_, print_)
    assert itself > CLEAR
    assert compare(print_, jittered(print_, other)) <= itself


def test_half_a_print_still_matches():
    print_ = stranger(8)
    half = print_.take(print_.y < 150)
    assert len(half) < 0.7 * len(print_)
    assert compare(jittered(half, 4, keep=1.0), print_) > 5 * max(impostor_scores())


@pytest.mark.parametrize("dpi", [300.0, 569.0, 1000.0])
def test_resolution_does_not_matter(dpi):
    print_ = stranger(9)
    same = jittered(print_, 2)
    assert compare(print_, same.at_dpi(dpi)) == pytest.approx(compare(print_, same), rel=0.05)


def test_quality_and_type_need_not_be_known():
    print_ = stranger(10)
    bare = Minutiae.make(print_.x, print_.y, print_.angle, width=print_.width, height=print_.height)
    assert compare(bare, print_) == pytest.approx(compare(print_, print_), rel=0.05)
    assert compare(bare, jittered(print_, 1)) > CLEAR / 2


def test_a_record_loses_nothing_that_counts():
    print_ = stranger(11)
    read = iso19794.decode(iso19794.encode(record_of(print_, position=2))).minutiae()
    assert compare(print_, read) > 0.7 * compare(print_, print_)


@pytest.mark.parametrize(
    ("x", "y", "angle"),
    [
        ([], [], []),
        ([10], [10], [0]),
        ([10, 20], [10, 20], [0, 1]),
        ([10, 20, 30], [10, 20, 15], [0, 1, 2]),
        ([50] * 40, [50] * 40, [1.0] * 40),
        (range(0, 400, 10), [7] * 40, [0.0] * 40),
        ([7] * 40, range(0, 400, 10), [3.0] * 40),
        (list(range(255)), list(range(255)), [0.1] * 255),
        ([-1e6, 1e6, 0, 5], [1e6, -1e6, 0, 5], [0, 1, 2, 3]),
    ],
    ids=["none", "one", "two", "three", "one point", "a row", "a column", "255 in a line", "far away"],
)
def test_degenerate_prints_get_a_defined_score(x, y, angle):
    odd = Minutiae.make(x, y, angle, width=500, height=500)
    ordinary = stranger(1)
    for a, b in ((odd, odd), (odd, ordinary), (ordinary, odd)):
        value = compare(a, b)
        assert math.isfinite(value)
        assert value >= 0.0
    assert compare(odd, ordinary) < calibration().score_at(-6.0)


@given(
    st.lists(
        st.tuples(st.floats(-500, 1500), st.floats(-500, 1500), st.floats(-10, 10)), min_size=0, max_size=60
    )
)
@settings(max_examples=60, deadline=None)
def test_any_minutiae_get_a_defined_score(points):
    x, y, angle = zip(*points, strict=True) if points else ((), (), ())
    odd = Minutiae.make(x, y, angle, width=1000, height=1000)
    assert 0.0 <= compare(odd, stranger(1)) < math.inf
    assert 0.0 <= compare(odd, odd) < math.inf


def test_more_minutiae_than_are_used():
    rng = np.random.default_rng(1)
    many = Minutiae.make(
        rng.uniform(0, 900, 600), rng.uniform(0, 900, 600), rng.uniform(0, 6, 600), width=900, height=900
    )
    assert len(prepare(many).x) == p.MOST_MINUTIAE


def test_the_explanation_is_the_score():
    a, b = stranger(12), jittered(moved(stranger(12), turn=0.4, shift=(30, 12)), 3, keep=1.0)
    found = explain_prepared(prepare(a), prepare(b))
    assert found.score == compare(a, b)
    assert math.isclose(found.turn, 0.4, abs_tol=0.03)
    assert len(found.pairs) == found.parts["paired"] > 0.9 * len(a)
    assert (found.pairs[:, 0] == found.pairs[:, 1]).mean() > 0.95  # each with its own copy
    assert len(set(found.pairs[:, 0])) == len(set(found.pairs[:, 1])) == len(found.pairs)
    # the alignment it reports lays a's minutiae onto b's (y upwards)
    cos, sin = math.cos(found.turn), math.sin(found.turn)
    ax, ay = a.x[found.pairs[:, 0]], -a.y[found.pairs[:, 0]]
    x = cos * ax - sin * ay + found.shift[0]
    y = sin * ax + cos * ay + found.shift[1]
    assert np.hypot(x - b.x[found.pairs[:, 1]], y + b.y[found.pairs[:, 1]]).mean() < 4.0


def test_no_explanation_without_a_match():
    found = explain_prepared(prepare(Minutiae.empty(width=100, height=100)), prepare(stranger(1)))
    assert (found.score, len(found.pairs), found.parts["paired"]) == (0.0, 0, 0.0)
