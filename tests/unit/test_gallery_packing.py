"""How records of the database become columns of a gallery: many at once, and never otherwise than one by one."""

import itertools

import numpy as np

from hardware.bench.made_up import made_up_minutiae
from interchange import Minutiae
from matcher_service.galleries.decoding import read_plain
from matcher_service.galleries.packing import Packing
from matcher_service.repositories import NewPrint, read_single
from matcher_service.search.packed import pack_print


def test_the_digest_tells_ways_of_packing_apart():
    digest = Packing(pack=pack_print).digest()
    assert digest == Packing(pack=pack_print, threads=1).digest()
    assert Packing(pack=lambda m: pack_print(m.take(np.arange(len(m))[::-1]))).digest() != digest


def same(one, other):
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype
        if isinstance(a, np.ndarray)
        else a == b and type(a) is type(b)
        for a, b in ((getattr(one, name), getattr(other, name)) for name in Minutiae.__slots__)
    )


def test_many_records_are_read_as_one_by_one():
    made = [made_up_minutiae(n, count=n % 60, finger_quality=n % 101) for n in range(200)]
    made += [
        Minutiae.make([1], [2], [6.28], width=300, height=350, dpi=dpi)
        for dpi in (101, 300, 500, 569, 1000, 1200)
    ]
    records = [NewPrint.of(n % 11, minutiae).record for n, minutiae in enumerate(made)]
    for read, record in zip(read_plain(records), records, strict=True):
        assert read is not None
        position, minutiae = read_single(record)
        assert read[0] == position
        assert same(read[1], minutiae)
        assert not read[1].x.flags.writeable


def test_what_is_read_together_is_never_what_would_be_refused_alone():
    good = NewPrint.of(2, made_up_minutiae(1, count=5)).record
    flipped = [
        good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :]
        for at, bit in itertools.product(range(len(good)), range(8))
    ]
    broken = [b"", good[:10], good[:-1], good + b"\0", good * 2, *flipped]
    for read, record in zip(read_plain(broken), broken, strict=True):
        if read is not None:
            position, minutiae = read_single(record)  # or it raises
            assert read[0] == position
            assert same(read[1], minutiae)
