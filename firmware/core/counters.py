"""Counts of what went wrong, and of what went well: read by the Pi, kept over a reset by the store.

A fixed list of names and one array, so that counting allocates nothing. New names go at the end: the order is
part of the link protocol (docs/board-link.md, COUNTERS).
"""

from array import array

NAMES = (
    "boots",
    "watchdog_resets",
    "images",
    "captures_failed",
    "link_damaged",  # COBS, length, version
    "link_too_long",
    "link_bad_crc",
    "link_bad_mac",
    "link_replayed",
    "link_unknown",
    "link_repeated",  # a retry of the Pi, answered again without doing it twice
    "link_stalls",  # a frame the Pi did not take in time, dropped
    "sensor_damaged",
    "sensor_timeouts",
    "sensor_power_cycles",
    "sensor_refusals",
    "chunks_again",
    "tampers",
    "pairings",
    "updates",
    "updates_refused",
    "fallbacks",
)

_MOST = 0x3FFFFFFF
"""Small integers end here on a 32-bit board; a count stays at it rather than wrapping."""


class Counters:
    """The counts; `add` by the index constants below."""

    def __init__(self):
        self.values = array("I", bytes(4 * len(NAMES)))

    def add(self, index: int) -> None:
        """One more."""
        if self.values[index] < _MOST:
            self.values[index] += 1


(
    BOOTS,
    WATCHDOG_RESETS,
    IMAGES,
    CAPTURES_FAILED,
    LINK_DAMAGED,
    LINK_TOO_LONG,
    LINK_BAD_CRC,
    LINK_BAD_MAC,
    LINK_REPLAYED,
    LINK_UNKNOWN,
    LINK_REPEATED,
    LINK_STALLS,
    SENSOR_DAMAGED,
    SENSOR_TIMEOUTS,
    SENSOR_POWER_CYCLES,
    SENSOR_REFUSALS,
    CHUNKS_AGAIN,
    TAMPERS,
    PAIRINGS,
    UPDATES,
    UPDATES_REFUSED,
    FALLBACKS,
) = range(len(NAMES))
