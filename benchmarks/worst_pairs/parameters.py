"""Tuned numbers of the diagnosis, with units and where each comes from.

"By eye" is by reading the figures of the worst pairs of FVC2002 DB1-4_B, and by looking at four of them.
"""

from __future__ import annotations

from typing import Final

TRUSTED_SCORE: Final = 7.0
"""Least score of every step of a chain of comparisons; one impostor in 10,000 reaches it, and these are genuine."""

CERTAIN_SCORE: Final = 12.0
"""Below it, how the prints lie on each other is only probable, and is said to be."""

GRID_PX: Final = 4
"""Spacing of the points by which areas are measured."""

SMOOTHED_POINTS: Final = 7
"""Holes and specks of a print's mask that are smaller than this many points, 1.4 mm, are no edge of it."""

FOUND_PX: Final = 18.0
FOUND_RAD: Final = 0.6
"""A minutia of one print is found again in the other within this, after alignment and with skin that gives."""

TRUE_PAIR_PX: Final = 40.0
"""A pair that the matcher made is a true one within this distance (2 mm) under the trusted alignment: skin gives."""

LEAST_RESIDUALS: Final = 5
"""Fewer minutiae found again say nothing about distortion."""

# --- what counts as a cause ---
FEW_MINUTIAE: Final = 12
"""Of a whole print; with fewer, prints of strangers agree as often (twelve-point rule of the field, too)."""

FEW_IN_COMMON: Final = 12
"""Minutiae in the common area, in the print that has fewer there."""

LITTLE_COMMON_MM2: Final = 70.0
"""About two fifths of the serial sensor's window of 190 mm2 (by eye)."""

LITTLE_COMMON_SHARE: Final = 0.55
"""Of the smaller print's area (by eye)."""

SHARE_FOUND_AGAIN: Final = 0.65
"""Of the minutiae in the common area; well matching pairs have 0.7 to 0.9."""

DISTORTED_PX: Final = 6.5
"""Median distance that is left of minutiae found again after the best rigid fit; most pairs have 2 to 4."""

TURNED_DEG: Final = 35.0
"""The matcher takes any rotation, so this is said and is seldom the cause."""

INK_FROM_USUAL: Final = 0.10
"""Share of dark pixels in the print, away from the database's median, that looks dry or wet (by eye)."""

POOR_QUALITY: Final = 40
"""Of 100."""
