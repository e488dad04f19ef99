"""The benchmark over fingers, on a table of evidence that is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fingers.people import chimeric
from benchmarks.fingers.trials import CASES, Case, Table, search, trials
from models.matching.calibrate_scores import Prints, choose_pairs

FINGERS, IMPRESSIONS = 20, 3


def prints():
    finger = np.repeat(np.arange(FINGERS), IMPRESSIONS)
    names = [f"d{k // 10}:{k}" for k in range(FINGERS)]
    return Prints("made up", [], finger, finger // 10, names, ["d0", "d1"])


def table(genuine, stranger):
    made = Table.__new__(Table)
    finger = prints().finger
    made.llr = np.where(finger[:, None] == finger, genuine, stranger)
    made.prints_of = {k: np.flatnonzero(finger == k) for k in range(FINGERS)}
    return made


def test_people_are_made_of_one_database_and_no_finger_is_used_twice():
    for fingers in (1, 2, 4, 10):
        people = chimeric(prints(), fingers, 3)
        for person in people:
            assert len(set(person.fingers)) == fingers
            assert len({k // 10 for k in person.fingers}) == 1
        assert len({tuple(sorted(p.fingers)) for p in people}) == len(people)
    assert len(chimeric(prints(), 10, 3)) == 2
    assert len(chimeric(prints(), 1, 3)) == FINGERS


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_person_is_found_however_the_fingers_come_and_a_stranger_is_not(case):
    people = chimeric(prints(), case.fingers, 2)
    clear = table(20.0, -3.0)
    found = trials(clear, case, people, np.random.default_rng(1), each=5, strangers=False)
    assert (found < -3).all()
    others = trials(clear, case, people, np.random.default_rng(1), each=5, strangers=True)
    assert (others > -1).all()


def test_wrong_labels_and_unknown_positions_cost_evidence():
    (person, *_) = chimeric(prints(), 4, 1)
    even = table(6.0, -3.0)
    rng = np.random.default_rng(2)
    plain, swapped, unknown = (
        search(even, case, person, person, rng)
        for case in (Case("", 4, 4), Case("", 4, 4, swapped=True), Case("", 4, 4, unknown=True))
    )
    assert plain < swapped
    assert plain < unknown


def test_pairs_are_chosen_once_and_all_of_one_finger_are_among_them():
    chosen = choose_pairs(prints(), 100)
    finger = prints().finger
    same = finger[chosen[:, 0]] == finger[chosen[:, 1]]
    assert same.sum() == FINGERS * 3
    assert (~same).sum() == 100
    assert len({tuple(p) for p in chosen.tolist()}) == len(chosen)
    within = choose_pairs(prints(), None, across=False)
    assert (prints().database[within[:, 0]] == prints().database[within[:, 1]]).all()
