"""Compiled loops of the growth: each pixel filtered by its own filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic.compiled import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8  # px; parts of the canvas that the ridges have not reached yet are skipped in such blocks


@kernel
def unrolled(pattern: NDArray[np.float32], y: int, size: int, row: NDArray[np.float32]) -> None:
    """Write the rows y to y + size of a padded pattern to `row`, column by column: each pixel's patch in one piece."""
    for x in range(pattern.shape[1]):
        for a in range(size):
            row[x * size + a] = pattern[y + a, x]


@kernel
def grow(  # noqa: C901, PLR0912, PLR0917 - a compiled loop: flat, and its arguments have no names
    pattern: NDArray[np.float32],
    size: int,
    bank: NDArray[np.float32],
    choice: NDArray[np.int32],
    gain: np.float32,
    steps: int,
) -> NDArray[np.float32]:
    """Filter `pattern` (padded by size // 2 all round) `steps` times, each pixel by its own filter.

    `bank` is (filters, taps): size x size taps, column by column, and zeros; `choice` is the filter of each pixel.
    Returns the last linear response and leaves the saturated one in `pattern`.
    """
    h, w = choice.shape
    taps = bank.shape[1]
    radius = size // 2
    rows, columns = (h + BLOCK - 1) // BLOCK, (w + BLOCK - 1) // BLOCK
    response = np.zeros((h, w), np.float32)
    live = np.zeros((rows + 2, columns + 2), np.bool_)
    row = np.zeros(pattern.shape[1] * size + taps, np.float32)
    for _ in range(steps):
        for i in range(rows):
            for j in range(columns):
                if not live[i + 1, j + 1]:
                    for y in range(i * BLOCK, min(h, (i + 1) * BLOCK)):
                        for x in range(j * BLOCK, min(w, (j + 1) * BLOCK)):
                            if abs(pattern[y + radius, x + radius]) > 1e-3:
                                live[i + 1, j + 1] = True
        for y in range(h):
            unrolled(pattern, y, size, row)
            i = y // BLOCK
            for j in range(columns):
                near = False
                for a in range(3):
                    for b in range(3):
                        near |= live[i + a, j + b]
                if near:
                    for x in range(j * BLOCK, min(w, (j + 1) * BLOCK)):
                        response[y, x] = dot(bank[choice[y, x]], row[x * size : x * size + taps])
        for y in range(h):
            for x in range(w):
                pattern[y + radius, x + radius] = np.tanh(gain * response[y, x])
    return response


@kernel
def dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    """Sum of products."""
    total = np.float32(0.0)
    for k in range(len(one)):
        total += one[k] * other[k]
    return total


@kernel
def respond(
    pattern: NDArray[np.float32], size: int, bank: NDArray[np.float32], choice: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Linear response of each pixel's own filter; arguments as of `grow`."""
    h, w = choice.shape
    taps = bank.shape[1]
    response = np.zeros((h, w), np.float32)
    row = np.zeros(pattern.shape[1] * size + taps, np.float32)
    for y in range(h):
        unrolled(pattern, y, size, row)
        for x in range(w):
            response[y, x] = dot(bank[choice[y, x]], row[x * size : x * size + taps])
    return response
