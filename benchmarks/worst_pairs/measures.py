"""What can be measured about a genuine pair, once it is known how the prints lie on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.imaging import print_mask
from benchmarks.accuracy.parameters import WORKING_DPI
from benchmarks.worst_pairs import parameters as p
from benchmarks.worst_pairs.motion import Motion, rigid_fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae

    Points = NDArray[np.float64]

MM2_A_POINT = (p.GRID_PX * 25.4 / WORKING_DPI) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One impression as the extractor saw it.

    Attributes:
        name: of the impression.
        image: uint8 (height, width) at 500 dpi.
        minutiae: in its pixels.
        mask: bool (height, width), where there is print.
        ink: share of dark pixels within the print; dry is little.
    """

    name: str
    image: NDArray[np.uint8]
    minutiae: Minutiae
    mask: NDArray[np.bool_]
    ink: float

    @classmethod
    def make(cls, name: str, image: NDArray[np.uint8], minutiae: Minutiae) -> Seen:
        """Measure the image."""
        mask = _smoothed(print_mask(image))
        return cls(name, image, minutiae, mask, _ink(image, mask))

    @property
    def area_mm2(self) -> float:
        """Area of the print."""
        return len(_points(self.mask)) * MM2_A_POINT

    def places(self) -> Points:
        """(n, 2): the minutiae, y upwards."""
        return np.stack([self.minutiae.x, -self.minutiae.y], axis=1).astype(np.float64)

    def holds(self, places: Points) -> NDArray[np.bool_]:
        """Which places, y upwards, lie on the print."""
        x, y = np.rint(places[:, 0]).astype(int), np.rint(-places[:, 1]).astype(int)
        height, width = self.mask.shape
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        held = np.zeros(len(places), np.bool_)
        held[inside] = self.mask[y[inside], x[inside]]
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What two prints have in common under a trusted motion.

    Attributes:
        motion: of the first onto the second.
        area_mm2: the area that both show.
        in_common: minutiae of each that lie in it.
        found_again: how many of them have a partner.
        residual_px: median distance of the partners after the best rigid fit; None if there are too few.
    """

    motion: Motion
    area_mm2: float
    in_common: tuple[int, int]
    found_again: int
    residual_px: float | None

    @property
    def share_found_again(self) -> float:
        """Of the minutiae in the common area."""
        return self.found_again / max(1.0, math.sqrt(self.in_common[0] * self.in_common[1]))


def common(a: Seen, b: Seen, motion: Motion) -> Common:
    """Measure what a and b have in common when `motion` brings a onto b."""
    area = int(b.holds(motion.apply(_points(a.mask))).sum()) * MM2_A_POINT
    onto_b, onto_a = motion.apply(a.places()), motion.inverse().apply(b.places())
    in_a, in_b = np.flatnonzero(b.holds(onto_b)), np.flatnonzero(a.holds(onto_a))
    turned = a.minutiae.angle[in_a].astype(np.float64) + motion.turn
    partners = _mutual(onto_b[in_a], turned, b.places()[in_b], b.minutiae.angle[in_b].astype(np.float64))
    residual = None
    if len(partners) >= p.LEAST_RESIDUALS:
        one, other = onto_b[in_a[partners[:, 0]]], b.places()[in_b[partners[:, 1]]]
        left = rigid_fit(one, other).apply(one) - other
        residual = float(np.median(np.hypot(left[:, 0], left[:, 1])))
    return Common(
        motion=motion,
        area_mm2=area,
        in_common=(len(in_a), len(in_b)),
        found_again=len(partners),
        residual_px=residual,
    )


def true_pairs(a: Seen, b: Seen, pairs: NDArray[np.int64], motion: Motion) -> NDArray[np.bool_]:
    """Which of the matcher's pairs (k, 2) agree with the trusted motion."""
    apart = motion.apply(a.places()[pairs[:, 0]]) - b.places()[pairs[:, 1]]
    return np.hypot(apart[:, 0], apart[:, 1]) <= p.TRUE_PAIR_PX


def _mutual(
    a: Points, angle_a: NDArray[np.float64], b: Points, angle_b: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(k, 2): points that are each other's nearest, near enough and pointing alike."""
    if len(a) == 0 or len(b) == 0:
        return np.zeros((0, 2), np.int64)
    apart = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    turn = np.abs((angle_a[:, None] - angle_b[None, :] + np.pi) % (2 * np.pi) - np.pi)
    apart[(apart > p.FOUND_PX) | (turn > p.FOUND_RAD)] = np.inf
    nearest = apart.argmin(axis=1)
    mutual = [(i, j) for i, j in enumerate(nearest) if np.isfinite(apart[i, j]) and apart[:, j].argmin() == i]
    return np.array(mutual, np.int64).reshape(-1, 2)


def _smoothed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without small holes, then without small specks."""
    from PIL import Image, ImageFilter

    size = p.SMOOTHED_POINTS
    small = Image.fromarray(np.where(mask[:: p.GRID_PX, :: p.GRID_PX], 255, 0).astype(np.uint8))
    closed = small.filter(ImageFilter.MaxFilter(size)).filter(ImageFilter.MinFilter(size))
    opened = closed.filter(ImageFilter.MinFilter(size)).filter(ImageFilter.MaxFilter(size))
    height, width = mask.shape
    grown = np.asarray(opened).repeat(p.GRID_PX, axis=0).repeat(p.GRID_PX, axis=1)
    return grown[:height, :width] > 0


def _points(mask: NDArray[np.bool_]) -> Points:
    """A grid of points on a mask, y upwards."""
    rows, columns = np.nonzero(mask[:: p.GRID_PX, :: p.GRID_PX])
    return np.stack([columns * p.GRID_PX, -rows * p.GRID_PX], axis=1).astype(np.float64)


def _ink(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    if not mask.any():
        return 0.0
    inside = image[mask]
    dark, bright = np.percentile(inside, (5, 95))
    return float((inside < (dark + bright) / 2).mean())
