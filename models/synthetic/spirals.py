"""Exact minutiae: where the phase of the ridges winds once round a point.

Ridges are the cosine of a phase; where one more ridge begins, on the way from one side to the other, the phase
gains a turn, so each minutia is a spiral of the phase (Larkin and Fletcher, Optics Express 15(14), 2007). The
side with one ridge more is where the minutia points: along the ridge that ends there, or between the branches of
the one that forks. It does not move when ridges grow thicker or thinner, as the ends of a skeleton do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic import parameters as p
from models.synthetic.noise import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.synthetic.growth import Growth

_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))  # rows and columns of a square of pixels, x before y


def spirals(grown: Growth, singular: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minutiae (n, 4): x, y in pixels of the growth, angle in radians as `Minutiae` has it, and how much of an ending.

    `singular` (k, 2) are the cores and deltas, where the phase is ambiguous. The last column is positive for an
    ending, negative for a bifurcation, and nearly nought where pressure decides which of the two is seen.
    """
    h, w = grown.even.shape
    nx, ny = np.sin(grown.turn), np.cos(grown.turn)  # across the ridges, x right and y down
    wave = grown.even + 1j * grown.odd
    first = (slice(0, h - 1), slice(0, w - 1))
    turned: list[NDArray[np.complex128]] = []
    aligned = np.ones((h - 1, w - 1), bool)
    gx, gy = nx[first], ny[first]
    step = 2 * np.pi / grown.period[first]
    for dy, dx in _CORNERS:
        part = (slice(dy, h - 1 + dy), slice(dx, w - 1 + dx))
        along = nx[part] * gx + ny[part] * gy
        aligned &= np.abs(along) > 0.6
        z = np.where(along < 0, np.conj(wave[part]), wave[part])
        turned.append(z * np.exp(-1j * step * (dx * gx + dy * gy)))  # the even advance of the phase taken out
    advance = [np.angle(turned[(k + 1) % 4] * np.conj(turned[k])) for k in range(4)]
    winding = np.rint(np.sum(advance, axis=0) / (2 * np.pi))
    rows, columns = np.nonzero((winding != 0) & aligned)
    corners = np.stack([t[rows, columns] for t in turned], axis=1)
    u, v = _zero(corners)
    x, y = columns + u, rows + v
    sign = -winding[rows, columns]
    # t, a quarter turn from n through x to y; a winding along it leaves more ridges behind it than before it
    tx, ty = -ny[rows, columns] * sign, nx[rows, columns] * sign
    angle = np.arctan2(-ty, tx) % (2 * np.pi)
    reach = grown.period[rows, columns] * np.array(p.TYPE_REACH_PERIODS)[:, None]
    ahead = sample(grown.even, x + tx * reach, y + ty * reach).mean(axis=0)
    behind = sample(grown.even, x - tx * reach, y - ty * reach).mean(axis=0)
    score = ahead - behind
    return _lasting(np.stack([x, y, angle, score], axis=1), singular)


def _lasting(found: NDArray[np.float64], singular: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spirals an eye would mark: no nicks and dots (two, opposed, hardly apart), one at a singular point."""
    x, y, angle, score = found.T
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    against = np.cos(angle[:, None] - angle) < -0.5
    np.fill_diagonal(against, False)
    keep = ~(against & (apart < p.NICK_PX / 2)).any(axis=1)
    near = np.hypot(x[:, None] - singular[:, 0], y[:, None] - singular[:, 1]).min(axis=1, initial=np.inf)
    near = near < p.SINGULAR_PX / 2
    for k in np.argsort(-np.abs(score)):
        if keep[k] and near[k]:
            keep[near & (apart[k] < p.SINGULAR_PX / 2) & (np.arange(len(x)) != k)] = False
    return found[keep]


def _zero(corners: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in the unit square a complex bilinear function is nought (n, 4 corners in the order of `_CORNERS`)."""
    a = corners[:, 0]
    b, c = corners[:, 1] - a, corners[:, 3] - a
    d = corners[:, 2] - corners[:, 1] - corners[:, 3] + a
    u = np.full(len(a), 0.5)
    v = u.copy()
    for _ in range(6):
        f = a + b * u + c * v + d * u * v
        fu, fv = b + d * v, c + d * u
        det = fu.real * fv.imag - fv.real * fu.imag
        det = np.where(np.abs(det) < 1e-9, 1e-9, det)
        u = np.clip(u - (f.real * fv.imag - fv.real * f.imag) / det, 0, 1)
        v = np.clip(v - (fu.real * f.imag - f.real * fu.imag) / det, 0, 1)
    return u, v
