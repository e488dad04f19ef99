"""Impressions of one finger correct each other's minutiae: with truth known, on synthetic touches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.synthetic import master, touch
from models.training.agreement import agreed, carry
from models.training.example import MASK_SHRINK, Example

TOUCHES = 7


def example(seed: int, number: int, folder: str = "set") -> Example:
    made = touch(master(seed), number, difficulty=0.1)
    m = made.minutiae
    mask = made.mask[::MASK_SHRINK, ::MASK_SHRINK].astype(np.uint8) * 255
    minutiae = np.column_stack([m.x, m.y, m.angle, m.type == 1, np.full(len(m), 0.8)]).astype(np.float32)
    return Example(f"{folder}/{seed}_{number}", made.image, minutiae, mask, 240)


@pytest.fixture(scope="module")
def touches() -> list[Example]:
    return [example(41, k) for k in range(1, TOUCHES + 1)] + [example(42, k) for k in range(1, 4)]


def middle(e: Example) -> int:
    """Row of the minutia nearest to the print's middle: the other touches show its surroundings too."""
    rows, columns = np.nonzero(e.mask)
    centre = np.array([columns.mean(), rows.mean()]) * MASK_SHRINK
    return int(np.hypot(*(e.minutiae[:, :2] - centre).T).argmin())


def at(minutiae: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Certainties of the minutiae within ten pixels of a place."""
    return minutiae[np.hypot(*(minutiae[:, :2] - where[:2]).T) < 10.0, 4]


def test_a_minutia_that_the_teacher_missed_is_added_but_with_doubt(touches: list[Example]) -> None:
    whole = touches[0]
    row = middle(whole)
    holed = replace(whole, minutiae=np.delete(whole.minutiae, row, axis=0))
    (found, *_) = agreed([holed, *touches[1:]])
    back = at(found.minutiae, whole.minutiae[row])
    assert len(back) == 1
    assert 0.2 < back[0] <= 0.5


def test_a_minutia_that_no_mate_shows_is_doubted(touches: list[Example]) -> None:
    whole = touches[0]
    near = whole.minutiae[middle(whole)]
    gap = [np.hypot(*(whole.minutiae[:, :2] - (near[:2] + step)).T).min() for step in STEPS]
    spurious = np.array([*(near[:2] + STEPS[int(np.argmax(gap))]), 1.0, 1.0, 0.8], np.float32)
    dirty = replace(whole, minutiae=np.vstack([whole.minutiae, spurious]))
    (found, *_) = agreed([dirty, *touches[1:]])
    left = found.minutiae[np.hypot(*(found.minutiae[:, :2] - spurious[:2]).T) < 0.5]
    assert not len(left) or left[0, 4] < 0.5


STEPS = [np.array([r * np.cos(t), r * np.sin(t)]) for r in (14, 18, 22) for t in np.linspace(0, 6, 25)]


def test_a_faint_minutia_that_all_mates_show_becomes_more_certain(touches: list[Example]) -> None:
    row = middle(touches[0])
    faint = touches[0].minutiae.copy()
    faint[row, 4] = 0.2
    (found, *_) = agreed([replace(touches[0], minutiae=faint), *touches[1:]])
    assert at(found.minutiae, faint[row]).max() > 0.5


def test_order_and_strangers_are_left_as_they_are(touches: list[Example]) -> None:
    alone = [touches[0], touches[-1]]  # two fingers, one touch each: nobody to ask
    found = agreed(alone)
    assert [e.name for e in found] == [e.name for e in alone]
    for before, after in zip(alone, found, strict=True):
        np.testing.assert_array_equal(before.minutiae, after.minutiae)


def test_carry_follows_a_turn_a_scale_and_a_smooth_bend() -> None:
    rng = np.random.default_rng(1)
    here = rng.uniform(0, 250, (40, 2))
    turn = np.exp(0.4j) * 1.1

    def moved(points: np.ndarray) -> np.ndarray:
        z = points @ np.array([1, 1j])
        w = turn * z + (30 - 20j) + 3.0 * np.sin(z.real / 60.0)
        return np.stack([w.real, w.imag], axis=1)

    points = rng.uniform(40, 210, (30, 2))
    found, near = carry(points, here, moved(here))
    assert near.all()
    assert np.hypot(*(found - moved(points)).T).max() < 2.5
    _, far = carry(np.array([[900.0, 900.0]]), here, moved(here))
    assert not far.any()
