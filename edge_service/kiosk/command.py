"""`edge-service kiosk` and `edge-service kiosk-users`."""

from __future__ import annotations

import logging
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail
from interchange.shutdown import stop_on_signals

if TYPE_CHECKING:
    from edge_service.kiosk.users import Kind, Users
    from edge_service.settings import EdgeSettings

log = logging.getLogger("edge")

users_app = typer.Typer(no_args_is_help=True, help="Who may unlock the kiosk's page.")


def kiosk(
    *,
    config: Config = None,
    assign: Set = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written once the page answers.")] = None,
) -> None:
    """Serve the touch page and deliver its bookings, until SIGTERM.

    Examples:
      edge-service kiosk --config /etc/whorl/edge.toml

      edge-service kiosk --set device=kiosk-1 --set kiosk.language=es
    """
    from edge_service.clock import SystemClock
    from edge_service.errors import EdgeError
    from edge_service.extraction import ExtractionError, Extractor
    from edge_service.kiosk.kiosk import Kiosk
    from edge_service.ops.board_counts import counts_of
    from edge_service.ops.freed_memory import overwrite_freed_memory
    from edge_service.reader import fingerprint_reader
    from edge_service.running_parts import (
        delivering_from,
        make_ops,
        make_uplink,
        open_images,
        open_spool,
        said_ready,
    )

    overwrite_freed_memory()
    stopping = threading.Event()
    stop_on_signals(stopping)
    settings = _settings(config, assign)
    with open_spool(settings) as spool, delivering_from(spool), open_images(settings, spool) as images:
        reader = fingerprint_reader(settings)
        uplink = make_uplink(settings, spool, images)
        try:
            with Kiosk(
                settings.kiosk,
                device=settings.device,
                sensor=reader,
                extractor=Extractor.load(),
                spool=spool,
                clock=SystemClock(store=spool),
                capture=settings.capture,
                spool_settings=settings.spool,
                wake_uplink=uplink.wake,
                connected=lambda: uplink.connected,
                sensor_failed=lambda error: ops.sensor_failed(error),  # noqa: PLW0108 - it is made below
                images=images,
            ) as page:
                ops = make_ops(
                    settings,
                    spool,
                    uplink,
                    sensor_trouble=lambda: page.desk.sensor_trouble,
                    board_counters=lambda: counts_of(reader),
                )
                uplink.start()
                ops.start()
                with said_ready(ready_file):
                    stopping.wait()
                    ops.stop()
        except (EdgeError, ExtractionError) as error:
            fail(error)
        finally:
            uplink.stop()
            reader.close()
    log.info("stopped")


@users_app.command()
def add(
    name: Annotated[
        str, typer.Argument(help="A label, such as a roster number; it is kept with each booking.")
    ],
    *,
    config: Config = None,
    assign: Set = None,
    badge: Annotated[bool, typer.Option("--badge", help="A badge number instead of a PIN.")] = False,
) -> None:
    """Let somebody unlock the kiosk; the PIN or badge number is asked for and not shown.

    Examples:
      edge-service kiosk-users add d104

      edge-service kiosk-users add d104 --badge
    """
    from edge_service.kiosk.errors import UsersError

    kind: Kind = "badge" if badge else "pin"
    users = _users(config, assign)
    what = "Badge number" if badge else "PIN"
    code = typer.prompt(what, hide_input=True, confirmation_prompt=True)
    try:
        users.add(name, code, kind=kind)
    except UsersError as error:
        fail(error)
    typer.echo(f"{name} can unlock this kiosk with a {kind} now.")


@users_app.command("list")
def show(*, config: Config = None, assign: Set = None) -> None:
    """Show who may unlock the kiosk."""
    from edge_service.kiosk.errors import UsersError

    try:
        everybody = _users(config, assign).all()
    except UsersError as error:
        fail(error)
    for user in everybody:
        typer.echo(f"{user.name}  {user.kind}")
    if not everybody:
        typer.echo("Nobody yet: edge-service kiosk-users add NAME")


@users_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="As it was added.")],
    *,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Take somebody's PIN and badge away.

    Example:
      edge-service kiosk-users remove d104
    """
    from edge_service.kiosk.errors import UsersError

    try:
        gone = _users(config, assign).remove(name)
    except UsersError as error:
        fail(error)
    if not gone:
        fail(f"{name} is not among them; see: edge-service kiosk-users list")
    typer.echo(f"{name} cannot unlock this kiosk any more.")


def _users(config: Path | None, assign: list[str] | None) -> Users:
    from edge_service.kiosk.kiosk import users_file
    from edge_service.kiosk.users import Users

    settings = _settings(config, assign)
    return Users(users_file(settings.kiosk, settings.spool.path))


def _settings(config: Path | None, assign: list[str] | None) -> EdgeSettings:
    from edge_service.settings import EdgeSettings

    return settings_or_fail(EdgeSettings, config, assign)
