"""Whether one more booking can be saved, asked before anybody is printed for nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_service.settings import SpoolSettings
    from edge_service.spool import Spool

LARGEST_BOOKING_BYTES = 64 * 1024  # interchange.messages.MAX_PAYLOAD_BYTES


def has_room(spool: Spool, settings: SpoolSettings) -> bool:
    """Whether a booking of the largest size fits into all of the spool's limits. Raises SpoolError."""
    stats = spool.stats()
    free = shutil.disk_usage(spool.path.parent).free
    return (
        stats.undelivered < settings.max_submissions
        and stats.held_bytes + LARGEST_BOOKING_BYTES <= settings.max_bytes
        and free >= settings.disk_reserve_bytes + LARGEST_BOOKING_BYTES
    )
