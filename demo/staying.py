"""The console of the demo's centre, left running, with people to sign in as."""

from __future__ import annotations

import socket
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from rich.table import Table

from demo.sharing import PEOPLE
from hardware.bench.process import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.sharing import Sharing
    from demo.stage import Stage

HOST, USUAL_PORT = "127.0.0.1", 8446
PASSWORD = "four whorls and two loops"  # noqa: S105 - the demo's, on this machine, and told to everybody
READY_S = 60.0


def open_console(stage: Stage, sharing: Sharing, *, say: Callable[[object], None]) -> None:
    """Serve the console, say who can sign in, and wait until somebody stops the demo (KeyboardInterrupt)."""
    for name in PEOPLE:
        first = sharing.directory.reset_password(name, by="system:demo")
        sharing.directory.change_password(sharing.account(name), old=first, new=PASSWORD)
    port = _free_port()
    settings = [*stage.settings, f"console.port={port}", "accounts.require_totp=false"]
    words = [word for setting in settings for word in ("--set", setting)]
    console = stage.child("the console", sys.executable, "-m", "matcher_service", "console", *words)
    address = f"http://{HOST}:{port}/"
    deadline = time.monotonic() + READY_S
    while not _answers(address):
        if console.returncode is not None or time.monotonic() > deadline:
            raise ProcessError("the console", "did not start", console.output()[-1500:])
        time.sleep(0.1)
    table = Table("Name", "Role", "Password", box=None, padding=(0, 2), header_style="dim")
    for name, (grant, ori) in PEOPLE.items():
        role = grant.role.replace("_", " ") + (f" of {grant.repository}" if grant.repository else "")
        table.add_row(name, role + (f", {ori}" if ori else ""), PASSWORD)
    say(f"The console: [bold]{address}[/]")
    say(table)
    say("[dim]Real accounts have an authenticator as well. Stop with Ctrl-C; then all of it is gone.[/]")
    while console.returncode is None:
        time.sleep(0.2)
    raise ProcessError("the console", f"ended with {console.returncode}", console.output()[-1500:])


def _free_port() -> int:
    """The usual one, if nobody has it."""
    for port in (USUAL_PORT, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise ProcessError("the console", "has no port to listen on", "")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address + "sign-in", timeout=2.0) as answer:  # noqa: S310 - our own
            return answer.status == 200
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
