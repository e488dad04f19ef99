"""Tuned numbers of retention, with units and where each comes from."""

from __future__ import annotations

from typing import Final

# The longest time a policy can name: a hundred years is "for ever" for any record of a person.
LONGEST_DAYS: Final = 36_525
RUN_EVERY_HOURS: Final = 24
# Submissions erased in one transaction: with their audit entries under a second, so that no submission waits for it.
BATCH: Final = 50
# Rows looked at in one query.
PAGE: Final = 500
# Templates or submissions sealed in one transaction by `retention seal`.
SEAL_BATCH: Final = 500

# A clock that went ahead by more than this since anything was last written is not believed: a centre that was off for
# a long weekend still runs by itself.
CLOCK_AHEAD_DAYS: Final = 4.0
# Behind what was written last by more than this, it is not believed either: two machines agree better than that.
CLOCK_BEHIND_S: Final = 300.0
# How many of the newest audit entries are looked through for a step in time.
CLOCK_ENTRIES: Final = 20_000

# A running matcher looks this often whether receipts for a certificate have come, and whether a run is due.
TEND_EVERY_S: Final = 60.0
# Emptying SQLite's log waits so long for somebody who reads from it.
SETTLE_WAIT_S: Final = 5.0
MAX_WORDS: Final = 200
# An owner who asks what would be erased waits at most so long; a million bookings are for the command line.
FORESEE_S: Final = 8.0

# Thresholds that an owner entered count after this time at the latest; reading them takes a millisecond.
FOLLOW_S: Final = 5.0
