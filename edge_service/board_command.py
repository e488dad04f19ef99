"""`edge-service board`: what a technician asks of the sensor board, and how it is paired with the kiosk."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail
from interchange.shutdown import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Generator

    from edge_service.sensors.board import Board
    from edge_service.sensors.board.ceremony import Prompt

app = typer.Typer(
    no_args_is_help=True, help="The sensor board: who it is, how it is, and pairing it with this kiosk."
)

WATCH_POLL_S = 0.1


@app.command()
def status(*, config: Config = None, assign: Set = None) -> None:
    """Show the board and everything that is wrong with it. Exit code 1 when something is.

    Examples:
      edge-service board status --config /etc/whorl/edge.toml

      edge-service board status --set device=kiosk-1 --set sensor.port=/dev/ttyACM0
    """
    from rich.console import Console

    from edge_service.board_view import BoardReport

    with _board(config, assign) as board, Console(stderr=True).status("Asking the board and its sensor"):
        report = BoardReport.of(board)
    report.show()
    if report.problems:
        raise typer.Exit(1)


@app.command()
def pair(
    *,
    config: Config = None,
    assign: Set = None,
    seconds: Annotated[
        float, typer.Option(min=5, max=3600, help="How long you have for the lid and the button.")
    ] = 120.0,
) -> None:
    """Agree on a key with the board: at the open kiosk, with a finger on the board's button.

    It tells you step by step what to do. Needed once for a new board, and again whenever the lid was opened.

    Example:
      edge-service board pair --config /etc/whorl/edge.toml
    """
    from rich.console import Console

    from edge_service.sensors.board.ceremony import Ceremony

    stopping = threading.Event()
    stop_on_signals(stopping)
    console = Console(highlight=False)
    with _board(config, assign) as board, console.status("Looking for the board") as live:

        def tell(prompt: Prompt) -> None:
            live.update(f"[bold]{prompt}[/] (at most {seconds:.0f} s)")
            if not console.is_terminal:
                console.print(prompt)

        ceremony = Ceremony(board, tell=tell, timeout_s=seconds, cancel=stopping)
        identity = ceremony.pair()
        closed = ceremony.await_closed_lid()
        path = board.pairing.path
    console.print(f"[green]Paired[/] with board {identity.unique}; the key is in {path}.")
    if not closed:
        console.print("[yellow]The lid is still open: no print is taken until it is closed.[/]")


@app.command()
def unpair(*, config: Config = None, assign: Set = None) -> None:
    """Forget the board's key, on both sides. No print is taken until a board is paired again.

    Example:
      edge-service board unpair --config /etc/whorl/edge.toml
    """
    from edge_service.sensors.board.ceremony import unpair as forget

    with _board(config, assign) as board:
        confirmed = forget(board)
    if confirmed:
        typer.echo(
            "The board and this kiosk have forgotten their key. To pair again: edge-service board pair"
        )
    else:
        typer.secho(
            "This kiosk has forgotten its board. The board did not confirm it: if it is to be used again, open its"
            " lid once, so that it forgets too.",
            fg=typer.colors.YELLOW,
        )


@app.command()
def counters(
    *,
    config: Config = None,
    assign: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of them as JSON.")] = False,
) -> None:
    """Show what the board has counted: images, starts, and everything that was refused.

    Example:
      edge-service board counters --json --config /etc/whorl/edge.toml
    """
    from edge_service.board_view import counter_table
    from edge_service.sensors.board.pairing import NO_KEY

    with _board(config, assign) as board:
        if not board.open_with(board.pairing.read().key).proven:
            board.open_with(NO_KEY)
        counts = board.counters()
        unique = board.unique
    if as_json:
        typer.echo(json.dumps({"board": unique, "counters": counts}))
    else:
        from rich.console import Console

        Console(highlight=False).print(counter_table(counts))


@app.command()
def watch(
    *,
    config: Config = None,
    assign: Set = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after this time; without it on Ctrl-C.")
    ] = None,
) -> None:
    """Print a line whenever the board's state, lid or button changes: for the bench.

    Example:
      edge-service board watch --seconds 30 --config /etc/whorl/edge.toml
    """
    from edge_service.board_view import state_line

    stopping = threading.Event()
    stop_on_signals(stopping)
    with _board(config, assign) as board:
        board.open_with(board.pairing.read().key)
        began = time.monotonic()
        before = ""
        while not stopping.is_set() and (seconds is None or time.monotonic() - began < seconds):
            line = state_line(board.status())
            if line != before:
                typer.echo(f"{time.strftime('%H:%M:%S')}  {line}")
                before = line
            stopping.wait(WATCH_POLL_S)


@app.command()
def reboot(*, config: Config = None, assign: Set = None) -> None:
    """Start the board anew; it is back after about two seconds.

    Example:
      edge-service board reboot --config /etc/whorl/edge.toml
    """
    from edge_service.sensors.board.board_link import LinkBroken
    from edge_service.sensors.errors import SensorUnplugged
    from firmware.core import codes

    with _board(config, assign) as board:
        board.open_with(board.pairing.read().key)
        with suppress(LinkBroken, SensorUnplugged):  # it may be faster than its answer
            board.link.request(codes.REBOOT)
    typer.echo("The board starts anew.")


@contextmanager
def _board(config: Config, assign: Set) -> Generator[Board]:
    """The board of the kiosk's settings; whatever goes wrong with it ends the command in words."""
    from edge_service.reader import sensor_board
    from edge_service.sensors.errors import SensorError
    from edge_service.settings import EdgeSettings

    settings = settings_or_fail(EdgeSettings, config, assign, quiet=True)
    if settings.sensor.through != "board":
        fail("sensor.through is 'uart': this kiosk's sensor has no board")
    board = sensor_board(settings)
    try:
        yield board
    except SensorError as error:
        fail(error)
    finally:
        board.close()
