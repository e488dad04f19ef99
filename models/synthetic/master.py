"""A finger: class, flow of the ridges, their period, the ridges themselves, and the minutiae that they make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae, MinutiaType
from models.synthetic import parameters as p
from models.synthetic.flow import Singularities, flow
from models.synthetic.growth import grow
from models.synthetic.period import period
from models.synthetic.skin import creases, pores, relief
from models.synthetic.spirals import spirals

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """One synthetic finger at 500 dpi; maps are float32 (HEIGHT_PX, WIDTH_PX).

    Attributes:
        ridges: -1 in the middle of a ridge to 1 in the middle of a valley.
        orientation: radians in [0, pi), counter-clockwise from the x axis.
        kind: class of the pattern, a key of `parameters.CLASS_SHARES`.
        seed: what it was made from.
        singularities: cores and deltas.
        minutiae: all of them, exact, in this frame.
        ending: float32 (n,), how much each minutia is an ending: negative for bifurcations, near 0 where pressure
            decides which is seen.
        skin: float32 (HEIGHT_PX, WIDTH_PX, 3): ridges with their relief, pores and creases.
    """

    ridges: NDArray[np.float32]
    orientation: NDArray[np.float32]
    kind: str
    seed: int
    singularities: Singularities
    minutiae: Minutiae
    ending: NDArray[np.float32]
    skin: NDArray[np.float32]


def master(seed: int, *, kind: str | None = None) -> Master:
    """The finger that belongs to a seed: the same seed gives the same finger.

    `kind`, a key of `parameters.CLASS_SHARES`, asks for a class. Raises ValueError for one that there is not.
    """
    rng = np.random.default_rng([seed, 0])
    kinds, shares = list(p.CLASS_SHARES), np.array(list(p.CLASS_SHARES.values()))
    drawn = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
    if kind is not None and kind not in kinds:
        raise ValueError(f"no class is called {kind!r}; there are {', '.join(kinds)}")
    kind = drawn if kind is None else kind
    half = (p.HEIGHT_PX // 2, p.WIDTH_PX // 2)
    orientation, singularities = flow(kind, rng, half)
    grown = grow(orientation, period(singularities, rng, half) / 2, rng)
    ridges = -np.tanh(p.RIDGE_STEEPNESS * doubled(grown.even))
    singular = np.array([*singularities.cores, *singularities.deltas]).reshape(-1, 2)
    found = spirals(grown, (singular - 0.5) / 2)
    skin = np.stack([ridges + relief(rng), pores(grown, rng), creases(rng)], axis=-1)
    turned = doubled(np.cos(2 * orientation)), doubled(np.sin(2 * orientation))
    return Master(
        ridges,
        (0.5 * np.arctan2(turned[1], turned[0]) % np.pi).astype(np.float32),
        kind,
        seed,
        singularities,
        Minutiae.make(
            2 * found[:, 0] + 0.5 - p.FORK_BEHIND_PX * np.cos(found[:, 2]),
            2 * found[:, 1] + 0.5 + p.FORK_BEHIND_PX * np.sin(found[:, 2]),
            found[:, 2],
            type=np.where(found[:, 3] > 0, MinutiaType.ENDING, MinutiaType.BIFURCATION),
            quality=np.ones(len(found)),
            width=p.WIDTH_PX,
            height=p.HEIGHT_PX,
        ),
        found[:, 3].astype(np.float32),
        np.ascontiguousarray(skin),
    )


def doubled(image: NDArray[np.floating]) -> NDArray[np.float32]:
    """The image at twice the resolution, by Lanczos' three-lobed interpolation."""
    across, down = _lanczos(image.shape[1]), _lanczos(image.shape[0])
    return (down @ image.astype(np.float32) @ across.T).astype(np.float32, copy=False)


@lru_cache(maxsize=4)
def _lanczos(length: int) -> NDArray[np.float32]:
    at = (np.arange(2 * length)[:, None] - 0.5) / 2
    t = at - np.arange(length)[None, :]
    weight = np.where(np.abs(t) < 3, np.sinc(t) * np.sinc(t / 3), 0.0)
    return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
