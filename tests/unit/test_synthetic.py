"""Synthetic prints: the same for the same seed, like prints, and told apart by the matcher."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import pytest

from edge_service.extraction import Extractor
from matcher_service.search import compare
from matcher_service.search.calibration import calibration
from models.synthetic import impression, master
from models.synthetic import parameters as p
from models.synthetic.crowd import stranger

FINGERS = (1, 2, 3, 4)

RARE = -8.0  # log10 of a false match rate: red among 100,000


@cache
def finger(seed: int):
    return master(seed)


@cache
def template(seed: int, number: int):
    return Extractor.load().extract(impression(finger(seed), number))


# -- a finger


def test_a_seed_is_a_finger():
    again, other = master(1), finger(2)
    assert np.array_equal(again.ridges, finger(1).ridges)
    assert np.array_equal(again.orientation, finger(1).orientation)
    assert (again.kind, again.seed) == (finger(1).kind, 1)
    assert not np.array_equal(other.ridges, finger(1).ridges)


@pytest.mark.parametrize("seed", FINGERS)
def test_a_finger_is_ridges_along_its_orientation(seed):
    made = finger(seed)
    assert made.ridges.shape == made.orientation.shape == (p.HEIGHT_PX, p.WIDTH_PX)
    assert made.kind in p.CLASS_SHARES
    assert np.abs(made.ridges).max() <= 1
    assert abs(float(made.ridges.mean())) < 0.1
    assert made.orientation.min() >= 0
    assert made.orientation.max() <= np.pi
    # along the stated orientation a ridge stays, across it half a period makes a valley of it
    rows, columns = np.mgrid[40 : p.HEIGHT_PX - 40 : 3, 40 : p.WIDTH_PX - 40 : 3]
    turn, here = made.orientation[rows, columns], made.ridges[rows, columns]

    def beside(angle: np.ndarray) -> np.ndarray:
        reach = np.mean(p.PERIOD_PX) / 2
        return made.ridges[
            np.rint(rows - reach * np.sin(angle)).astype(int),
            np.rint(columns + reach * np.cos(angle)).astype(int),
        ]

    assert np.corrcoef(here.ravel(), beside(turn).ravel())[0, 1] > 0.8
    assert np.corrcoef(here.ravel(), beside(turn + np.pi / 2).ravel())[0, 1] < -0.6


# -- an impression


@pytest.mark.parametrize("size", [(384, 320), (288, 256), (192, 192), (96, 301)])
def test_an_impression_has_the_size_asked_for(size):
    image = impression(finger(1), 1, size=size)
    assert image.shape == size
    assert image.dtype == np.uint8
    assert image.std() > 15


def test_a_number_is_an_impression():
    first = impression(finger(1), 1)
    assert np.array_equal(first, impression(finger(1), 1))
    assert not np.array_equal(first, impression(finger(1), 2))
    assert not np.array_equal(first, impression(finger(2), 1))


def test_ridges_are_dark_on_a_bright_ground():
    image = impression(finger(1), 1)
    border = np.concatenate([image[0], image[-1]])
    assert np.median(border) > 200
    assert np.percentile(image[120:260, 100:220], 10) < 130


def test_a_print_has_as_many_minutiae_as_prints_have():
    counts = [len(template(seed, 1)) for seed in FINGERS]
    assert all(15 <= n <= 110 for n in counts)
    assert all(template(seed, 1).finger_quality > 50 for seed in FINGERS)


def test_impressions_of_one_finger_compare_high_and_strangers_low():
    mates = [compare(template(seed, 1), template(seed, 2)) for seed in FINGERS]
    strangers = [compare(template(a, 1), template(b, k)) for a, b in combinations(FINGERS, 2) for k in (1, 2)]
    least_that_counts = calibration().score_at(RARE)
    assert min(mates) > least_that_counts
    assert min(mates) > 5 * max(strangers)
    assert max(strangers) < least_that_counts


def test_an_impression_in_the_sensors_window_is_found_in_the_whole_one():
    seen = Extractor.load().extract(impression(finger(1), 3, size=(288, 256)))
    assert compare(seen, template(1, 1)) > calibration().score_at(RARE)


# -- the crowd


def test_a_seed_is_a_stranger():
    one, same, other = stranger(5), stranger(5), stranger(6)
    for name in ("x", "y", "angle", "type", "quality"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert len(one) != len(other) or not np.array_equal(one.x, other.x)


@cache
def crowd() -> list:
    return [stranger(seed) for seed in range(400)]


def test_strangers_are_strangers_to_each_other():
    scores = [compare(crowd()[k], crowd()[k + 1]) for k in range(0, 200, 2)]
    assert max(scores) < calibration().score_at(RARE)
