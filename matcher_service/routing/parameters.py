"""Tuned numbers of routing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# A register of all 3,200 counties with an activation each is 0.6 MB as CSV, 1.2 MB as JSON: room for several.
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 20_000
# A cell of a CSV file: the longest is a list of conditions.
MAX_CELL_CHARACTERS: Final = 1_000

# Clocks of two offices differ, and a form lies on a desk: what begins up to so long ago begins now.
BACKDATING_TOLERANCE: Final = timedelta(minutes=5)

# In what order submissions are searched: the smaller, the sooner. Those who wait for an answer come first.
PRIORITIES: Final = {"RPIS": 0, "CAR": 1, "CNA": 2}

# Of so many searches one is the oldest submission's that waits, whatever its priority: what is behind an endless stream
# of urgent ones is searched all the same, after at most so many searches for each that is older. The urgent lose an
# eighth of their pace by it, and only while something else waits.
OLDEST_EACH: Final = 8

# How long a rapid reply may take before what is not searched yet is called yellow. The field's rapid searches answer
# in about ten seconds.
REPLY_DEADLINE_S: Final = 10.0

# Rules whose text is the same are read once; as many different ones as that are remembered.
CONDITIONS_REMEMBERED: Final = 4096
