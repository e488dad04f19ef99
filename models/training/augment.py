"""One crop out of an example: geometry, skin, sensor, and the network's targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training.examples import MASK_SHRINK, Example
from models.training.parameters import (
    CROP_PX,
    ELASTIC_PX,
    HEAT_SIGMA_CELLS,
    SCALE_LOG2_RANGE,
    STRIDE_PX,
    SUPPORT_CELLS,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

CELLS = CROP_PX // STRIDE_PX
_GRID_Y, _GRID_X = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
_CELL_Y, _CELL_X = np.mgrid[0:CELLS, 0:CELLS].astype(np.float32)


def crop(example: Example, rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """A crop as a sensor might see it, uint8 (192, 192), and its targets, float16 (8, 48, 48)."""
    image, minutiae, mask = warp(example, rng)
    image, kept = skin(image, rng)
    image, seen = sensor(image, example.background, rng)
    if len(minutiae):
        xi = np.clip(np.rint(minutiae[:, 0]).astype(int), 0, CROP_PX - 1)
        yi = np.clip(np.rint(minutiae[:, 1]).astype(int), 0, CROP_PX - 1)
        minutiae = minutiae[seen[yi, xi]]
        xi, yi = xi[: len(minutiae)], yi[: len(minutiae)]
        minutiae[:, 4] *= kept
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


def _field(rng: Generator, knots: int) -> NDArray[np.float32]:
    return cv2.resize(
        rng.standard_normal((knots, knots), np.float32), (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC
    )


def skin(image: NDArray[np.uint8], rng: Generator) -> tuple[NDArray[np.float32], float]:
    """Pressure, dryness, creases. Also how far the minutiae are still to be trusted (0-1)."""
    x = image.astype(np.float32)
    kept = 1.0
    if rng.random() < 0.35:  # pressure: ridges grow (wet) or thin (light)
        size = 3 if rng.random() < 0.8 else 4
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        changed = cv2.erode(x, kernel) if rng.random() < 0.5 else cv2.dilate(x, kernel)
        share = rng.uniform(0.3, 1.0)
        x = share * changed + (1 - share) * x
    if rng.random() < 0.25:  # dryness: the ridge prints in specks
        speck = cv2.GaussianBlur(rng.standard_normal(x.shape, np.float32), (0, 0), rng.uniform(0.7, 1.4))
        amount = speck > rng.uniform(0.6, 1.8) * speck.std()
        x = np.where(amount, x + rng.uniform(0.4, 1.0) * (255.0 - x), x)
    if rng.random() < 0.12:  # creases and scars
        for _ in range(int(rng.integers(1, 5))):
            a, b = rng.uniform(0, CROP_PX, 2), rng.uniform(0, CROP_PX, 2)
            cv2.line(
                x,
                (int(a[0]), int(a[1])),
                (int(b[0]), int(b[1])),
                float(rng.uniform(170, 255)),
                int(rng.integers(1, 4)),
                cv2.LINE_AA,
            )
    if rng.random() < 0.15:  # latent remains of another ridge flow, or dirt
        x = x - rng.uniform(10, 50) * (_field(rng, 24) > 0.8)
    return x, kept


def sensor(
    image: NDArray[np.float32], background: int, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Sharpness, light, noise, window and levels. Also the mask of pixels that the window leaves."""
    x = image
    if rng.random() < 0.15:  # a coarser sensor
        share = rng.uniform(0.55, 0.9)
        small = cv2.resize(x, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        x = cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
    draw = rng.random()
    if draw < 0.3:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.5))
    elif draw < 0.45:
        x = x + rng.uniform(0.3, 1.2) * (x - cv2.GaussianBlur(x, (0, 0), 1.5))
    if rng.random() < 0.75:  # contrast, brightness, gamma
        x = 255.0 * np.power(np.clip(x / 255.0, 0.0, 1.0), 2.0 ** rng.uniform(-0.9, 0.9))
        x = (x - 128.0) * 2.0 ** rng.uniform(-1.5, 0.7) + 128.0 + rng.uniform(-50, 50)
    if rng.random() < 0.3:  # uneven light or pressure
        x = (x - 160.0) * (1.0 + 0.3 * _field(rng, 4)) + 160.0 + rng.uniform(0, 25) * _field(rng, 4)
    if rng.random() < 0.5:
        x = x + rng.uniform(1, 18) * rng.standard_normal(x.shape, np.float32)
    if rng.random() < 0.1:  # capacitive rows and columns
        x = x + rng.uniform(2, 12) * rng.standard_normal((CROP_PX, 1), np.float32)
        x = x + rng.uniform(2, 12) * rng.standard_normal((1, CROP_PX), np.float32)
    if rng.random() < 0.05:
        x = np.where(rng.random(x.shape) < 0.03, rng.uniform(0, 255), x)
    seen = np.ones(x.shape, np.bool_)
    if rng.random() < 0.3:  # the edge of the sensor's window, straight or round
        at = int(rng.integers(8, CROP_PX // 2))
        side = rng.integers(5)
        if side == 4:
            radius = rng.uniform(0.35, 0.75) * CROP_PX
            seen = radius**2 > (_GRID_X - CROP_PX / 2) ** 2 + (_GRID_Y - CROP_PX / 2) ** 2
        elif side % 2:
            (seen[:at] if side == 1 else seen[-at:])[:] = False
        else:
            (seen[:, :at] if side == 0 else seen[:, -at:])[:] = False
        x = np.where(seen, x, rng.choice([255.0, float(background), rng.uniform(0, 255)]))
    out = np.clip(np.rint(x), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        out = (out >> 4) * np.uint8(17)
    return out, seen


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


def negative(rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """A crop that is no fingerprint: noise, stripes, letters, shapes, gradients."""
    kind = rng.integers(6)
    if kind == 0:
        x = rng.uniform(0, 255) + rng.uniform(0, 80) * rng.standard_normal((CROP_PX, CROP_PX), np.float32)
    elif kind == 1:  # straight stripes, some of a ridge's period
        turn, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
        phase = 2 * np.pi * (np.cos(turn) * _GRID_X + np.sin(turn) * _GRID_Y) / period
        x = 128 + rng.uniform(20, 127) * np.sin(phase)
        x = np.where(x > 128, 230.0, 30.0) if rng.random() < 0.5 else x
    elif kind == 2:
        x = np.full((CROP_PX, CROP_PX), int(rng.integers(150, 256)), np.uint8)  # OpenCV writes on uint8 only
        for row in range(0, CROP_PX, int(rng.integers(10, 40))):
            text = "".join(chr(c) for c in rng.integers(33, 126, 24))
            cv2.putText(
                x, text, (0, row), int(rng.integers(0, 8)), rng.uniform(0.25, 1.2), rng.uniform(0, 120), 1
            )
    elif kind == 3:
        x = np.full((CROP_PX, CROP_PX), rng.uniform(0, 255), np.float32)
        for _ in range(int(rng.integers(1, 30))):
            centre = (int(rng.integers(CROP_PX)), int(rng.integers(CROP_PX)))
            cv2.circle(x, centre, int(rng.integers(2, 80)), rng.uniform(0, 255), int(rng.choice([-1, 1, 3])))
    elif kind == 4:
        x = 128 + 60 * _field(rng, int(rng.integers(3, 60)))
    else:
        grey = rng.uniform(0, 255)
        x = np.full((CROP_PX, CROP_PX), grey, np.float32) + rng.uniform(0, 1.5) * _GRID_X
    image, _ = sensor(x.astype(np.float32), int(rng.integers(256)), rng)
    return image, targets(np.zeros((0, 5), np.float32), np.zeros((CELLS, CELLS), np.bool_))
