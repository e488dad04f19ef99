"""`matcher-service devices`: who may submit. Invite a kiosk, list and show them, shut one out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table, who

if TYPE_CHECKING:
    from datetime import datetime

    from matcher_service.authority.office import Office
    from matcher_service.repositories import Database, Registration
    from matcher_service.settings import MatcherSettings

app = typer.Typer(no_args_is_help=True, help="Kiosks: invite, list, show, revoke.")

ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Name = Annotated[str, typer.Argument(help="The kiosk's name.", show_default=False)]


@app.command()
def invite(
    *,
    name: Annotated[str, typer.Option(help="The kiosk's name: 1 to 32 of a-z, 0-9, hyphens inside.")],
    ori: Annotated[str, typer.Option(help="The agency it works for: its nine-character ORI.")],
    valid: Annotated[str, typer.Option(help="How long the code is good: 90m, 24h, 3d.")] = "24h",
    replace: Annotated[
        bool,
        typer.Option("--replace", help="For a kiosk that is registered: its old keys end with the code."),
    ] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Print a one-time code for a kiosk. Only its hash is kept: who loses it needs another.

    Examples:
      matcher-service devices invite --name kiosk-1 --ori MO0100000

      matcher-service devices invite --name kiosk-1 --ori MO0100000 --valid 2h --replace
    """
    from interchange.errors import MessageError
    from interchange.topics import check_device

    lasting = _duration(valid)
    try:
        check_device(name)
    except MessageError as error:
        fail(f"--name: {error.reason}")
    if not ORI.fullmatch(ori):
        fail("--ori: an ORI has nine characters, two letters and seven letters or digits, such as MO0100000")
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        code = _office(settings, database).registrar.invite(
            name, ori, valid=lasting, by=who(), replace=replace
        )
    typer.secho(code, bold=True)
    typer.echo(f"for {name} of {ori}, good for {valid}, once. At the kiosk:", err=True)
    typer.echo(f"  edge-service provision {code} --centre {_address(settings)}", err=True)


@app.command("list")
def list_devices(*, as_json: AsJson = False, config: Config = None, assign: Set = None) -> None:
    """All kiosks: name, agency, state, until when the certificate is good, and codes not yet used.

    Examples:
      matcher-service devices list

      matcher-service devices list --json
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        office = _office(settings, database)
        rows = [_summary(one, settings) for one in office.registry.all()]
        open_codes = [one for one in office.registry.invitations() if one.used_at is None]
    if as_json:
        codes = [{"name": one.device, "ori": one.ori, "until": _day(one.expires_at)} for one in open_codes]
        print_json({"devices": rows, "invitations": codes})
        return
    columns = ("name", "ori", "state", "registered", "certificate until")
    table(columns, ([row[key] for key in ("name", "ori", "state", "registered", "until")] for row in rows))
    for one in open_codes:
        typer.echo(f"invited: {one.device} of {one.ori}, code good until {_day(one.expires_at)}")


@app.command()
def show(name: Name, *, config: Config = None, assign: Set = None) -> None:
    """One kiosk: its state, certificates, keys and invitations. As JSON.

    Examples:
      matcher-service devices show kiosk-1
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        office = _office(settings, database)
        found = office.registry.find(name)
        invitations = office.registry.invitations(name)
    if found is None and not invitations:
        fail(f"no device '{name}' is registered or invited; see: matcher-service devices list")
    tree: dict[str, object] = {} if found is None else dict(_summary(found, settings))
    if found is not None:
        tree["centre_generation"] = found.centre_generation
        tree["keys"] = [
            {
                "id": record.key.id.hex(),
                "kind": str(record.kind),
                "added": _day(record.added_at),
                "retired": _day(record.retired_at),
            }
            for record in found.keys
        ]
    tree["invitations"] = [
        {
            "by": one.made_by,
            "made": _day(one.made_at),
            "expires": _day(one.expires_at),
            "used": _day(one.used_at),
        }
        for one in invitations
    ]
    print_json(tree)


@app.command()
def revoke(name: Name, *, config: Config = None, assign: Set = None) -> None:
    """Shut a kiosk out, for good: what it says is refused from now on, and it is told nothing more.

    The list of revoked certificates is written into the authority's folder; the broker has to read it, see what is
    printed. What the kiosk has saved stays on it, and is delivered if it is invited again.

    Examples:
      matcher-service devices revoke kiosk-1
    """
    from matcher_service.authority.layout import publish_revocations
    from matcher_service.repositories import NotAdmitted

    settings = settings_of(config, assign)
    with database_of(settings) as database:
        try:
            count = _office(settings, database).registrar.revoke(name, by=who())
        except NotAdmitted as error:
            fail(error.reason)
    folder = settings.authority.folder
    assert folder is not None
    crl = publish_revocations(folder)
    typer.echo(f"{name} is revoked, {count} certificate{'' if count == 1 else 's'} with it.")
    typer.echo(
        "The matcher refuses it from now on. For the broker, where whorl-crl.path does not do it by itself:\n"
        f"  matcher-service authority publish-crl /etc/whorl/broker --from {crl}\n"
        "  systemctl kill -s HUP mosquitto   (new connections)\n"
        "  systemctl restart mosquitto       (also ends one that is open; kiosks come back, nothing is lost)",
        err=True,
    )


def _office(settings: MatcherSettings, database: Database) -> Office:
    from matcher_service.authority.office import open_office

    office = open_office(settings, database)
    if office is None:
        fail("there is no authority in these settings: make one with matcher-service authority create,"
             " then name its folder under [authority]")  # fmt: skip
    return office


def _duration(text: str) -> timedelta:
    from matcher_service.authority.parameters import MAX_INVITATION_DAYS

    found = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if found is None:
        fail("--valid: expected a number and m, h or d, for example 90m, 24h or 3d")
    lasting = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if lasting > timedelta(days=MAX_INVITATION_DAYS):
        fail(f"--valid: at most {MAX_INVITATION_DAYS} days; a code that lies about is a key under the mat")
    return lasting


def _address(settings: MatcherSettings) -> str:
    return settings.authority.address or f"https://{settings.api.host}:{settings.api.port}"


def _summary(one: Registration, settings: MatcherSettings) -> dict[str, str]:
    from matcher_service.authority import Authority

    assert settings.authority.folder is not None
    authority = Authority(settings.authority.folder)
    good = [c for c in authority.issued_to(one.name) if not authority.is_revoked(c)]
    return {
        "name": one.name,
        "ori": one.ori,
        "state": str(one.state),
        "registered": _day(one.registered_at),
        "until": _day(good[-1].not_valid_after_utc) if good else "",
    }


def _day(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%d %H:%M}Z"
