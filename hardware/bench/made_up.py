"""Made-up minutiae and submissions: for tests of what lies behind the extractor, and to fill a gallery.

The minutiae are random points: distinct from each other, good for identity and load, and no model of skin.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from interchange import iso19794
from interchange.messages import CaptureTime, ModelReference, Print, Purpose, Submission
from interchange.minutiae import TWO_PI, Minutiae
from interchange.record import record_of
from interchange.tcn import new_tcn

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH_PX, HEIGHT_PX, MARGIN_PX = 256, 288, 16


def made_up_minutiae(seed: int, *, count: int = 40, finger_quality: int = 70) -> Minutiae:
    """Random minutiae in a window of 256x288 pixels at 500 dpi; the same for the same `seed`."""
    random = np.random.default_rng(seed)
    return Minutiae.make(
        random.integers(MARGIN_PX, WIDTH_PX - MARGIN_PX, count),
        random.integers(MARGIN_PX, HEIGHT_PX - MARGIN_PX, count),
        random.uniform(0.0, TWO_PI, count),
        type=random.integers(1, 3, count),
        quality=random.uniform(0.4, 1.0, count),
        width=WIDTH_PX,
        height=HEIGHT_PX,
        finger_quality=finger_quality,
    )


def made_up_submission(device: str, fingers: Mapping[int, Minutiae], *, tcn: str | None = None) -> Submission:
    """A submission of `fingers`, by position, as `device` would make it now."""
    return Submission(
        tcn=tcn or new_tcn(device, now_ms=time.time_ns() // 1_000_000),
        device=device,
        captured_at=CaptureTime(
            clock=datetime.now(UTC),
            synchronised=False,
            boot_id="00000000-0000-4000-8000-000000000000",
            monotonic_ms=time.monotonic_ns() // 1_000_000,
        ),
        purpose=Purpose.BOOKING,
        extractor=ModelReference(name="made-up", sha256="0" * 64),
        prints=tuple(
            Print(
                position=position,
                finger_quality=minutiae.finger_quality,
                template=iso19794.encode(record_of(minutiae, position=position)),
            )
            for position, minutiae in fingers.items()
        ),
    )
