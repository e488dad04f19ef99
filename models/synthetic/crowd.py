"""A crowd of strangers without images: minutiae of as many fingers as are asked for, and touches of each.

A finger takes one of the master flows of `crowd_bank`, warped and mirrored for itself; its minutiae are thrown like
darts, denser where the flow makes ridges begin or end, and point along the flow. A touch shows part of them: placed,
turned and stretched, some missed and some false. Counts, distances and directions are as the extractor finds them on
real prints; strangers score about a tenth less with each other than real ones do (docs/scale.md has both).

Each print is known by its seed, number and touch alone, so print 999,999 costs no more than the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from interchange import Minutiae
from models.synthetic import parameters as p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.synthetic.crowd_kernels import Habits

WINDOW_PX = (256, 288)  # width and height, an R307's


class Crowd(NamedTuple):
    """Prints end to end: print k holds minutiae start[k] to start[k + 1] of the columns, as `Minutiae` has them.

    Attributes:
        start: int64 (m + 1,).
        x, y: float32 (n,), pixels at 500 dpi, y downwards.
        angle: float32 (n,), radians in [0, 2 pi), counter-clockwise.
        type: uint8 (n,), `MinutiaType`.
        quality: float32 (n,), 0 to 1.
        finger_quality: uint8 (m,), 0 to 100.
        width, height: of the window in pixels.
    """

    start: NDArray[np.int64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    angle: NDArray[np.float32]
    type: NDArray[np.uint8]
    quality: NDArray[np.float32]
    finger_quality: NDArray[np.uint8]
    width: int
    height: int

    def minutiae(self, k: int) -> Minutiae:
        """Print `k` of these."""
        part = slice(int(self.start[k]), int(self.start[k + 1]))
        return Minutiae.make(
            self.x[part],
            self.y[part],
            self.angle[part],
            type=self.type[part],
            quality=self.quality[part],
            width=self.width,
            height=self.height,
            finger_quality=int(self.finger_quality[k]),
        )


def stranger(seed: int, *, width: int = WINDOW_PX[0], height: int = WINDOW_PX[1]) -> Minutiae:
    """Simulated minutiae of one print, about forty, at 500 dpi. The same seed gives the same print."""
    return impression(seed, 0, width=width, height=height)


def impression(
    number: int, touch: int, *, seed: int = 0, width: int = WINDOW_PX[0], height: int = WINDOW_PX[1]
) -> Minutiae:
    """The `touch`-th touch of finger `number` of a crowd, at 500 dpi; touch 0 is what `crowd` gives."""
    return crowd(number, number + 1, seed=seed, touch=touch, width=width, height=height).minutiae(0)


def crowd(
    first: int,
    last: int,
    *,
    seed: int = 0,
    touch: int = 0,
    width: int = WINDOW_PX[0],
    height: int = WINDOW_PX[1],
) -> Crowd:
    """Prints `first` to `last` (exclusive) of the crowd of a seed, one touch of each; whole prints fit 400 x 500.

    Memory is taken for 255 minutiae a print while it runs: ask for some ten thousand at once, from as many threads as
    there are cores; the loop lets go of the interpreter. Raises ValueError for numbers below 0 or an empty window.
    """
    from models.synthetic import crowd_kernels as kernels
    from models.synthetic.crowd_bank import bank

    if min(first, seed, touch, last - first) < 0 or min(width, height) < 1:
        raise ValueError(
            f"prints {first} to {last}, touch {touch}, seed {seed}, window {width}x{height}: "
            "numbers count up from 0 and a window has sides of 1 pixel or more"
        )
    numbers = np.arange(first, last, dtype=np.int64)
    start = np.zeros(len(numbers) + 1, np.int64)
    rows = np.empty((len(numbers) * kernels.MOST, 5), np.float32)
    hard = np.empty(len(numbers), np.float32)
    fields = bank()
    window = (float(width), float(height))
    kernels.touches(fields, _habits(), seed, numbers, touch, window, start, rows, hard)
    x, y, angle, kind, clear = rows[: start[-1]].T
    turned = np.mod(angle.astype(np.float64), 2 * np.pi).astype(np.float32)
    turned[turned >= np.float32(2 * np.pi)] = 0.0
    return Crowd(
        start,
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        turned,
        kind.astype(np.uint8),
        np.interp(clear, p.CROWD_QUALITY_AT, p.CROWD_QUALITY).astype(np.float32),
        np.interp(hard, p.CROWD_FINGER_HARD, p.CROWD_FINGER_QUALITY).astype(np.uint8),
        width,
        height,
    )


def _habits() -> Habits:
    from models.synthetic.crowd_kernels import Habits

    return Habits(
        cell=p.CROWD_CELL_PX,
        middle=((p.WIDTH_PX - 1) / 2, (p.HEIGHT_PX - 1) / 2 - p.MIDDLE_ABOVE_PX),
        area=p.CROWD_AREA_PX,
        minutiae=(p.CROWD_MINUTIAE, p.CROWD_MINUTIAE_SPREAD),
        gap=p.CROWD_GAP_PX,
        densest=p.CROWD_DENSEST,
        pair=(p.CROWD_PAIR_PX, p.CROWD_PAIR_OPPOSED),
        flow=p.CROWD_FLOW_RAD,
        astray=(*p.CROWD_ASTRAY_RAD, p.CROWD_ASTRAY_SHARE),
        warp=(p.CROWD_SCALE, p.CROWD_SHEAR, p.CROWD_WARP_PX),
        wave=p.CROWD_WAVE_PX,
        endings=p.CROWD_ENDINGS,
        turn=float(np.deg2rad(p.TURN_DEG)),
        shift=p.SHIFT_PX,
        contact=p.CROWD_CONTACT_PX,
        distortion=p.CROWD_DISTORTION_PX,
        jitter=(p.CROWD_JITTER_PX, p.CROWD_JITTER_RAD),
        missed=p.CROWD_MISSED,
        false=p.CROWD_FALSE,
        type_error=p.CROWD_TYPE_ERROR,
        difficulty=p.CROWD_DIFFICULTY,
    )
