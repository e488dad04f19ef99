"""Tuned numbers of the matcher's operation, units in the names, and where each comes from."""

from __future__ import annotations

from typing import Final

LINK_TURN_S: Final = 10.0
"""A connected link turns five times a second (interchange.link_session.TICK_S): fifty missed are no accident."""
LINK_SLACK_S: Final = 15.0
"""Without a connection it sleeps and tries again, as long as the settings say; on top of that, a slow name server."""
INTAKE_STILL_S: Final = 30.0
"""The intake stores a submission in milliseconds; a slow database may take seconds, and is not cured by a new start."""

REPLY_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""A search of a million prints takes under a second (docs/scale.md)."""
WATCHED_REPLIES: Final = 10_000
COUNT_EVERY_S: Final = 30.0
"""Submissions are counted in the database at most this often: that reads an index of all of them."""
CERTIFICATE_LOOK_S: Final = 3600.0
