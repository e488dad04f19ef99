"""A synthetic touch: image and truth agree, and it has the size, resolution and levels asked for."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from edge_service.extraction import Extractor
from interchange import MinutiaType
from models.synthetic import LOOKS, master, touch
from models.synthetic import parameters as p
from models.synthetic.noise import sample


@cache
def finger(seed: int):
    return master(seed)


def agreement(found, true) -> tuple[float, float]:
    """Precision and recall of minutiae within 8 px and 20 degrees."""
    near = np.hypot(found.x[:, None] - true.x, found.y[:, None] - true.y) < 8
    turn = np.abs((found.angle[:, None] - true.angle + np.pi) % (2 * np.pi) - np.pi)
    hit = near & (turn < np.deg2rad(20))
    return float(hit.any(axis=1).mean()), float(hit.any(axis=0).mean())


@pytest.mark.parametrize("look", LOOKS)
def test_the_extractor_finds_the_truth(look):
    extractor = Extractor.load()
    figures = []
    for seed in (21, 22, 23):
        made = touch(finger(seed), 1, look=look, difficulty=0.2)
        assert len(made.minutiae) > 10
        figures.append(agreement(extractor.extract(made.image), made.minutiae))
    precision, recall = np.mean(figures, axis=0)
    assert precision > 0.75
    assert recall > 0.75


def test_the_extractors_minutiae_lie_on_the_truth_to_a_pixel_or_two():
    extractor = Extractor.load()
    ahead, aside, apart = [], [], []
    for seed in (21, 22, 23):
        true = touch(finger(seed), 2, difficulty=0.1).minutiae
        found = extractor.extract(touch(finger(seed), 2, difficulty=0.1).image)
        for x, y, angle in zip(true.x, true.y, true.angle, strict=True):
            dx, dy = found.x - x, found.y - y
            k = np.argmin(np.hypot(dx, dy))
            if np.hypot(dx[k], dy[k]) < 6:
                apart.append(np.hypot(dx[k], dy[k]))
                ahead.append(dx[k] * np.cos(angle) - dy[k] * np.sin(angle))
                aside.append(dx[k] * np.sin(angle) + dy[k] * np.cos(angle))
    assert len(apart) > 60
    assert np.median(apart) < 2
    assert abs(np.mean(ahead)) < 0.7
    assert abs(np.mean(aside)) < 0.4


def test_the_truth_lies_where_the_maps_lead_to_the_masters_minutiae():
    """Position and direction, through turn and distortion, to a tenth of a pixel and a degree."""
    for number in range(4):
        made = touch(finger(24), number, difficulty=0.9, dpi=569, window=(430, 360))
        m, place, own = made.minutiae, made.placement, made.finger.minutiae
        x, y = sample(place.map_x, m.x, m.y), sample(place.map_y, m.x, m.y)
        apart = np.hypot(x[:, None] - own.x, y[:, None] - own.y)
        k = apart.argmin(axis=1)
        assert len(m) > 5
        assert apart.min(axis=1).max() < 0.1
        ahead_x, ahead_y = m.x + 2 * np.cos(m.angle), m.y - 2 * np.sin(m.angle)
        bearing = np.arctan2(
            -(sample(place.map_y, ahead_x, ahead_y) - y), sample(place.map_x, ahead_x, ahead_y) - x
        )
        turn = np.abs((bearing - own.angle[k] + np.pi) % (2 * np.pi) - np.pi)
        inner = (m.x > 3) & (m.y > 3) & (m.x < m.width - 4) & (m.y < m.height - 4)
        assert turn[inner].max() < np.deg2rad(1.5)


def test_orientation_and_image_agree():
    made = touch(finger(25), 1, difficulty=0.0, look="optical")
    grey = made.image.astype(float)
    gy, gx = np.gradient(grey)
    blur = np.ones(17) / 17
    xx, yy, xy = (
        np.apply_along_axis(
            np.convolve, 1, np.apply_along_axis(np.convolve, 0, a, blur, "same"), blur, "same"
        )
        for a in (gx * gx, gy * gy, gx * gy)
    )
    along = (0.5 * np.arctan2(-2 * xy, xx - yy) + np.pi / 2) % np.pi
    inner = np.zeros_like(made.mask)
    inner[60:-60:8, 60:-60:8] = made.mask[60:-60:8, 60:-60:8]
    turn = np.abs((along - made.orientation() + np.pi / 2) % np.pi - np.pi / 2)[inner]
    assert np.median(turn) < np.deg2rad(5)
    assert np.mean(turn < np.deg2rad(15)) > 0.85


def test_the_mask_is_where_ridges_are():
    made = touch(finger(26), 1, difficulty=0.1, look="optical")
    blocks = made.image[:384, :320].reshape(24, 16, 20, 16).std(axis=(1, 3))
    covered = made.mask[:384, :320].reshape(24, 16, 20, 16).mean(axis=(1, 3))
    assert np.median(blocks[covered == 1]) > 40
    assert blocks[covered == 0].max(initial=0) < 40
    rows, columns = np.rint(made.minutiae.y).astype(int), np.rint(made.minutiae.x).astype(int)
    assert made.mask[rows, columns].all()


@pytest.mark.parametrize("window", [(192, 192), (288, 256), (96, 301), (500, 420)])
@pytest.mark.parametrize("levels", [2, 16, 256])
def test_a_touch_has_the_window_and_levels_asked_for(window, levels):
    made = touch(finger(21), 3, window=window, levels=levels)
    assert made.image.shape == made.mask.shape == made.orientation().shape == window
    assert made.image.dtype == np.uint8
    assert (made.minutiae.height, made.minutiae.width) == window
    assert ((made.minutiae.x >= 0) & (made.minutiae.x <= window[1] - 1)).all()
    assert ((made.minutiae.y >= 0) & (made.minutiae.y <= window[0] - 1)).all()
    assert set(np.unique(made.image)) <= set(np.rint(np.arange(levels) * 255 / (levels - 1)).astype(int))


def test_ridges_are_as_far_apart_as_the_resolution_says():
    coarse, fine = (
        touch(finger(22), 1, dpi=dpi, window=(300, 300), look="optical", difficulty=0).image
        for dpi in (400, 800)
    )

    def crossings(image):
        middle = image[100:200, 100:200].astype(float)
        return (np.diff(np.sign(middle - middle.mean()), axis=0) != 0).sum() + (
            np.diff(np.sign(middle - middle.mean()), axis=1) != 0
        ).sum()

    assert crossings(coarse) / crossings(fine) == pytest.approx(2, rel=0.3)
    assert touch(finger(22), 1, dpi=800).minutiae.dpi == 800


def test_a_number_is_a_touch_and_its_options_change_only_what_they_say():
    first, again, other = (touch(finger(23), n) for n in (5, 5, 6))
    assert np.array_equal(first.image, again.image)
    for name in ("x", "y", "angle", "type", "quality"):
        assert np.array_equal(getattr(first.minutiae, name), getattr(again.minutiae, name))
    assert not np.array_equal(first.image, other.image)
    without = touch(finger(23), 5, with_truth=False)
    assert np.array_equal(without.image, first.image)
    assert len(without.minutiae) == 0
    looks = [touch(finger(23), 5, look=look).placement.map_x for look in LOOKS]
    assert all(
        np.array_equal(looks[0], one) for one in looks
    )  # the finger lies as it did, whatever looks at it


def test_without_wishes_looks_and_difficulties_vary():
    touches = [touch(finger(21), n, with_truth=False, window=(96, 96)) for n in range(60)]
    assert {made.look for made in touches} == set(LOOKS)
    difficulties = np.array([made.difficulty for made in touches])
    assert 0.25 < difficulties.mean() < 0.5
    assert difficulties.std() > 0.1


def test_hard_touches_show_less():
    easy, hard = ([touch(finger(s), 1, difficulty=d).minutiae for s in (21, 22, 23, 24)] for d in (0.0, 1.0))
    assert np.mean([m.finger_quality for m in easy]) > np.mean([m.finger_quality for m in hard]) + 5
    assert np.mean([m.quality.mean() for m in easy]) > 0.75


def test_thick_ridges_fork_where_thin_ones_end():
    """A minutia is seen as a bifurcation where skin is wet and as an ending where it is dry."""
    dark: dict[int, list[float]] = {MinutiaType.ENDING: [], MinutiaType.BIFURCATION: []}
    for seed in (21, 22, 23):
        for number in range(4):
            made = touch(finger(seed), number, difficulty=0.8, look="optical")
            m = made.minutiae
            for x, y, kind in zip(np.rint(m.x).astype(int), np.rint(m.y).astype(int), m.type, strict=True):
                about = (slice(max(y - 12, 0), y + 13), slice(max(x - 12, 0), x + 13))
                if made.mask[about].all():
                    dark[int(kind)].append(float((made.image[about] < 128).mean()))
    assert min(len(shares) for shares in dark.values()) > 50
    assert np.mean(dark[MinutiaType.BIFURCATION]) > np.mean(dark[MinutiaType.ENDING]) + 0.05


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"look": "thermal"}, "no look is called 'thermal'; there are optical, prism, capacitive, module"),
        ({"window": (10, 300)}, f"300x10 pixels; give sides of {p.LEAST_WINDOW_PX}"),
        ({"dpi": 72}, "72 dpi; give 200 to 1200"),
        ({"levels": 1}, "1 grey levels; give 2 to 256"),
    ],
)
def test_what_there_is_not_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        touch(finger(21), 1, **options)
