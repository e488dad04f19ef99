"""The index's first look: every print of a shelf, by votes for how the probe would have to be turned.

Two minutiae whose sketches are alike vote for the turn that lays one's direction on the other's, the more the
fewer bits they differ in. Mates agree on a turn; the few chance votes of strangers are spread over the circle
(the idea of the local matching with a rotation constraint in Cappelli, Ferrara and Maltoni, TPAMI 33(5), 2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.near_lanes import LANES, lowest_bit, near_lanes
from matcher_service.search.packed import SKETCH_WORDS, STEPS_PER_PX
from matcher_service.search.popcount import popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.search.packed import Packed
    from matcher_service.search.shelf import Shelf
    from matcher_service.search.template import Array

_ANGLE_BITS = 16
_TURN_BITS = 5
_TURNS = 1 << _TURN_BITS
LEVELS = 4096
"""Evidence is counted in `parameters.WORTH_STEPS` and cut off here."""


class ProbeSketch(NamedTuple):
    """What the index knows of a probe.

    Attributes:
        words: uint64 (SKETCH_WORDS * lanes,), lanes being n rounded up to LANES: first words of the sketches, filled
            up with zeros, then second words.
        known: uint64 (blocks of 64,), which of the lanes are minutiae.
        sketch: uint64 (n, SKETCH_WORDS).
        angle: uint16 (n,), as packed.
        x, y: float32 (n,), pixels at 500 dpi, y **upwards**.
    """

    words: NDArray[np.uint64]
    known: NDArray[np.uint64]
    sketch: NDArray[np.uint64]
    angle: NDArray[np.uint16]
    x: NDArray[np.float32]
    y: NDArray[np.float32]


def probe_sketch(columns: Packed) -> ProbeSketch:
    """Lay a packed print out as a probe."""
    n = len(columns.x)
    words = np.zeros((SKETCH_WORDS, -(-n // LANES) * LANES), np.uint64)
    words[:, :n] = columns.sketch.T
    known = np.zeros(-(-n // 64) * 64, np.uint8)
    known[:n] = 1
    return ProbeSketch(
        words=words.reshape(-1),
        known=np.packbits(known, bitorder="little").view(np.uint64),
        sketch=np.ascontiguousarray(columns.sketch),
        angle=columns.angle,
        x=columns.x * np.float32(1 / STEPS_PER_PX),
        y=columns.y * np.float32(-1 / STEPS_PER_PX),
    )


def worth_table(most_bits: int) -> NDArray[np.int32]:
    """What two alike sketches are worth by the bits they differ in, int32 (most_bits + 1,), in 1 / WORTH_STEPS.

    About the logarithm of how much likelier mates are than strangers to differ in so few bits. Two that differ in
    more are not alike.
    """
    worth = p.WORTH_AT_LIMIT + p.WORTH_A_BIT * (most_bits - np.arange(most_bits + 1))
    return np.rint(p.WORTH_STEPS * np.minimum(worth, p.WORTH_MOST)).astype(np.int32)


@kernel
def differing_bits(a: Array, i: int, b: Array, j: int) -> int:
    """Bits in which sketch i of a differs from sketch j of b."""
    bits = 0
    for w in range(SKETCH_WORDS):
        bits += popcount(a[i, w] ^ b[j, w])
    return bits


@kernel
def count_votes(
    probe: ProbeSketch,
    shelf: Shelf,
    wanted: Array,
    worth: Array,
    first: int,
    last: int,
    out: Array,
    levels: Array,
) -> None:
    """Evidence of prints `first` to `last` (exclusive) of a shelf.

    Args:
        probe: see `probe_sketch`.
        shelf: the prints.
        wanted: uint8 (256,), 1 for the positions to look at.
        worth: see `worth_table`.
        first: of the part of the shelf to look at.
        last: of it, exclusive.
        out: uint16 (prints,), filled: the votes in favour of the best turn; 0 for a print that is not looked at.
        levels: int64 (LEVELS,), counted up: how many of the prints that were looked at have what evidence.
    """
    lanes = len(probe.words) // SKETCH_WORDS
    blocks = len(probe.known)
    limit = np.uint64(len(worth) - 1)
    turns = np.zeros(_TURNS + 1, np.int32)
    for k in range(first, last):
        out[k] = 0
        if shelf.alive[k] == 0 or wanted[shelf.position[k]] == 0:
            continue
        votes = 0
        for j in range(np.int64(shelf.start[k]), np.int64(shelf.start[k + 1])):
            one, other = shelf.sketch[j, 0], shelf.sketch[j, 1]
            for block in range(blocks):
                near = np.uint64(0)
                for lane in range(64 * block, min(lanes, 64 * block + 64), LANES):
                    here = near_lanes(probe.words, lane, lanes, one, other, limit)
                    near |= here << np.uint64(lane - 64 * block)
                near &= probe.known[block]
                while near != np.uint64(0):
                    i = lowest_bit(near) + 64 * block
                    near &= near - np.uint64(1)
                    turn = np.uint16(shelf.angle[j] - probe.angle[i]) >> np.uint16(_ANGLE_BITS - _TURN_BITS)
                    turns[turn] += worth[differing_bits(probe.sketch, i, shelf.sketch, j)]
                    votes += 1
        best = 0
        if votes > 0:
            turns[_TURNS] = turns[0]
            for t in range(_TURNS):  # a turn and the next: mates are seldom in the middle of one
                best = max(best, turns[t] + turns[t + 1])
            turns[:] = 0
        best = min(best, LEVELS - 1)
        out[k] = best
        levels[best] += 1
