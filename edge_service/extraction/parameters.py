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
LEAST_HEAT = 0.30  # on the development set 0.3 beats 0.2 and 0.4, for the teacher as for the student
LEAST_DISTANCE_PX = 5.0  # two minutiae nearer than half a ridge period are one, seen twice
MOST_PEAKS = 1024  # looked at, best first: four times what is kept, and a bound on time and memory
MOST_MINUTIAE = 255  # what an ISO/IEC 19794-2:2005 finger view can hold

# --- is there a print, and how good is it ---
PRINT_PROBABILITY = 0.5
LEAST_PRINT_MM2 = 12.0  # about 3.5 mm square: with less there is nothing to compare
# small text passes for ridges and gives up to four minutiae; the development set has no print with less than 8
LEAST_MINUTIAE = 5
GOOD_PRINT_MM2 = 120.0  # two thirds of the R307's window
GOOD_CERTAINTY = 25.0  # sum of the minutiae's certainties beyond which more adds little to the comparison
