"""The fit of a calibration finds again what made-up scores were made with."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.observed import LEVELS, observe, predicted
from matcher_service.search.calibration import features
from models.matching.calibrate_fit import fit
from models.matching.calibrate_scores import PairScores
from models.matching.calibrate_tail import fit_tail, quantile_regression, rising, same_fingers, under_one_name

FINGERS = 40


def made_up(seed, pairs=60_000, scale=1.0, shift=0.0):
    """Strangers' scores exponential beyond a level that falls with the number of minutiae; genuine ones far above."""
    rng = np.random.default_rng(seed)
    minutiae = rng.integers(20, 90, (pairs, 2))
    agreement = rng.uniform(-0.1, 0.5, (pairs, 2))
    finger = rng.integers(0, FINGERS, (pairs, 2))
    at = features(minutiae[:, 0], agreement[:, 0], minutiae[:, 1], agreement[:, 1])
    score = (at @ [2.0, -0.5, 3.0]) + rng.exponential(1.0, pairs)
    genuine = finger[:, 0] == finger[:, 1]
    score[genuine] += rng.uniform(5, 60, genuine.sum())
    return PairScores(score * scale + shift, minutiae, agreement, finger, finger // 10)


NAMES = [f"db{k // 10}:{k}" for k in range(FINGERS)]


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (30.0, -7.0)])
def test_rates_hold_on_unseen_pairs_whatever_the_scale(scale, shift):
    fitted = fit(made_up(1, scale=scale, shift=shift), NAMES, replicates=5)
    assert fitted.sameness == set()
    unseen = made_up(2, 200_000, scale=scale, shift=shift)
    strangers = unseen.take(unseen.finger[:, 0] != unseen.finger[:, 1])
    rates = predicted(fitted.calibration, strangers)
    for level in (1e-1, 1e-2, 1e-3, 1e-4):
        assert 0.5 < (rates <= np.log10(level)).mean() / level < 2.0
    few = strangers.minutiae.prod(axis=1) < 1200  # also of those alone: the facts are used
    assert 0.6 < (rates[few] <= -2).mean() / 1e-2 < 1.6
    llr = fitted.calibration.llr
    assert np.log(0.09) < llr[0] < 0 < llr[-1]
    assert fitted.calibration.log10_fmr[-1] <= -11.9


def test_one_finger_under_two_names_is_left_out():
    pairs = made_up(3)
    twin = np.isin(pairs.finger, [3, 17]).all(axis=1) & (pairs.finger[:, 0] != pairs.finger[:, 1])
    pairs.score[twin] += 40.0
    assert same_fingers(pairs.score, pairs.finger) == {(3, 17)}
    assert fit(pairs, NAMES, replicates=2).tail.shape < 0.1  # the tail is still that of strangers


def test_databases_that_share_one_name_share_all_of_that_name():
    names = ["a:1", "a:2", "b:1", "b:2", "c:1"]
    assert under_one_name({(0, 2)}, names) == {(0, 2), (1, 3)}
    assert under_one_name({(0, 3)}, names) == {(0, 3)}


def test_quantiles_follow_the_facts():
    rng = np.random.default_rng(4)
    x = np.stack([np.ones(50_000), rng.uniform(-1, 1, 50_000)], axis=1)
    y = 3.0 + 2.0 * x[:, 1] + rng.normal(size=50_000)
    assert quantile_regression(x, y, 0.9) == pytest.approx([3.0 + 1.2816, 2.0], abs=0.06)


@pytest.mark.parametrize("shape", [0.0, 0.25])
def test_a_tail_is_found_again(shape):
    u = np.random.default_rng(6).uniform(size=20_000)
    beyond = -2.0 * np.log(u) if shape == 0 else 2.0 * (u**-shape - 1) / shape
    tail = fit_tail(beyond, np.ones_like(beyond), 1.0, 0.01)
    assert tail.shape == pytest.approx(shape, abs=0.05)
    assert tail.scale == pytest.approx(2.0, rel=0.05)
    assert tail.log10_survival(np.array([1.0]))[0] == pytest.approx(-2.0)


def test_what_falls_is_levelled():
    assert rising(np.array([1.0, 3.0, 2.0, 5.0]), np.ones(4)).tolist() == [1.0, 2.5, 2.5, 5.0]


def test_observed_rates_have_intervals_and_none_is_never_certain():
    finger = np.random.default_rng(7).integers(0, 20, (10_000, 2))
    rates = np.log10(np.random.default_rng(8).uniform(size=10_000))
    seen = observe("all", rates, finger)
    for level, rate, low, high in zip(LEVELS[:3], seen.rate, seen.low, seen.high, strict=False):
        assert rate == pytest.approx(level, rel=0.5)
        assert low <= rate <= high
    nobody = observe("all", np.zeros(10_000), finger)
    assert nobody.rate.tolist() == [0.0] * len(LEVELS)
    assert nobody.high[-1] == pytest.approx(3e-4)
