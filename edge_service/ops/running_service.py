"""What the running service says of itself, asked over its own health pages and seen by its lock."""

from __future__ import annotations

import fcntl
import http.client
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_service.ops import parameters

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class RunningService:
    """Whether a service is running, and its figures, where it has pages that tell them."""

    running: bool
    figures: dict[str, float] = field(default_factory=dict[str, float])


def running_service(spool: Path, port: int | None) -> RunningService:
    """Look for the service that delivers from `spool`."""
    running = _is_locked(spool.with_name(f"{spool.name}.uplink"))
    return RunningService(running, _figures(port) if running and port else {})


def _is_locked(path: Path) -> bool:
    """Whether somebody holds the uplink's lock; a shared lock for an instant, and no file is made."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _figures(port: int) -> dict[str, float]:
    connection = http.client.HTTPConnection(HOST, port, timeout=parameters.SERVICE_WAIT_S)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name and not line.startswith("#"):
            try:
                found[name] = float(value)
            except ValueError:
                continue
    return found
