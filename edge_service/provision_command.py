"""`edge-service provision`: this kiosk's first meeting with the centre."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from interchange.command_line import Config, Set, fail


def provision(
    code: Annotated[
        str, typer.Argument(help="As the centre printed it: seven groups of five.", show_default=False)
    ],
    *,
    centre: Annotated[str, typer.Option(help="The centre's API, https://host:port.")] = "",
    again: Annotated[
        bool, typer.Option("--again", help="This kiosk has an identity: put the new one in its place.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where the identity goes, instead of the setting identity.folder.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Make this kiosk's keys and have them certified by the centre, with a one-time code.

    The code comes from the centre: matcher-service devices invite. The keys are made here and never leave. Bookings
    that wait for delivery are kept, and delivered under the new identity. Run it as the service's own user.

    Examples:
      edge-service provision 7K2QX-... --centre https://centre.county.example:8445

      sudo -u whorl edge-service provision 7K2QX-... --config /etc/whorl/edge.toml
    """
    where, address = _where(config, assign, folder, centre)
    from edge_service.errors import EdgeError
    from edge_service.provisioning.identity import IdentityFolder
    from edge_service.provisioning.provision import provision as meet

    if not address:
        fail("where is the centre? Give --centre https://host:port, as it was printed with the code")
    identity = IdentityFolder(where)
    try:
        if identity.exists and not again:
            fail(
                f"{where}: this kiosk is '{identity.load().name}' already. To make it another, or the same anew:"
                " --again"
            )
        found = meet(identity, code=code, centre=address, step=lambda words: typer.echo(f"{words} ..."))
    except EdgeError as error:
        fail(error)
    except OSError as error:
        fail(
            f"{where}: cannot be written: {error.strerror}; run this as the service's user, for example sudo -u whorl"
        )
    typer.secho(f"This kiosk is {found.name} of {found.ori}.", fg=typer.colors.GREEN)
    typer.echo(f"Certificate until {found.certificate.not_after:%Y-%m-%d}, renewed by itself before.")
    typer.echo(f"Broker {found.broker.host}:{found.broker.port}. Restart the service if it is running.")


def _where(
    config: Path | None, assign: list[str] | None, folder: Path | None, centre: str
) -> tuple[Path, str]:
    """Folder and address: of the settings only this table is read, since a kiosk without a name has no others yet."""
    import tomllib

    from pydantic import ValidationError

    from edge_service.settings import IdentitySettings
    from interchange.logs import configure_logging

    configure_logging("warning")
    try:
        tree = tomllib.loads(config.read_text("utf-8")).get("identity", {}) if config else {}
        for key, equals, value in (text.partition("=") for text in assign or ()):
            if equals and key.startswith("identity."):
                tree[key.removeprefix("identity.")] = value
        settings = IdentitySettings.model_validate_json(json.dumps(tree))
    except (OSError, ValueError, ValidationError) as error:
        fail(f"{config or 'command line'}: identity: cannot be read ({error})")
    return folder or settings.folder, centre or settings.centre
