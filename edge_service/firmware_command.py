"""`edge-service firmware`: the sensor board's firmware, seen, checked and exchanged."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail

if TYPE_CHECKING:
    from collections.abc import Generator

    from edge_service.firmware_update import Bundle
    from edge_service.sensors.board import Board
    from edge_service.settings import EdgeSettings

app = typer.Typer(no_args_is_help=True, help="The sensor board's firmware: its version, and updates.")

File = Annotated[
    Path, typer.Argument(help="The bundle, whorl-firmware-<version>-<board>.whorlfw.", show_default=False)
]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        help="Trust this public key (PEM) too, this time only. Can be repeated.",
        metavar="KEY",
        show_default=False,
    ),
]


@app.command()
def update(
    bundle: File,
    *,
    config: Config = None,
    assign: Set = None,
    trust: Trust = None,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Also install an older version than the board has.")
    ] = False,
) -> None:
    """Install a bundle on the board: verify it, send it, restart the board, and keep it if it answers.

    The board keeps its old firmware beside the new one, and goes back to it by itself when the new one does not
    come up. Broken off at any moment, the update can simply be run again.

    Examples:
      edge-service firmware update whorl-firmware-0.2.0-rp2040.whorlfw --config /etc/whorl/edge.toml

      edge-service firmware update my-own.whorlfw --config edge.toml --trust build/firmware/developer-key.pub.pem
    """
    settings = _settings(config, assign)
    good = _bundle(bundle, settings, trust)
    from edge_service.firmware_view import show_update

    with _board(settings) as board:
        show_update(board, good, allow_older=allow_older)


@app.command()
def verify(bundle: File, *, config: Config = None, assign: Set = None, trust: Trust = None) -> None:
    """Check a bundle's signature and contents, without a board. Exit code 1 when anything is wrong.

    Example:
      edge-service firmware verify whorl-firmware-0.2.0-rp2040.whorlfw
    """
    settings = _settings(config, assign) if config is not None or assign else None
    good = _bundle(bundle, settings, trust)
    manifest = good.manifest
    typer.echo(f"good      {good.path}")
    typer.echo(f"firmware  {manifest.version} for {manifest.board}, link {manifest.link_protocol}")
    typer.echo(f"contents  {len(manifest.files)} files, {manifest.total_bytes} bytes")
    typer.echo(f"signed    by {good.signer}")


@app.command()
def status(*, config: Config = None, assign: Set = None) -> None:
    """Show what firmware the board runs, where it lies, and how it started. Exit code 1 when that needs a look.

    Example:
      edge-service firmware status --config /etc/whorl/edge.toml
    """
    from edge_service.firmware_view import show_status

    with _board(_settings(config, assign)) as board:
        if not show_status(board):
            raise typer.Exit(1)


def _settings(config: Config, assign: Set) -> EdgeSettings:
    from edge_service.settings import EdgeSettings

    return settings_or_fail(EdgeSettings, config, assign, quiet=True)


def _bundle(path: Path, settings: EdgeSettings | None, trust: list[Path] | None) -> Bundle:
    from edge_service.firmware_update import Bundle, FirmwareError, TrustedKeys

    named = () if settings is None else settings.firmware.trusted_keys
    try:
        keys = TrustedKeys.load(named, extra=trust or ())
        return Bundle.read(path, keys=keys)
    except FirmwareError as error:
        fail(error)


@contextmanager
def _board(settings: EdgeSettings) -> Generator[Board]:
    """The board, given time for its flash; whatever goes wrong with it ends the command in words."""
    from edge_service.firmware_update import FirmwareError
    from edge_service.firmware_update.parameters import ANSWER_S
    from edge_service.sensors.board import Board
    from edge_service.sensors.errors import SensorError
    from edge_service.sensors.parameters import BoardTiming

    if settings.sensor.through != "board":
        fail("sensor.through is 'uart': this kiosk's sensor has no board")
    board = Board(settings.sensor.port, pairing=settings.pairing_path, timing=BoardTiming(answer_s=ANSWER_S))
    try:
        yield board
    except (FirmwareError, SensorError) as error:
        fail(error)
    finally:
        board.close()
