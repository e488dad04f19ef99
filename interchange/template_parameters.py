"""Bounds on templates that are this project's choice and not the standards'."""

from __future__ import annotations

# The largest record that is read or written. Ten fingers of 255 minutiae are 15,384 bytes; the rest is room
# for extended data. It also keeps the two formats apart: an ISO record of 1.7 MB (26 x 65536) or more
# would look like an INCITS one.
MAX_RECORD_BYTES = 1 << 20

# The highest resolution that is believed, 1219 dpi. Scanners for fingerprints have 500 or 1000 dpi, which
# are 197 and 394 pixels per cm; 500 and 512 in this field are what a writer puts there that mistook it for
# pixels per inch, and would shrink every distance by 2.54.
MAX_RESOLUTION_PX_PER_CM = 480

# The dpi that a resolution in whole pixels per cm stands for where the scanner's is known to be a round
# figure: 197 px/cm is 500.38 dpi, but no scanner has that.
NOMINAL_DPI_BY_PX_PER_CM = {197: 500.0, 394: 1000.0}
