"""The spool's disk: room, rights, and how fast the card wears."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from edge_service.ops import parameters
from edge_service.ops.figures import STARTED_AT, WRITTEN
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import size_words

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

DAY_S = 86_400.0
LEAST_UPTIME_S = 3600.0  # a service younger than that says nothing about a day


def check(patient: Patient) -> Finding:
    """Free space, read-only, and bytes written a day."""
    settings = patient.settings.spool
    try:
        room = os.statvfs(settings.path.parent)
    except OSError as error:
        return Finding(
            "disk",
            Level.PROBLEM,
            f"cannot be looked at: {error.strerror}",
            "Correct spool.path in the settings.",
        )
    free = room.f_bavail * room.f_frsize
    a_day = written_a_day(patient)
    facts = {
        "free_bytes": free,
        "free_inodes": room.f_favail,
        "read_only": bool(room.f_flag & os.ST_RDONLY),
        "written_bytes_a_day": a_day,
    }
    what = f"{size_words(free)} free, about {size_words(a_day)} written a day"

    def found(level: Level, what: str, remedy: str = "") -> Finding:
        return Finding("disk", level, what, remedy, facts)

    if room.f_flag & os.ST_RDONLY:
        return found(
            Level.PROBLEM,
            "read-only: no booking can be saved",
            "Look at 'dmesg': a card that fails is made read-only by the kernel. Replace it; keep it, bookings may be"
            " on it.",
        )
    if free < settings.disk_reserve_bytes:
        return found(Level.PROBLEM, f"full: {size_words(free)} free; no booking is taken", "Free some space.")
    if free < parameters.DISK_LOW_BYTES or (room.f_files and room.f_favail < parameters.INODES_LOW):
        return found(Level.WARNING, f"little room: {size_words(free)} free", "Free some space.")
    if a_day > parameters.CARD_BYTES_A_DAY:
        return found(Level.WARNING, what, "The card will wear out early: see docs/operations.md, 'The card'.")
    return found(Level.OK, what)


def written_a_day(patient: Patient) -> int:
    """What the running service has counted, else bookings of the last week times what one costs."""
    figures = patient.service.figures
    written, started_at = figures.get(WRITTEN), figures.get(STARTED_AT)
    if written is not None and started_at is not None:
        up_s = time.time() - started_at
        if up_s >= LEAST_UPTIME_S:
            return int(written / up_s * DAY_S)
    return int(patient.spool.last_week / 7 * parameters.BYTES_A_BOOKING)
