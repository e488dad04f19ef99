"""Tuned numbers of the case desk and of second responses."""

from __future__ import annotations

from typing import Final

# The table that counts where nobody has put another in force.
DEFAULT_LEVEL_TABLE: Final = "2011"

# A table of levels is under 3 KB; more is something else.
MAX_TABLE_BYTES: Final = 256 * 1024
# Like codes that are named when one is not in the table: as many as fit one line.
NEAR_CODES: Final = 5
# How alike, 0-1, two codes or words have to be (difflib's ratio): below it what is named is no help. One of three
# characters of a code may be wrong, two of eight of a word.
NEAR_CODE: Final = 0.5
NEAR_WORD: Final = 0.75

# As in the tables of the database.
MAX_WORDS_CHARACTERS: Final = 500
MAX_SOURCE_CHARACTERS: Final = 120
# Nobody who is booked today was convicted before.
OLDEST_CONVICTION_YEAR: Final = 1900
# A hundred years: longer sentences are written as this.
MAX_SENTENCE_DAYS: Final = 36_525

# A queue longer than this is not read by anybody.
QUEUE_ROWS: Final = 200

# Second responses: how often it is looked whether one is due, and when one that nobody took is published again.
TEND_EVERY_S: Final = 2.0
PUBLISH_AGAIN_S: Final = 60.0
# Searches looked at in one go: the newest, where most is to be done, and a slice of all others in turn. Some 20 ms.
TEND_NEWEST: Final = 200
TEND_SLICE: Final = 300
# As many are published in one go.
UNTOLD_ROWS: Final = 200
