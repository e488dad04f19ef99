"""The support bundle: what the makers need to help, and nothing that belongs to a person or opens a door.

Default deny: settings, log lines and facts go in by list, the doctor's words only where the doctor wrote them itself.
"""

from __future__ import annotations

import io
import json
import secrets
import tarfile
import time
from typing import IO, TYPE_CHECKING, Any, Final

from edge_service.ops.findings import Finding, Level
from edge_service.ops.log_filter import LogFilter
from edge_service.ops.shown_settings import shown
from edge_service.ops.versions import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_service.ops.patient import Patient

ABOUT = """Support bundle of a Whorl kiosk.

doctor.json      what `edge-service doctor` found: levels and numbers, without its sentences
settings.json    the settings; of what is not harmless only that it is set
versions.json    of the program, the system and the libraries
spool.json       how many bookings wait, how old, how many bytes: counts only
board.json       what the sensor board has counted
service.json     the running service's figures (Prometheus), as they are named in docs/operations.md
log.txt          the service's log, of each line what is known to be harmless

No prints, no templates, no keys or passwords, no names, no numbers of bookings: tcn#... marks are made anew for each
bundle.
"""
FACTS: Final = frozenset(
    {
        "by_state",
        "held_bytes",
        "undelivered",
        "set_aside",
        "synchronised",
        "behind_s",
        "free_bytes",
        "free_inodes",
        "read_only",
        "written_bytes_a_day",
        "throttled",
        "version",
        "sha256",
        "busy",
        "own_days_left",
        "authority_days_left",
        "connack",
        "last_acknowledgement_s",
        "oldest_waiting_s",
    }
)


def write_bundle(
    out: IO[bytes], *, patient: Patient | None, findings: Sequence[Finding], logs: Sequence[str]
) -> None:
    """Write the archive to `out`. Without a patient (its settings cannot be read) only what is left."""
    lines = LogFilter(secret=secrets.token_bytes(32))
    parts: dict[str, str] = {
        "README.txt": ABOUT,
        "doctor.json": _json([_finding(finding) for finding in findings]),
        "versions.json": _json(versions()),
        "log.txt": "\n".join(line for log in logs for line in lines.filtered(log)) + "\n",
    }
    if patient is not None:
        parts |= {
            "settings.json": _json(shown(patient.settings)),
            "spool.json": _json(_spool(patient)),
            "board.json": _json(_board_counters(findings)),
            "service.json": _json(_figures(patient)),
        }
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in parts.items():
            content = text.encode()
            member = tarfile.TarInfo(f"whorl-support/{name}")
            member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
            archive.addfile(member, io.BytesIO(content))


def _finding(finding: Finding) -> dict[str, Any]:
    """Without sentences: they may hold a path, a host's name, or a word of the settings file."""
    facts = {key: value for key, value in finding.facts.items() if key in FACTS}
    said = finding.what if finding.level is Level.OK and finding.check in {"clock", "model", "power"} else ""
    return {"check": finding.check, "level": finding.level.name.lower(), "what": said, "facts": facts}


def _spool(patient: Patient) -> dict[str, Any]:
    seen = patient.spool
    return {
        "exists": seen.exists,
        "damaged": seen.damaged,
        "by_state": seen.by_state,
        "held_bytes": seen.held_bytes,
        "total": seen.total,
        "last_week": seen.last_week,
        "oldest_waiting_s": seen.oldest_waiting_s,
        "newest_acknowledged_s": seen.newest_acknowledged_s,
        "set_aside": seen.set_aside,
    }


def _board_counters(findings: Sequence[Finding]) -> dict[str, int]:
    from edge_service.board_words import COUNTERS

    said: dict[str, int] = next((f.facts.get("counters", {}) for f in findings if f.check == "sensor"), {})
    return {name: int(count) for name, count in said.items() if name in COUNTERS}


def _figures(patient: Patient) -> dict[str, float]:
    ours = ("whorl_edge_", "process_", "python_")
    return {name: value for name, value in patient.service.figures.items() if name.startswith(ours)}


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
