"""Plastic distortion of a print's minutiae: where the finger presses it holds the glass, around that it is dragged.

After Cappelli, Maio and Maltoni, "Modelling Plastic Distortion in Fingerprint Images", ICAPR 2001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Field = Callable[
        [NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]
    ]

HOLD_PX = ((40.0, 70.0), (55.0, 90.0))  # half axes of the area that holds, across and down
GIVE_PX = (60.0, 120.0)  # from where the skin holds to where it follows wholly
TURN_DEG_A_PX = 0.45  # of drag: the finger turns as it is dragged
WAVE_SHARE, WAVE_PX = 0.08, 60.0  # small waves beside it: of the drag, and their length over 2 pi
STEP_PX = 2.0  # along a minutia's direction, to see how the distortion turns it


def field(rng: Generator, drag_px: float, width: int, height: int) -> Field:
    """One distortion: where points (x, y), pixels, y downwards, go. `drag_px` is the drag's standard deviation."""
    cx, cy = width / 2 + rng.normal(0, 20), height / 2 + rng.normal(0, 25)
    across, down = rng.uniform(*HOLD_PX[0]), rng.uniform(*HOLD_PX[1])
    give = rng.uniform(*GIVE_PX)
    sx, sy = rng.normal(0, drag_px, 2)
    turn = np.deg2rad(rng.normal(0, drag_px * TURN_DEG_A_PX))
    waves = [
        (rng.normal(0, 1 / WAVE_PX, 2), rng.uniform(0, 2 * np.pi), rng.normal(0, drag_px * WAVE_SHARE, 2))
        for _ in range(3)
    ]

    def moved(
        x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ux, uy = x - cx, y - cy
        outside = np.maximum(np.hypot(ux / across, uy / down) - 1.0, 0.0) * np.sqrt(across * down)
        follows = np.where(outside >= give, 1.0, 0.5 - 0.5 * np.cos(np.pi * outside / give))
        c, s = np.cos(turn), np.sin(turn)
        to_x = x + follows * (c * ux - s * uy + sx - ux)
        to_y = y + follows * (s * ux + c * uy + sy - uy)
        for (kx, ky), phase, (ax, ay) in waves:
            wave = np.sin(kx * x + ky * y + phase)
            to_x, to_y = to_x + ax * wave, to_y + ay * wave
        return to_x, to_y

    return moved


def distorted(minutiae: Minutiae, rng: Generator, drag_px: float) -> Minutiae:
    """The print as skin dragged by about `drag_px` would show it; directions turn with the skin."""
    moved = field(rng, drag_px, minutiae.width, minutiae.height)
    x, y = minutiae.x.astype(np.float64), minutiae.y.astype(np.float64)
    u, v = moved(x, y)
    ahead_u, ahead_v = moved(x + STEP_PX * np.cos(minutiae.angle), y - STEP_PX * np.sin(minutiae.angle))
    return Minutiae.make(
        u,
        v,
        np.arctan2(v - ahead_v, ahead_u - u),
        type=minutiae.type,
        quality=minutiae.quality,
        width=minutiae.width,
        height=minutiae.height,
        dpi=minutiae.dpi,
        finger_quality=minutiae.finger_quality,
    )
