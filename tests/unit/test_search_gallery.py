"""The gallery: what is put in is found, by finger, until it is taken out."""

from __future__ import annotations

import threading
from uuid import NAMESPACE_OID, uuid5

import pytest

from interchange import Minutiae
from matcher_service.search import Colour, Gallery, colour, compare, fuse
from models.synthetic.crowd import stranger

PEOPLE = 120


def key(name: object) -> str:
    """A made-up identity."""
    return uuid5(NAMESPACE_OID, str(name)).hex


@pytest.fixture(scope="module")
def gallery():
    made = Gallery(threads=2)
    made.add_many(
        [(key(k), position, stranger(10 * k + position)) for k in range(PEOPLE) for position in (2, 7)]
    )
    return made


def test_a_search_is_the_exact_comparison(gallery):
    probe = stranger(10 * 5 + 2)
    found = gallery.search([(2, probe)], limit=3)
    assert found[0].key == key(5)
    assert found[0].prints[0].score == pytest.approx(
        compare(probe, stranger(52)), rel=0.02
    )  # packed: a 16th px
    assert found[0].score == fuse([found[0].prints[0].score])
    assert len(gallery) == 2 * PEOPLE


def test_two_fingers_are_fused(gallery):
    probes = [(2, stranger(10 * 9 + 2)), (7, stranger(10 * 9 + 7))]
    both = gallery.search(probes)[0]
    one = gallery.search(probes[:1])[0]
    assert both.key == one.key == key(9)
    assert both.score > one.score
    assert sorted(s.position for s in both.prints) == [2, 7]


def test_only_the_same_finger_is_compared(gallery):
    other_finger = gallery.search([(3, stranger(52))])
    assert other_finger == []
    swapped = gallery.search([(7, stranger(52))], limit=1)
    assert not swapped or colour(swapped[0].score) is Colour.GREEN


def test_an_unknown_finger_is_compared_with_all(gallery):
    assert gallery.search([(0, stranger(10 * 5 + 7))])[0].key == key(5)
    mixed = Gallery()
    mixed.add(key("somebody"), 0, stranger(1))
    assert mixed.search([(4, stranger(1))])[0].key == key("somebody")


def test_an_insert_is_found_at_once_and_a_removal_never_again(gallery):
    new = stranger(99_999)
    gallery.add(key("new"), 2, new)
    assert gallery.search([(2, new)])[0].key == key("new")
    assert gallery.remove(key("new")) == 1
    assert all(c.key != key("new") for c in gallery.search([(2, new)]))
    assert gallery.remove(key("new")) == 0


def test_the_best_of_several_encounters_counts():
    repeated = Gallery()
    repeated.add(key("a"), 2, stranger(1).take(range(12)))
    repeated.add(key("a"), 2, stranger(1))
    found = repeated.search([(2, stranger(1))])
    assert len(found) == 1
    assert found[0].prints[0].score == pytest.approx(compare(stranger(1), stranger(1)), rel=0.02)


def test_threads_do_not_change_the_answer(gallery):
    alone = Gallery(threads=1)
    alone.add_many([(key(k), 2, stranger(10 * k + 2)) for k in range(PEOPLE)])
    probe = [(2, stranger(4242))]
    answers = [[(c.key, c.score) for c in g.search(probe, limit=5)] for g in (alone, gallery)]
    assert answers[0] == answers[1]


def test_an_empty_gallery_and_an_empty_print():
    assert Gallery().search([(2, stranger(1))]) == []
    empty = Minutiae.empty(width=256, height=288)
    some = Gallery()
    some.add(key("nothing"), 2, empty)
    some.add(key("somebody"), 2, stranger(1))
    assert some.search([(2, empty)]) == []
    assert some.search([(2, stranger(1))])[0].key == key("somebody")


def test_searches_and_inserts_at_the_same_time():
    busy = Gallery(threads=2)
    busy.add_many([(key(k), 2, stranger(k)) for k in range(60)])
    faults: list[BaseException] = []

    def insert():
        try:
            for k in range(100, 140):
                busy.add(key(k), 2, stranger(k))
                busy.remove(key(k - 100))
        except BaseException as fault:  # noqa: BLE001 - handed to the main thread
            faults.append(fault)

    def search():
        try:
            for _ in range(20):
                assert busy.search([(2, stranger(50))])[0].key == key(50)
        except BaseException as fault:  # noqa: BLE001 - handed to the main thread
            faults.append(fault)

    threads = [threading.Thread(target=t) for t in (insert, search, search)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert faults == []
