"""How much the spool takes, and how much it takes on: a booking that was begun is never sent away for want of room."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.errors import SpoolFull

if TYPE_CHECKING:
    from pathlib import Path

    from edge_service.spool.entry import SpoolStats


@dataclass(frozen=True, slots=True)
class Room:
    """The limits of the spool at `path`. What is asked before a booking is stricter than what is asked at its end."""

    path: Path
    max_submissions: int
    max_bytes: int
    disk_reserve_bytes: int

    def for_a_new_booking(self, stats: SpoolStats) -> bool:
        """Whether a booking may begin: it fits whatever its size, and the reserve besides."""
        largest = parameters.LARGEST_BOOKING_BYTES
        kept = min(parameters.RESERVED_BOOKINGS, self.max_submissions // parameters.RESERVE_AT_MOST_ONE_IN)
        kept_bytes = largest * min(
            parameters.RESERVED_BOOKINGS, self.max_bytes // (largest * parameters.RESERVE_AT_MOST_ONE_IN)
        )
        return (
            stats.undelivered + kept < self.max_submissions
            and stats.held_bytes + largest + kept_bytes <= self.max_bytes
            and self._free() >= self.disk_reserve_bytes + largest
        )

    def check(self, size: int, stats: SpoolStats) -> None:
        """Whether a submission of `size` bytes fits; half of the disk's reserve is there for it. Raises SpoolFull."""
        cure = "Restore the connection to the matcher; bookings can be taken again once some are delivered."
        if stats.undelivered >= self.max_submissions:
            full = f"{stats.undelivered} bookings wait for delivery and no more can be saved. {cure}"
            raise SpoolFull(self.path, limit="bookings", problem=full)
        if stats.held_bytes + size > self.max_bytes:
            full = f"{stats.held_bytes} bytes wait for delivery and no more can be saved. {cure}"
            raise SpoolFull(self.path, limit="bytes", problem=full)
        if self._free() < self.disk_reserve_bytes // 2 + size:
            full = "the disk is full, nothing was saved. Free some space, then take the booking again."
            raise SpoolFull(self.path, limit="disk", problem=full)

    def share(self, undelivered: int, held_bytes: int) -> float:
        """How full it is, 0-1."""
        return max(undelivered / self.max_submissions, held_bytes / self.max_bytes)

    def _free(self) -> int:
        return shutil.disk_usage(self.path.parent).free
