"""Tuned numbers of the extraction, with units and where each comes from."""

from __future__ import annotations

DPI = 500.0  # the network's resolution
STRIDE_PX = 4  # one output cell, as trained
OUTPUT_CHANNELS = 7  # of the output, in the order that `decode` names

# --- what is taken in ---
SMALLEST_PX = 96  # as delivered; below this there is less than one ridge loop to see
LARGEST_PX = 1000
LOWEST_DPI, HIGHEST_DPI = 300.0, 1100.0
MOST_FILE_PIXELS = 16_000_000  # four fingers at 1,000 dpi are 3,200 x 3,000; decoded, this is 64 MB at most
MOST_FILE_BYTES = 64 << 20  # such an image in 32-bit colour without compression

# --- fixed input shapes (height, width); the smallest that holds the print is used, larger ones are tiled ---
# A TFLite graph is planned for one shape, and planning anew for each size would cost more than the inference.
# 192 x 192 and 288 x 256 are the sensors' windows, 416 x 416 holds a desktop scanner's image.
SHAPES_PX = ((192, 192), (288, 256), (416, 416))
GRID_PX = 16  # the network's coarsest stride: shifted by a multiple of it, a print gives the very same output
TILE_OVERLAP_PX = 96  # half of it is context on each side: beyond 48 px a cell's output hardly changes

# --- decoding ---
LEAST_HEAT = (
    0.20  # 0.18 to 0.25 is a plateau over ten sets in two conditions; see docs/decisions/0005-training.md
)
LEAST_DISTANCE_PX = 5.0  # two minutiae nearer than half a ridge period are one, seen twice
MOST_PEAKS = 1024  # looked at, best first: four times what is kept, and a bound on time and memory
MOST_MINUTIAE = 255  # what an ISO/IEC 19794-2:2005 finger view can hold

# --- is there a print, and how good is it ---
PRINT_PROBABILITY = 0.5
LEAST_PRINT_MM2 = 12.0  # about 3.5 mm square: with less there is nothing to compare
LEAST_MINUTIAE = 6  # fewer are hardly ever matched; real prints have 14 or more at the R307's window

# --- features ---
BLOCK_PX = 16  # two ridge periods: enough to tell a direction, little enough for it to be one
DOUBTFUL = 0.5  # a minutia of less certainty is rather none
FAINT_GREY = 4.0  # added to a contrast before its logarithm is taken: sensor noise
ACTIVE_GREY = 10.0  # a block with less contrast shows nothing: a step of 16 grey levels, or noise, has less

# --- quality: the scale on which odds are printed (not fitted, so that 50 means the same with every network) ---
EVEN_QUALITY = 20.0  # recognised every other time
POINTS_PER_E = 15.0  # 35 points more, a tenth of the failures
ADVICE_BELOW_QUALITY = 70  # fails more often than once in 29 times: worth another try

# --- advice: evidence in standard deviations of ordinary prints; by eye and on prints spoilt on purpose ---
LEAST_ACTIVE_SHARE = 0.05  # of the blocks; less is a clean glass
SMALL_PRINT_MM2, SMALL_PRINT_SHARE = 75.0, 0.5  # less than both is too little of a finger
ASIDE_MM, ASIDE_CUT_SHARE = 1.6, 0.25  # off the centre, and cut more by that edge than by the one opposite
LEAST_EVIDENCE = 0.8
BALANCE_UNIT = 2.0  # so many deviations of the ridge balance are as much as one of another feature
FAINT_LIMIT = 3.0  # contrast: a light touch is fainter than a dry one
EVEN_LIMIT = 3.0  # unevenness: water lies in patches, pressure is everywhere
DOUBT_LIMIT, UNCLEAR_LIMIT = 1.8, 2.0
# a refused picture is a flooded print rather than some other thing; a dark glass full of scratches passes for one too
FLOODED_BALANCE, FLOODED_GREY, FLOODED_MM2 = 0.4, 20.0, 70.0
