"""Whether one more booking can be saved, asked before anybody is printed for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_service.settings import SpoolSettings
    from edge_service.spool import Spool


def has_room(spool: Spool, _settings: SpoolSettings) -> bool:
    """Whether a booking of any size can be begun, and so be finished. Raises SpoolError."""
    return spool.room_for_new_booking()
