"""Numbers of the search benchmark, each with its unit and where it comes from."""

from __future__ import annotations

from typing import Final

POSITION: Final = 2
"""Finger of all prints and probes, right index: so a search of one finger has every print before it."""

SIZES: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Prints in the galleries of ``--grow``."""

PRINTS_A_CHUNK: Final = 10_000
"""Prints made, and rebuilt for the exhaustive search, at a time: some 50 MB with their cylinders."""

PRINTS_A_SEGMENT: Final = 200_000
"""Of the durable gallery: what it asks for is at most a few hundred thousand."""

RATE_PRINTS: Final = 100_000
"""Prints over which the rate of exact comparisons is taken: the size that its bar names."""

PER_PRINT_BYTES_BAR: Final = 1024.0
EXACT_PER_SECOND_BAR: Final = 60_000.0
START_SECONDS_BAR: Final = 10.0
RANK_ONE_SHARE_BAR: Final = 0.99
P95_MS_BAR: Final = {100_000: 150.0, 1_000_000: 1000.0}
"""What the search has to reach on two cores; the times in galleries of so many prints."""

OPENAFIS_PER_SECOND: Final = 50_000.0
"""Comparisons a second of an exhaustive matcher of OpenAFIS's class on two cores; read, not run here."""

RENDERED_FINGERS_FROM: Final = 10_000
"""Seed of the first rendered finger: apart from the seeds that tests and the demo use."""

INTERVAL_Z: Final = 1.959964
"""Standard normal quantile of a 95 % interval."""
