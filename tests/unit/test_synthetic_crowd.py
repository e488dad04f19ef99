"""The crowd: any print by its number, mates that match, strangers that do not, and the statistics of real prints."""

from __future__ import annotations

import numpy as np
import pytest

from matcher_service.search import compare_prepared, prepare
from models.synthetic import parameters as p
from models.synthetic.crowd import crowd, impression, stranger

PRINTS = 300


@pytest.fixture(scope="module")
def some():
    return crowd(0, PRINTS)


def _same(one, other):
    columns = ("x", "y", "angle", "type", "quality")
    return len(one) == len(other) and all(np.array_equal(getattr(one, c), getattr(other, c)) for c in columns)


def test_a_print_is_known_by_its_number_alone(some):
    far = crowd(999_990, 1_000_000)
    assert _same(far.minutiae(9), crowd(999_999, 1_000_000).minutiae(0))
    assert _same(some.minutiae(7), stranger(7))
    assert _same(some.minutiae(7), impression(7, 0))
    assert not _same(stranger(7), stranger(8))
    assert not _same(stranger(7), impression(7, 1))
    assert not _same(stranger(7), impression(7, 0, seed=1))


def test_its_columns_are_valid_minutiae(some):
    assert len(some.start) == PRINTS + 1
    assert some.start[0] == 0
    assert some.start[-1] == len(some.x) == len(some.quality)
    assert (some.x >= 0).all()
    assert (some.x <= some.width - 1).all()
    assert (some.y >= 0).all()
    assert (some.y <= some.height - 1).all()
    assert (some.angle >= 0).all()
    assert (some.angle < 2 * np.pi).all()
    assert set(np.unique(some.type)) == {1, 2}
    assert some.quality.min() > 0.2
    assert some.quality.max() < 0.95
    assert some.finger_quality.max() <= 100


def test_counts_and_distances_are_those_of_real_prints(some):
    # 1,568 real prints at the window: 45.3 +- 12.7, nearest neighbours 10.8, 19.2 and 42.7 px at 5, 50 and 95 %
    counts = np.diff(some.start)
    assert 39 < counts.mean() < 47
    assert 9 < counts.std() < 15
    nearest = []
    for k in range(PRINTS):
        one = some.minutiae(k)
        gap = np.hypot(one.x[:, None] - one.x, one.y[:, None] - one.y)
        np.fill_diagonal(gap, np.inf)
        nearest.append(gap.min(axis=1))
    low, middle, high = np.quantile(np.concatenate(nearest), [0.05, 0.5, 0.95])
    assert 9.5 < low < 12
    assert 18 < middle < 21.5
    assert 36 < high < 47
    whole = np.diff(crowd(0, 100, width=400, height=500).start)
    assert whole.mean() > 1.1 * counts.mean()


def test_directions_follow_one_flow_and_near_pairs_are_often_opposed(some):
    near, apart, signed = [], [], []
    for k in range(PRINTS):
        one = some.minutiae(k)
        gap = np.hypot(one.x[:, None] - one.x, one.y[:, None] - one.y)
        turn = one.angle[:, None].astype(float) - one.angle
        upper = np.triu(np.ones_like(gap, bool), 1)
        near.append(np.cos(2 * turn[upper & (gap > 14) & (gap < 20)]))
        apart.append(np.cos(2 * turn[upper & (gap > 90) & (gap < 130)]))
        signed.append(np.cos(turn[upper & (gap > 8) & (gap < 13)]))
    # real: 0.77, 0.12 and, nearer than 14 px, below nought
    assert 0.70 < np.concatenate(near).mean() < 0.85
    assert np.concatenate(apart).mean() < 0.25
    assert np.concatenate(signed).mean() < -0.05


def test_mates_match_and_strangers_do_not(some):
    fingers = range(40)
    enrolled = [prepare(some.minutiae(k)) for k in fingers]
    probes = [prepare(impression(k, 1)) for k in fingers]
    scores = np.array([[compare_prepared(a, b) for b in enrolled] for a in probes])
    mates, others = np.diag(scores), scores[~np.eye(len(scores), dtype=bool)]
    assert np.median(mates) > 5 * np.quantile(others, 0.999)
    assert (scores.argmax(axis=1) == np.arange(len(scores))).mean() > 0.85


def test_the_bank_holds_the_classes_by_their_shares():
    from models.synthetic.crowd_bank import CHANNELS, bank

    maps = bank()
    assert maps.shape[0] == p.CROWD_FIELDS
    assert maps.shape[-1] == CHANNELS
    length = np.hypot(maps[..., 0], maps[..., 1])
    assert np.allclose(length, 1.0, atol=1e-5)
    assert maps[..., 4].max() <= p.CROWD_DENSEST
    assert maps[..., 4].min() > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": -1, "last": 3},
        {"first": 5, "last": 3},
        {"first": 0, "last": 3, "touch": -1},
        {"first": 0, "last": 3, "width": 0},
    ],
)
def test_what_there_is_not_is_refused(wrong):
    with pytest.raises(ValueError, match="count up from 0"):
        crowd(**wrong)


def test_none_is_a_crowd_too():
    assert len(crowd(3, 3).start) == 1
