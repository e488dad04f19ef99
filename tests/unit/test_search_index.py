"""The index: sketches that mates share, votes and agreement, and the search that rests on them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from interchange import Minutiae
from matcher_service.search import Gallery, prepare
from matcher_service.search import parameters as p
from matcher_service.search.index import Evidence as Found
from matcher_service.search.index import prints_of, rank_identities
from matcher_service.search.owners import owner_table
from matcher_service.search.packed import SKETCH_WORDS, Packed, pack_print, template_of
from matcher_service.search.shelf import Shelf, join
from matcher_service.search.sketch import sketched
from matcher_service.search.votes import LEVELS, count_votes, differing_bits, probe_sketch, worth_table
from matcher_service.search.workers import Workers
from models.synthetic.crowd import stranger

ANY = np.ones(256, np.uint8)


def key(number: int) -> str:
    """A made-up identity."""
    return f"{number:032x}"


def again(print_: Minutiae, seed: int, *, turn: float = 0.0, lost: float = 0.2) -> Minutiae:
    """Another impression: turned, shifted, a few pixels and degrees out, some minutiae lost and some false."""
    rng = np.random.default_rng(seed)
    kept = rng.random(len(print_)) >= lost
    x, y = print_.x[kept] + rng.normal(0, 2, kept.sum()), print_.y[kept] + rng.normal(0, 2, kept.sum())
    angle = print_.angle[kept] + rng.normal(0, 0.1, kept.sum())
    x, y = np.append(x, rng.uniform(0, 250, 4)), np.append(y, rng.uniform(0, 280, 4))
    angle = np.append(angle, rng.uniform(0, 2 * np.pi, 4))
    cos, sin = np.cos(turn), np.sin(turn)
    dx, dy = x - 128, y - 144  # y downwards: counter-clockwise as the print is seen
    return Minutiae.make(
        400 + cos * dx + sin * dy, 400 - sin * dx + cos * dy, angle + turn, width=800, height=800
    )


@cache
def crowd(prints: int) -> Shelf:
    return join([(key(k), 1 + k % 2, 50, pack_print(stranger(k))) for k in range(prints)])


@pytest.fixture(autouse=True)
def indexed(monkeypatch):
    """Galleries of these tests are small; the index is used all the same, and lets little through."""
    monkeypatch.setattr(p, "SEARCHED_WHOLE", 10)
    monkeypatch.setattr(p, "SECOND_LOOK_LEAST", 40)
    monkeypatch.setattr(p, "COMPARED_LEAST", 20)


@pytest.fixture
def gallery():
    made = Gallery(threads=2)
    made.add_shelf(crowd(600))
    return made


def test_a_packed_print_is_the_print():
    print_ = again(stranger(5), 1)
    packed, exact = template_of(pack_print(print_)), prepare(print_)
    np.testing.assert_allclose(packed.x - packed.x[0], exact.x - exact.x[0], atol=0.07)
    np.testing.assert_allclose(packed.y - packed.y[0], exact.y - exact.y[0], atol=0.07)
    np.testing.assert_allclose(packed.angle, exact.angle, atol=1e-4)
    np.testing.assert_array_equal(packed.type, exact.type)


def test_a_print_left_of_its_image_keeps_its_shape():
    print_ = stranger(3)
    moved = Minutiae.make(print_.x - 300, print_.y - 500, print_.angle, width=1, height=1)
    differing = np.bitwise_count(pack_print(moved).sketch ^ pack_print(print_).sketch)
    assert differing.sum(axis=1).mean() < 1.0


def test_a_print_takes_at_most_a_kilobyte():
    shelf = crowd(600)
    forty = 40 * sum(column.itemsize * (column.size // len(shelf.x)) for column in shelf[5:])
    once = sum(column.itemsize * (column.size // len(shelf.position)) for column in shelf[:5])
    assert forty + once <= 1024


@pytest.mark.parametrize("turn", [0.0, 1.0, np.pi, 5.0])
def test_mates_share_sketches_and_strangers_do_not(turn):
    def nearest(a, b):
        one, other = pack_print(a).sketch, pack_print(b).sketch
        return np.median(
            [min(differing_bits(one, i, other, j) for j in range(len(other))) for i in range(len(one))]
        )

    print_ = stranger(8)
    assert nearest(again(print_, 1, turn=turn), print_) < p.VOTING_BITS - 4
    assert nearest(again(print_, 1, turn=turn), stranger(9)) > p.VOTING_BITS + 2


def test_the_weights_fit_the_cylinders():
    """Cells numbered in another order would leave the index working, and much worse."""
    k = np.arange(30)
    x, y, angle = 250 * (k * 0.618034 % 1), 280 * (k * 0.236068 % 1), 6.28 * (k * 0.381966 % 1)
    print_ = Minutiae.make(x, y, angle, width=256, height=288)
    words = [
        "c76e50daf90fe515",
        "0d9cccfc2805f887",
        "bb80faceb76687e2",
        "5399d672ce7318cd",
        "e0bc6e7766db4b06",
        "7641cc515c74b2a9",
    ]
    known = np.array([int(word, 16) for word in words], np.uint64).reshape(3, 2)
    assert np.bitwise_count(pack_print(print_).sketch[[0, 10, 20]] ^ known).sum() < 20  # of 384


def test_sketches_of_a_shelf_are_those_of_its_prints():
    shelf = crowd(600)
    made = sketched(shelf._replace(sketch=np.zeros_like(shelf.sketch)), threads=2)
    differing = np.bitwise_count(made.sketch ^ shelf.sketch).sum(axis=1)
    assert differing.mean() < 0.5  # a sixteenth of a pixel moves a bit now and then
    assert made.sketch.shape == (len(shelf.x), SKETCH_WORDS)


def test_votes_count_what_they_say():
    shelf, probe = crowd(600), pack_print(again(stranger(41), 7, turn=0.5))
    worth = worth_table(p.VOTING_BITS)
    out, levels = np.full(600, 7, np.uint16), np.zeros(LEVELS, np.int64)
    count_votes(probe_sketch(probe), shelf, ANY, worth, 0, 600, out, levels)
    for k in (0, 41, 599):
        assert out[k] == _votes(probe, shelf, k, worth)
    assert out.argmax() == 41
    np.testing.assert_array_equal(levels, np.bincount(out, minlength=LEVELS))


def _votes(probe: Packed, shelf: Shelf, k: int, worth) -> int:
    """The same in plain numpy."""
    low, high = shelf.start[k], shelf.start[k + 1]
    apart = np.bitwise_count(probe.sketch[:, None] ^ shelf.sketch[None, low:high])
    bits = apart.sum(axis=2)
    value = worth[np.minimum(bits, p.VOTING_BITS)] * (bits <= p.VOTING_BITS)
    turn = (shelf.angle[None, low:high] - probe.angle[:, None]) >> 11
    turns = np.bincount(turn.ravel(), value.ravel(), minlength=32)
    return int((turns + np.roll(turns, -1)).max())


def test_only_living_prints_of_wanted_positions_are_looked_at():
    shelf = crowd(600)
    alive = shelf.alive.copy()
    alive[40] = 0
    wanted = np.zeros(256, np.uint8)
    wanted[1] = 1  # even numbers
    out, levels = np.empty(600, np.uint16), np.zeros(LEVELS, np.int64)
    worth = worth_table(p.VOTING_BITS)
    for k, seen in ((40, False), (41, False), (42, True)):
        probe = probe_sketch(pack_print(stranger(k)))
        count_votes(probe, shelf._replace(alive=alive), wanted, worth, 0, 600, out, levels)
        assert (out[k] > 0) == seen


@pytest.mark.parametrize("n", [0, 1, 3, 7, 8, 9, 63, 64, 65, 160])
def test_any_number_of_minutiae_is_looked_at(n):
    rng = np.random.default_rng(n)
    many = Minutiae.make(
        *rng.uniform(0, 15 * n**0.5 + 90, (2, n)), rng.uniform(0, 6.28, n), width=400, height=400
    )
    made = Gallery(threads=1)
    made.add_shelf(crowd(600))
    made.add(key(7777), 1, many)
    quick, whole = (made.search([(1, many)], limit=1, exhaustive=e) for e in (False, True))
    assert [c.key for c in quick] == [c.key for c in whole] == ([key(7777)] if n > 6 else [])


@pytest.mark.parametrize("turn", [0.0, 2.0, np.pi])
def test_the_index_finds_what_the_exhaustive_search_finds(gallery, turn):
    probe = [(0, again(stranger(123), 3, turn=turn))]
    quick, whole = (
        gallery.search_detailed(probe, limit=1),
        gallery.search_detailed(probe, limit=1, exhaustive=True),
    )
    assert quick.candidates[0].key == whole.candidates[0].key == key(123)
    assert quick.candidates[0].prints == whole.candidates[0].prints
    assert whole.statistics.compared == 600
    assert 0 < quick.statistics.compared <= 40
    assert quick.statistics.looked_at == 600


def test_it_stops_early_on_an_overwhelming_hit(gallery, monkeypatch):
    monkeypatch.setattr(p, "COMPARED_LEAST", 500)
    monkeypatch.setattr(p, "SECOND_LOOK_LEAST", 500)
    monkeypatch.setattr(p, "CHUNK_FIRST", 8)
    hit = gallery.search_detailed([(0, stranger(77))]).statistics
    nobody = gallery.search_detailed([(0, stranger(100_077))]).statistics
    assert hit.enough
    assert not nobody.enough
    assert hit.compared < nobody.compared


def test_a_finger_under_a_wrong_label_is_found_where_any_is_asked_for(gallery):
    probe = [(7, stranger(50))]  # enrolled as finger 1
    assert all(c.key != key(50) for c in gallery.search(probe))
    assert gallery.search(probe, positions="any", limit=1)[0].key == key(50)


def test_all_fingers_of_whom_one_finger_brings_up_are_compared():
    made = Gallery(threads=2)
    made.add_shelf(crowd(600))
    made.add_many([(key(900), 1, stranger(9001)), (key(900), 2, stranger(9002))])
    hopeless = stranger(9002).take(range(5))
    best = made.search([(1, stranger(9001)), (2, hopeless)], limit=1)[0]
    assert best.key == key(900)
    assert sorted(one.position for one in best.prints) in ([1], [1, 2])
    statistics = made.search_detailed([(1, stranger(9001)), (2, hopeless)]).statistics
    assert statistics.prints == 602


def test_evidence_of_fingers_adds_up_and_only_the_best_print_of_a_finger_counts():
    a, b, c = ([0, 1], [0, 2], [7, 1])
    one = Found(np.array([a, a, b], np.uint64), np.array([5, 4, 8], np.float32), 100)
    two = Found(np.array([a, c], np.uint64), np.array([4, 8.5], np.float32), 100)
    np.testing.assert_array_equal(rank_identities([one, two]), np.array([a, c, b], np.uint64))


def test_prints_of_identities_are_found_by_all_their_128_bits():
    high = join(
        [
            (key((k % 3) << 64 | k // 3), 1, 50, pack_print(Minutiae.empty(width=9, height=9)))
            for k in range(300)
        ]
    )
    wanted = high.owner[[7, 250, 7]][:2]
    rows, number = prints_of(wanted, high, Workers(2))
    assert list(zip(rows, number, strict=True)) == [(7, 0), (250, 1)]
    assert len(owner_table(high.owner)) > 300


def test_progress_goes_up_to_the_end(gallery):
    told: list[float] = []
    gallery.search([(0, stranger(5))], progress=told.append)
    gallery.search([(0, stranger(5))], progress=told.append, exhaustive=True)
    assert told.count(1.0) >= 2
    assert all(0.0 <= share <= 1.0 for share in told)
