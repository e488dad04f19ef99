"""Error rates and their intervals: by hand on tiny examples, and on distributions whose answer is known."""

from math import erf, sqrt

import numpy as np
import pytest

from benchmarks.accuracy.bootstrap import interval95, replicate
from benchmarks.accuracy.metrics import METRICS, error_curves, rates


def all_rates(genuine, impostor):
    scores = np.array([*genuine, *impostor], float)
    mates = np.arange(len(scores)) < len(genuine)
    return {m: float(getattr(rates(scores, mates), m)[0]) for m in METRICS}


def test_separated_scores_have_no_errors():
    assert all_rates([5, 6, 7], [1, 2, 3]) == dict.fromkeys(METRICS, 0.0)


def test_reversed_scores_have_nothing_but_errors():
    found = all_rates([1, 2], [3, 4])
    assert found["fmr100"] == found["zerofmr"] == 1.0
    assert found["eer"] == 1.0


def test_all_scores_equal_is_a_coin():
    # threshold at the score: FMR 1, FNMR 0; above it: FMR 0, FNMR 1; the middle of either is a half
    assert all_rates([2, 2], [2, 2, 2])["eer"] == 0.5


def test_four_by_four_by_hand():
    # genuine 2 5 6 7, impostor 1 1 3 4. At 3: FNMR 1/4, FMR 2/4. At 4: FNMR 1/4, FMR 1/4: they meet.
    found = all_rates([2, 5, 6, 7], [1, 1, 3, 4])
    assert found == {"eer": 0.25, "fmr100": 0.25, "fmr1000": 0.25, "zerofmr": 0.25}


def test_curves_that_do_not_meet_take_the_middle_of_the_narrower_sum():
    # genuine 2 4 6, impostor 1 3: at 2 (FNMR 0, FMR 1/2), at 3 (1/3, 1/2), at 4 (1/3, 0).
    # t1 = 3 with sum 5/6, t2 = 4 with sum 1/3, so the interval is [0, 1/3] and its middle 1/6
    assert all_rates([2, 4, 6], [1, 3])["eer"] == pytest.approx(1 / 6)


def test_ties_between_genuine_and_impostor_count_as_matches():
    # at the tied score 3 both are matches; to be rid of the impostor the genuine one goes too
    found = all_rates([3, 9], [3, 1])
    assert found["zerofmr"] == 0.5
    assert found["eer"] == pytest.approx(0.25)


def test_fmr100_and_fmr1000_allow_exactly_their_share():
    impostor = np.arange(1000.0)
    # ten impostors (1 %) lie above 989, one (0.1 %) above 998, none above 999
    found = all_rates([988.5, 990.5, 998.5, 999.5], impostor)
    assert found["fmr100"] == 0.25
    assert found["fmr1000"] == 0.5
    assert found["zerofmr"] == 0.75
    # a genuine score that equals the highest impostor's goes with it
    assert all_rates([988.5, 998.5, 998.9, 999.0], impostor)["zerofmr"] == 1.0


def test_two_gaussians_give_the_analytic_rate():
    rng = np.random.default_rng(5)
    found = all_rates(rng.normal(3.0, 1.0, 40_000), rng.normal(0.0, 1.0, 400_000))
    expected = 0.5 * (1 - erf(1.5 / sqrt(2)))  # 6.68 %, where the two tails meet
    assert found["eer"] == pytest.approx(expected, abs=0.004)
    # the impostors' 1 % point is 2.326, and P(genuine < 2.326) = P(z < -0.674) = 25 %
    assert found["fmr100"] == pytest.approx(0.25, abs=0.01)


def test_rates_do_not_change_under_a_monotone_transformation_or_reordering():
    rng = np.random.default_rng(6)
    genuine, impostor = rng.normal(1, 1, 50), rng.normal(0, 1, 300)
    plain = all_rates(genuine, impostor)
    assert all_rates(np.exp(genuine), np.exp(impostor)) == plain
    assert all_rates(genuine[::-1], rng.permutation(impostor)) == plain


def test_weights_are_repetitions():
    rng = np.random.default_rng(7)
    scores = rng.normal(size=30).round(1)
    genuine = np.arange(30) < 8
    weights = rng.integers(0, 4, (5, 30)).astype(float)
    weighted = rates(scores, genuine, weights)
    for row in range(5):
        times = weights[row].astype(int)
        repeated = rates(np.repeat(scores, times), np.repeat(genuine, times))
        for metric in METRICS:
            assert getattr(weighted, metric)[row] == pytest.approx(getattr(repeated, metric)[0])


def test_curves_begin_with_everything_matched_and_end_with_nothing():
    fmr, fnmr = error_curves(np.array([1.0, 2.0, 3.0]), np.array([False, True, True]))
    assert (fmr[0, 0], fnmr[0, 0], fmr[0, -1], fnmr[0, -1]) == (1.0, 0.0, 0.0, 1.0)
    assert fmr.shape == (1, 4)


def test_one_kind_of_comparison_is_refused():
    with pytest.raises(ValueError, match="both genuine and impostor"):
        rates(np.array([1.0, 2.0]), np.array([True, True]))


def fvc_like(rng, fingers=10, impressions=8, finger_spread=1.0):
    """Scores in which a finger's own quality moves all of its genuine comparisons."""
    finger = np.repeat(np.arange(fingers), impressions)
    a, b = np.triu_indices(len(finger), 1)
    quality = rng.normal(0, finger_spread, fingers)
    mates = finger[a] == finger[b]
    scores = rng.normal(0, 1, len(a)) + np.where(mates, 3.0 + quality[finger[a]], 0.0)
    return scores, finger[a], finger[b]


def test_bootstrap_is_seeded_and_holds_the_estimate():
    scores, a, b = fvc_like(np.random.default_rng(8))
    once, again = replicate(scores, a, b), replicate(scores, a, b)
    other = replicate(scores, a, b, seed=1)
    low, high = interval95(once.eer)
    assert len(once.eer) == 1000
    assert np.array_equal(once.eer, again.eer)
    assert not np.array_equal(once.eer, other.eer)
    assert low < rates(scores, a == b).eer[0] < high
    for metric in METRICS:
        assert np.isfinite(getattr(once, metric)).all()


def test_drawing_fingers_sees_what_drawing_pairs_would_not():
    # fingers differ, so the interval must be far wider than that of 280 independent comparisons
    scores, a, b = fvc_like(np.random.default_rng(9), finger_spread=1.5)
    low, high = interval95(replicate(scores, a, b).fmr100)
    estimate = rates(scores, a == b).fmr100[0]
    independent = 2 * 1.96 * np.sqrt(estimate * (1 - estimate) / 280)
    assert high - low > 2 * independent


def test_intervals_cover_the_truth_most_of_the_time():
    # without differences between fingers the truth is the Gaussians' own; ten fingers are few, so the
    # percentile interval is somewhat too narrow: 80 % is asked for where 95 % would be ideal
    truth = 0.5 * (1 - erf(1.5 / sqrt(2)))
    covered = 0
    for seed in range(60):
        scores, a, b = fvc_like(np.random.default_rng(100 + seed), finger_spread=0.0)
        low, high = interval95(replicate(scores, a, b, replicates=200, seed=seed).eer)
        covered += low <= truth <= high
    assert covered >= 48


def test_bootstrap_weights_follow_the_definition(monkeypatch):
    # finger 0 drawn twice, 1 once, 2 never: its genuine pair counts twice, 0-1 counts 2 x 1, the rest 0
    import benchmarks.accuracy.bootstrap as module

    seen = []
    monkeypatch.setattr(module, "_draw", lambda *_: np.array([[2.0, 1.0, 0.0]]))
    monkeypatch.setattr(module, "rates", lambda _s, _g, w: seen.append(w) or rates(_s, _g, w))
    replicate(np.arange(5.0), np.array([0, 1, 0, 0, 1]), np.array([0, 1, 1, 2, 2]))
    assert seen[0].tolist() == [[2.0, 1.0, 2.0, 0.0, 0.0]]


def test_two_fingers_only_are_drawn_until_both_kinds_are_there():
    scores = np.array([5.0, 6.0, 1.0, 2.0])
    drawn = replicate(scores, np.array([0, 1, 0, 0]), np.array([0, 1, 1, 1]), replicates=50)
    assert len(drawn.eer) == 50
    assert not drawn.eer.any()


def test_large_databases_are_done_in_chunks(monkeypatch):
    scores, a, b = fvc_like(np.random.default_rng(10))
    whole = replicate(scores, a, b, replicates=20)
    monkeypatch.setattr("benchmarks.accuracy.bootstrap.BOOTSTRAP_CELLS_MAX", 7 * len(scores))
    assert np.array_equal(replicate(scores, a, b, replicates=20).eer, whole.eer)
