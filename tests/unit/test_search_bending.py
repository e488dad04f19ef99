"""The second look of the comparison: skin that stretches, and the pieces that find it."""

from __future__ import annotations

import math
import os
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.comparison.sets import KINDS, touched
from benchmarks.comparison.skin import distorted, field
from interchange import Minutiae, iso19794
from matcher_service.search import compare, compare_prepared, explain_prepared, prepare
from matcher_service.search.alignment import NEVER, assign, meet, room_for
from matcher_service.search.features import FEATURE_PART, PART_NAMES, features, total
from matcher_service.search.fusion_weights import USUAL, WEIGHTS
from matcher_service.search.relaxation import agreement, relax
from models.synthetic.crowd import stranger

DATA = Path(os.environ.get("WHORL_DATA", Path(__file__).resolve().parents[2].parent / "shared/data"))
ISO = DATA / "iso19794_2_2005/DB2_B"


def roomy(seed: int) -> Minutiae:
    return stranger(seed, width=320, height=360)


def test_stretched_skin_is_still_the_same_print():
    mates, strangers = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        one, other = distorted(roomy(seed), rng, 12.0), distorted(roomy(seed), rng, 12.0)
        mates.append(compare(one, other))
        strangers.append(compare(one, roomy(seed + 100)))
    assert np.median(mates) > 3 * max(strangers)


def test_bending_finds_pairs_that_no_rigid_motion_joins():
    print_ = roomy(3)
    x, y = print_.x - 160.0, print_.y - 180.0
    stretched = Minutiae.make(
        160 + x * (1 + 0.0009 * x), 180 + 1.05 * y, print_.angle, width=400, height=400
    )  # 20 px at the edge
    found = explain_prepared(prepare(print_), prepare(stretched))
    own = found.pairs[:, 0] == found.pairs[:, 1]
    assert own.sum() > 0.75 * len(print_)
    assert found.parts["bending px"] > found.parts["residual px"]


def test_a_drag_of_nothing_moves_nothing():
    moved = field(np.random.default_rng(1), 0.0, 300, 300)
    x, y = np.array([10.0, 150.0, 290.0]), np.array([20.0, 140.0, 250.0])
    assert np.allclose(moved(x, y), (x, y))


@given(a=st.integers(0, 300), drag=st.sampled_from([0.0, 6.0, 12.0]), kind=st.sampled_from(KINDS))
@settings(max_examples=40, deadline=None)
def test_symmetric_however_hard(a, drag, kind):
    rng = np.random.default_rng(a)
    one, other = touched(kind, roomy(a), rng), distorted(touched(kind, roomy(a), rng), rng, drag)
    assert compare(one, other) == pytest.approx(compare(other, one), rel=0.1, abs=1.5)


@given(a=st.integers(0, 300), turn=st.floats(-math.pi, math.pi), kind=st.sampled_from(KINDS))
@settings(max_examples=30, deadline=None)
def test_nothing_is_more_alike_than_the_print_itself_however_hard(a, turn, kind):
    rng = np.random.default_rng(a)
    one, other = touched(kind, roomy(a), rng), touched(kind, roomy(a), rng)
    if len(one) >= 6:
        assert compare(one, other) <= compare(one, one) + 1e-6
        spun = Minutiae.make(
            math.cos(turn) * one.x + math.sin(turn) * one.y + 500,
            -math.sin(turn) * one.x + math.cos(turn) * one.y + 500,
            one.angle + turn,
            type=one.type,
            quality=one.quality,
            width=1000,
            height=1000,
        )
        assert compare(spun, one) == pytest.approx(compare(one, one), rel=0.1, abs=1.5)


def test_agreement_does_not_care_which_print_is_first():
    a, b = prepare(roomy(1)), prepare(distorted(roomy(1), np.random.default_rng(1), 8.0))
    own = np.arange(20)
    there, back = agreement(a, b, own, own), agreement(b, a, own, own)
    assert np.allclose(there, there.T, atol=1e-4)
    assert np.allclose(there, back, atol=1e-3)
    assert (np.diag(there) == 0).all()
    assert 0 <= there.min() <= there.max() <= 1


def test_agreeing_pairs_support_each_other():
    agree = np.zeros((4, 4), np.float32)
    agree[:3, :3] = 1.0
    np.fill_diagonal(agree, 0.0)
    support = relax(agree, np.full(4, 0.5, np.float32))
    assert np.allclose(support[:3], support[0])
    assert support[0] > 2 * support[3] > 0


def test_assignment_is_one_to_one_and_takes_the_cheapest():
    a = prepare(roomy(5))
    room = room_for(a, a)
    near = meet(a, a, (0.0, 0.0, 0.0), 40.0, 3.0, room)
    room.cost[:near] = np.hypot(room.x[:near], room.y[:near])
    held_a, held_b = np.empty(len(a.x), np.int64), np.empty(len(a.x), np.int64)
    assert assign(room, near, held_a, held_b) == len(a.x)
    assert (room.other[held_a] == np.arange(len(a.x))).all()
    room.cost[:near] = NEVER
    assert assign(room, near, held_a, held_b) == 0
    assert (held_a == -1).all()


def test_contributions_add_up_to_the_score():
    one = roomy(6)
    found = explain_prepared(prepare(one), prepare(distorted(one, np.random.default_rng(6), 5.0)))
    assert set(found.contributions) == set(found.parts) == set(PART_NAMES)
    parts = np.array([found.parts[name] for name in PART_NAMES])
    usual = sum(w * u for w, u in zip(WEIGHTS, USUAL, strict=True))
    told = sum(found.contributions.values())
    assert found.score == total(parts)
    assert len(features(parts)) == len(WEIGHTS) == len(FEATURE_PART)
    again = explain_prepared(prepare(one), prepare(one))
    gained = sum(again.contributions.values()) - told
    assert gained == pytest.approx(
        again.score - found.score, abs=0.05
    )  # far above the soft step it is straight
    assert math.isfinite(usual)


@pytest.mark.skipif(not ISO.is_dir(), reason="the ISO samples are not here")
def test_another_vendors_templates_match():
    prints = {
        path.stem: prepare(iso19794.decode(path.read_bytes()).minutiae())
        for path in sorted(ISO.glob("*.iso"))
    }
    mates, strangers = [], []
    for one, other in combinations(sorted(prints), 2):
        same = one.split("_")[0] == other.split("_")[0]
        (mates if same else strangers).append(compare_prepared(prints[one], prints[other]))
    threshold = np.quantile(strangers, 0.999)
    assert (np.array(mates) > threshold).mean() > 0.85


def test_sets_of_the_benchmark_are_what_their_names_say():
    by_name = {kind.name: kind for kind in KINDS}
    rng = np.random.default_rng(2)
    few = touched(by_name["few minutiae (11)"], roomy(7), rng)
    bare = touched(by_name["no type, no quality"], roomy(7), rng)
    assert len(few) <= 11
    assert not bare.type.any()
    assert not bare.quality.any()
    drags = [kind.drag_px for kind in KINDS[:3]]
    assert all(a < b for a, b in pairwise(drags))
