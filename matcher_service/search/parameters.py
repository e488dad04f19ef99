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

# --- relaxation (MCC, section 4.2.3 and table 1; agreement is our own, tried on real and distorted prints) ---
RELAXED_PAIRS = 40  # the most similar pairs take part; all pairs cost thirty times more for little
SUPPORTING_PAIRS = 12  # of them, the best supported count for the score (max nP of the paper)
MAX_TURN_RAD = pi  # of one print against the other; pi allows any rotation
RELAX_ROUNDS = 5
RELAX_KEEP = 0.3  # w_R (paper: 0.5): 0.7 doubles the errors of distorted prints
AGREE_TURN_RAD = 0.6  # two pairs whose turns differ by more do not agree at all
AGREE_ALONG_PX, AGREE_ALONG_RATE = (
    9.0,
    0.06,
)  # the same of their distances: so much, and so much a pixel of distance
AGREE_ACROSS_PX, AGREE_ACROSS_RATE = 9.0, 0.25  # the same across: directions are noisier than distances
LEAST_SUPPORT = 0.0020  # of the best pair; half of the strangers stay below it, and one mate in 800

# --- alignment ---
LEAST_PAIRS = 3  # minutiae; two points align with anything
SEEDS = 3  # alignments tried, best supported pairs first; two are faster, but worse where minutiae are poor
REFINEMENTS = 2
PAIR_DISTANCE_PX = 14.0  # two minutiae closer than this after alignment may be one (about 1.5 ridges)
PAIR_TURN_RAD = pi / 6.0
PAIR_WORTH = 0.2  # what a pair counts beside the similarity of its cylinders when alignments compete
PAIR_SIMILARITY = 0.5  # what similar cylinders take off the cost of a pair; 0 to 1 are alike
DIRECTION_ARM_PX = (
    20.0  # the directions hold the turn as a point this far from the middle would; 10 to 40 are alike
)
RIVAL_TURN_RAD, RIVAL_SHIFT_PX = 0.3, 40.0  # two motions further apart than this are different ones
COMMON_MARGIN_PX = 10.0  # a minutia this far outside the other print's hull may still be in common
MEETINGS_A_MINUTIA = 16  # room for pairs of minutiae near each other; ordinary prints need one or two

# --- bending: tried on FVC2002 DB1-4_B with two strengths of plastic distortion laid over them ---
WIDE_PX, WIDE_RAD = 40.0, 0.8  # minutiae further apart after the rigid alignment are never one
BEND_ROUNDS = 4
BEND_FAR_PX, BEND_NEAR_PX = 90.0, 45.0  # how far neighbours count, in the first round and in the limit
BEND_WORTH = 0.3  # what a pair weighs beside the similarity of its cylinders
BEND_PRIOR = 0.1  # weight of "no bending"
BEND_NOBODY = 1e-4  # weight of neighbours too far away to be asked
BEND_RIDGE_PX2 = 500.0  # of "no stretching"
BENT_DISTANCE_PX, BENT_TURN_RAD = 11.0, 0.55  # two minutiae closer than this after bending may be one
BACKING_ENOUGH = 3.0  # neighbours' weight; more of it says nothing new
MOST_CERTAIN = 2.0  # times the mean quality of a print

# --- score: fused by logistic regression (`models/matching`) ---
SHARE_DOUBT = 2.0  # minutiae; pulls the share of paired minutiae down where little is in common
RESIDUAL_SCALE_PX = 10.0
RESIDUAL_SCALE_RAD = 1.0 / 3.0
SCORE_FROM_LOG_ODDS = -6.8  # below it the score is next to nothing
SCORE_SOFTNESS = 1.0  # log odds that the soft step takes
SCORE_SCALE = 0.8  # of score a unit of log odds

# --- index: sketches, votes, agreement (docs/decisions/0007-index.md has the tries) ---
VOTING_BITS, AGREEING_BITS = (
    38,
    42,
)  # of 128: sketches that differ in no more are alike, at the first and second look
WORTH_AT_LIMIT, WORTH_A_BIT, WORTH_MOST = 1.5, 0.35, 9.0  # natural logarithms; of the likelihood ratio, about
WORTH_STEPS = 8  # fixed point of the above
MOST_ALIKE = 256  # pairs of alike minutiae of two prints; mates have some thirty, strangers five
AGREEING_TURN_STEPS = 4551  # 25 degrees in 65,536 to the turn
AGREEING_PX, AGREEING_SHARE = (
    14.0,
    0.25,
)  # of a pair from where another puts it; the share is of their distance

# --- penetration: how many prints of a gallery are compared exactly ---
SEARCHED_WHOLE = 3000  # prints; the index would save nothing worth its misses
SECOND_LOOK_SHARE, SECOND_LOOK_LEAST = 0.03, 3000
COMPARED_SHARE, COMPARED_LEAST = 0.004, 1000
CHUNK_FIRST, CHUNK_MOST = 64, 2048  # identities compared before the next look at whether it is enough
ENOUGH_EVIDENCE, NEAR_EVIDENCE = (
    10.0,
    5.0,
)  # -log10 of the false match rate: of an overwhelming hit; of another
CANDIDATES_LOOKED_AT = (
    3  # identities whose fingers are compared under other labels too: up to 100 comparisons each
)
CANDIDATES_WATCHED, CANDIDATES_FUSED = (
    10,
    40,
)  # identities whose fingers are fused: after each chunk; at the end
