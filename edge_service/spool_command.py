"""`edge-service spool` and `edge-service spool rekey`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail

if TYPE_CHECKING:
    from edge_service.settings import EdgeSettings
    from edge_service.spool import SpoolEntry

app = typer.Typer(
    invoke_without_command=True,
    help="What is saved and not yet delivered, what was refused or given up; and the key that it is sealed with.",
)


@app.callback()
def show(
    context: typer.Context,
    *,
    config: Config = None,
    assign: Set = None,
    start_empty: Annotated[
        bool,
        typer.Option(help="Begin a new spool although a damaged one was set aside, or the key is lost."),
    ] = False,
) -> None:
    """Show what is saved and not yet delivered, and what was refused.

    Examples:
      sudo -u whorl edge-service spool --config /etc/whorl/edge.toml

      sudo -u whorl edge-service spool rekey --config /etc/whorl/edge.toml
    """
    if context.invoked_subcommand is not None:
        return
    from edge_service.running_parts import open_spool

    settings = _settings(config, assign)
    with open_spool(settings, start_empty=start_empty, only_look=not start_empty) as opened:
        stats = opened.stats()
        full = ", nearly full" if stats.nearly_full else ""
        typer.echo(f"{stats.undelivered} to deliver, {stats.held_bytes} bytes of prints{full}")
        for entry in opened.entries():
            typer.echo(f"{entry.tcn}  {entry.state}{_why(entry)}")
        for path in opened.quarantined():
            typer.echo(f"damaged spool set aside, look at it: {path}")


@app.command()
def rekey(*, config: Config = None, assign: Set = None) -> None:
    """Make a new spool key and seal everything that is saved with it; the service has to be stopped.

    Cut off at any point, everything stays readable: start it again, or start the service. Keep a copy of the key
    file where the kiosk is not, if bookings are to be read from a card whose key is gone.

    Examples:
      sudo systemctl stop whorl-edge

      sudo -u whorl edge-service spool rekey --config /etc/whorl/edge.toml
    """
    from edge_service.at_rest import key_file_of
    from edge_service.at_rest.rekey import rekey as renew
    from edge_service.errors import EdgeError
    from edge_service.kiosk.store import FILE, KioskStore
    from edge_service.running_parts import delivering_from, open_images, open_spool

    settings = _settings(config, assign)
    keys = key_file_of(settings.spool.path, named=settings.spool.key_file)
    notes = settings.spool.path.with_name(FILE)
    with open_spool(settings) as spool, delivering_from(spool), open_images(settings, spool) as images:
        kept = [spool] if images is None else [spool, images]
        try:
            if notes.exists():
                with KioskStore(notes, vault=spool.vault) as store:
                    count = renew(keys, [*kept, store])
            else:
                count = renew(keys, kept)
        except EdgeError as error:
            fail(error)
    typer.echo(f"There is a new key in {keys.path}; {count} values are sealed with it.")


def _why(entry: SpoolEntry) -> str:
    if entry.refused_reason:
        return f"  {entry.refused_field}: {entry.refused_reason}"
    if entry.held_reason:
        return f"  not trusted by the centre: {entry.held_reason}"
    return {
        "expired": "  its time was over before the centre had it: take the prints again if they are wanted",
        "damaged": "  cannot be read any more: take the prints again",
    }.get(entry.state, "")


def _settings(config: Path | None, assign: list[str] | None) -> EdgeSettings:
    from edge_service.settings import EdgeSettings

    return settings_or_fail(EdgeSettings, config, assign)
