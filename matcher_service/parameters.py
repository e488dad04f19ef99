"""Tuned numbers of the matcher service outside `search`, whose own are in `search/parameters.py`."""

from __future__ import annotations

from typing import Final

# Messages that came and are not yet stored. A message more is dropped unacknowledged, and its device sends
# it again: a bounded queue keeps a burst from filling the memory.
INTAKE_QUEUE: Final = 1000

# A submission whose search ended the process this many times is answered as failed, so that one bad
# submission cannot keep the matcher from ever starting.
SEARCH_ATTEMPTS: Final = 3
# How often the search looks for work when nobody woke it, and how long it rests after a fault.
SEARCH_POLL_S: Final = 1.0
# Without a search the galleries follow the database this often: who was expunged is out of their files soon after.
FOLLOW_WHEN_IDLE_S: Final = 5.0

# A print with fewer minutiae cannot be compared at all. Twelve is what an examiner would like to see; three is
# what an alignment needs.
LEAST_MINUTIAE: Final = 3

# Hands swapped by mistake, about once in a hundred bookings (by judgement): a hit found only by swapping them must be
# rarer by so much, as log10, than one under the labels as they are.
WRONG_LABELS_LOG10: Final = 2.0

# Candidates recorded for an examiner, and named in a reply, for each repository.
MAX_CANDIDATES: Final = 10

# Replies published again at once, when the connection or a device has come back.
UNTOLD_REPLIES: Final = 1000

# Refused submissions kept for inspection: for one device, so that it cannot push out those of others, and
# in all. At up to 64 KiB each that is at most 64 MB.
QUARANTINE_PER_DEVICE: Final = 50
QUARANTINE_TOTAL: Final = 1000

# Prints outside these bounds are no fingerprints: resolution (livescan is 500 or 1000 dpi, some sensors
# 300), and the longer side of the image (a palm at 500 dpi is 2,600 px).
MIN_DPI: Final = 100.0
MAX_DPI: Final = 2100.0
MAX_SIDE_INCHES: Final = 6.0

# People enrolled in one transaction.
ENROL_BATCH: Final = 200

# At the end, how long the search that is under way is waited for. It is taken up again at the next start.
STOP_WAIT_S: Final = 2.0

# Searches at the centre's own command line are filed under this device; no kiosk may be called so.
DESK: Final = "desk"

# A template keeps its resolution in whole pixels per cm: at 200 dpi, the coarsest that is read, half of one is 0.6 %.
IMAGE_DPI_TOLERANCE: Final = 0.01
