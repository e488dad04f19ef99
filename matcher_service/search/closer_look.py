"""The last look at the best candidates: every probe against all their enrolled fingers, with the prints' own facts.

A search compares fingers under the labels that they came with. Of the few identities that it brings up, a look at the
other fingers as well tells whether two were swapped or one was labelled wrong, and what makes each print easy to
mistake for others is taken into account: that is what the evidence of a candidate rests on in the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.calibration import calibration
from matcher_service.search.fusion import FingerScore, Fused, fuse
from matcher_service.search.packed import places
from matcher_service.search.positions import UNKNOWN, assign, labels_agree
from matcher_service.search.print_facts import PrintFacts, direction_agreement, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher_service.search.shelf import Shelf
    from matcher_service.search.template import Template
    from matcher_service.search.workers import Workers


@dataclass(frozen=True, slots=True)
class Seen:
    """What the closer look found of one identity.

    Attributes:
        fused: evidence of all fingers together.
        fingers: what each probe that was laid on an enrolled finger gave.
        relabelled: (probe's position, enrolled position) where the prints say that a label is wrong.
    """

    fused: Fused
    fingers: tuple[FingerScore, ...]
    relabelled: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Enrolled:
    """A print of one identity, and where it is."""

    shelf: int
    row: int
    position: int


def look_closer(
    keys: NDArray[np.uint64],
    probes: Sequence[tuple[int, Template]],
    shelves: Sequence[Shelf],
    workers: Workers,
    *,
    all_fingers: int = p.CANDIDATES_LOOKED_AT,
) -> list[Seen]:
    """Look at each identity of `keys`, uint64 (k, 2), in turn; `probes` are (position, template).

    The first `all_fingers` of them are compared under other labels too.
    """
    from matcher_service.search.index import prints_of

    owned: list[list[_Enrolled]] = [[] for _ in keys]
    for at, shelf in enumerate(shelves):
        rows, number = prints_of(keys, shelf, workers)
        for row, which in zip(rows.tolist(), number.tolist(), strict=True):
            owned[which].append(_Enrolled(at, row, int(shelf.position[row])))
    facts = [facts_of(template) for _, template in probes]
    compared = _compare(owned, probes, shelves, workers, all_fingers)
    return [
        _fused(probes, facts, prints, scores, shelves) for prints, scores in zip(owned, compared, strict=True)
    ]


def _compare(
    owned: Sequence[Sequence[_Enrolled]],
    probes: Sequence[tuple[int, Template]],
    shelves: Sequence[Shelf],
    workers: Workers,
    all_fingers: int,
) -> list[NDArray[np.float64]]:
    """Scores of each identity, float64 (probes, prints); NaN where the labels forbade it."""
    from matcher_service.search.scan import score_chosen

    made = [np.full((len(probes), len(prints)), np.nan) for prints in owned]
    jobs: list[partial[None]] = []
    for which, prints in enumerate(owned):
        for i, (position, template) in enumerate(probes):
            for k, one in enumerate(prints):
                if which < all_fingers or labels_agree(position, one.position):
                    row, out = np.array([one.row]), made[which][i, k : k + 1]
                    jobs.append(partial(score_chosen, template, shelves[one.shelf], row, out))
    workers.run(jobs)
    return made


def _fused(
    probes: Sequence[tuple[int, Template]],
    facts: Sequence[PrintFacts],
    prints: Sequence[_Enrolled],
    scores: NDArray[np.float64],
    shelves: Sequence[Shelf],
) -> Seen:
    """The best assignment of probes to enrolled fingers; of several prints of one finger the best counts."""
    theirs = [_facts_at(shelves[one.shelf], one.row) for one in prints]
    many = PrintFacts(
        np.array([one.minutiae for one in theirs]),  # pyright: ignore[reportArgumentType] - for all at once
        np.array([one.agreement for one in theirs]),  # pyright: ignore[reportArgumentType]
    )
    evidence = np.array(
        [calibration().llr_of(scores[i], facts[i], many) for i in range(len(probes))]
    ).reshape(scores.shape)
    fingers: dict[tuple[int, int], list[int]] = {}
    for k, one in enumerate(
        prints
    ):  # prints of unknown position may be of any finger: each is one of its own
        fingers.setdefault((one.position, k if one.position == UNKNOWN else -1), []).append(k)
    groups = list(fingers.values())
    best = np.array(
        [[_best(evidence[i], group) for group in groups] for i in range(len(probes))], np.int64
    ).reshape(len(probes), len(groups))
    llr = np.take_along_axis(evidence, best, axis=1)
    positions = [position for position, _ in probes]
    laid = assign(llr, positions, [position for position, _ in fingers])
    # chance had as many tries as there are prints of the finger
    tries = laid.alternatives * np.prod([float(len(groups[j])) for _, j in laid.pairs])
    given = tuple(
        FingerScore(
            float(scores[i, best[i, j]]),
            facts[i],
            theirs[best[i, j]],
            positions[i],
            prints[best[i, j]].position,
        )
        for i, j in laid.pairs
    )
    relabelled = tuple((positions[i], prints[best[i, j]].position) for i, j in laid.relabelled)
    return Seen(fuse(given, alternatives=float(tries), penalty=laid.penalty), given, relabelled)


def _best(evidence: NDArray[np.float64], group: list[int]) -> int:
    known = [k for k in group if not math.isnan(evidence[k])]
    return max(known, key=lambda k: evidence[k]) if known else group[0]


def _facts_at(shelf: Shelf, row: int) -> PrintFacts:
    """Facts of a packed print, without its cylinders."""
    at = slice(int(shelf.start[row]), int(shelf.start[row + 1]))
    x, y, angle = places(shelf.x[at], shelf.y[at], shelf.angle[at])
    return PrintFacts(len(x), float(direction_agreement(x, y, angle)))
