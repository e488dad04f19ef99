"""Error versus discard: the arithmetic, on cases that can be worked out by hand, and the chart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.discard.chart import draw
from benchmarks.discard.curves import UP_TO, Mates, area, area_interval, pooled, remaining, threshold_at


def test_discarding_the_failures_first_leaves_none():
    quality = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    failed = quality <= 2
    left = remaining(quality, failed, np.array([0.0, 0.1, 0.2, 0.5]))
    assert left == pytest.approx([2 / 10, 1 / 9, 0, 0])


def test_discarding_the_good_first_makes_it_worse():
    quality = np.arange(10.0)
    failed = quality >= 8
    assert remaining(quality, failed, np.array([0.5]))[0] == pytest.approx(2 / 5)


def test_a_quality_that_says_nothing_changes_nothing():
    failed = np.arange(20) < 3
    shares = np.linspace(0, 0.9, 10)
    assert remaining(np.full(20, 50.0), failed, shares) == pytest.approx([0.15] * 10)
    assert area(np.full(20, 50.0), failed) == pytest.approx(1.0)


def test_ties_do_not_depend_on_the_order():
    quality = np.array([1.0, 1, 2, 2, 2, 3])
    failed = np.array([True, False, False, True, False, False])
    turned = slice(None, None, -1)
    shares = np.array([0.1, 0.4, 0.6])
    assert remaining(quality, failed, shares) == pytest.approx(
        remaining(quality[turned], failed[turned], shares)
    )


def test_weights_count_as_repetitions():
    rng = np.random.default_rng(3)
    quality, failed = rng.integers(0, 20, 60).astype(float), rng.random(60) < 0.2
    weight = rng.integers(0, 4, 60)
    shares = np.linspace(0, 0.5, 11)
    repeated = remaining(np.repeat(quality, weight), np.repeat(failed, weight), shares)
    assert remaining(quality, failed, shares, weight.astype(float)) == pytest.approx(repeated)


def test_the_area_is_1_for_chance_and_near_0_for_foresight():
    rng = np.random.default_rng(4)
    failed = rng.random(4000) < 0.05
    assert area(rng.random(4000), failed) == pytest.approx(1.0, abs=0.15)
    assert area(1.0 - failed, failed) < 0.15
    assert np.isnan(area(rng.random(10), np.zeros(10, np.bool_)))


def test_the_threshold_lets_no_more_strangers_through_than_asked_for():
    scores = np.arange(1000.0)
    threshold = threshold_at(scores, 0.001)
    assert (scores >= threshold).sum() == 1
    assert (np.zeros(1000) >= threshold_at(np.zeros(1000), 0.001)).sum() == 0


def test_the_interval_holds_the_area_and_is_the_same_again():
    rng = np.random.default_rng(5)
    databases = [
        Mates(
            np.repeat(np.arange(10), 28), failed := rng.random(280) < 0.1, {"ours": rng.random(280) - failed}
        )
        for _ in range(2)
    ]
    low, high = area_interval(databases, "ours", replicates=60)
    assert low <= area(*pooled(databases, "ours")) <= high
    assert (low, high) == area_interval(databases, "ours", replicates=60)


def test_the_chart_shows_every_curve():
    shares = np.linspace(0, UP_TO, 31)
    curves = {"Whorl": 0.05 - 0.1 * shares, "NFIQ 2": 0.05 - 0.05 * shares, "by chance": np.full(31, 0.05)}
    picture = draw({"from 5 %": curves, "from nothing": dict.fromkeys(curves, np.zeros(31))}, shares)
    colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert {(31, 98, 190), (214, 39, 40), (150, 150, 150)} <= colours
