"""One crop out of an example: its geometry, its looks (`appearance`), and the network's targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training.appearance import sensor, skin
from models.training.example import MASK_SHRINK, Example
from models.training.parameters import (
    CROP_PX,
    ELASTIC_PX,
    HEAT_SIGMA_CELLS,
    SCALE_LOG2_RANGE,
    STRIDE_PX,
    SUPPORT_CELLS,
    Recipe,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

CELLS = CROP_PX // STRIDE_PX
DEFAULT = Recipe()
_GRID_Y, _GRID_X = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
_CELL_Y, _CELL_X = np.mgrid[0:CELLS, 0:CELLS].astype(np.float32)


def crop(
    example: Example, rng: Generator, recipe: Recipe = DEFAULT
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """A crop as a sensor might see it, uint8 (192, 192), and its targets, float16 (8, 48, 48)."""
    image, minutiae, mask = warp(example, rng)
    if recipe.skin and not (
        example.exact and rng.random() < 0.5
    ):  # synthetic prints have a skin of their own
        image = skin(image, example.background, rng)
    image, seen = sensor(image.astype(np.float32), example.background, rng, recipe)
    if len(minutiae):
        xi = np.clip(np.rint(minutiae[:, 0]).astype(int), 0, CROP_PX - 1)
        yi = np.clip(np.rint(minutiae[:, 1]).astype(int), 0, CROP_PX - 1)
        minutiae = minutiae[seen[yi, xi]]
    return image, targets(minutiae, mask & seen[2::STRIDE_PX, 2::STRIDE_PX])


def warp(
    example: Example, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]:
    """Rotation, scale, mirror and a smooth distortion about a random centre on the print."""
    h, w = example.image.shape
    on_print = np.argwhere(example.mask > 127)
    if len(on_print) and rng.random() < 0.85:
        cy, cx = on_print[rng.integers(len(on_print))] * float(MASK_SHRINK)
    else:
        cy, cx = rng.uniform(0, h), rng.uniform(0, w)
    turn = rng.uniform(0, 2 * np.pi)
    scale = 2.0 ** rng.uniform(-SCALE_LOG2_RANGE, SCALE_LOG2_RANGE)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    matrix = (
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.diag([mirror, 1.0])
        / scale
    )
    bend = rng.standard_normal((2, 5, 5), np.float32) * rng.uniform(0, ELASTIC_PX) / 2.0
    dx, dy = (cv2.resize(b, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC) for b in bend)
    half = (CROP_PX - 1) / 2.0
    ux, uy = _GRID_X + dx - half, _GRID_Y + dy - half
    map_x = (matrix[0, 0] * ux + matrix[0, 1] * uy + cx).astype(np.float32)
    map_y = (matrix[1, 0] * ux + matrix[1, 1] * uy + cy).astype(np.float32)
    image = cv2.remap(
        example.image,
        map_x,
        map_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float(example.background),
    )
    mask = cv2.remap(
        example.mask,
        map_x[2::STRIDE_PX, 2::STRIDE_PX] / MASK_SHRINK,
        map_y[2::STRIDE_PX, 2::STRIDE_PX] / MASK_SHRINK,
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    )
    m = example.minutiae
    ahead = m[:, :2] + 4.0 * np.stack([np.cos(m[:, 2]), -np.sin(m[:, 2])], axis=1)
    inverse = np.linalg.inv(matrix)
    there = _undo_bend((m[:, :2] - [cx, cy]) @ inverse.T + half, dx, dy)
    then = _undo_bend((ahead - [cx, cy]) @ inverse.T + half, dx, dy)
    moved = np.column_stack(
        [there, np.arctan2(there[:, 1] - then[:, 1], then[:, 0] - there[:, 0]), m[:, 3], m[:, 4]]
    ).astype(np.float32)
    inside = (there > -0.5).all(axis=1) & (there < CROP_PX - 0.5).all(axis=1)
    return image, moved[inside], mask > 127


def _undo_bend(
    points: NDArray[np.float64], dx: NDArray[np.float32], dy: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Solve p + bend(p) = point by fixed-point steps; the bend is smooth and small, so four are enough."""
    p = points.copy()
    for _ in range(4):
        xi = np.clip(np.rint(p[:, 0]).astype(int), 0, CROP_PX - 1)
        yi = np.clip(np.rint(p[:, 1]).astype(int), 0, CROP_PX - 1)
        p = points - np.stack([dx[yi, xi], dy[yi, xi]], axis=1)
    return p


def targets(minutiae: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float16]:
    """The eight target planes that `models.training.loss.losses` takes."""
    out = np.zeros((8, CELLS, CELLS), np.float32)
    out[6] = mask
    if len(minutiae):
        x = (minutiae[:, 0] + 0.5) / STRIDE_PX - 0.5
        y = (minutiae[:, 1] + 0.5) / STRIDE_PX - 0.5
        dx, dy = x[:, None, None] - _CELL_X, y[:, None, None] - _CELL_Y
        d2 = dx**2 + dy**2
        certainty = minutiae[:, 4, None, None]
        nearest_cell = d2.min(axis=(1, 2), keepdims=True)
        # the cell that holds the minutia gets its whole certainty, whatever the offset inside the cell
        out[0] = (certainty * np.exp(-(d2 - nearest_cell) / (2 * HEAT_SIGMA_CELLS**2))).max(axis=0)
        owner = d2.argmin(axis=0)
        pick = (owner, *np.indices(owner.shape))
        out[1], out[2] = dx[pick], dy[pick]
        out[3], out[4] = np.cos(minutiae[owner, 2]), np.sin(minutiae[owner, 2])
        out[5] = minutiae[owner, 3]
        out[7] = np.where(d2[pick] < SUPPORT_CELLS**2, minutiae[owner, 4], 0.0)
        out[1:6] *= out[7] > 0
    return out.astype(np.float16)
