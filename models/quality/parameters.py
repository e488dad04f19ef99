"""Tuned numbers of the fit, with units and where each comes from."""

from __future__ import annotations

# --- conditions under which the training prints are looked at ---
R307_WINDOW_PX, R503_WINDOW_PX = (256, 288), (192, 192)  # width, height
SENSOR_LEVELS = 16
FAULT_STRENGTH = (1.0, 2.0)  # of spoilt prints: from such as are still good to such as nobody could read
IMPOSTORS_PER_DATABASE = 2000  # pairs of strangers, for the threshold

# --- recognition: log odds as a sum of rising functions of these features ---
# Found by leaving one training database out at a time: certainty and mean certainty alone leave 52 % of the errors
# that discarding at random would leave, straightness makes it 51 %; area, clarity, haze of the heat map, offset from
# the centre and ridge balance add nothing to them.
RECOGNITION_FEATURES = {"certainty": "rising", "mean_certainty": "rising", "straightness": "falling"}
# of the training prints: level below the first and above the last
RECOGNITION_KNOTS = (0.0, 0.05, 0.2, 0.5, 0.9)
SCORE_STEPS = (1.0, 1.5, 2.2, 3.3, 5.0, 7.5)  # thresholds that are fitted together, in units of the first
RECOGNITION_RIDGE = 1e-3

FMR = 1e-3  # at which a comparison has to succeed

# --- likeness: log odds that it is a print at all ---
LIKENESS_FEATURES = {
    "mean_certainty": "rising",
    "print_certainty": "rising",
    "agreement": "rising",
    "density": "rising",
    "clarity": "either",  # a drawing is clearer than any skin
    "unevenness": "either",  # and more even
    "turning": "falling",
    "straightness": "falling",
    "fineness": "either",
}
LIKENESS_KNOTS = (
    0.0,
    0.01,
    0.1,
    0.5,
)  # of the prints; the first is the least of prints and non-prints together
LIKENESS_RIDGE = 3e-5
LIKENESS_TYPICAL_SHARE = 0.05  # the print at this share is 1 from the line
LIKENESS_MARGIN = 0.10  # of that print's distance from the least print: how far below it the line is drawn
LEAST_MINUTIAE_TO_LEARN = 2
LEAST_TO_LEARN_FROM = 20  # non-prints with minutiae; with fewer nothing can be fitted, and nothing is refused
NONPRINTS_PER_KIND = 20  # of each size
FIRST_SEED = 1000  # seeds below are the test's
TEST_SEEDS = 12  # of each kind and size, from 0

STEPS = 1500  # of the descent; after 800 nothing moves in the third digit
