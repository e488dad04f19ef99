"""Tuned numbers of the audit, units in the names."""

from __future__ import annotations

from typing import Final

MAX_DETAILS: Final = 24
"""Facts in one entry: an entry tells what was done, the tables hold the rest."""

MAX_DETAIL_CHARACTERS: Final = 300
"""As long as the longest text of a message (interchange.fields.Words)."""

VERIFY_BATCH: Final = 5000
"""Entries read at once: a few megabytes, and beyond a thousand the speed no longer grows (benchmarks/audit_verify)."""

SHOW_LIMIT: Final = 200
"""Entries shown where nobody says how many: some screens."""

MAX_ANCHOR_BYTES: Final = 64 * 1024 * 1024
"""A file of signed heads: one a minute for more than a hundred years."""
