"""The matcher: only its acknowledgements say that it is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_service.ops import parameters
from edge_service.ops.figures import ACKNOWLEDGED_AT
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import time_words

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

ASK = "If the broker, above, is well, ask the centre whether a matcher runs. What is saved is safe and is sent then."


def check(patient: Patient) -> Finding:
    """Age of the last acknowledgement, and of the oldest booking that waits for one."""
    seen = patient.spool
    told_at = patient.service.figures.get(ACKNOWLEDGED_AT)
    last_s = seen.newest_acknowledged_s if told_at is None else max(0.0, time.time() - told_at)
    facts = {
        "last_acknowledgement_s": None if last_s is None else round(last_s),
        "oldest_waiting_s": None if seen.oldest_waiting_s is None else round(seen.oldest_waiting_s),
    }
    last = (
        "nothing was acknowledged yet" if last_s is None else f"last acknowledgement {time_words(last_s)} ago"
    )
    if told_at is None and last_s is not None:
        last = f"the newest acknowledged booking was taken {time_words(last_s)} ago"
    waiting_s = seen.oldest_waiting_s
    if waiting_s is None:
        return Finding("matcher", Level.OK, f"nothing waits; {last}", facts=facts)
    what = f"a booking waits for {time_words(waiting_s)}; {last}"
    if not patient.service.running:
        start = "No service delivers here. Start it: sudo systemctl start whorl-edge"
        return Finding("matcher", Level.PROBLEM, what, start, facts)
    level = Level.WARNING if waiting_s > parameters.OLDEST_BOOKING_S else Level.OK
    return Finding("matcher", level, what, "" if level is Level.OK else ASK, facts)
