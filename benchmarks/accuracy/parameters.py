"""Tuned numbers of the accuracy benchmark, each with its unit and where it comes from."""

from __future__ import annotations

from typing import Final

# --- images ---
WORKING_DPI: Final = 500.0
"""The resolution every system is given: that of the serial sensors, and of the matchers' constants."""

DPI_MIN: Final = 100.0
DPI_MAX: Final = 2000.0
"""Outside of these a stated resolution is a slip of the keyboard."""

DPI_BY_COLLECTION: Final[dict[tuple[str, str], float]] = {
    ("fvc2002", "db2"): 569.0,
    ("fvc2004", "db2"): 512.0,
    ("fvc2004", "db3"): 512.0,
}
"""(collection, beginning of the database's name) -> dpi, where it is not 500.

From the competitions' descriptions of their sensors. The resolution tags in the TIFF files are wrong and
are never read.
"""

ACTIVITY_BOX_PX: Final = 17
"""Side of the box in which grey values vary where there is print: about two ridge periods at 500 dpi."""

ACTIVITY_SHARE: Final = 0.35
"""Share of the 95th percentile of that variation above which a pixel counts as print (by eye)."""

ACTIVITY_FLOOR_GREY: Final = 4.0
"""Standard deviation in grey levels under which there is no print at all: sensor noise."""

BACKGROUND_SHARE: Final = 0.01
"""Least share of pixels without print from which the background's grey can be told."""

# --- peers ---
LEADER_QUALITY_MIN: Final = 0.30
"""LEADER's threshold on its fourth channel; 0.30 gave lower error rates than 0.40 and 0.55 everywhere."""

BOZORTH3_MINUTIAE_MAX: Final = 150
"""NBIS's own default: bozorth3 takes the 150 minutiae of the highest quality."""

PEER_START_SECONDS: Final = 120.0
"""A peer's interpreter imports onnxruntime from a cold disk well within this."""

PEER_CALL_SECONDS: Final = 300.0
"""One extraction or one chunk of comparisons; beyond it the peer hangs."""

COMPARISONS_PER_CALL: Final = 200
"""Pairs sent to a peer at once: enough to hide the pipe, few enough for the progress bar to move."""

# --- statistics ---
FMR100: Final = 1 / 100
FMR1000: Final = 1 / 1000

BOOTSTRAP_REPLICATES: Final = 1000
"""Percentiles 2.5 and 97.5 of a thousand replicates move by about a twentieth of the interval."""

BOOTSTRAP_SEED: Final = 20021
BOOTSTRAP_CELLS_MAX: Final = 4_000_000
"""Replicates x pairs held at once (32 MB of float64)."""
