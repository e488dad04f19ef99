"""The service's last lines from systemd's journal, where there is one."""

from __future__ import annotations

import subprocess

from edge_service.ops import parameters

UNIT = "whorl-edge"


def journal(*, lines: int = parameters.LOG_LINES) -> str:
    """The last lines as the service wrote them; "" without a journal."""
    command = [
        "journalctl",
        "--unit",
        UNIT,
        "--lines",
        str(lines),
        "--output",
        "cat",
        "--no-pager",
        "--quiet",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
