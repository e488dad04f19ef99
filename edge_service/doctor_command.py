"""`edge-service doctor` and `edge-service support-bundle`: what is wrong, and what to do about it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from interchange.logs import configure_logging
from interchange.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.ops.findings import Finding
    from edge_service.ops.patient import Patient


def doctor(
    *,
    config: Config = None,
    assign: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at everything a booking needs, and say what is wrong and what to do. Disturbs no running service.

    Exit code 0: all is well, 1: something wants to be looked at, 2: something is wrong.

    Examples:
      sudo edge-service doctor --config /etc/whorl/edge.toml

      edge-service doctor --json --config /etc/whorl/edge.toml
    """
    from rich.console import Console

    from edge_service.ops.doctor_view import show
    from edge_service.ops.findings import worst

    configure_logging("error")
    with Console(stderr=True).status("Looking at the kiosk") as live:
        _, findings = _examined(config, assign, lambda name: live.update(f"Looked at: {name}"))
    if as_json:
        sys.stdout.write(json.dumps([finding.as_json() for finding in findings], indent=2) + "\n")
    else:
        show(findings, Console(highlight=False))
    raise typer.Exit(int(worst(findings)))


def support_bundle(
    out: Annotated[Path, typer.Argument(help="The file to make, .tar.gz.", show_default=False)],
    *,
    config: Config = None,
    assign: Set = None,
    log_file: Annotated[
        list[Path] | None, typer.Option("--log", help="A log of the service, besides the journal.")
    ] = None,
) -> None:
    """Gather what the makers need to help: no prints, no keys, no bookings' numbers, no names.

    Everything in it is text; look at it before you send it: tar -xOzf OUT.tar.gz

    Example:
      sudo edge-service support-bundle /tmp/kiosk-1.tar.gz --config /etc/whorl/edge.toml
    """
    from rich.console import Console

    from edge_service.ops.bundle import write_bundle

    configure_logging("error")
    if out.exists():
        fail(f"{out} is there already; name another file")
    try:
        # Before root's rights are given up.
        file = os.fdopen(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        fail(f"{out}: {error.strerror}")
    with file, Console(stderr=True).status("Looking at the kiosk"):
        logs = [path.read_text("utf-8", errors="replace") for path in log_file or ()]
        journal = _journal()
        patient, findings = _examined(config, assign, lambda _: None)
        write_bundle(file, patient=patient, findings=findings, logs=[journal, *logs])
    typer.echo(f"{out} is made. Look at it before you send it: tar -xOzf {out}")


def _journal() -> str:
    from edge_service.ops.journal import journal

    return journal()


def _examined(
    config: Path | None, assign: list[str] | None, tell: Callable[[str], None]
) -> tuple[Patient | None, list[Finding]]:
    from edge_service.ops.doctor import examine, unreadable
    from edge_service.ops.patient import Patient
    from edge_service.ops.service_user import become_owner_of
    from edge_service.ops.settings_file import SETTINGS_MODEL

    try:
        settings = load_settings(SETTINGS_MODEL, config, assign or ())
    except SettingsError as error:
        return None, unreadable(error)
    become_owner_of(settings.spool.path.parent)
    patient = Patient(settings)
    findings: list[Finding] = []
    for finding in examine(patient):
        findings.append(finding)
        tell(finding.check)
    return patient, findings
