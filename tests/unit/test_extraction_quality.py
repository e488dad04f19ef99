"""Quality, its meaning and its reasons: on features made up for the purpose, and on synthetic prints spoilt."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.extraction import Extractor, ModelRefused
from edge_service.extraction import parameters as p
from edge_service.extraction.advice import WORDS, Reason, why_poor
from edge_service.extraction.features import Features
from edge_service.extraction.quality import FITTED, Judge, Ramp, failure_rate
from models.quality import degrade, pictures

WINDOW = (288, 256)
GOOD = Features(
    window_mm2=190.0,
    area_mm2=170.0,
    minutiae=35,
    density=0.21,
    certainty=24.0,
    mean_certainty=0.68,
    doubtful=0.15,
    print_certainty=0.97,
    active=0.9,
    contrast=50.0,
    clarity=0.7,
    ridge_balance=-0.3,
    unevenness=0.28,
    fineness=2.05,
    straightness=0.3,
    turning=0.06,
    agreement=0.9,
    right_mm=0.0,
    down_mm=0.0,
    cut=(0.5, 0.5, 0.5, 0.5),
)


@cache
def extractor():
    return Extractor.load()


@cache
def judge():
    return Judge.load()


@cache
def sound():
    return pictures.sound()


def like(**changes) -> Features:
    return dataclasses.replace(GOOD, **changes)


# -- the scale


def test_the_scale_means_what_it_says():
    assert failure_rate(20) == pytest.approx(0.5)
    assert failure_rate(50) == pytest.approx(1 / 8.4, abs=0.003)
    assert failure_rate(80) == pytest.approx(1 / 55.6, abs=0.001)
    assert failure_rate(65) / failure_rate(100) == pytest.approx(10, rel=0.06)


def test_a_ramp_rises_between_its_knots_and_is_level_outside():
    ramp = Ramp("certainty", (1.0, 3.0, 4.0), (-2.0, 0.0, 1.0))
    assert [ramp(x) for x in (0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 9.0)] == [-2.0, -2.0, -1.0, 0.0, 0.5, 1.0, 1.0]


@given(st.floats(0, 80), st.floats(0, 80), st.floats(0, 1), st.floats(0, 1))
def test_more_certain_minutiae_are_never_worth_less(some, more, doubt, sure):
    some, more = sorted((some, more))
    doubt, sure = sorted((doubt, sure))
    worse = judge().assess(like(certainty=some, mean_certainty=doubt)).quality
    better = judge().assess(like(certainty=more, mean_certainty=sure)).quality
    assert 0 <= worse <= better <= 100


def test_a_good_print_has_a_good_quality_and_no_reason():
    assessment = judge().assess(GOOD)
    assert assessment.quality >= 70
    assert assessment.reason is None


def test_too_few_minutiae_or_too_little_area_is_nothing_to_compare():
    for features in (like(minutiae=p.LEAST_MINUTIAE - 1), like(area_mm2=p.LEAST_PRINT_MM2 - 0.1)):
        assessment = judge().assess(features)
        assert assessment.quality == 0
        assert assessment.reason is not None


def test_a_print_that_is_taken_has_at_least_quality_1():
    poorest = like(minutiae=p.LEAST_MINUTIAE, certainty=1.6)
    assert judge().assess(poorest).quality >= 1


# -- the fitted numbers


def test_the_numbers_were_fitted_to_the_network_that_ships():
    assert judge().model_sha256 == extractor().model_sha256, (
        "models/minutiae.tflite is not the network that quality.json was fitted to: "
        "run `python -m models.quality DATA` with the training prints"
    )


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"recognised": 1}', "null"],
)
def test_damaged_numbers_are_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "quality.json"
    path.write_text(content)
    with pytest.raises(ModelRefused, match=r"models\.quality"):
        Judge.load(path)


def test_missing_numbers_are_refused(tmp_path):
    with pytest.raises(ModelRefused, match="cannot be read"):
        Judge.load(tmp_path / "quality.json")


def test_knots_that_do_not_rise_are_refused(tmp_path):
    fitted = json.loads(FITTED.read_text())
    fitted["recognised"]["ramps"]["certainty"]["knots"][0] = 1e6
    path = tmp_path / "quality.json"
    path.write_text(json.dumps(fitted))
    with pytest.raises(ModelRefused, match="damaged"):
        Judge.load(path)


# -- the extractor


def test_assess_and_extract_say_the_same():
    image = sound()[0]
    found, assessment = extractor().assess(image)
    plain = extractor().extract(image)
    assert plain.finger_quality == found.finger_quality == assessment.quality > 60
    assert len(plain) == len(found) == assessment.features.minutiae
    assert assessment.reason is None


def test_an_image_of_one_grey_is_nothing():
    found, assessment = extractor().assess(np.full(WINDOW, 200, np.uint8))
    assert (len(found), assessment.quality, assessment.reason) == (0, 0, Reason.NOTHING)
    assert assessment.features is None


@pytest.mark.parametrize("size", [(96, 96), (96, 333), (500, 101), (700, 640)])
@pytest.mark.parametrize("dpi", [300, 500, 1100])
def test_features_are_finite_for_any_image(size, dpi):
    noise = np.random.default_rng(5).integers(0, 256, size).astype(np.uint8)
    features = extractor().measure(noise, dpi)[1]
    values = [v for v in dataclasses.astuple(features) if not isinstance(v, tuple)] + list(features.cut)
    assert all(math.isfinite(v) for v in values)
    assert features.minutiae == 0 or 0 <= features.mean_certainty <= 1


def test_straight_stripes_are_straight_and_clear_and_rings_are_not_straight():
    rows, columns = np.indices(WINDOW)
    stripes = 128 + 100 * np.sin(2 * np.pi * (columns + 0.5 * rows) / 9)
    rings = 128 + 100 * np.sin(2 * np.pi * np.hypot(rows - 144, columns - 128) / 9)
    straight, round_ = (extractor().measure(i.astype(np.uint8))[1] for i in (stripes, rings))
    if straight.area_mm2 > 50:  # where the network sees no print there is nothing to weigh
        assert straight.straightness > 0.95
        assert straight.clarity > 0.8
    if round_.area_mm2 > 50:
        assert round_.straightness < 0.5


# -- the reasons


def test_every_reason_has_words_in_every_language():
    for words in WORDS.values():
        assert set(words) == set(Reason)
        assert all(w.endswith(".") and len(w) < 100 for w in words.values())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"area_mm2": 40.0, "cut": (0.0, 0.0, 0.0, 0.0)}, Reason.TOO_LITTLE),
        ({"area_mm2": 70.0, "right_mm": -3.0, "cut": (1.0, 0.0, 0.3, 0.3)}, Reason.TOO_FAR_LEFT),
        ({"area_mm2": 70.0, "right_mm": 3.0, "cut": (0.0, 1.0, 0.3, 0.3)}, Reason.TOO_FAR_RIGHT),
        ({"area_mm2": 70.0, "down_mm": -3.0, "cut": (0.3, 0.3, 1.0, 0.0)}, Reason.TOO_FAR_UP),
        ({"area_mm2": 70.0, "down_mm": 3.0, "cut": (0.3, 0.3, 0.0, 1.0)}, Reason.TOO_FAR_DOWN),
        ({"area_mm2": 120.0, "down_mm": 3.0, "cut": (0.3, 0.3, 0.0, 1.0)}, Reason.TOO_FAR_DOWN),
        ({}, Reason.UNCLEAR),
    ],
)
def test_where_the_finger_lies(changes, reason):
    assert why_poor(like(**changes), lambda _name: 0.0) == reason


@pytest.mark.parametrize(
    ("deviations", "reason"),
    [
        ({"ridge_balance": -2.5, "clarity": -2.3, "doubtful": 1.0}, Reason.TOO_DRY),
        ({"ridge_balance": -2.5, "clarity": -2.3, "contrast": -3.8}, Reason.PRESS_MORE),
        ({"ridge_balance": 2.0, "unevenness": 2.8, "doubtful": 1.5}, Reason.TOO_WET),
        ({"ridge_balance": 2.0, "unevenness": -0.9}, Reason.PRESS_LESS),
        ({"clarity": -3.0, "doubtful": 3.0}, Reason.UNCLEAR),
        ({"ridge_balance": 0.3, "doubtful": 3.5}, Reason.MOVED),
    ],
)
def test_how_the_finger_was_pressed(deviations, reason):
    assert why_poor(GOOD, lambda name: deviations.get(name, 0.0)) == reason


def spoilt(fault, count=16, **how):
    """Assessments of synthetic prints spoilt badly, in 16 grey levels."""
    told = []
    for k in range(count):
        rng = np.random.default_rng([k, 3])
        image = fault(rng, sound()[k % len(sound())], strength=rng.uniform(1.5, 2.0), **how)
        told.append(extractor().assess((image // 16 * 17).astype(np.uint8))[1])
    return told


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        (degrade.dry, {Reason.TOO_DRY, Reason.PRESS_MORE}),
        (degrade.wet, {Reason.TOO_WET, Reason.PRESS_LESS}),
        (degrade.light, {Reason.PRESS_MORE, Reason.TOO_DRY, Reason.NOTHING}),
        (degrade.hard, {Reason.PRESS_LESS, Reason.TOO_WET}),
        (degrade.moved, {Reason.MOVED}),
        (degrade.small, {Reason.TOO_LITTLE}),
    ],
)
def test_most_spoilt_prints_that_are_told_anything_are_told_why(fault, reasons):
    told = [a.reason for a in spoilt(fault) if a.reason is not None]
    # a print of which nothing is left, or whose fault is not plain, says nothing wrong
    silent = {Reason.NOT_A_FINGER, Reason.NOTHING, Reason.TOO_LITTLE, Reason.UNCLEAR} - reasons
    said = [r for r in told if r not in silent]
    assert sum(r in reasons for r in said) >= 0.75 * len(said), told
    assert sum(r in reasons for r in told) >= 0.3 * len(told), told


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ("left", Reason.TOO_FAR_LEFT),
        ("right", Reason.TOO_FAR_RIGHT),
        ("top", Reason.TOO_FAR_UP),
        ("bottom", Reason.TOO_FAR_DOWN),
    ],
)
def test_a_finger_off_one_side_is_told_which(side, reason):
    told = [a.reason for a in spoilt(degrade.aside, 8, side=side) if a.reason is not None]
    wrong = {Reason.TOO_FAR_LEFT, Reason.TOO_FAR_RIGHT, Reason.TOO_FAR_UP, Reason.TOO_FAR_DOWN} - {reason}
    assert not wrong & set(told)
    assert told.count(reason) >= len(told) // 2


@pytest.mark.parametrize("fault", [degrade.wet, degrade.light, degrade.moved, degrade.small])
def test_a_spoilt_print_is_worth_less(fault):
    before = np.mean([extractor().extract(image).finger_quality for image in sound()])
    after = np.mean([a.quality for a in spoilt(fault, 8)])
    assert after < before - 5
