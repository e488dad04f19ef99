"""The store of saved bookings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service import parameters as limits
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import size_words

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient


def check(patient: Patient) -> Finding:  # noqa: PLR0911 - one return for each thing it can be
    """Can it be read, is it nearly full, were damaged ones set aside."""
    settings, seen = patient.settings.spool, patient.spool
    facts = {
        "by_state": seen.by_state,
        "held_bytes": seen.held_bytes,
        "undelivered": seen.undelivered,
        "set_aside": seen.set_aside,
    }

    def found(level: Level, what: str, remedy: str = "") -> Finding:
        return Finding("spool", level, what, remedy, facts)

    if not settings.path.parent.is_dir():
        return found(
            Level.PROBLEM,
            f"the folder {settings.path.parent} does not exist",
            "Mount its disk, or correct spool.path in the settings.",
        )
    if seen.damaged:
        return found(
            Level.PROBLEM,
            "the file is damaged",
            "Restart the service: it sets the file aside. Keep it, tell your administrator, and only then run:"
            " edge-service spool --start-empty",
        )
    if seen.trouble:
        return found(
            Level.PROBLEM,
            f"cannot be read ({seen.trouble})",
            "Run the doctor as the service's user: sudo -u whorl edge-service doctor. If that is not it, look at the"
            " disk.",
        )
    if seen.set_aside:
        return found(
            Level.PROBLEM if not seen.exists else Level.WARNING,
            f"{seen.set_aside} damaged file(s) set aside beside it; bookings in them may not have been delivered",
            f"Take the files {settings.path.name}.damaged-* to your administrator and remove them here."
            + ("" if seen.exists else " To take bookings again: edge-service spool --start-empty"),
        )
    if not seen.exists:
        return found(Level.OK, "none yet; it is made when the service first starts")
    share = max(seen.undelivered / settings.max_submissions, seen.held_bytes / settings.max_bytes)
    held = f"{seen.undelivered} to deliver, {size_words(seen.held_bytes)} held"
    if share >= 1.0:
        return found(
            Level.PROBLEM, f"full: {held}; no booking is taken", "Restore the way to the matcher, below."
        )
    if share >= limits.NEARLY_FULL:
        return found(Level.WARNING, f"nearly full: {held}", "Restore the way to the matcher, below.")
    refused = seen.by_state.get("refused", 0)
    if refused:
        return found(
            Level.WARNING,
            f"{held}; the matcher has refused {refused} booking(s)",
            "Look at the reasons: edge-service spool",
        )
    return found(Level.OK, held)
