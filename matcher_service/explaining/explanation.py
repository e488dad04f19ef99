"""Why two prints got their score: what was paired, how one was laid over the other, what lies in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from interchange.fingers import UNKNOWN_FINGER, finger_name
from interchange.minutiae import TWO_PI, MinutiaType
from matcher_service.explaining import parameters as drawn
from matcher_service.explaining.area import area_of, grown, hull_of, overlap, within
from matcher_service.explaining.meaning import CAUTION, Meaning, meaning_of
from matcher_service.explaining.parts import Part, parts_of
from matcher_service.search import explain_prepared, prepare
from matcher_service.search import parameters as search
from matcher_service.search.fusion import FingerScore
from matcher_service.search.print_facts import facts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae

MM_PER_PX = 25.4 / search.DPI


class Standing(IntEnum):
    """What became of a minutia in the comparison."""

    PAIRED = 0
    UNPAIRED = 1  # where both prints are, and yet alone: speaks against
    OUTSIDE = 2  # where only one print is: says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two prints, as it was compared.

    Attributes:
        name: what it is called: a file, or a reference. Never a person.
        position: finger, 0 unknown.
        minutiae: at 500 dpi, the n that took part: of a crowded print, those of best quality.
        standing: uint8 (n,), `Standing`.
        aside: float64 (k, 2), places of those that did not take part, in the same pixels.
        places: float64 (n, 2), where the minutiae lie with the probe laid over the candidate: pixels at 500 dpi
            in the candidate's frame, x to the right and y **downwards**.
        angles: float64 (n,), radians, counter-clockwise as seen, turned along.
    """

    name: str
    position: int
    minutiae: Minutiae
    standing: NDArray[np.uint8]
    aside: NDArray[np.float64]
    places: NDArray[np.float64]
    angles: NDArray[np.float64]

    def count(self, standing: Standing) -> int:
        """How many minutiae came to that."""
        return int((self.standing == standing).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A comparison, explained. `probe` is laid over `candidate` by turning it, then moving it.

    Attributes:
        score: 0 or more.
        meaning: of the score.
        finger: the score as it is fused with those of other fingers.
        pairs: int64 (k, 2), indices into the two sides' minutiae, from the top of the candidate downwards.
        turn: of the probe, radians, counter-clockwise as seen; 0 if nothing was paired.
        shift_mm: of the probe after the turn, to the right and **downwards**.
        common: float64 (c, 2), corners of the area that both prints cover, in the frame of `Side.places`; none
            where nothing was paired.
        parts: what the score is made of.
    """

    probe: Side
    candidate: Side
    score: float
    meaning: Meaning
    finger: FingerScore
    pairs: NDArray[np.int64]
    turn: float
    shift_mm: tuple[float, float]
    common: NDArray[np.float64]
    parts: tuple[Part, ...]

    @property
    def sides(self) -> tuple[Side, Side]:
        """Probe and candidate."""
        return self.probe, self.candidate

    @property
    def common_mm2(self) -> float:
        """The area that both prints cover."""
        return area_of(self.common) * MM_PER_PX**2

    def apart_mm(self) -> NDArray[np.float64]:
        """How far the two of each pair lie apart, (k,)."""
        gap = self.probe.places[self.pairs[:, 0]] - self.candidate.places[self.pairs[:, 1]]
        return np.hypot(gap[:, 0], gap[:, 1]) * MM_PER_PX

    def apart_degrees(self) -> NDArray[np.float64]:
        """How much the directions of each pair differ, (k,), 0 to 180."""
        off = self.probe.angles[self.pairs[:, 0]] - self.candidate.angles[self.pairs[:, 1]]
        return np.degrees(np.abs(np.mod(off + np.pi, TWO_PI) - np.pi))

    def as_json(self) -> dict[str, Any]:
        """All figures. Places are pixels at 500 dpi in each print's own frame, angles degrees."""
        far, turned = self.apart_mm(), self.apart_degrees()
        return {
            "score": round(self.score, 3),
            "meaning": self.meaning.as_json(),
            "caution": CAUTION,
            "probe": _side_json(self.probe),
            "candidate": _side_json(self.candidate),
            "alignment": None
            if not len(self.pairs)
            else {
                "turn_degrees": round(math.degrees(self.turn), 2),
                "shift_mm": [round(v, 3) for v in self.shift_mm],
                "common_mm2": round(self.common_mm2, 1),
            },
            "parts": [part.as_json() for part in self.parts],
            "pairs": [
                {
                    "number": number,
                    "probe": _minutia_json(self.probe.minutiae, int(i)),
                    "candidate": _minutia_json(self.candidate.minutiae, int(j)),
                    "apart_mm": round(float(far[number - 1]), 3),
                    "apart_degrees": round(float(turned[number - 1]), 1),
                }
                for number, (i, j) in enumerate(self.pairs, start=1)
            ],
        }


def explain(
    probe: Minutiae,
    candidate: Minutiae,
    *,
    names: tuple[str, str] = ("probe", "candidate"),
    positions: tuple[int, int] = (UNKNOWN_FINGER, UNKNOWN_FINGER),
) -> Explanation:
    """Compare two prints and keep everything that explains the score. Any number of minutiae is taken."""
    (a, a_aside), (b, b_aside) = _taking_part(probe), _taking_part(candidate)
    prepared = prepare(a), prepare(b)
    found = explain_prepared(*prepared)
    finger = FingerScore(found.score, facts_of(prepared[0]), facts_of(prepared[1]), *positions)
    pairs = np.asarray(found.pairs, np.int64).reshape(-1, 2)
    pairs = pairs[np.lexsort((b.x[pairs[:, 1]], b.y[pairs[:, 1]]))]
    turn, (right, up) = (found.turn, found.shift) if len(pairs) else (0.0, (0.0, 0.0))
    shift = np.array([right, -up])
    moved, moved_aside = (_moved(_points(m), turn, shift) for m in (a, a_aside))
    placed = _points(b)
    margin, corners = search.COMMON_MARGIN_PX, drawn.COMMON_CORNERS
    hulls = [grown(hull_of(p), margin, corners=corners) for p in (moved, placed)]
    common = overlap(hulls[0], hulls[1]) if len(pairs) else np.zeros((0, 2))
    return Explanation(
        probe=Side(
            names[0],
            positions[0],
            a,
            _standing(moved, common, pairs[:, 0]),
            moved_aside,
            moved,
            np.mod(a.angle + turn, TWO_PI),
        ),
        candidate=Side(
            names[1],
            positions[1],
            b,
            _standing(placed, common, pairs[:, 1]),
            _points(b_aside),
            placed,
            b.angle.astype(np.float64),
        ),
        score=found.score,
        meaning=meaning_of([finger]),
        finger=finger,
        pairs=pairs,
        turn=turn,
        shift_mm=(float(shift[0]) * MM_PER_PX, float(shift[1]) * MM_PER_PX),
        common=common,
        parts=parts_of(found),
    )


def _taking_part(minutiae: Minutiae) -> tuple[Minutiae, Minutiae]:
    """Those that are compared, and the others, at 500 dpi; chosen as `search.prepare` chooses."""
    at = minutiae.at_dpi(search.DPI)
    order = np.argsort(-at.quality, kind="stable")
    return at.take(np.sort(order[: search.MOST_MINUTIAE])), at.take(np.sort(order[search.MOST_MINUTIAE :]))


def _points(minutiae: Minutiae) -> NDArray[np.float64]:
    return np.stack([minutiae.x, minutiae.y], axis=1).astype(np.float64)


def _moved(points: NDArray[np.float64], turn: float, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turned counter-clockwise as seen, with y downwards, about the origin; then shifted."""
    cos, sin = math.cos(turn), math.sin(turn)
    return points @ np.array([[cos, -sin], [sin, cos]]) + shift


def _standing(
    places: NDArray[np.float64], common: NDArray[np.float64], paired: NDArray[np.int64]
) -> NDArray[np.uint8]:
    standing = np.where(within(common, places), Standing.UNPAIRED, Standing.OUTSIDE).astype(np.uint8)
    standing[paired] = Standing.PAIRED
    return standing


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "finger": side.position,
        "finger_name": finger_name(side.position),
        "finger_quality": side.minutiae.finger_quality,
        "minutiae": len(side.minutiae) + len(side.aside),
        "compared": len(side.minutiae),
        "paired": side.count(Standing.PAIRED),
        "unpaired_in_common_area": side.count(Standing.UNPAIRED),
        "outside_common_area": side.count(Standing.OUTSIDE),
    }


def _minutia_json(minutiae: Minutiae, k: int) -> dict[str, Any]:
    return {
        "x": round(float(minutiae.x[k]), 2),
        "y": round(float(minutiae.y[k]), 2),
        "degrees": round(math.degrees(float(minutiae.angle[k])), 1),
        "type": MinutiaType(int(minutiae.type[k])).name.lower(),
        "quality": round(float(minutiae.quality[k]), 2),
    }
