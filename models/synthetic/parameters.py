"""Tuned numbers of the synthetic prints, with units and where each comes from.

Where nothing else is said, they were tuned by eye and by count beside prints of five sensors (FVC2002 B and the
training sets): minutiae per square millimetre, ridge period, and the scores of strangers.
"""

from __future__ import annotations

HEIGHT_PX, WIDTH_PX = 512, 384  # of a master at 500 dpi: 26 x 19.5 mm, a thumb rolled slightly
DPI = 500.0

# --- flow; lengths are in half widths of the master, y up from its middle ---
CLASS_SHARES = {  # Handbook of Fingerprint Recognition, 5.1; twin loops are about a fifth of the whorls
    "arch": 0.037,
    "tented arch": 0.029,
    "left loop": 0.338,
    "right loop": 0.317,
    "whorl": 0.224,
    "twin loop": 0.055,
}
CORE_ROUNDNESS = (
    0.60,
    0.95,
)  # 0: loops with the sharp head of the zero-pole model; 1: half circles on straight legs
SPIRAL_RAD = 0.18  # how far the rings of a whorl become spirals, standard deviation
SLANT_RAD = {  # how steep the flow is at the sides, before the singularities add their part
    "tented arch": 0.60,
    "left loop": 0.42,
    "right loop": 0.42,
    "whorl": 0.55,
    "twin loop": 0.55,
}
SLANT_SPREAD = (0.85, 1.15)
SLANT_HEIGHTS, SLANT_SHARE = (-1.35, -0.75, 0.10, 1.35), (0.0, 0.25, 1.0, 0.9)
ARCH_STEEPNESS = (0.85, 1.50)
ARCH_HEIGHTS, ARCH_RISE = (-1.35, -0.95, -0.25, 0.35, 1.35), (0.0, 0.15, 1.0, 0.85, 0.55)
WARP = 0.03  # standard deviation of how far each point is moved
FLOW_NOISE_DEG, FLOW_NOISE_PX = 4.0, 60.0

# --- ridges ---
PERIOD_PX = (7.5, 10.5)  # ridge period of adults at 500 dpi, about 0.38 to 0.53 mm
FINGER_PERIOD_PX = (8.2, 9.7)  # middle period of one finger
PERIOD_NOISE, PERIOD_NOISE_PX = 0.05, 70.0  # standard deviation as a share of the period
PERIOD_BELOW, PERIOD_ABOVE, PERIOD_CORE = (
    0.13,
    0.05,
    0.04,
)  # wider below the deltas and over the core, closer at it
ORIENTATIONS, PERIODS = 36, 9  # filters in the bank; more change nothing to see
FILTER_SIGMA_PERIODS = (
    0.42,
    0.50,
)  # across and along the ridge: three ridges show in a filter, as Cappelli's
FILTER_RADIUS_PX = 7  # at half resolution; three sigmas of the widest
GROWTH_STEPS = 18  # the ridges have met and straightened; more steps join away minutiae that nature has
SEED_SPACING_PX = (
    8.0,
    18.0,
)  # between spots from which ridges start, drawn for each finger: closer, more minutiae
GAIN = 8.0
RIDGE_STEEPNESS = 1.3  # of the saturation that makes ridges of waves

# --- minutiae ---
TYPE_REACH_PERIODS = (
    0.35,
    0.5,
    0.65,
)  # how far before and behind a minutia tells an ending from a bifurcation
FORK_BEHIND_PX = (
    0.8  # where the skeletons of ridge or valley fork, behind the spiral; as the teacher's minutiae lie
)
NICK_PX = 5.0  # two minutiae closer than this that point opposite ways are a nick in a ridge, or a dot
SINGULAR_PX = 10.0  # this near a core or delta, the phase may wind twice where an eye sees one minutia
FORK_SHIFT, FORK_SLOPE = (
    -0.1,
    3.0,
)  # from inked share to where a fork is seen as an ending; fitted on the extractor
LEGIBLE_RADIUS_PX = 12.0  # in which an image must look like its ridges
LEAST_LIKENESS, MOST_LIKENESS = 0.25, 0.85  # correlation: below, the extractor finds nothing; above, all

# --- skin ---
PORE_SPACING_PX, PORE_SHARE = 8.0, 0.85
PORE_RADIUS_PX = (0.9, 1.8)
CREASES, CREASES_SHAPE = 1.4, 0.8  # mean number, and how alike fingers are in it
CREASE_LENGTH_PX = (40.0, 260.0)
CREASE_WIDTH_PX = (1.0, 1.4)  # least, and mean beyond it
CREASE_WIDEST_PX = 8.0
CREASE_DEPTH = (1.0, 3.5)  # in ridge heights, by pressure
JOINT_SHARE = 0.35  # of fingers whose contact reaches the crease of the joint
RELIEF_FINE, RELIEF_FINE_PX = (0.05, 0.20), 3.5
RELIEF_COARSE, RELIEF_COARSE_PX = (0.05, 0.20), 9.0

# --- touch ---
DIFFICULTY_BETA = (1.3, 1.8)  # natural spread, mean 0.42; genuine scores then spread as on FVC2002
LEAST_WINDOW_PX, MOST_WINDOW_PX = 32, 2000
LEAST_DPI, MOST_DPI = 200.0, 1200.0
MIDDLE_ABOVE_PX = 10.0  # the cores lie above the middle of the master, and people aim with them
TURN_DEG = 14.0  # standard deviation
SHIFT_PX = 22.0  # standard deviation
STRETCH_PX, STRETCH_SPACING_PX = 1.6, 85.0
STICKS_PX = (40.0, 85.0), (50.0, 100.0)  # half axes of the part that does not slip
SLIP_PX, SLIP_DEG = 9.0, 3.5  # standard deviations
BRAKE_PX = (70.0, 140.0)
INVERSE_STEPS = 8  # six already place every point to a hundredth of a pixel
INVERSE_ERROR_PX = 0.1
CONTACT_PX = (136.0, 188.0)  # half axes of the contact
EDGE_SOFTNESS = (0.03, 0.10)
EDGE_FRAY = (0.008, 0.035)
SKIN_NOISE_PX = (90.0, 22.0, 5.0)
DAMP = (-1.1, 1.4)  # wettest and driest
DAMP_SPREAD = (0.15, 0.65)  # standard deviation of an easy touch, and how much more a hard one has
PRESS_DAMP = 0.48  # how much higher a dry ridge must be to touch

# --- what goes wrong in a touch ---
SCRATCHES = (0.1, 0.6)  # mean number in an easy touch, and more in a hard one
SCRATCH_PX = (15.0, 90.0)  # half length
GAPS = (0.02, 0.45)  # mean number of patches that do not touch, in an easy touch, and more in a hard one
GAP_PX = (7.0, 26.0)
SPECK_PX, SMEAR_PX = 2.2, 18.0
DIRT_DEPTH = 0.25  # how dark dirt is against a ridge
LATENT_SHARE, LATENT_DEPTH = (
    0.35,
    0.14,
)  # of dirty touches that show an earlier finger; how dark against this one
LATENT_PX = 90.0

# --- crowd: fitted on minutiae that the extractor found in 1,568 prints of ten sensors (FVC2002 B and the training
# sets), at the sensor's window (256x288, 16 levels) and whole; docs/scale.md has both side by side ---
CROWD_FIELDS = 240  # master flows in the bank; warped, mirrored and turned anew for each finger
CROWD_CELL_PX = 8.0  # of the bank's maps
CROWD_AREA_PX = (178.0, 236.0)  # half axes of the skin that carries minutiae
CROWD_MINUTIAE, CROWD_MINUTIAE_SPREAD = 106.0, 18.0  # on all of it; masters grown from seeds have 112 +- 13.5
CROWD_GAP_PX = (8.0, 13.0)  # no two nearer than the first; beyond the second they do not mind each other
CROWD_SIGN = 2.0  # how far the flow's divergence decides which way minutiae point; 1 by its geometry alone
# how much denser minutiae are where ridges must begin or end, and about cores and deltas (and how far about them)
CROWD_DENSER, CROWD_SINGULAR, CROWD_SINGULAR_PX = 0.2, 0.4, 45.0
CROWD_DENSEST = 2.2  # in units of the mean: beyond it no place goes
CROWD_PAIR_PX, CROWD_PAIR_OPPOSED = 14.0, 0.75  # nearer than this, such a share of two point opposite ways
CROWD_ASTRAY_RAD = (0.03, 0.65)  # off the flow in every touch: most minutiae, and the share below
CROWD_ASTRAY_SHARE = 0.14
CROWD_FLOW_RAD = 0.16  # waves in the flow of one finger, standard deviation of each of two
CROWD_SCALE, CROWD_SHEAR, CROWD_WARP_PX = 0.07, 0.06, 5.0  # warp of a finger's field, standard deviations
CROWD_WAVE_PX = (150.0, 350.0)  # wave lengths of warps, flow and distortion
CROWD_ENDINGS = 0.73  # share; the rest are bifurcations
CROWD_TYPE_ERROR = 0.12  # share of minutiae whose type a touch shows wrong
CROWD_QUALITY_AT = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)  # quantiles, and the quality of minutiae at each
CROWD_QUALITY = (0.21, 0.23, 0.45, 0.71, 0.80, 0.86, 0.91)
# a touch; pairs are those of an easy one, and how much more a hard one has
CROWD_DIFFICULTY = (0.40, 0.25)  # 0 easy to 1 hard: middle and spread, folded at both ends
CROWD_CONTACT_PX = (134.0, 184.0)  # half axes of the contact of a middling touch
CROWD_DISTORTION_PX = (0.8, 2.2)  # of each of two waves, standard deviation
CROWD_JITTER_PX, CROWD_JITTER_RAD = 1.0, 0.06  # of each minutia between touches, standard deviations
CROWD_MISSED = (0.03, 0.32)  # share of minutiae
CROWD_FALSE = (1.0, 7.0)  # mean number
CROWD_FINGER_HARD = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # difficulties, and the quality of a whole print there
CROWD_FINGER_QUALITY = (100.0, 100.0, 97.0, 88.0, 65.0, 35.0)
