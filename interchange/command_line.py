"""What the command lines of both programs share: settings from a file and `--set`, and a way to fail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from interchange.logs import configure_logging
from interchange.settings import S, SettingsError, load_settings

Config = Annotated[Path | None, typer.Option(help="Settings file (TOML).")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, instead of the file's: broker.port=1884")
]


def settings_or_fail(
    model: type[S], config: Path | None, assign: list[str] | None, *, quiet: bool = False
) -> S:
    """The settings, with logging set up as they say; on an error a message and exit code 1.

    `quiet` keeps ordinary news out of the terminal of somebody who looks at something else there.
    """
    try:
        settings = load_settings(model, config, assign or ())
    except SettingsError as error:
        fail(str(error))
    level = str(getattr(settings, "log_level", "info"))
    configure_logging("warning" if quiet and level == "info" else level)
    return settings


def fail(message: object) -> NoReturn:
    """Say what is wrong, in red, and exit with code 1."""
    typer.secho(str(message), err=True, fg=typer.colors.RED)
    raise typer.Exit(1)
