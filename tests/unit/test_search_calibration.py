"""What scores mean: the calibration's file, false match rates, fusion over fingers, colours, positions, slips."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher_service.search import decision, fusion, prepare
from matcher_service.search.calibration import FILE, Calibration, CalibrationError, calibration
from matcher_service.search.decision import Colour, Thresholds, colour, expected_fpir, needed_log10_fmr
from matcher_service.search.fusion import ChanceTables, FingerScore, chance_tables, fuse
from matcher_service.search.positions import WRONG_LABEL, assign
from matcher_service.search.print_facts import PrintFacts, facts_of
from matcher_service.search.repeated import counted_once, same_finger_twice
from models.matching.calibrate import score_samples
from models.synthetic.crowd import stranger

scores = st.floats(0, 200)
facts = st.builds(PrintFacts, st.integers(0, 300), st.floats(-1, 1))


def test_the_calibration_was_fitted_to_the_score_as_it_is():
    fitted = calibration().provenance["score_samples"]
    now = score_samples()
    assert now == pytest.approx(fitted, rel=0.02, abs=0.05), (
        "the score has changed; fit it anew: python -m models.matching.calibrate DIR... (docs/calibration.md)"
    )


@given(scores, scores, facts, facts)
def test_more_score_is_rarer_among_strangers(one, other, a, b):
    low, high = sorted((one, other))
    rates = [calibration().false_match_rate(s, a, b) for s in (low, high)]
    assert rates[0].log10 >= rates[1].log10
    for rate in rates:
        assert rate.low <= rate.log10 <= rate.high <= 0
    assert calibration().llr_of(low, a, b) <= calibration().llr_of(high, a, b)


@given(st.floats(-11, -0.5), facts, facts)
def test_a_threshold_is_where_its_rate_is(rate, a, b):
    score = calibration().score_at(rate, a, b)
    assert calibration().false_match_rate(score, a, b).log10 == pytest.approx(rate, abs=0.02)


@given(scores, facts, facts)
def test_probe_and_candidate_may_change_places(score, a, b):
    assert calibration().standard(score, a, b) == pytest.approx(calibration().standard(score, b, a))


def test_many_scores_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(5)
    some, counts, alike = rng.uniform(0, 20, 50), rng.integers(5, 120, 50), rng.uniform(-0.3, 0.7, 50)
    probe = PrintFacts(40, 0.2)
    together = calibration().log10_fmr_of(some, probe, PrintFacts(counts, alike))  # pyright: ignore[reportArgumentType]
    one_by_one = [
        calibration().false_match_rate(float(s), probe, PrintFacts(int(n), float(c))).log10
        for s, n, c in zip(some, counts, alike, strict=True)
    ]
    assert together == pytest.approx(one_by_one)


def test_prints_whose_minutiae_point_one_way_need_more_score():
    plain, one_way, fewer = PrintFacts(60, 0.0), PrintFacts(60, 0.6), PrintFacts(20, 0.0)
    for rate in (-2.0, -4.0):
        threshold = calibration().score_at(rate, plain, plain)
        assert calibration().score_at(rate, one_way, one_way) > 1.1 * threshold
        assert calibration().score_at(rate, fewer, fewer) != pytest.approx(threshold, rel=0.01)


def test_agreement_of_directions():
    print_ = stranger(3)
    turned = np.full(len(print_), 1.0)
    one_way = prepare(type(print_).make(print_.x, print_.y, turned, width=print_.width, height=print_.height))
    assert facts_of(one_way).agreement == pytest.approx(1.0)
    assert facts_of(prepare(print_)).agreement < 0.6
    assert facts_of(prepare(print_)).minutiae == len(print_)
    assert facts_of(prepare(print_.take([0]))) == (1, 0.0)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: t.update(version=99), "version 99"),
        (lambda t: t["table"]["z"].reverse(), "rise or fall"),
        (lambda t: t["table"]["llr"].pop(), "different lengths"),
        (lambda t: t["table"].pop("llr"), "not a calibration"),
        (lambda t: t["table"]["llr"].__setitem__(0, math.nan), "no numbers"),
    ],
)
def test_a_file_that_is_wrong_is_refused_and_says_what_to_do(tmp_path, change, fault):
    tree = json.loads(FILE.read_text())
    change(tree)
    path = tmp_path / "c.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(CalibrationError, match=fault) as caught:
        Calibration.load(path)
    assert "python -m models.matching.calibrate" in str(caught.value)
    with pytest.raises(CalibrationError, match="No such file"):
        Calibration.load(tmp_path / "none.json")


# -- fusion


def drawn_strangers(count, rng):
    """Scores of strangers' fingers, by the calibration's own distribution."""
    z = np.interp(np.log10(rng.uniform(size=count)), calibration().log10_fmr[::-1], calibration().z[::-1])
    at = calibration().standard([0.0, 1.0])
    return (z - at[0]) / (at[1] - at[0])


@pytest.mark.parametrize("fingers", [1, 2, 4, 10])
def test_strangers_reach_a_fused_rate_as_often_as_it_says(fingers):
    rng = np.random.default_rng(fingers)
    llr = calibration().llr_of(drawn_strangers(200_000 * fingers, rng)).reshape(-1, fingers).sum(axis=1)
    rates = chance_tables().reaching(llr, fingers)
    for level in (1e-2, 1e-3):
        assert (rates <= math.log10(level)).mean() == pytest.approx(level, rel=0.25)


def test_ten_chance_scores_are_still_chance_and_a_second_finger_adds():
    chance = calibration().score_at(-0.3)
    assert decision.fuse([chance] * 10) < 1.5
    good = calibration().score_at(-5)
    assert decision.fuse([good]) == pytest.approx(5, abs=0.05)
    assert decision.fuse([good, good]) > 7.5
    assert decision.fuse([]) == 0.0


def test_a_finger_that_does_not_match_counts_a_little_against():
    good = FingerScore(calibration().score_at(-8))
    alone, with_miss = fuse([good]), fuse([good, FingerScore(0.0)])
    assert with_miss.llr < alone.llr
    assert with_miss.llr > alone.llr - math.log(10.5)
    assert with_miss.log10_fmr > alone.log10_fmr
    assert with_miss.log10_fmr < -5


def test_alternatives_and_penalties_make_evidence_weaker():
    fingers = [FingerScore(calibration().score_at(-6)), FingerScore(calibration().score_at(-4))]
    plain = fuse(fingers)
    assert fuse(fingers, alternatives=100).log10_fmr == pytest.approx(plain.log10_fmr + 2)
    penalised = fuse(fingers, penalty=4.0)
    assert penalised.llr == pytest.approx(plain.llr - 4.0)
    assert penalised.log10_fmr > plain.log10_fmr
    assert plain.log10_fmr_low <= plain.log10_fmr <= plain.log10_fmr_high
    assert plain.contributions == pytest.approx([float(calibration().llr_of(f.score)) for f in fingers])


def test_no_fingers_say_nothing_and_eleven_are_too_many():
    assert fuse([]).log10_fmr == 0.0
    with pytest.raises(ValueError, match="1 to 10"):
        fuse([FingerScore(5.0)] * 11)
    assert ChanceTables(calibration()).reaching(-1e9, 3) == pytest.approx(0.0, abs=1e-6)
    assert ChanceTables(calibration()).reaching(1e9, 3) >= fusion.LEAST_LOG10_FMR


# -- decision


@given(st.floats(-12, -0.1), st.integers(1, 10**7))
def test_the_threshold_of_a_search_gives_the_fpir_asked_for(log10_fpir, identities):
    fpir = 10.0**log10_fpir
    assert expected_fpir(needed_log10_fmr(fpir, identities), identities) == pytest.approx(fpir, rel=1e-6)


def test_colours_are_bounds_on_the_fpir_whatever_the_size():
    assert colour(0.0) is Colour.GREEN
    for identities in (2_000, 100_000, 1_000_000):
        red = -needed_log10_fmr(decision.RED_FPIR, identities)
        yellow = -needed_log10_fmr(decision.YELLOW_FPIR, identities)
        assert colour(red + 0.01, identities) is Colour.RED
        assert colour(red - 0.01, identities) is Colour.YELLOW
        assert colour(yellow + 0.01, identities) is Colour.YELLOW
        assert colour(yellow - 0.01, identities) is Colour.GREEN
    assert colour(8.5, 100_000) is Colour.RED
    assert colour(8.5, 10_000_000) is Colour.YELLOW
    assert colour(3.5, 3) is colour(3.5)  # a handful of people is no licence
    assert colour(7.0, 1000, Thresholds(red_fpir=1e-6)) is Colour.YELLOW
    with pytest.raises(ValueError, match="red the smaller"):
        Thresholds(red_fpir=0.2, yellow_fpir=0.1)


# -- positions


def test_labels_are_believed_where_the_prints_agree_with_them():
    found = assign(np.array([[20.0, -2.0], [-2.0, 15.0]]), [2, 7], [2, 7])
    assert found.pairs == ((0, 0), (1, 1))
    assert (found.penalty, found.alternatives, found.relabelled) == (0.0, 1, ())


def test_swapped_fingers_are_noticed_and_cost_evidence():
    found = assign(np.array([[-2.0, 18.0], [19.0, -2.0]]), [2, 7], [2, 7])
    assert found.pairs == found.relabelled == ((0, 1), (1, 0))
    assert found.penalty == pytest.approx(2 * WRONG_LABEL)


def test_a_weak_likeness_does_not_overrule_a_label():
    found = assign(np.array([[-2.0, 3.0], [-2.0, -2.0]]), [2, 7], [2, 7])
    assert found.relabelled == ()
    assert found.pairs == ((0, 0), (1, 1))  # and that neither matches counts


def test_unknown_positions_count_as_many_alternatives():
    table = np.full((2, 10), -2.0)
    table[0, 6], table[1, 1] = 9.0, 8.0
    found = assign(table, [0, 0], list(range(1, 11)))
    assert found.pairs == ((0, 6), (1, 1))
    assert (found.penalty, found.alternatives) == (0.0, 100)


def test_fingers_that_are_missing_say_nothing():
    assert assign(np.array([[-2.0]]), [3], [4]).pairs == ()
    assert assign(np.zeros((0, 2)), [], [1, 2]).pairs == ()
    assert assign(np.zeros((2, 0)), [1, 2], []).pairs == ()
    assert assign(np.array([[np.nan, 5.0]]), [1], [1, 1]).pairs == ((0, 1),)
    with pytest.raises(ValueError, match="1 x 2"):
        assign(np.zeros((2, 2)), [1], [1, 2])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_no_other_assignment_has_more_evidence(rows, columns, seed):
    rng = np.random.default_rng(seed)
    table = rng.uniform(0.1, 20, (rows, columns))  # positive: leaving one out never pays
    found = assign(table, [0] * rows, [0] * columns)
    smaller = min(rows, columns)
    best = max(
        sum(table[i, j] for i, j in zip(chosen, places, strict=True))
        for chosen in itertools.combinations(range(rows), smaller)
        for places in itertools.permutations(range(columns), smaller)
    )
    assert sum(table[i, j] for i, j in found.pairs) == pytest.approx(best)


# -- one finger twice


def test_one_finger_presented_twice_is_noticed_and_counted_once():
    one, other = stranger(11), stranger(12)
    prints = [(2, one), (3, other), (7, one.take(range(2, len(one))))]
    (found,) = same_finger_twice([m for _, m in prints])
    assert (found.first, found.second) == (0, 2)
    assert found.log10_fmr <= -6
    kept = counted_once(prints, [found])
    assert len(kept) == 2
    assert {position for position, _ in kept} == {0, 3}


def test_different_fingers_are_no_slip():
    prints = [stranger(k) for k in range(20, 30)]
    assert same_finger_twice(prints) == []
    labelled = list(enumerate(prints, 1))
    assert counted_once(labelled, []) == labelled
