"""From databases to the worst pairs: extract, compare all pairs, align, measure, diagnose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy.imaging import Conditions, load_grey
from benchmarks.worst_pairs import parameters as p
from benchmarks.worst_pairs.diagnosis import diagnose
from benchmarks.worst_pairs.measures import Common, Seen, common, true_pairs
from benchmarks.worst_pairs.motion import Chain, Motion, chains
from interchange import Minutiae
from matcher_service.search import Comparison, explain_prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.accuracy.databases import Database
    from benchmarks.accuracy.evaluation import Report, Result
    from benchmarks.accuracy.systems import Extraction


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WorstPair:
    """A genuine pair with all that is known about its failure.

    Attributes:
        database: its name.
        a: the probe.
        b: the candidate.
        comparison: what the matcher made of it.
        found: what the two have in common; None if nobody knows how they lie on each other.
        chain_score: the weakest comparison of the chain that says so.
        true: which of the matcher's pairs are true ones; None likewise.
        why: the causes in words.
    """

    database: str
    a: Seen
    b: Seen
    comparison: Comparison
    found: Common | None
    chain_score: float | None
    true: NDArray[np.bool_] | None
    why: list[str]

    @property
    def picture_name(self) -> str:
        """Of its picture: the names of both prints."""
        return f"{self.database.replace('/', '-')}-{self.a.name}-{self.b.name}.png"


def threshold(report: Report) -> float:
    """The lowest score that at most one in a thousand impostors of all databases together reaches."""
    impostor = np.sort(np.concatenate([r.scores[~r.genuine] for r in report.results]))
    return float(np.nextafter(impostor[-(len(impostor) // 1000 + 1)], np.inf))


def worst_pairs(report: Report, count: int) -> list[WorstPair]:
    """The `count` genuine pairs with the lowest scores, worst first. Raises ImageError as loading does."""
    genuine = [
        (float(score), number, int(k))
        for number, result in enumerate(report.results)
        for k, score in zip(np.flatnonzero(result.genuine), result.scores[result.genuine], strict=True)
    ]
    studies = [_Study(result, report.conditions) for result in report.results]
    return [studies[number].explain(k) for _, number, k in sorted(genuine)[:count]]


class _Study:
    """One database: what is worked out for one of its pairs is kept for the next."""

    def __init__(self, result: Result, conditions: Conditions) -> None:
        self._result = result
        self._conditions = conditions
        self._seen: dict[int, Seen] = {}
        self._chains: dict[str, dict[tuple[int, int], Chain]] = {}
        self._ink: float | None = None

    def explain(self, k: int) -> WorstPair:
        """Pair number `k` of the result."""
        a, b = (int(i) for i in self._result.pairs[k])
        one, other = self._impression(a), self._impression(b)
        comparison = explain_prepared(prepare(one.minutiae), prepare(other.minutiae))
        chain = self._chain(a, b)
        found = None if chain is None else common(one, other, chain.motion)
        true = None if chain is None else true_pairs(one, other, comparison.pairs, chain.motion)
        return WorstPair(
            database=self._result.database.name,
            a=one,
            b=other,
            comparison=comparison,
            found=found,
            chain_score=None if chain is None else chain.weakest,
            true=true,
            why=diagnose(
                one,
                other,
                found,
                usual_ink=self._usual_ink(),
                chain_score=None if chain is None else chain.weakest,
            ),
        )

    def _impression(self, i: int) -> Seen:
        if i not in self._seen:
            impression = self._result.database.impressions[i]
            image = self._conditions.apply(load_grey(impression.path), self._result.database.dpi)
            found = self._result.extractions[i].minutiae
            height, width = image.shape
            self._seen[i] = Seen.make(
                impression.name, image, found or Minutiae.empty(width=width, height=height)
            )
        return self._seen[i]

    def _usual_ink(self) -> float:
        if self._ink is None:
            every = range(len(self._result.database.impressions))
            self._ink = float(np.median([self._impression(i).ink for i in every]))
        return self._ink

    def _chain(self, a: int, b: int) -> Chain | None:
        database = self._result.database
        finger = database.impressions[a].finger
        if finger not in self._chains:
            members = [i for i, impression in enumerate(database.impressions) if impression.finger == finger]
            self._chains[finger] = _finger_chains(members, self._result.extractions)
        return self._chains[finger].get((a, b))


def _finger_chains(members: Sequence[int], extractions: Sequence[Extraction]) -> dict[tuple[int, int], Chain]:
    prepared = {i: prepare(m) for i in members if (m := extractions[i].minutiae) is not None}
    direct: dict[tuple[int, int], Chain] = {}
    for (a, probe), (b, candidate) in combinations(prepared.items(), 2):
        found = explain_prepared(probe, candidate)
        direct[a, b] = Chain(Motion(found.turn, *found.shift), found.score)
    return chains(members, direct, trusted=p.TRUSTED_SCORE)


def study_json(
    pairs: Sequence[WorstPair], *, folder: Path, report: Report, databases: Sequence[Database]
) -> dict[str, Any]:
    """Everything about the pairs but their pictures."""
    window = report.conditions.window
    return {
        "folder": folder.resolve().name,
        "databases": [d.name for d in databases],
        "extractor_version": report.extractor_version,
        "window": None if window is None else "{}x{}".format(*window),
        "levels": report.conditions.levels,
        "threshold_fmr1000": threshold(report),
        "genuine": int(sum(r.genuine.sum() for r in report.results)),
        "pairs": [_pair_json(pair) for pair in pairs],
    }


def _pair_json(pair: WorstPair) -> Mapping[str, Any]:
    found, both = pair.found, (pair.a, pair.b)
    return {
        "database": pair.database,
        "a": pair.a.name,
        "b": pair.b.name,
        "score": pair.comparison.score,
        "why": pair.why,
        "minutiae": [len(s.minutiae) for s in both],
        "quality": [s.minutiae.finger_quality for s in both],
        "area_mm2": [round(s.area_mm2, 1) for s in both],
        "ink": [round(s.ink, 3) for s in both],
        "paired": len(pair.comparison.pairs),
        "paired_truly": None if pair.true is None else int(pair.true.sum()),
        "common_mm2": None if found is None else round(found.area_mm2, 1),
        "in_common": None if found is None else list(found.in_common),
        "found_again": None if found is None else found.found_again,
        "residual_px": None if found is None or found.residual_px is None else round(found.residual_px, 2),
        "turn_deg": None if found is None else round(math.degrees(found.motion.turn), 1),
        "chain_score": None if pair.chain_score is None else round(pair.chain_score, 2),
        "parts": {name: round(value, 4) for name, value in pair.comparison.parts.items()},
        "picture": pair.picture_name,
    }
