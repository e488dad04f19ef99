"""Tuned numbers of the oversight report, units in the names, and where each comes from."""

from __future__ import annotations

from typing import Final

SMALLEST_CELL: Final = 11
"""Counts from 1 to one below it are not shown: the rule of the Centers for Medicare & Medicaid Services for public
tables (cell size suppression policy, 2017), one of the stricter that are in use."""

FALSE_DISCOVERY_RATE: Final = 0.05
"""Share of the jurisdictions pointed at that may be so by chance alone (Benjamini and Hochberg, 1995)."""
FEWEST_TRIALS: Final = 20
"""Fewer cases than this in a jurisdiction say nothing about its rate, and are not tested."""
OVERDISPERSION_TRIM: Final = 0.1
"""Share of the most extreme z-scores on either side that is left out when the spread that jurisdictions have anyway is
measured (Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24, 2005)."""

MOST_MONTHS: Final = 240
MOST_JURISDICTIONS_LISTED: Final = 200
"""Rows of the page's table; all are in the CSV."""

# A file of self-reported sums: 3,200 jurisdictions, a year, ten groups are 384,000 lines of some 40 bytes.
MAX_SELF_REPORTED_ROWS: Final = 500_000
MAX_SELF_REPORTED_BYTES: Final = 32 << 20
