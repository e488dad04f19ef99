"""What a search returns, and what its exact comparisons have brought so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search.decision import fuse
from matcher_service.search.shelf import key_of, owned_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher_service.search.shelf import Shelf


@dataclass(frozen=True, slots=True)
class PrintScore:
    """How one probe of a submission compared with a candidate's best print."""

    position: int
    candidate_position: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a search returns.

    Attributes:
        key: the identity.
        score: its evidence, -log10 of its false match rate; `decision.colour` says what that means in this gallery.
        prints: what each finger gave.
        llr: log likelihood ratio, natural logarithm: ranks those whose rates lie beyond what can be told apart.
        relabelled: (position given, position enrolled) where the prints say that a finger was labelled wrong.
    """

    key: str
    score: float
    prints: tuple[PrintScore, ...]
    llr: float = 0.0
    relabelled: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchStatistics:
    """What a search did.

    Attributes:
        prints: in the gallery, dead ones too.
        looked_at: prints the index looked at, over all probes; 0 where all were compared exactly.
        compared: exact comparisons.
        enough: whether it stopped before its share of the gallery, because of what it had found.
        index_seconds: in the first stage.
        exact_seconds: in exact comparisons.
        seconds: in all.
    """

    prints: int
    looked_at: int
    compared: int
    enough: bool
    index_seconds: float
    exact_seconds: float
    seconds: float

    @property
    def penetration(self) -> float:
        """Share of the prints looked at that were compared exactly."""
        return self.compared / self.looked_at if self.looked_at else 1.0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Candidates, best first, and how they were found."""

    candidates: list[Candidate]
    statistics: SearchStatistics


class Found:
    """What exact comparisons brought so far: of each identity and probe, the best counts."""

    def __init__(self) -> None:
        self.compared = 0
        self._probe: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        self._score: list[NDArray[np.float64]] = [np.empty(0)]
        self._position: list[NDArray[np.uint8]] = [np.empty(0, np.uint8)]
        self._owner: list[NDArray[np.uint64]] = [np.empty((0, 2), np.uint64)]

    def take(self, number: int, shelf: Shelf, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        """Scores of one probe, by its number, against rows of a shelf."""
        self.compared += len(rows)
        some = scores > 0.0
        self._score.append(scores[some])
        self._probe.append(np.full(int(some.sum()), number))
        self._position.append(shelf.position[rows[some]])
        self._owner.append(shelf.owner[rows[some]])

    def candidates(self, positions: Sequence[int], identities: int) -> list[Candidate]:
        """Best first, of the identities whose fingers score highest; what else they scored counts as well."""
        score, owner = np.concatenate(self._score), np.concatenate(self._owner)
        highest = np.argsort(-score, kind="stable")[: identities * max(1, len(positions))]
        kept = np.unique(owner[highest], axis=0)
        rows = owned_by(owner, kept) if len(kept) else highest
        probe, position = np.concatenate(self._probe), np.concatenate(self._position)
        best: dict[str, dict[int, PrintScore]] = {}
        for k in rows[np.argsort(-score[rows], kind="stable")]:
            number = int(probe[k])
            one = PrintScore(positions[number], int(position[k]), float(score[k]))
            best.setdefault(key_of(owner[k]), {}).setdefault(number, one)
        made = [
            Candidate(key, fuse([one.score for one in fingers.values()]), tuple(fingers.values()))
            for key, fingers in best.items()
        ]
        return sorted(made, key=lambda c: (-c.score, c.key))
