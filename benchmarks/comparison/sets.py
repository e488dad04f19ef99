"""The test sets: synthetic fingers, each touched several times, one difficulty a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.comparison.skin import distorted
from interchange import Minutiae
from models.synthetic import master

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.random import Generator

WINDOW_PX = (300, 340)
PLACE_PX = 12.0  # where the window lies on the finger, standard deviation
TURN_RAD = 0.15
LOST, MADE_UP = 0.18, 0.12  # of a print's minutiae: missed by the extractor, and found where there is none
NOISE_PX, NOISE_RAD, OTHER_TYPE = 1.6, 0.09, 0.12


@dataclass(frozen=True, slots=True)
class Kind:
    """One difficulty.

    Attributes:
        name: in the table.
        drag_px: plastic distortion.
        turn_rad: standard deviation of the finger's turn; None is any turn.
        place_px: standard deviation of where the window lies.
        window_px: (width, height).
        most: minutiae kept, the most certain ones; None keeps all.
        bare: without type and quality, as some vendors write them.
    """

    name: str
    drag_px: float = 2.0
    turn_rad: float | None = TURN_RAD
    place_px: float = PLACE_PX
    window_px: tuple[int, int] = WINDOW_PX
    most: int | None = None
    bare: bool = False


KINDS = (
    Kind("ordinary"),
    Kind("distorted, 10 px", drag_px=10.0),
    Kind("distorted, 18 px", drag_px=18.0),
    Kind("few minutiae (11)", most=11, window_px=(150, 150)),
    Kind("partial overlap", place_px=45.0, window_px=(220, 240)),
    Kind("any turn", turn_rad=None),
    Kind("no type, no quality", bare=True),
)


def prints_of(
    kind: Kind, masters: Iterable[Minutiae], impressions: int, seed: int
) -> list[tuple[int, Minutiae]]:
    """(finger, minutiae) of every touch."""
    return [
        (finger, touched(kind, own, np.random.default_rng([seed, finger, number])))
        for finger, own in enumerate(masters)
        for number in range(impressions)
    ]


def touched(kind: Kind, own: Minutiae, rng: Generator) -> Minutiae:
    """One touch of a finger whose minutiae are `own`: place, turn, skin, and an extractor's mistakes."""
    seen = distorted(own, rng, kind.drag_px)
    w, h = kind.window_px
    turn = rng.uniform(0, 2 * np.pi) if kind.turn_rad is None else rng.normal(0, kind.turn_rad)
    cx, cy = own.width / 2 + rng.normal(0, kind.place_px), own.height / 2 + rng.normal(0, kind.place_px)
    dx, dy, c, s = seen.x - cx, seen.y - cy, np.cos(turn), np.sin(turn)
    n = len(seen)
    x = w / 2 + c * dx + s * dy + rng.normal(0, NOISE_PX, n)
    y = h / 2 - s * dx + c * dy + rng.normal(0, NOISE_PX, n)
    angle = seen.angle + turn + rng.normal(0, NOISE_RAD, n)
    type_ = np.where(rng.random(n) < OTHER_TYPE, 3 - seen.type, seen.type)
    quality = np.clip(rng.normal(0.7, 0.2, n), 0.05, 1.0)
    lost = rng.random(n) < 2 * LOST * (1.0 - quality / 1.4)  # the uncertain ones first
    kept = (x >= 0) & (x < w) & (y >= 0) & (y < h) & ~lost
    made_up = rng.poisson(MADE_UP * kept.sum())
    x = np.concatenate([x[kept], rng.uniform(0, w, made_up)])
    y = np.concatenate([y[kept], rng.uniform(0, h, made_up)])
    angle = np.concatenate([angle[kept], rng.uniform(0, 2 * np.pi, made_up)])
    type_ = np.concatenate([type_[kept], rng.integers(1, 3, made_up)])
    quality = np.concatenate([quality[kept], np.clip(rng.normal(0.4, 0.2, made_up), 0.05, 1.0)])
    best = np.argsort(-quality)[: kind.most]
    known = None if kind.bare else (type_[best], quality[best])
    return Minutiae.make(
        x[best],
        y[best],
        angle[best],
        type=None if known is None else known[0],
        quality=None if known is None else known[1],
        width=w,
        height=h,
    )


def masters(fingers: int, seed: int, *, on_done: Callable[[], None] = lambda: None) -> list[Minutiae]:
    """The minutiae of synthetic fingers, each whole."""
    made: list[Minutiae] = []
    for k in range(fingers):
        made.append(master(seed * 100_000 + k).minutiae)
        on_done()
    return made
