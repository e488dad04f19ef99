"""`edge-service settings`: is the file good, and how an older one is brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interchange.command_line import fail
from interchange.settings import SettingsError, load_settings

app = typer.Typer(no_args_is_help=True, help="The settings file: check it, or bring an older one up to date.")

File = Annotated[Path, typer.Argument(help="The settings file (TOML).", show_default=False)]


@app.command()
def check(path: File) -> None:
    """Say whether the file can be used, and the first thing in it that is wrong. Exit code 1 if it cannot.

    Example:
      edge-service settings check /etc/whorl/edge.toml
    """
    from edge_service.ops.settings_file import SETTINGS_MODEL
    from interchange.settings_versions import file_version, version_of

    try:
        found, wanted = file_version(path), version_of(SETTINGS_MODEL)
        if found < wanted:
            fail(f"{path}: of version {found}; bring it to {wanted}: edge-service settings migrate {path}")
        load_settings(SETTINGS_MODEL, path)
    except SettingsError as error:
        fail(error)
    typer.echo(f"{path}: good, version {wanted}")


@app.command()
def migrate(path: File) -> None:
    """Bring the file to the version that this program speaks; as it was it stays beside it (.v1.bak and so on).

    Example:
      sudo edge-service settings migrate /etc/whorl/edge.toml
    """
    from edge_service.ops.settings_file import SETTINGS_MODEL, STEPS
    from interchange.settings_versions import migrate as bring_up_to_date

    try:
        done = bring_up_to_date(path, model=SETTINGS_MODEL, steps=STEPS)
    except SettingsError as error:
        fail(error)
    if done.backup is None:
        typer.echo(f"{path}: version {done.now} already, nothing to do")
    else:
        typer.echo(f"{path}: version {done.found} is now {done.now}; as it was it is in {done.backup}")
