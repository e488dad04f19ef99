"""The clock: a Pi has none that survives a power cut."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_service.clock import is_synchronised
from edge_service.ops import parameters
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import time_words

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

SET_IT = "Give the kiosk a time server: timedatectl show-timesync, then NTP= in /etc/systemd/timesyncd.conf."


def check(patient: Patient) -> Finding:
    """Whether a time server keeps it, and whether it is behind a time that is known to have been."""
    synchronised = is_synchronised()
    behind_s = patient.spool.clock_floor_ms / 1000 - time.time()
    facts = {"synchronised": synchronised, "behind_s": round(max(behind_s, 0.0))}
    if behind_s > parameters.CLOCK_BEHIND_S:
        what = f"at least {time_words(behind_s)} behind; bookings carry the last good time instead"
        return Finding("clock", Level.PROBLEM, what, SET_IT, facts)
    if not synchronised:
        return Finding("clock", Level.WARNING, "no time server keeps it; bookings say so", SET_IT, facts)
    return Finding("clock", Level.OK, "kept by a time server", facts=facts)
