"""Synthetic fingers: classes have their singularities, and the minutiae are where the ridges end and fork."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from interchange import MinutiaType
from models.synthetic import master
from models.synthetic import parameters as p
from models.synthetic.flow import flow
from models.synthetic.growth import Growth
from models.synthetic.noise import sample
from models.synthetic.spirals import spirals

CORES_AND_DELTAS = {
    "arch": (0, 0),
    "tented arch": (1, 1),
    "left loop": (1, 1),
    "right loop": (1, 1),
    "whorl": (2, 2),
    "twin loop": (2, 2),
}


@cache
def finger(kind: str):
    return master(11, kind=kind)


def index(orientation: np.ndarray, x: float, y: float, radius: float = 9.0) -> float:
    """Poincare index about a point: half a turn for a core, minus half a turn for a delta, counter-clockwise."""
    round_it = np.linspace(0, 2 * np.pi, 121)
    turned = [
        sample(f(2 * orientation), x + radius * np.cos(round_it), y - radius * np.sin(round_it))
        for f in (np.cos, np.sin)
    ]
    steps = np.diff(np.arctan2(turned[1], turned[0]))
    return float(((steps + np.pi) % (2 * np.pi) - np.pi).sum() / (4 * np.pi))


@pytest.mark.parametrize("kind", CORES_AND_DELTAS)
def test_a_class_has_its_cores_and_deltas(kind):
    made = finger(kind)
    assert made.kind == kind
    found = made.singularities
    assert (len(found.cores), len(found.deltas)) == CORES_AND_DELTAS[kind]
    for x, y in found.cores:
        assert index(made.orientation, x, y) == pytest.approx(0.5, abs=0.02)
    for x, y in found.deltas:
        if 10 < x < p.WIDTH_PX - 10 and 10 < y < p.HEIGHT_PX - 10:
            assert index(made.orientation, x, y) == pytest.approx(-0.5, abs=0.02)
    # and none besides: the border's index is the sum
    cores_and_deltas = len(found.cores) - len([d for d in found.deltas if 12 < d[0] < p.WIDTH_PX - 12])
    whole = index_of_the_border(made.orientation)
    assert whole == pytest.approx(cores_and_deltas / 2, abs=0.02)


def index_of_the_border(orientation: np.ndarray, inset: int = 12) -> float:
    inner = orientation[inset:-inset, inset:-inset]
    border = np.concatenate([inner[-1, :-1], inner[:0:-1, -1], inner[0, :0:-1], inner[:-1, 0]])
    steps = np.diff(np.append(border, border[0]))
    return float(((steps + np.pi / 2) % np.pi - np.pi / 2).sum() / (2 * np.pi))


@pytest.mark.parametrize(("kind", "side"), [("left loop", 1), ("right loop", -1)])
def test_a_loop_leaves_on_its_side_and_has_its_delta_on_the_other(kind, side):
    for seed in range(20, 40):
        _, found = flow(kind, np.random.default_rng(seed), (256, 192))
        assert side * (found.deltas[0][0] - found.cores[0][0]) > 40
        assert found.deltas[0][1] - found.cores[0][1] > 60


def test_the_classes_come_in_their_natural_shares():
    kinds, shares = list(p.CLASS_SHARES), list(p.CLASS_SHARES.values())
    assert sum(shares) == pytest.approx(1)
    drawn = [kinds[np.random.default_rng([seed, 0]).choice(len(kinds), p=shares)] for seed in range(2000)]
    for kind, share in p.CLASS_SHARES.items():
        assert drawn.count(kind) / len(drawn) == pytest.approx(share, abs=0.04)


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="there are arch, tented arch, left loop"):
        master(1, kind="spiral")


@pytest.mark.parametrize("kind", CORES_AND_DELTAS)
def test_the_ridges_have_the_periods_of_fingers(kind):
    ridges = finger(kind).ridges[60:-60, 60:-60]
    spectrum = (
        np.abs(np.fft.rfft2(ridges * np.hanning(ridges.shape[0])[:, None] * np.hanning(ridges.shape[1]))) ** 2
    )
    fy, fx = np.fft.fftfreq(ridges.shape[0])[:, None], np.fft.rfftfreq(ridges.shape[1])
    frequency = np.hypot(fx, fy)
    band = (frequency > 1 / 25) & (frequency < 1 / 5)
    period = 1 / np.average(frequency[band], weights=spectrum[band])
    assert 7.3 < period < 10.7


def test_a_finger_has_as_many_minutiae_as_fingers_have():
    counts = []
    for seed in range(8):
        m = master(seed).minutiae
        touching = (
            np.hypot((m.x - p.WIDTH_PX / 2) / p.CONTACT_PX[0], (m.y - p.HEIGHT_PX / 2) / p.CONTACT_PX[1]) < 1
        )
        counts.append(int(touching.sum()))
        assert (m.type == MinutiaType.ENDING).mean() == pytest.approx(0.5, abs=0.25)
    assert 35 <= np.median(counts) <= 70
    assert min(counts) >= 18


@pytest.mark.parametrize("kind", CORES_AND_DELTAS)
def test_a_minutia_lies_where_a_ridge_ends_or_forks(kind):
    """Counted along a line across the ridges, there is one more before the minutia than behind it."""
    made = finger(kind)
    m = made.minutiae
    inside = (m.x > 50) & (m.x < p.WIDTH_PX - 50) & (m.y > 50) & (m.y < p.HEIGHT_PX - 50)
    alone = np.hypot(m.x[:, None] - m.x, m.y[:, None] - m.y) + 1e3 * np.eye(len(m))
    singular = np.array([*made.singularities.cores, *made.singularities.deltas]).reshape(-1, 2)
    far = (
        np.hypot(m.x[:, None] - singular[:, 0], m.y[:, None] - singular[:, 1]).min(axis=1, initial=np.inf)
        > 40
    )
    chosen = np.flatnonzero(inside & far & (alone.min(axis=1) > 30))
    assert len(chosen) >= 2
    more = [turns(made, k, 1) - turns(made, k, -1) for k in chosen]
    assert np.mean(np.abs(np.array(more) - 1) < 0.35) >= 0.8


def turns(made, k: int, side: int) -> float:
    """Periods of the ridges along a short arc across them, ahead (1) of minutia `k` or behind (-1) it."""
    m = made.minutiae
    along, across = (
        np.array([np.cos(m.angle[k]), -np.sin(m.angle[k])]),
        np.array([np.sin(m.angle[k]), np.cos(m.angle[k])]),
    )
    wide = np.linspace(-18, 18, 145)
    # from a common place on either side, bowed forwards or back round the minutia
    bow = side * 11 * np.cos(np.pi * wide / 36)
    x = m.x[k] + wide * across[0] + bow * along[0]
    y = m.y[k] + wide * across[1] + bow * along[1]
    profile = sample(made.ridges, x, y)
    wave = profile - profile.mean()
    spectrum = np.fft.fft(np.pad(wave, 256))
    spectrum[len(spectrum) // 2 :] = 0
    analytic = np.fft.ifft(spectrum)[256:-256]
    return float(np.unwrap(np.angle(analytic))[[0, -1]] @ [-1, 1] / (2 * np.pi))


def test_the_phase_of_a_known_ending_is_found_to_a_tenth_of_a_pixel():
    """Level ridges and one that begins at a point: the ideal spiral."""
    h, w, period, at = 64, 80, 4.5, (37.3, 30.6)
    y, x = np.mgrid[0:h, 0:w].astype(float)
    for sign, angle in ((1, 0.0), (-1, np.pi)):
        phase = 2 * np.pi * y / period + sign * np.arctan2(y - at[1], x - at[0])
        near = np.tanh(np.hypot(x - at[0], y - at[1]) / 2)
        grown = Growth(
            (near * np.cos(phase)).astype(np.float32),
            (near * np.sin(phase)).astype(np.float32),
            np.zeros((h, w)),
            np.full((h, w), period),
        )
        (found,) = spirals(grown, np.empty((0, 2)))
        assert found[:2] == pytest.approx(at, abs=0.1)
        assert np.cos(found[2] - angle) == pytest.approx(1)
