"""Compiled loops of a touch: where it lies on the finger, what of the skin reaches the glass, how legible it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic.compiled import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def place(  # noqa: PLR0917 - kernels take positional arguments only
    h: int,
    w: int,
    scale: float,
    at: NDArray[np.float64],
    turn: float,
    stretch_x: NDArray[np.float32],
    stretch_y: NDArray[np.float32],
    ellipse: NDArray[np.float64],
    slip: NDArray[np.float64],
    brake: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of a touch lies on the finger: two float32 (h, w), x and y in pixels of the master.

    `at` is the point of the finger in the middle of the window and `turn` the finger's rotation; `stretch_x` and `_y`
    are added. Skin distortion after Cappelli, Maio and Maltoni (ICAPR 2001): within `ellipse` (centre x, y, half
    axes) the skin sticks; beyond it it slips by `slip` (x, y, turn), a little more each pixel until `brake`.
    """
    map_x = np.empty((h, w), np.float32)
    map_y = np.empty((h, w), np.float32)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    cs, ss = np.float32(np.cos(slip[2]) - 1), np.float32(np.sin(slip[2]))
    slip_x, slip_y = np.float32(slip[0]), np.float32(slip[1])
    cx, cy = np.float32(ellipse[0]), np.float32(ellipse[1])
    wide, tall = np.float32(1 / ellipse[2]), np.float32(1 / ellipse[3])
    ox, oy, step = np.float32(at[0]) - cx, np.float32(at[1]) - cy, np.float32(scale)
    one, two, three, stop = np.float32(1), np.float32(2), np.float32(3), np.float32(1 / brake)
    for r in range(h):
        py = np.float32(r - 0.5 * (h - 1)) * step
        for k in range(w):
            px = np.float32(k - 0.5 * (w - 1)) * step
            x = c * px - s * py + ox
            y = s * px + c * py + oy
            radius = np.sqrt((x * wide) ** 2 + (y * tall) ** 2) + np.float32(1e-6)
            beyond = max((one - one / radius) * np.sqrt(x * x + y * y) * stop, np.float32(0))
            beyond = min(beyond, one)
            share = beyond * beyond * (three - two * beyond)
            map_x[r, k] = x + cx + share * (cs * x - ss * y + slip_x) + stretch_x[r, k]
            map_y[r, k] = y + cy + share * (ss * x + cs * y + slip_y) + stretch_y[r, k]
    return map_x, map_y


@kernel
def press(  # noqa: PLR0917 - kernels take positional arguments only
    map_x: NDArray[np.float32],
    map_y: NDArray[np.float32],
    skin: NDArray[np.float32],
    contact: NDArray[np.float64],
    middling: NDArray[np.float32],
    blotches: NDArray[np.float32],
    grain: NDArray[np.float32],
    pressed: np.float32,
    sharp: np.float32,
    pore: np.float32,
    crease: np.float32,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """How much of each pixel is ridge on the glass.

    `contact` is the area that touches (centre x, y, half axes, squareness, softness of its edge, irregularity);
    `middling` is the noise that frays its edge; `blotches` and `grain` are noise of the skin, in ridge heights;
    `pressed` is the height above which a ridge touches. Returns three float32 (h, w): ink 0 to 1, the clean ridges
    -1 to 1 (1: ridge), and the radius, 1 at the edge of the contact.
    """
    h, w = map_x.shape
    ink = np.empty((h, w), np.float32)
    clean = np.empty((h, w), np.float32)
    radii = np.empty((h, w), np.float32)
    right, bottom = np.float32(skin.shape[1] - 1.001), np.float32(skin.shape[0] - 1.001)
    zero, one = np.float32(0), np.float32(1)
    cx, cy = np.float32(contact[0]), np.float32(contact[1])
    wide, tall = np.float32(1 / contact[2]), np.float32(1 / contact[3])
    square, soft, fray = np.float32(2 - contact[4]), np.float32(1 / contact[5]), np.float32(contact[6])
    for r in range(h):
        for k in range(w):
            x, y = map_x[r, k], map_y[r, k]
            rx, ry = ((x - cx) * wide) ** 2, ((y - cy) * tall) ** 2
            radius = np.sqrt(np.sqrt(rx * rx + ry * ry + square * rx * ry)) + fray * middling[r, k]
            radii[r, k] = radius
            off = x < zero or y < zero or x > right or y > bottom
            x, y = min(max(x, zero), right), min(max(y, zero), bottom)
            i, j = int(y), int(x)
            v, u = y - np.float32(i), x - np.float32(j)
            a, b, c, d = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
            one_at, right_of, below, across = skin[i, j], skin[i, j + 1], skin[i + 1, j], skin[i + 1, j + 1]
            ridge = -(a * one_at[0] + b * right_of[0] + c * below[0] + d * across[0])
            clean[r, k] = zero if off else ridge
            edge = (radius - one) * soft
            if off or edge > np.float32(5):
                ink[r, k] = zero
                continue
            hole = a * one_at[1] + b * right_of[1] + c * below[1] + d * across[1]
            cut = a * one_at[2] + b * right_of[2] + c * below[2] + d * across[2]
            lift = np.exp(edge) if edge < zero else one + edge
            height = ridge + blotches[r, k] + grain[r, k] - pressed - np.float32(1.3) * lift - crease * cut
            ink[r, k] = (one - pore * hole) / (one + np.exp(-sharp * height))
    return ink, clean, radii


@kernel
def soften(image: NDArray[np.float32], share: np.float32) -> NDArray[np.float32]:
    """The image blurred by (share, 1 - 2 share, share) down and across."""
    h, w = image.shape
    half = np.empty((h, w), np.float32)
    made = np.empty((h, w), np.float32)
    for r in range(h):
        for k in range(w):
            left, right = image[r, max(k - 1, 0)], image[r, min(k + 1, w - 1)]
            half[r, k] = image[r, k] * (1 - 2 * share) + share * (left + right)
    for r in range(h):
        up, down = max(r - 1, 0), min(r + 1, h - 1)
        for k in range(w):
            made[r, k] = half[r, k] * (1 - 2 * share) + share * (half[up, k] + half[down, k])
    return made


@kernel
def likeness(  # noqa: PLR0917 - kernels take positional arguments only
    image: NDArray[np.uint8],
    clean: NDArray[np.float32],
    ink: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two float64 (n,) about each point: correlation of the image (dark ridges) with the clean ridges, and mean ink."""
    h, w = image.shape
    made = np.zeros(len(x))
    inked = np.zeros(len(x))
    for n in range(len(x)):
        cx, cy = int(np.rint(x[n])), int(np.rint(y[n]))
        s = si = sc = sii = scc = sic = wet = 0.0
        for r in range(max(cy - radius, 0), min(cy + radius + 1, h)):
            for k in range(max(cx - radius, 0), min(cx + radius + 1, w)):
                weight = np.exp(-2.0 * ((r - cy) ** 2 + (k - cx) ** 2) / radius**2)
                i, c = -float(image[r, k]), clean[r, k]
                s += weight
                si += weight * i
                sc += weight * c
                sii += weight * i * i
                scc += weight * c * c
                sic += weight * i * c
                wet += weight * ink[r, k]
        variance = (sii / s - (si / s) ** 2) * (scc / s - (sc / s) ** 2)
        made[n] = (sic / s - si * sc / s / s) / np.sqrt(max(variance, 1e-9))
        inked[n] = wet / s
    return made, inked
