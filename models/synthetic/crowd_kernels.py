"""Compiled loops of the crowd: a finger's minutiae by dart throwing along its flow, and a touch of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.compiled import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 255  # minutiae of a finger or of a touch: what an ISO/IEC 19794-2 record holds
_WEYL, _MIX_A, _MIX_B = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


class Habits(NamedTuple):
    """The numbers of `parameters` that the kernels take: distances in pixels at 500 dpi, angles in radians."""

    cell: float
    middle: tuple[float, float]
    area: tuple[float, float]
    minutiae: tuple[float, float]
    gap: tuple[float, float]
    densest: float
    pair: tuple[float, float]
    flow: float
    astray: tuple[float, float, float]
    warp: tuple[float, float, float]
    wave: tuple[float, float]
    endings: float
    turn: float
    shift: float
    contact: tuple[float, float]
    distortion: tuple[float, float]
    jitter: tuple[float, float]
    missed: tuple[float, float]
    false: tuple[float, float]
    type_error: float
    difficulty: tuple[float, float]


@kernel
def scramble(z: np.uint64) -> np.uint64:
    """Steele, Lea and Flood's SplitMix64 finaliser (OOPSLA 2014): every bit of the input moves all of the output."""
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    return z ^ (z >> _S31)


@kernel
def begin(state: NDArray[np.uint64], seed: int, number: int, touch: int) -> None:
    """Set the generator to the beginning of one finger (touch -1) or of one of its touches."""
    mixed = scramble(np.uint64(seed) + _WEYL)
    mixed = scramble(mixed ^ (np.uint64(number) + _WEYL))
    state[0] = scramble(mixed ^ (np.uint64(touch + 1) * _MIX_B + _WEYL))


@kernel
def uniform(state: NDArray[np.uint64]) -> float:
    """Between 0 and 1."""
    state[0] += _WEYL
    return float(scramble(state[0]) >> _S11) * (1.0 / 9007199254740992.0)


@kernel
def normal(state: NDArray[np.uint64]) -> float:
    """Standard normal, by Box and Muller's transform."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))


@kernel
def wave(
    state: NDArray[np.uint64], out: NDArray[np.float64], size: float, length: tuple[float, float]
) -> None:
    """A plane wave of random direction: amplitude, wave vector (x, y), phase."""
    k = 2.0 * math.pi / (length[0] + (length[1] - length[0]) * uniform(state))
    bearing = 2.0 * math.pi * uniform(state)
    out[0], out[1], out[2] = size * normal(state), k * math.cos(bearing), k * math.sin(bearing)
    out[3] = 2.0 * math.pi * uniform(state)


@kernel
def swell(waves: NDArray[np.float64], first: int, last: int, x: float, y: float) -> float:
    """Sum of waves at a point."""
    total = 0.0
    for k in range(first, last):
        total += waves[k, 0] * math.sin(waves[k, 1] * x + waves[k, 2] * y + waves[k, 3])
    return total


@kernel
def look_up(field: NDArray[np.float32], cell: float, x: float, y: float, out: NDArray[np.float64]) -> None:
    """All channels of a map at a point of the master, bilinearly; its border is repeated outwards."""
    rows, columns, channels = field.shape
    px = min(max((x + 0.5) / cell - 0.5, 0.0), columns - 1.001)
    py = min(max((y + 0.5) / cell - 0.5, 0.0), rows - 1.001)
    j, i = int(px), int(py)
    u, v = px - j, py - i
    for c in range(channels):
        upper = field[i, j, c] * (1 - u) + field[i, j + 1, c] * u
        lower = field[i + 1, j, c] * (1 - u) + field[i + 1, j + 1, c] * u
        out[c] = upper * (1 - v) + lower * v


@kernel
def draw_finger(state: NDArray[np.uint64], h: Habits, body: NDArray[np.float64]) -> None:
    """What a finger's flow has beside its field: mirrored or not, affine part, waves of warp (4) and of flow (2)."""
    body[0, 0] = 1.0 if uniform(state) < 0.5 else -1.0
    body[0, 1] = max(0.7, 1.0 + h.warp[0] * normal(state))
    body[0, 2] = max(0.7, 1.0 + h.warp[0] * normal(state))
    body[0, 3] = h.warp[1] * normal(state)
    for k in range(1, 5):
        wave(state, body[k], h.warp[2], h.wave)
    for k in range(5, 7):
        wave(state, body[k], h.flow, h.wave)


@kernel
def flow_at(  # noqa: PLR0917 - kernels take positional arguments only
    field: NDArray[np.float32],
    h: Habits,
    body: NDArray[np.float64],
    x: float,
    y: float,
    out: NDArray[np.float64],
) -> float:
    """Orientation of a finger at a point of it, radians counter-clockwise; `out` takes the map's channels."""
    dx, dy = x - h.middle[0], y - h.middle[1]
    u = body[0, 0] * (dx * body[0, 1] + dy * body[0, 3]) + swell(body, 1, 3, x, y)
    v = dy * body[0, 2] + swell(body, 3, 5, x, y)
    look_up(field, h.cell, h.middle[0] + u, h.middle[1] + v, out)
    out[2] *= body[0, 0]
    return body[0, 0] * 0.5 * math.atan2(out[1], out[0]) + swell(body, 5, 7, x, y)


@kernel
def grow_minutiae(
    state: NDArray[np.uint64],
    field: NDArray[np.float32],
    h: Habits,
    body: NDArray[np.float64],
    own: NDArray[np.float64],
) -> int:
    """All minutiae of a finger into `own` (MOST, 5): x, y, angle, type, how clear it is (0 to 1). Returns how many."""
    here = np.empty(field.shape[2])
    wanted = min(max(int(h.minutiae[0] + h.minutiae[1] * normal(state)), 20), len(own) - 1)
    n = 0
    for _ in range(40 * wanted):
        if n == wanted:
            break
        a, b = 2.0 * uniform(state) - 1.0, 2.0 * uniform(state) - 1.0
        if a * a + b * b > 1.0:
            continue
        x, y = h.middle[0] + a * h.area[0], h.middle[1] + b * h.area[1]
        along = flow_at(field, h, body, x, y, here)
        if uniform(state) * h.densest > here[4]:
            continue
        nearest, beside = 1e9, 0
        for k in range(n):
            d2 = (own[k, 0] - x) ** 2 + (own[k, 1] - y) ** 2
            if d2 < nearest:
                nearest, beside = d2, k
        nearest = math.sqrt(nearest)
        if nearest < h.gap[0] + (h.gap[1] - h.gap[0]) * uniform(state):
            continue
        tx, ty = math.cos(along), math.sin(along)
        forward = 0.5 + 0.5 * min(max(here[2] * tx + here[3] * ty, -0.95), 0.95)
        if nearest < h.pair[0]:
            same = math.cos(own[beside, 2] - along) > 0
            forward = 1.0 - h.pair[1] if same else h.pair[1]
        own[n, 0], own[n, 1] = x, y
        own[n, 2] = along + (0.0 if uniform(state) < forward else math.pi)
        own[n, 2] += normal(state) * (h.astray[1] if uniform(state) < h.astray[2] else h.astray[0])
        own[n, 3] = 1.0 if uniform(state) < h.endings else 2.0
        own[n, 4] = uniform(state)
        n += 1
    return n


@kernel
def draw_touch(  # noqa: C901, PLR0915, PLR0917 - one touch from top to bottom, compiled
    state: NDArray[np.uint64],
    field: NDArray[np.float32],
    h: Habits,
    body: NDArray[np.float64],
    own: NDArray[np.float64],
    count: int,
    window: tuple[float, float],
    out: NDArray[np.float32],
) -> tuple[int, float]:
    """One touch into `out` (MOST, 5): x, y in the window, angle, type, clearness. How many, and how hard it is."""
    here = np.empty(field.shape[2])
    bend = np.empty((4, 4))
    # mean and spread of a beta distribution, by a normal one that is folded back
    hard = abs(h.difficulty[0] + h.difficulty[1] * normal(state))
    hard = 2.0 - hard if hard > 1.0 else hard
    hard = min(max(hard, 0.0), 1.0)
    turn = h.turn * (0.5 + hard) * normal(state)
    reach = h.shift * (0.6 + 0.8 * hard)
    sx, sy = reach * normal(state), 1.3 * reach * normal(state)
    size = 1.03 - 0.22 * hard + (0.07 + 0.10 * hard) * normal(state)
    wide = min(max(h.contact[0] * size * (1 + 0.06 * normal(state)), 60.0), h.area[0])
    tall = min(max(h.contact[1] * size * (1 + 0.08 * normal(state)), 75.0), h.area[1])
    cx = h.middle[0] + 0.4 * sx + (6 + 18 * hard) * normal(state)
    cy = h.middle[1] + 0.4 * sy + (6 + 18 * hard) * normal(state)
    for k in range(4):
        wave(state, bend[k], h.distortion[0] + h.distortion[1] * hard, h.wave)
    cos, sin = math.cos(turn), math.sin(turn)
    missed = h.missed[0] + h.missed[1] * hard
    false = h.false[0] + h.false[1] * hard
    extra = int(max(0.0, false + math.sqrt(false) * normal(state)))
    n = 0
    for k in range(count + extra):
        true = k < count
        if true:
            x, y, angle, kind, clear = own[k, 0], own[k, 1], own[k, 2], own[k, 3], own[k, 4]
            if uniform(state) < missed * (1.6 - 1.2 * clear):
                continue
            if uniform(state) < h.type_error:
                kind = 3.0 - kind
            clear = min(max(clear + 0.15 * normal(state) - 0.25 * (hard - h.difficulty[0]), 0.0), 0.9999)
        else:
            x = cx + wide * (2 * uniform(state) - 1)
            y = cy + tall * (2 * uniform(state) - 1)
            angle = flow_at(field, h, body, x, y, here) + (math.pi if uniform(state) < 0.5 else 0.0)
            angle += h.jitter[1] * normal(state)
            kind = 1.0 if uniform(state) < h.endings else 2.0
            clear = 0.5 * uniform(state)
        if ((x - cx) / wide) ** 2 + ((y - cy) / tall) ** 2 > 1.0:
            continue
        dx = x + swell(bend, 0, 2, x, y) - h.middle[0] - sx
        dy = y + swell(bend, 2, 4, x, y) - h.middle[1] - sy
        # y points down and angles go the other way: a turn of the window by `turn` takes as much from the angle
        px = cos * dx - sin * dy + 0.5 * (window[0] - 1) + h.jitter[0] * normal(state)
        py = sin * dx + cos * dy + 0.5 * (window[1] - 1) + h.jitter[0] * normal(state)
        curl = 0.0
        for b in range(2):
            phase = bend[b, 1] * x + bend[b, 2] * y + bend[b, 3]
            curl -= 0.5 * bend[b, 0] * bend[b, 2] * math.cos(phase)
            phase = bend[b + 2, 1] * x + bend[b + 2, 2] * y + bend[b + 2, 3]
            curl += 0.5 * bend[b + 2, 0] * bend[b + 2, 1] * math.cos(phase)
        angle += h.jitter[1] * normal(state) - turn - curl
        if px < 0 or py < 0 or px > window[0] - 1 or py > window[1] - 1 or n == len(out):
            continue
        if not true:
            crowded = False
            for j in range(n):
                crowded |= (out[j, 0] - px) ** 2 + (out[j, 1] - py) ** 2 < h.gap[0] ** 2
            if crowded:
                continue
        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = px, py, angle, kind, clear
        n += 1
    return n, hard


@kernel
def touches(  # noqa: PLR0917 - kernels take positional arguments only
    bank: NDArray[np.float32],
    h: Habits,
    seed: int,
    numbers: NDArray[np.int64],
    touch: int,
    window: tuple[float, float],
    start: NDArray[np.int64],
    rows: NDArray[np.float32],
    hard: NDArray[np.float32],
) -> None:
    """One touch of each finger of `numbers`, end to end in `rows` (numbers * MOST, 5), print k from start[k] on."""
    state = np.zeros(1, np.uint64)
    body = np.zeros((7, 4))
    own = np.empty((MOST, 5))
    start[0] = 0
    for k in range(len(numbers)):
        begin(state, seed, numbers[k], -1)
        field = bank[int(uniform(state) * len(bank))]
        draw_finger(state, h, body)
        count = grow_minutiae(state, field, h, body, own)
        begin(state, seed, numbers[k], touch)
        low = start[k]
        n, hard[k] = draw_touch(state, field, h, body, own, count, window, rows[low : low + MOST])
        start[k + 1] = low + n
