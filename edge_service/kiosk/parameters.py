"""Tuned numbers of the kiosk page, units in the names, and where each comes from."""

from __future__ import annotations

from typing import Final

PORT: Final = 8321
"""Unassigned by IANA at the time of writing, and not one that other kiosk software is known for."""

IDLE_LOCK_S: Final = 180.0
"""Nobody touched anything for so long: longer than any pause in the work, for a finger on the sensor counts too."""
LOCK_WARNING_S: Final = 20.0
"""WCAG 2.2, 2.2.1: a person is warned and has at least 20 seconds to stay."""

ACCEPT_GOOD_AFTER_S: Final = 3.0
"""A good print is accepted by itself after it, for the officer's hands hold the other person's. 0 waits for a tap."""

HEARTBEAT_S: Final = 1.0
"""The clock on the page moves with it; three missed ones count as a service that is gone (static/stream.js)."""
PUSH_EVERY_S: Final = 0.05
"""Shortest pause between two states: 20 a second look smooth, and an image of 288 packets would send 40 a second."""
MAX_STREAMS: Final = 4
"""The kiosk has one screen; a page that is reloaded may overlap with its former self."""

SENSOR_LOOK_S: Final = 5.0
"""Pause between two looks whether the sensor is there, while nobody is being booked."""
WATCH_S: Final = 0.5
"""Longest single wait for the state of a saved booking: how late an officer's tap can be noticed there."""

SCRYPT_N: Final = 2**15
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
"""RFC 7914; 32 MiB, some 0.1 s here and 0.3 s on a Raspberry Pi 4: an officer does not notice, a guesser does."""
PIN_DIGITS_MIN: Final = 6
CODE_LENGTH_MAX: Final = 32
"""With the delays below, half of all six-digit PINs take a person at the screen more than four years to try."""
MAX_USERS: Final = 200

FREE_FAILURES: Final = 3
FIRST_DELAY_S: Final = 5.0
LONGEST_DELAY_S: Final = 300.0
"""The third wrong code in a row costs 5 s, each further one twice as much, up to five minutes (NIST SP 800-63B,
5.2.2)."""

KEPT_NOTES: Final = 1000
"""As many as finished submissions are kept in the spool (edge_service.parameters.KEPT_REPLIED)."""
RECENT: Final = 6
"""Bookings listed on the start page: what fits beside its button at 800 x 480."""

MAX_BODY_BYTES: Final = 4096
"""The largest request, a finger plan of ten, is some 300 bytes."""
BODY_PATIENCE_S: Final = 5.0
