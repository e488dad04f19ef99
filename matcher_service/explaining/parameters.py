"""Numbers of the drawing: sizes in the page's own units (pixels of an SVG at its natural size), and colours.

The colours are of Okabe and Ito's set ("Color Universal Design", 2008), which people with any of the common kinds of
colour blindness tell apart; nothing is told by colour alone.
"""

from __future__ import annotations

# --- the page ---
PAGE_WIDTH = 1400.0
MARGIN = 28.0
GAP = 22.0  # between panels
HEAD_HEIGHT = 118.0
CAPTION_HEIGHT = 60.0  # above each panel
PANEL_HEIGHT_MIN, PANEL_HEIGHT_MAX = 300.0, 620.0
ROW_HEIGHT = 36.0  # of the table of parts
LEGEND_ROW_HEIGHT = 25.0
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
# Average width of a letter in units of the font's size, on the safe side: nobody measures text in an SVG.
LETTER_WIDTH = 0.5

# --- scale ---
VIEW_MARGIN = 26.0  # around the outermost minutiae: a mark, its tick and its number have room there
SCALE_BAR_ROOM = 22.0  # below them
VIEW_LEAST_MM = 8.0  # a print of three points is not blown up beyond this
SCALE_MOST_PER_MM = 34.0
SCALE_BAR_MM = (10.0, 5.0, 2.0, 1.0)  # the longest that fits a third of a panel

# --- minutiae ---
RADIUS = 4.6
TICK = 12.5  # from the centre along the direction
STROKE = 1.7
CROWDED_AT = 90  # minutiae; beyond it marks are drawn smaller
CROWDED_SHRINK = 0.78
LEFT_ASIDE_RADIUS = 1.6
NUMBER_SIZE = 9.5  # of the letters that number the pairs
OPACITY_LEAST = 0.35  # of a minutia of quality next to nothing
NUMBER_DISTANCE = 12.0  # from the middle of its mark
NUMBER_SPOTS = 12  # around the mark, of which the emptiest is taken
NUMBERED_AT_MOST = 80  # pairs; more numbers would hide the print

# --- colours ---
PAIRED = "#0072b2"
UNPAIRED = "#d55e00"
OUTSIDE = "#8a8a8a"
JOIN = "#0072b2"
COMMON = "#009e73"
INK, SOFT_INK, FAINT_INK = "#1a1a1a", "#505050", "#8a8a8a"
PAPER, PANEL, FRAME = "#ffffff", "#fafaf8", "#d4d4d0"
BAND = "#f3f3ef"

# --- words for a false match rate ---
SAYS_NOTHING_LOG10_FMR = -1.0
RAREST_POWER = 15.0  # of ten; more is no number that anybody imagines

# --- bounds ---
LEAST_CONTRIBUTION = (
    0.05  # points of the score; parts that moved it less are in the figures, not in the picture
)
MOST_NAME_CHARACTERS = 36  # in the caption of a panel
COMMON_CORNERS = 16  # of the circle that the hulls are grown by
