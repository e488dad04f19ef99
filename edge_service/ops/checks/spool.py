"""The store of saved bookings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service import parameters as limits
from edge_service.at_rest import key_file_of
from edge_service.at_rest.vault import key_id
from edge_service.errors import SpoolKeyError
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import size_words

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient
    from edge_service.ops.spool_look import SpoolLook


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
    trouble = _key_trouble(patient)
    if trouble is not None:
        return found(*trouble)
    share = max(seen.undelivered / settings.max_submissions, seen.held_bytes / settings.max_bytes)
    held = f"{seen.undelivered} to deliver, {size_words(seen.held_bytes)} held"
    if share >= 1.0:
        return found(
            Level.PROBLEM, f"full: {held}; no booking is taken", "Restore the way to the matcher, below."
        )
    if share >= limits.NEARLY_FULL:
        return found(Level.WARNING, f"nearly full: {held}", "Restore the way to the matcher, below.")
    bad = _bad_bookings(seen)
    return found(bad[0], f"{held}; {bad[1]}", bad[2]) if bad else found(Level.OK, held)


def _bad_bookings(seen: SpoolLook) -> tuple[Level, str, str] | None:
    """What became of those that the centre has not taken, the worst first."""
    if seen.not_trusted:
        return (
            Level.PROBLEM,
            "the centre does not trust this kiosk and takes none of its bookings",
            "Look at its words: edge-service spool. They are sent again once that is put right.",
        )
    expired, damaged, refused = (seen.by_state.get(state, 0) for state in ("expired", "damaged", "refused"))
    if expired or damaged:
        return (
            Level.WARNING,
            f"{expired} booking(s) never reached the centre in time, {damaged} cannot be read any more",
            "See which: edge-service spool. Take those prints again if they are wanted.",
        )
    if refused:
        return (
            Level.WARNING,
            f"the matcher has refused {refused} booking(s)",
            "Look at the reasons: edge-service spool",
        )
    return None


def _key_trouble(patient: Patient) -> tuple[Level, str, str] | None:
    """What is wrong with the key that the bookings are sealed with."""
    if not patient.spool.key_id:
        return None
    settings = patient.settings.spool
    keys = key_file_of(settings.path, named=settings.key_file)
    if keys.open_to_others:
        return (
            Level.WARNING,
            f"others than the service may read its key {keys.path}",
            f"Run: chmod 600 {keys.path}. If somebody may have copied it: edge-service spool rekey",
        )
    try:
        here = patient.spool.key_id in {key_id(key).hex() for key in keys.load()}
        what = "its key is not the one that it was sealed with"
    except SpoolKeyError:
        here, what = False, f"its key {keys.path} is missing or cannot be read"
    if (
        here or patient.service.running
    ):  # a running service has it, perhaps as a credential that nobody else sees
        return None
    return (
        Level.PROBLEM,
        what,
        (
            "Put the right key back from its backup, or plug in what it is on. If the service gets it as a"
            " credential, start the service. Nothing is lost until somebody runs --start-empty."
        ),
    )
