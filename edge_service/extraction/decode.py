"""From the network's output to minutiae.

Output channels: 0 heat (logit), 1-2 offset from the cell's centre in cells (x right, y down), 3-4 cos and sin of
the direction, 5 type (logit, positive is an ending), 6 print (logit).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_service.extraction import parameters as p
from interchange import Minutiae, MinutiaType

HEAT, OFFSET_X, OFFSET_Y, COS, SIN, TYPE, PRINT = range(7)
Output = NDArray[np.float32]


def probability(logit: Output) -> Output:
    """Logistic function, without overflow for any logit."""
    return (0.5 * (1.0 + np.tanh(0.5 * logit))).astype(np.float32)


def minutiae(output: Output, *, width: int, height: int) -> Minutiae:
    """Minutiae at the peaks of the heat.

    Args:
        output: float32 (rows, columns, 7).
        width: width of the image in pixels at 500 dpi; minutiae beyond it are dropped.
        height: its height.
    """
    heat = probability(output[..., HEAT])
    rows, columns = np.nonzero(peaks(heat))
    cells = output[rows, columns]
    certainty = heat[rows, columns]
    x, y = places(cells, rows, columns)
    inside = (x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)
    order = np.flatnonzero(inside)[np.argsort(-certainty[inside], kind="stable")][: p.MOST_PEAKS]
    keep = order[apart(x[order], y[order])][: p.MOST_MINUTIAE]
    kinds = np.where(cells[keep, TYPE] > 0, MinutiaType.ENDING, MinutiaType.BIFURCATION)
    return Minutiae.make(
        np.clip(x[keep], 0, width - 1),
        np.clip(y[keep], 0, height - 1),
        np.arctan2(cells[keep, SIN], cells[keep, COS]),
        type=kinds,
        quality=certainty[keep],
        width=width,
        height=height,
        dpi=p.DPI,
    )


def places(cells: Output, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Output, Output]:
    """Where the minutiae of cells (n, 7) at these rows and columns stand: x and y in pixels at 500 dpi."""
    # a minutia belongs to its cell or the next one: an offset beyond that is a slip of the network
    x = (columns + 0.5 + np.clip(cells[:, OFFSET_X], -1.5, 1.5)) * p.STRIDE_PX - 0.5
    y = (rows + 0.5 + np.clip(cells[:, OFFSET_Y], -1.5, 1.5)) * p.STRIDE_PX - 0.5
    return x, y


def peaks(heat: Output, *, least: float = p.LEAST_HEAT) -> NDArray[np.bool_]:
    """Cells that are at least as hot as their eight neighbours and hot enough."""
    padded = np.pad(heat, 1)
    rows, columns = heat.shape
    around = [
        padded[dy : dy + rows, dx : dx + columns] for dy in range(3) for dx in range(3) if (dy, dx) != (1, 1)
    ]
    return (heat >= np.maximum.reduce(around)) & (heat >= least)


def apart(x: Output, y: Output) -> NDArray[np.bool_]:
    """Which points stay when, best first, none may be nearer to a better one than the least distance."""
    near = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 < p.LEAST_DISTANCE_PX**2
    keep = np.ones(len(x), np.bool_)
    for k in np.flatnonzero(np.triu(near, 1).any(axis=0)):  # the few that have a better neighbour
        keep[k] = not (near[k, :k] & keep[:k]).any()
    return keep


def area_mm2(mask: NDArray[np.bool_]) -> float:
    """Area of a mask of cells, in square millimetres."""
    return int(mask.sum()) * (p.STRIDE_PX * 25.4 / p.DPI) ** 2
