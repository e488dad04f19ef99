"""The first stage: of all prints, those that are worth an exact comparison, as identities in order of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.agreement import agreement
from matcher_service.search.owners import find_owned, owner_table
from matcher_service.search.votes import LEVELS, count_votes, worth_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher_service.search.shelf import Shelf
    from matcher_service.search.votes import ProbeSketch
    from matcher_service.search.workers import Workers

_VOTES_A_PART = 8192  # prints that a thread takes at once: some milliseconds
_LOOKS_A_PART = 512
_OWNERS_A_PART = 262_144


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one probe brought up, in no order.

    Attributes:
        owner: uint64 (k, 2), whose print it is.
        worth: float32 (k,), see `agreement`.
        looked_at: prints whose votes were counted.
    """

    owner: NDArray[np.uint64]
    worth: NDArray[np.float32]
    looked_at: int


def gather(
    probe: ProbeSketch, shelves: Sequence[Shelf], wanted: NDArray[np.uint8], workers: Workers
) -> Evidence:
    """The prints with the most evidence for a probe, as many as may be compared, among the wanted positions.

    `wanted` is uint8 (256,), 1 for each position to look at.
    """
    voting, agreeing = worth_table(p.VOTING_BITS), worth_table(p.AGREEING_BITS)
    votes = [np.empty(len(shelf.position), np.uint16) for shelf in shelves]
    levels: list[NDArray[np.int64]] = []

    def count(shelf: Shelf, out: NDArray[np.uint16], first: int, last: int) -> None:
        counted = np.zeros(LEVELS, np.int64)
        count_votes(probe, shelf, wanted, voting, first, last, out, counted)
        levels.append(counted)

    workers.run(
        partial(count, shelf, out, first, last)
        for shelf, out in zip(shelves, votes, strict=True)
        for first, last in parts(len(out), _VOTES_A_PART)
    )
    total = np.sum(levels, axis=0) if levels else np.zeros(LEVELS, np.int64)
    looked_at = int(total.sum())
    cut = _cut(total, max(p.SECOND_LOOK_LEAST, int(p.SECOND_LOOK_SHARE * looked_at)))
    chosen = [np.flatnonzero(out >= cut) for out in votes]
    found = [np.empty(len(rows), np.float32) for rows in chosen]
    workers.run(
        partial(agreement, probe, shelf, rows, agreeing, first, last, out)
        for shelf, rows, out in zip(shelves, chosen, found, strict=True)
        for first, last in parts(len(rows), _LOOKS_A_PART)
    )
    owners = [shelf.owner[rows] for shelf, rows in zip(shelves, chosen, strict=True)]
    owner = np.concatenate([*owners, np.empty((0, 2), np.uint64)])
    agreed = np.concatenate([*found, np.empty(0, np.float32)])
    most = max(p.COMPARED_LEAST, int(p.COMPARED_SHARE * looked_at))
    if len(agreed) > most:
        best = np.argpartition(-agreed, most)[:most]
        owner, agreed = owner[best], agreed[best]
    return Evidence(owner, agreed, looked_at)


def rank_identities(evidence: Sequence[Evidence]) -> NDArray[np.uint64]:
    """Identities that any probe brought up, uint64 (k, 2), most evidence first, the fingers' evidence added up.

    Of several prints of an identity for one probe, the best counts.
    """
    owner = np.concatenate([e.owner for e in evidence])
    if not len(owner):
        return owner
    worth = np.concatenate([e.worth for e in evidence])
    probe = np.repeat(np.arange(len(evidence)), [len(e.worth) for e in evidence])
    order = np.lexsort((-worth, probe, owner[:, 1], owner[:, 0]))
    owner, worth, probe = owner[order], worth[order], probe[order]
    other_owner = np.append(True, (owner[1:] != owner[:-1]).any(axis=1))
    best = other_owner | np.append(True, probe[1:] != probe[:-1])
    number = np.cumsum(other_owner) - 1
    total = np.bincount(number[best], worth[best])
    return owner[other_owner][np.argsort(-total, kind="stable")]


def prints_of(
    identities: NDArray[np.uint64], shelf: Shelf, workers: Workers
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The living prints of some identities, (rows of the shelf, rows of `identities`), in order of the latter."""
    table = owner_table(identities)
    number = np.empty(len(shelf.position), np.int32)
    workers.run(
        partial(find_owned, shelf.owner, shelf.alive, identities, table, first, last, number)
        for first, last in parts(len(number), _OWNERS_A_PART)
    )
    rows = np.flatnonzero(number >= 0)
    order = np.argsort(number[rows], kind="stable")
    return rows[order], number[rows][order]


def parts(count: int, size: int) -> list[tuple[int, int]]:
    """0..count in parts of `size`."""
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def _cut(levels: NDArray[np.int64], keep: int) -> int:
    """The least level, but 1, that no more than `keep` prints reach."""
    reach = np.cumsum(levels[::-1])[::-1]
    return max(1, int(np.searchsorted(-reach, -keep)))
