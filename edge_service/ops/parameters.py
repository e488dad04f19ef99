"""Tuned numbers of the kiosk's operation, units in the names, and where each comes from."""

from __future__ import annotations

from typing import Final

LINK_TURN_S: Final = 10.0
"""A connected uplink turns five times a second (interchange.link_session.TICK_S): fifty missed are no accident."""
LINK_SLACK_S: Final = 15.0
"""Without a connection it sleeps and tries again, as long as the settings say; on top of that, a slow name server."""
LOCK_WAIT_S: Final = 2.0
"""How long the spool's write lock is waited for: a booking holds it for milliseconds."""

REPLY_BUCKETS_S: Final = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
"""A search takes well under a second (docs/scale.md); what takes longer waited for a network."""
WATCHED_REPLIES: Final = 1000
"""Bookings whose reply is timed at one time: as many as the spool takes (edge_service.parameters.MAX_SPOOLED)."""

CERTIFICATE_SOON_DAYS: Final = 30.0
"""Time enough for somebody to come by."""
DISK_LOW_BYTES: Final = 256 * 1024 * 1024
"""Sixteen times what the spool leaves free: a person is told long before bookings are refused."""
INODES_LOW: Final = 1000
OLDEST_BOOKING_S: Final = 3600.0
"""A booking that waits for an hour has outlived any restart of a broker or a matcher."""
CLOCK_BEHIND_S: Final = 60.0

BOARD_LINK_ERRORS_AN_IMAGE: Final = 1.0
"""An image is 144 frames: one in a hundred damaged is a cable or a plug that is about to fail."""
BOARD_RESTARTS_AN_IMAGE: Final = 0.01
"""The firmware's watchdog never bites in a good board; once is an accident, one in a hundred images is none."""
BOARD_FEW: Final = 3
"""So many of either say nothing yet."""

BROKER_WAIT_S: Final = 5.0
SENSOR_WAIT_S: Final = 4.0
SERVICE_WAIT_S: Final = 2.0
REFERENCE_TIMEOUT_S: Final = 60.0
"""A Raspberry Pi needs two seconds for it, most of them to start; an emulated processor ten times as long."""

BYTES_A_BOOKING: Final = 73_000
"""Written to the card for one booking from "saved" to "replied"; measured: `python -m benchmarks.spool_writes`."""
CARD_BYTES_A_DAY: Final = 1_000_000_000
"""More than a gigabyte a day wears out a 32 GB card within its warranty (1,000 writes of each cell, 20 times as much
written inside the card as was asked for: 32e12 / 20 / 1e9 days = 4.4 years)."""

LOG_LINES: Final = 2000
"""Two or three days of an ordinary kiosk."""
