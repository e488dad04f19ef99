"""Tuned numbers of the comparison, with units and where each comes from.

MCC: Cappelli, Ferrara and Maltoni, "Minutia Cylinder-Code", IEEE TPAMI 32(12), 2010, table 1. What differs from
the paper was chosen on FVC2002 DB1-4_B with the teacher's and our own minutiae.
"""

from __future__ import annotations

from math import pi

DPI = 500.0  # all distances below are pixels at this resolution

MOST_MINUTIAE = 160  # best quality first; more add cost and false pairs (a full rolled print has 100 to 150)

# --- cylinders (MCC, table 1) ---
CYLINDER_RADIUS_PX = 70.0
CELLS_ACROSS = 8  # Ns of MCC8b: as good here as 16, at a quarter of the bits
DIRECTION_CELLS = 6  # Nd
SPATIAL_SIGMA_PX = 28.0 / 3.0
DIRECTION_SIGMA_RAD = 2.0 * pi / 9.0
BIT_THRESHOLD = 0.005  # mu_psi of the bit version: a cell is set when it holds more than this
HULL_MARGIN_PX = 50.0  # omega: a cell further outside the minutiae's hull is unknown, not empty
MIN_VALID_CELLS = 0.6  # share of the disc: cylinders that know less are not used (paper: 0.75)
MIN_COMMON_CELLS = 0.5  # share of the disc that two cylinders must both know (paper: 0.6)
MIN_NEIGHBOURS = 2  # minM

# --- relaxation (MCC, section 4.2.3 and table 1) ---
RELAXED_PAIRS = 40  # the most similar pairs take part; all pairs cost thirty times more for little
SUPPORTING_PAIRS = 12  # of them, the best supported count for the score (max nP of the paper)
MAX_TURN_RAD = pi  # of one print against the other; pi allows any rotation
RELAX_ROUNDS = 5
RELAX_KEEP = 0.5  # w_R
RELAX_DISTANCE_PX = (5.0, 8.0 / 5.0)  # midpoint, slope
RELAX_TURN_RAD = (pi / 12.0, 30.0)  # midpoint, slope; for directions and for bearings
RELAX_FARTHEST_PX, RELAX_FARTHEST_RAD = 20.0, 1.0  # beyond these the sigmoids are nothing

# --- alignment ---
LEAST_PAIRS = 3  # minutiae; two points align with anything
SEEDS = 3  # alignments tried, best supported pairs first; two are faster, but worse where minutiae are poor
REFINEMENTS = 2
PAIR_DISTANCE_PX = 14.0  # two minutiae closer than this after alignment may be one (about 1.5 ridges)
PAIR_TURN_RAD = pi / 6.0
PAIR_WORTH = 0.2  # what a pair counts beside the similarity of its cylinders when alignments compete
COMMON_MARGIN_PX = 10.0  # a minutia this far outside the other print's hull may still be in common

# --- score: of several products of the partial scores, the best on FVC2002 DB1-4_B with the teacher's minutiae ---
SCORE_SCALE = 1000.0  # so that whole numbers are enough to read
SHARE_DOUBT = 2.0  # minutiae; pulls the share down where little is in common
RESIDUAL_SCALE_PX = 10.0
RESIDUAL_SCALE_RAD = 1.0 / 3.0

# --- decision, on fused scores; provisional until scores are calibrated to false match rates ---
# Scores of 82,000 impostor pairs at the sensor's window and 16 levels (FVC2000, FVC2002, two training sets): one in
# 100 reaches 3.7, one in 1,000 5.3, one in 10,000 7.0, one of all 10; of 5,488 genuine ones 3.1 % stay below 10.
CHANCE_SCORE = 4.0  # of one finger; what a score has above it is evidence
YELLOW_SCORE = 6.0  # fused, so 10 for one finger: about one stranger in 100,000
RED_SCORE = 12.0  # fused, so 16 for one finger: by the slope of the tail about one in 100 million
