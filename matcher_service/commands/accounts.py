"""`matcher-service accounts`: who may sign in and do what, and what two people decide, from the machine's own shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import administrator, shell_actor, sign_in
from matcher_service.commands.two_people import approve, request, requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matcher_service.accounts import Grant
    from matcher_service.accounts.directory import Directory, Person
    from matcher_service.repositories import Database

app = typer.Typer(
    no_args_is_help=True, help="People: add, list, disable, roles, authenticators, sessions, requests."
)

for _command in (request, approve, requests):
    app.command()(_command)

Name = Annotated[str, typer.Argument(help="The account's name.", show_default=False)]
As = Annotated[
    str,
    typer.Option(
        "--as", help="The administrator who does it; password and code are asked for.", show_default=False
    ),
]
Emergency = Annotated[
    str,
    typer.Option(
        help="Without an administrator: why there is none. Stands in the audit, with the machine's account."
    ),
]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="A role, or role:repository for one repository; may be repeated."),
]
Agency = Annotated[str, typer.Option(help="The agency: its nine-character ORI.")]


@app.command()
def add(
    name: Name,
    *,
    role: Roles = None,
    ori: Agency = "",
    display_name: Annotated[str, typer.Option(help="How colleagues know the person.")] = "",
    oidc_subject: Annotated[
        str, typer.Option(help="Who it is at the identity provider, instead of a password: its 'sub'.")
    ] = "",
    admin: As = "",
    emergency: Emergency = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Make an account, and print its first password, once.

    The first account is an administrator's, and is made here, at the machine. From then on an administrator signs in
    for it with --as.

    Examples:
      matcher-service accounts add jdoe --role administrator

      matcher-service accounts add asmith --role examiner --role supervisor:criminal --as jdoe

      matcher-service accounts add mlee --role case_officer --ori MO0100000 --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    grants = _grants(role or ())
    with database_of(settings) as database:
        from matcher_service.accounts import Grant, Role

        directory = _directory(database)
        if not directory.has_administrator():
            if Grant(Role.ADMINISTRATOR) not in grants:
                fail("the first account is an administrator's: --role administrator")
            by = shell_actor()
        else:
            by = administrator(settings, database, admin, emergency)
        if oidc_subject and settings.accounts.oidc is None:
            fail("there is no identity provider in these settings: name it under [accounts.oidc]")
        first = directory.add(
            name, by=by, grants=grants, display_name=display_name, ori=ori, password=not oidc_subject
        )
        if oidc_subject and settings.accounts.oidc is not None:
            directory.link_oidc(name, issuer=settings.accounts.oidc.issuer, subject=oidc_subject, by=by)
    if not first:
        typer.echo(f"{name}: made; signs in at the identity provider")
        return
    _tell_first(name, first)


@app.command("list")
def list_accounts(*, as_json: AsJson = False, config: Config = None, assign: Set = None) -> None:
    """All accounts: roles, agency, state, authenticator.

    Examples:
      matcher-service accounts list --json
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        people = _directory(database).all()
    if as_json:
        print_json([_tree(one) for one in people])
        return
    table(
        ("name", "roles", "agency", "state", "authenticator", "sign-in"),
        (
            (
                one.account.name,
                _words(one.account.grants),
                one.account.ori,
                one.state,
                "yes" if one.has_totp else "no",
                _sign_in_words(one),
            )
            for one in people
        ),
    )


@app.command()
def disable(
    name: Name,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Let the account in again.")] = False,
    admin: As = "",
    emergency: Emergency = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Let an account in no more, and end its sessions at once. Accounts are never removed: the audit names them.

    Examples:
      matcher-service accounts disable asmith --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        by = administrator(settings, database, admin, emergency)
        if undo:
            _directory(database).enable(name, by=by)
            typer.echo(f"{name}: may sign in again")
            return
        ended = _directory(database).disable(name, by=by)
    typer.echo(f"{name}: disabled, {ended} sessions ended")


@app.command()
def roles(
    name: Name,
    *,
    role: Roles = None,
    admin: As = "",
    emergency: Emergency = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Show an account's roles; with --role, give it these and no others. They count at once.

    Examples:
      matcher-service accounts roles asmith

      matcher-service accounts roles asmith --role examiner --role repository_owner:criminal --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        directory = _directory(database)
        if role:
            grants = _grants(role)
            directory.set_grants(name, grants, by=administrator(settings, database, admin, emergency))
        typer.echo(f"{name}: {_words(directory.find(name).account.grants) or 'no roles'}")


@app.command()
def reset_password(
    name: Name, *, admin: As = "", emergency: Emergency = "", config: Config = None, assign: Set = None
) -> None:
    """Give an account a first password again, and end its sessions. Unlocks it, too.

    Examples:
      matcher-service accounts reset-password asmith --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        by = administrator(settings, database, admin, emergency)
        directory = _directory(database)
        first = directory.reset_password(name, by=by)
        directory.unlock(name, by=by)
    _tell_first(name, first)


@app.command()
def reset_totp(
    name: Name, *, admin: As = "", emergency: Emergency = "", config: Config = None, assign: Set = None
) -> None:
    """Forget a lost authenticator and its recovery codes. The account enrols another when it next signs in.

    Examples:
      matcher-service accounts reset-totp asmith --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.accounts.authenticators import Authenticators
        from matcher_service.accounts.key_file import sealer_of

        by = administrator(settings, database, admin, emergency)
        Authenticators(database, sealer=sealer_of(settings.accounts, database)).reset(name, by=by)
    typer.echo(f"{name}: has to enrol a new authenticator")


@app.command()
def sessions(
    name: Annotated[str | None, typer.Argument(help="Only this account's.")] = None,
    *,
    end: Annotated[bool, typer.Option("--end", help="Sign the account out everywhere.")] = False,
    admin: As = "",
    emergency: Emergency = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """List who is signed in; with --end, sign an account out everywhere.

    Examples:
      matcher-service accounts sessions

      matcher-service accounts sessions asmith --end --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.accounts.sessions import Sessions

        there = Sessions(database, settings=settings.accounts)
        if end:
            if name is None:
                fail("name the account that is to be signed out")
            ended = there.end_all(name, by=administrator(settings, database, admin, emergency))
            typer.echo(f"{name}: {ended} sessions ended")
            return
        found = there.open_ones(name)
    table(
        ("account", "by", "since (UTC)", "last seen", "until", "session"),
        (
            (
                one.name,
                one.method,
                *(f"{at:%Y-%m-%d %H:%M}" for at in (one.created_at, one.seen_at, one.expires_at)),
                one.id,
            )
            for one in found
        ),
    )


@app.command()
def enrol(name: Name, *, config: Config = None, assign: Set = None) -> None:
    """Choose a password and enrol an authenticator, at this terminal: with the first password, once.

    Examples:
      matcher-service accounts enrol jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.accounts.authenticators import Authenticators
        from matcher_service.accounts.key_file import sealer_of
        from matcher_service.accounts.sessions import Sessions

        old = typer.prompt("First password", hide_input=True)
        session = sign_in(settings, database, name, old, "")
        Sessions(database, settings=settings.accounts).end(session.token)  # this terminal needs none
        if not session.duties:
            fail(f"{name}: has a password and an authenticator already")
        if "password" in session.duties:
            new = typer.prompt("New password (12 characters or more; a few words will do)", hide_input=True)
            if typer.prompt("Once more", hide_input=True) != new:
                fail("the two were not the same; begin anew")
            _directory(database).change_password(session.account, old=old, new=new)
        if "totp" in session.duties:
            authenticators = Authenticators(database, sealer=sealer_of(settings.accounts, database))
            begun = authenticators.begin(session.account)
            typer.echo(begun.for_terminal())
            typer.echo(f"Scan this with an authenticator, or type in: {begun.secret}")
            codes = authenticators.confirm(session.account, typer.prompt("Its code"))
            typer.echo("Recovery codes, each good once if the authenticator is lost. Write them down now:")
            for code in codes:
                typer.echo(f"  {code}")
    typer.echo(f"{name}: ready")


def _directory(database: Database) -> Directory:
    from matcher_service.accounts.directory import Directory

    return Directory(database)


def _grants(words: Iterable[str]) -> list[Grant]:
    from matcher_service.accounts import Grant, Role

    found: list[Grant] = []
    for word in words:
        role, _, repository = word.partition(":")
        if role not in set(Role):
            fail(f"--role: there is no role '{role}'; there are {', '.join(Role)}")
        found.append(Grant(Role(role), repository or None))
    return found


def _tell_first(name: str, first: str) -> None:
    from matcher_service.accounts.parameters import FIRST_PASSWORD_HOURS

    typer.secho(first, bold=True)
    typer.echo(
        f"is the first password of {name}, good for {FIRST_PASSWORD_HOURS} hours, not shown again.", err=True
    )
    typer.echo(f"  matcher-service accounts enrol {name}   sets its own, and the authenticator", err=True)


def _words(grants: Iterable[Grant]) -> str:
    return ", ".join(one.role if one.repository is None else f"{one.role}:{one.repository}" for one in grants)


def _sign_in_words(one: Person) -> str:
    if one.oidc_subject is not None:
        return "identity provider"
    if one.first_password_until is not None:
        return f"first password until {one.first_password_until:%Y-%m-%d %H:%M}"
    return "password" + (f", {one.failures} wrong tries" if one.failures else "")


def _tree(one: Person) -> dict[str, Any]:
    until = one.first_password_until
    return {
        "name": one.account.name,
        "display_name": one.display_name,
        "roles": [{"role": grant.role, "repository": grant.repository} for grant in one.account.grants],
        "ori": one.account.ori,
        "state": one.state,
        "authenticator": one.has_totp,
        "identity_provider": one.oidc_subject is not None,
        "first_password_until": None if until is None else until.isoformat(),
        "failures": one.failures,
    }
