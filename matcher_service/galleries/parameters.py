"""Tuned numbers of the galleries' folders, with units and where each comes from."""

from __future__ import annotations

from typing import Final

# The journal becomes a segment when it holds this many prints, dead ones too, or is this large. A start replays
# it in about a second; a search walks over its prints as fast as over any others.
JOURNAL_PRINTS: Final = 20_000
JOURNAL_BYTES: Final = 64 * 1024 * 1024
# A new segment takes in the older ones before it while they are at most this many times its size: then there are
# never more than about log2(prints / JOURNAL_PRINTS) segments, and a print is written again as many times.
MERGE_RATIO: Final = 1.0
# A segment of which more than this share was deleted is written again without it,
DEAD_SHARE: Final = 0.25
# and anything deleted is gone from the files after this time at the latest, while the matcher runs.
PURGE_AFTER_S: Final = 24 * 3600.0
# After a compaction that failed (a full disk), the next attempt.
COMPACTION_RETRY_S: Final = 60.0

# Prints copied at a time when segments are merged: with what points at them, about 15 MB.
COPY_PRINTS: Final = 8_192

# A rebuild reads so many prints from the database at a time, and writes segments of this many.
READ_PRINTS: Final = 2_000
BUILD_PRINTS: Final = 250_000
PROGRESS_S: Final = 5.0
# Changes taken in at a time when a gallery catches up with the database: one record of the journal.
CHANGES: Final = 500

# How long a start waits for the process before it to let go of the folder.
LOCK_WAIT_S: Final = 5.0
# Damaged files kept for inspection in one gallery, newest first: they hold prints, so not for ever.
DAMAGED_KEPT: Final = 2

# Up to so many prints the identities are counted whenever somebody asks: two milliseconds; a million take 500.
COUNTED_EXACTLY_PRINTS: Final = 10_000
