"""What can be told of a print at a glance: from the network's output, and from the grey levels block by block.

The image is halved and cut into blocks of 16 px, about two ridge periods. In each block the structure tensor
(Bigun and Granlund, ICCV 1987) says which way the ridges run and how clearly, and the moments of the grey levels
say how strong they are and whether ridges or valleys are the broader. Blocks count as much as the network sees a
print there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import decode
from edge_service.extraction import parameters as p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae

    Floats = NDArray[np.floating]

_FAINT = 1e-3  # keeps quotients finite where there is nothing at all


@dataclass(frozen=True, slots=True)
class Features:
    """One impression in numbers.

    Attributes:
        window_mm2: area of the image.
        area_mm2: area on which the network sees a print.
        minutiae: how many it found.
        density: minutiae a square millimetre of print.
        certainty: sum of their certainties, each 0 to 1.
        mean_certainty: their mean; 0 without minutiae.
        doubtful: share of them that is less certain than not; 1 without minutiae.
        print_certainty: mean probability of a print where the network sees one.
        active: share of the blocks in which anything can be seen.
        contrast: standard deviation of the grey levels within a block, 0 to 127.
        clarity: 0 to 1, how much the ridges of a block run one way (coherence).
        ridge_balance: skewness of the grey levels: below 0 ridges are thinner than valleys, above 0 broader.
        unevenness: spread of the contrast over the print, in units of the natural logarithm.
        fineness: gradient in units of the contrast: about 2 for ridges at 500 dpi, less for broader things.
        straightness: 0 to 1: 1 where all ridges run one way.
        turning: 0 to 1: 0 where neighbouring blocks agree, 1 where their directions have nothing in common.
        agreement: -1 to 1: whether minutiae point along the ridges on which they lie.
        right_mm: how far the print's centre lies to the right of the image's.
        down_mm: how far below it.
        cut: shares of the left, right, top and bottom edge on which the print runs out of the image.
    """

    window_mm2: float
    area_mm2: float
    minutiae: int
    density: float
    certainty: float
    mean_certainty: float
    doubtful: float
    print_certainty: float
    active: float
    contrast: float
    clarity: float
    ridge_balance: float
    unevenness: float
    fineness: float
    straightness: float
    turning: float
    agreement: float
    right_mm: float
    down_mm: float
    cut: tuple[float, float, float, float]


def measure(image: NDArray[np.uint8], output: decode.Output, found: Minutiae) -> Features:
    """The features of an impression.

    Args:
        image: uint8 (height, width), at 500 dpi.
        output: float32 (ceil(height / 4), ceil(width / 4), 7), the network's; see `decode`.
        found: the minutiae decoded from it, at 500 dpi.
    """
    mm_per_px = 25.4 / p.DPI
    probability = decode.probability(output[..., decode.PRINT])
    mask = probability >= p.PRINT_PROBABILITY
    area_mm2 = decode.area_mm2(mask)
    blocks = _Blocks.of(image)
    weight = _weight(probability, blocks.contrast.shape)
    weight /= weight.sum() + _FAINT
    log_contrast = np.log(blocks.contrast + p.FAINT_GREY)
    length = np.abs(blocks.flow)
    sure = found.quality
    return Features(
        window_mm2=image.size * mm_per_px**2,
        area_mm2=area_mm2,
        minutiae=len(found),
        density=len(found) / max(area_mm2, 1.0),
        certainty=float(sure.sum()),
        mean_certainty=float(sure.mean()) if len(found) else 0.0,
        doubtful=float((sure < p.DOUBTFUL).mean()) if len(found) else 1.0,
        print_certainty=float(probability[mask].mean()) if mask.any() else 0.0,
        active=float((blocks.contrast > p.ACTIVE_GREY).mean()),
        contrast=_mean(blocks.contrast, weight),
        clarity=_mean(length, weight),
        ridge_balance=_mean(blocks.skewness, weight),
        unevenness=float(np.sqrt(_mean((log_contrast - _mean(log_contrast, weight)) ** 2, weight))),
        fineness=_mean(blocks.fineness, weight),
        straightness=float(np.abs((blocks.flow * weight).sum()) / (_mean(length, weight) + _FAINT)),
        turning=_turning(blocks.flow, weight),
        agreement=_agreement(blocks.flow, found),
        right_mm=_off_centre(weight.sum(axis=0)) * p.BLOCK_PX * mm_per_px,
        down_mm=_off_centre(weight.sum(axis=1)) * p.BLOCK_PX * mm_per_px,
        cut=_cut(mask),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Statistics of each block, arrays of (rows, columns)."""

    contrast: Floats
    skewness: Floats
    fineness: Floats
    flow: NDArray[np.complexfloating]  # coherence, with twice the angle of the gradient (y down)

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> _Blocks:
        half = p.BLOCK_PX // 2
        rows, columns = (side // p.BLOCK_PX for side in image.shape)
        grey = image[: rows * p.BLOCK_PX, : columns * p.BLOCK_PX].astype(np.float32)
        grey = grey[::2] + grey[1::2]
        grey = 0.25 * (grey[:, ::2] + grey[:, 1::2])
        across, down = np.zeros_like(grey), np.zeros_like(grey)
        across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
        down[1:-1] = grey[2:] - grey[:-2]
        tiled = grey.reshape(rows, half, columns, half)
        above = (tiled - tiled.mean(axis=(1, 3), keepdims=True)).reshape(grey.shape)
        square = above * above
        kinds = np.stack([square, square * above, across * across, down * down, across * down])
        sums = kinds.reshape(5, rows, half, -1).sum(axis=2).reshape(5, rows, columns, half).sum(axis=3)
        variance, third, xx, yy, xy = sums / half**2
        return cls(
            contrast=np.sqrt(variance),
            skewness=third / (variance**1.5 + 1.0),
            fineness=np.sqrt((xx + yy) / (variance + 1.0)),
            flow=(xx - yy + 2j * xy) / (xx + yy + 1.0),
        )


def _weight(probability: decode.Output, shape: tuple[int, ...]) -> Floats:
    """Mean probability of a print in each block."""
    cells = p.BLOCK_PX // p.STRIDE_PX
    whole = probability[: shape[0] * cells, : shape[1] * cells]
    return whole.reshape(shape[0], cells, shape[1], cells).mean(axis=(1, 3))


def _mean(values: Floats, weight: Floats) -> float:
    return float((values * weight).sum())


def _turning(flow: NDArray[np.complexfloating], weight: Floats) -> float:
    agree = disagree = _FAINT * _FAINT
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        turn = flow[here] * flow[there].conj() * weight[here] * weight[there]
        agree += float(turn.real.sum())
        disagree += float(np.abs(turn).sum())
    return 1.0 - agree / disagree


def _agreement(flow: NDArray[np.complexfloating], found: Minutiae) -> float:
    if len(found) == 0:
        return 0.0
    rows, columns = flow.shape
    at = flow[
        np.minimum((found.y / p.BLOCK_PX).astype(int), rows - 1),
        np.minimum((found.x / p.BLOCK_PX).astype(int), columns - 1),
    ]
    # angles count upwards, the gradient's downwards, and it stands across the ridge: hence both signs
    along = -at * np.exp(2j * found.angle.astype(np.float64))
    return float((along / (np.abs(at) + _FAINT)).real.mean())


def _off_centre(weight: Floats) -> float:
    """How many blocks the weights' centre lies beyond the middle."""
    if weight.sum() < 0.5:
        return 0.0
    return float((weight * (np.arange(len(weight)) + 0.5)).sum() / weight.sum()) - len(weight) / 2


def _cut(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Shares of the left, right, top and bottom edge on which the print runs out."""
    edges = (mask[:, :2].any(axis=1), mask[:, -2:].any(axis=1), mask[:2].any(axis=0), mask[-2:].any(axis=0))
    left, right, top, bottom = (float(edge.mean()) for edge in edges)
    return left, right, top, bottom
