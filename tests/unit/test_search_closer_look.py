"""The last look at candidates: swapped fingers, facts of the prints, several prints of one finger."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

import pytest

from matcher_service.search import Gallery
from matcher_service.search.fusion import FingerScore, fuse
from matcher_service.search.print_facts import facts_of
from matcher_service.search.template import prepare
from models.synthetic.crowd import impression, stranger


def key(name: object) -> str:
    return uuid5(NAMESPACE_OID, str(name)).hex


@pytest.fixture(scope="module")
def gallery():
    made = Gallery(threads=2)
    made.add_many([(key(k), at, stranger(10 * k + at)) for k in range(30) for at in (2, 3, 7, 8)])
    return made


def test_the_evidence_is_that_of_the_prints_facts(gallery):
    probe = impression(52, 1)
    found = gallery.search([(2, probe)], limit=1)[0]
    alone = fuse(
        [FingerScore(found.prints[0].score, facts_of(prepare(probe)), facts_of(prepare(stranger(52))), 2, 2)]
    )
    assert found.key == key(5)
    assert found.score == pytest.approx(-alone.log10_fmr, abs=0.05)
    assert found.relabelled == ()


def test_two_of_three_fingers_swapped_are_told_and_still_found(gallery):
    right = [(at, impression(50 + at, 1)) for at in (2, 3, 7)]
    swapped = [(3, right[0][1]), (2, right[1][1]), right[2]]
    as_they_are, by_looking = gallery.search(right, limit=1)[0], gallery.search(swapped, limit=1)[0]
    assert by_looking.key == as_they_are.key == key(5)
    assert sorted(by_looking.relabelled) == [(2, 3), (3, 2)]
    assert as_they_are.relabelled == ()
    assert as_they_are.llr > by_looking.llr > 20.0


def test_a_finger_that_does_not_match_counts_against(gallery):
    good = (2, impression(52, 1))
    with_a_stranger = [good, (7, stranger(7777))]
    assert gallery.search([good], limit=1)[0].llr > gallery.search(with_a_stranger, limit=1)[0].llr


def test_chance_has_as_many_tries_as_there_are_prints_of_the_finger():
    once, often = Gallery(threads=1), Gallery(threads=1)
    poor = impression(5, 1).take(range(0, len(impression(5, 1)), 3))  # so that its rate is within the table
    for gallery in (once, often):
        gallery.add(key("a"), 2, stranger(5))
    for k in range(9):
        often.add(key("a"), 2, stranger(100 + k))
    one, ten = once.search([(2, poor)], limit=1)[0], often.search([(2, poor)], limit=1)[0]
    assert one.prints == ten.prints
    assert one.score - ten.score == pytest.approx(1.0, abs=0.01)
