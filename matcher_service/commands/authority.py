"""`matcher-service authority`: the centre's certificates and keys. Create them once, renew them, change the keys."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import database_of, plain_errors, settings_of, who

if TYPE_CHECKING:
    from matcher_service.authority import Role

app = typer.Typer(no_args_is_help=True, help="The centre's own certificates and keys.")

Address = Annotated[
    list[str], typer.Option(help="A name or number by which broker and API are reached; may be repeated.")
]


@app.command()
def create(
    *,
    address: Address,
    matcher: Annotated[
        list[str] | None, typer.Option(help="A matcher's instance name; may be repeated.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where, instead of the setting authority.folder.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Make the authority, the centre's keys, and certificates for its broker, API and matchers.

    Back the folder up and keep the copy locked away: whoever has it can let anybody in, and without it every kiosk
    has to be provisioned anew.

    Examples:
      matcher-service authority create --folder /var/lib/whorl/authority --address centre.county.example

      matcher-service authority create --address centre.county.example --address 10.1.2.3 --config centre.toml
    """
    settings = settings_of(config, assign)
    where = folder or settings.authority.folder
    if where is None:
        fail("name a folder: --folder /var/lib/whorl/authority, or [authority] folder in the settings")
    from matcher_service.authority.layout import create_centre
    from matcher_service.authority.parameters import DEVICE_DAYS

    with plain_errors():
        create_centre(where, addresses=address, matchers=matcher or [settings.instance])
    typer.echo(f"{where}: made. Its certificates are good for {DEVICE_DAYS} days: renew them in time with")
    typer.echo("  matcher-service authority renew")
    typer.echo("Next: docs/provisioning.md, 'A new centre'.")


@app.command()
def renew(*, address: Address, config: Config = None, assign: Set = None) -> None:
    """New keys and certificates for broker, API and this matcher; the old ones stay good until they run out.

    Restart the three afterwards.

    Examples:
      matcher-service authority renew --address centre.county.example --config centre.toml
    """
    settings = settings_of(config, assign)
    from matcher_service.authority import Authority, Role
    from matcher_service.authority.layout import equip

    equipment: list[tuple[str, Role, str]] = [
        ("broker", Role.BROKER, "broker"),
        ("api", Role.API, "api"),
        (settings.instance, Role.MATCHER, "tls"),
    ]
    with plain_errors():
        authority = Authority(_folder(settings.authority.folder))
        for name, role, file in equipment:
            equip(authority, name, role, file=file, addresses=() if role is Role.MATCHER else address)
    typer.echo("made; put the broker's in place and restart broker, API and matcher")


@app.command()
def rotate(
    *,
    drop_older: Annotated[
        bool,
        typer.Option(
            "--drop-older",
            help="Erase all older keys now: after a theft. Kiosks that have not learnt of these need a new code,"
            " and subscribers the new file of keys, by hand.",
        ),
    ] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Change the keys to which kiosks seal and by which they know the centre. Nothing that waits is lost.

    A running matcher uses them at once, kiosks are told when they are next heard of, subscribers at once and before
    each notification, by the older keys; and what was sealed to those is read for 400 days.

    Examples:
      matcher-service authority rotate --config centre.toml
    """
    settings = settings_of(config, assign)
    from matcher_service.auditing import note, shell
    from matcher_service.authority.centre_keys import CentreKeyring

    with database_of(settings) as database:
        made = CentreKeyring(_folder(settings.authority.folder)).rotate(drop_older=drop_older)
        note(
            database,
            "centre.rotate",
            actor=shell(who()),
            purpose="provisioning",
            generation=made.number,
            drop_older=drop_older,
        )
    typer.echo(f"the centre's keys are of generation {made.number} now")


@app.command()
def publish_crl(
    path: Annotated[
        Path,
        typer.Argument(help="The broker's crlfile, or the folder where it is.", show_default=False),
    ],
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A list that was brought here, instead of this centre's own."),
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Put the list of revoked certificates where the broker reads it: whole, ours, and never an older one.

    The broker then has to be told: a signal HUP keeps what is revoked from coming in, a restart also ends a connection
    that is open. Nothing that waits is lost by either.

    Examples:
      matcher-service authority publish-crl /etc/whorl/broker --config /etc/whorl/centre.toml

      matcher-service authority publish-crl /etc/whorl/broker --from /root/crl.pem
    """
    from matcher_service.authority.revocations import FILE, publish

    if source is None:
        source = _folder(settings_of(config, assign, quiet=True).authority.folder) / FILE
    with plain_errors():
        done = publish(source, path)
    certificates = f"{done.revoked} certificate{'' if done.revoked == 1 else 's'}"
    if not done.changed:
        typer.echo(f"{done.path}: is the newest list already, {certificates} on it")
        return
    typer.echo(f"{done.path}: written, {certificates} on it. The broker reads it when it is told to:")
    typer.echo(
        "  systemctl kill -s HUP mosquitto   or, to end an open connection too: systemctl restart mosquitto"
    )


def _folder(folder: Path | None) -> Path:
    if folder is None:
        fail("there is no authority in these settings: name its folder under [authority]")
    return folder
