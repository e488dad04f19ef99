"""Tuned numbers of the synthetic prints, with units and where each comes from."""

from __future__ import annotations

HEIGHT_PX, WIDTH_PX = 384, 320  # of a master at 500 dpi: 19.5 x 16.3 mm, a flat thumb
DPI = 500.0

# --- master ---
CLASS_SHARES = {"right loop": 0.317, "left loop": 0.338, "whorl": 0.279, "arch": 0.066}  # Handbook, 5.1
PERIOD_PX = (8.0, 10.0)  # ridge period of adults at 500 dpi, about 0.4 to 0.5 mm
ORIENTATIONS = 24  # filters in the bank; more changes nothing to see
FILTER_SIGMA_PERIODS = 0.55  # width of the filter, in ridge periods
GROWTH_STEPS = 34
SEEDS_PER_CM2 = 28.0  # scattered spots from which ridges grow; more spots, more minutiae
GAIN = 4.0

# --- impression ---
TURN_DEG = 12.0  # standard deviation
SHIFT_PX = 12.0  # standard deviation
STRETCH_PX = 4.0  # largest displacement by the skin's elasticity
CONTACT_SHARE = (0.80, 1.05)  # of the master's half axes that touch the glass

# --- crowd: counts as the extractor finds them at the sensor's window on the development set ---
CROWD_MINUTIAE, CROWD_MINUTIAE_SPREAD = 40.0, 9.0
CROWD_GAP_PX = 9.0
