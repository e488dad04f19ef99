"""`matcher-service subscribers`: the agencies that are told of confirmed hits, and of which."""

from __future__ import annotations

import contextlib
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator

    from matcher_service.accounts import Account
    from matcher_service.notify.subscribers import Subscribers
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

app = typer.Typer(
    no_args_is_help=True,
    help="Agencies that are told of confirmed hits: add, list, subscribe, disable; keys and certificates.",
)

Name = Annotated[
    str, typer.Argument(help="The subscriber's name: a level of its topics.", show_default=False)
]
Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Repository = Annotated[str, typer.Option(help="The repository.", show_default=False)]
Jurisdiction = Annotated[
    str, typer.Option(help="Only bookings of this jurisdiction and what lies in it; all without it.")
]


@app.command()
def add(
    name: Name,
    *,
    ori: Annotated[str, typer.Option(help="The agency: its nine-character ORI.", show_default=False)],
    words: Annotated[str, typer.Option(help="Who it is, in a few words.", show_default=False)],
    sealing_key: Annotated[
        Path, typer.Option(help="Its public key to seal to: PEM, P-256.", show_default=False)
    ],
    signing_key: Annotated[
        Path, typer.Option(help="Its public key for receipts: PEM, P-256.", show_default=False)
    ],
    person: Person,
    webhook: Annotated[str, typer.Option(help="Post to this address as well: https://...")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Take up an agency. It is told of nothing until it is subscribed to something.

    With a webhook its secret is printed, once.

    Examples:
      matcher-service subscribers add field-office --ori MO0100000 --words "Field office" --sealing-key sealing.pem
      --signing-key signing.pem --as jdoe

      matcher-service subscribers add field-office --ori MO0100000 --words "Field office" --sealing-key sealing.pem
      --signing-key signing.pem --webhook https://cases.agency.example/whorl --as jdoe
    """
    pems = [_pem(sealing_key), _pem(signing_key)]
    with _managing(config, assign, person, "") as (subscribers, account):
        secret = subscribers.add(
            name,
            words=words,
            ori=ori,
            sealing_pem=pems[0],
            signing_pem=pems[1],
            webhook_url=webhook,
            by=account.name,
            role=account.acting_as,
        )
    typer.echo(
        f"{name}: added; next: matcher-service subscribers subscribe {name} --repository NAME", err=True
    )
    if secret:
        typer.echo("The webhook's secret, shown once; hand it over in person:", err=True)
        typer.echo(secret)


@app.command("list")
def list_subscribers(*, as_json: AsJson = False, config: Config = None, assign: Set = None) -> None:
    """All of them, and what they are told of.

    Examples:
      matcher-service subscribers list --json
    """
    with _subscribers(config, assign) as subscribers:
        found = subscribers.all()
    if as_json:
        print_json(
            [
                {
                    "name": one.name, "words": one.words, "ori": one.ori, "active": one.active,
                    "webhook": one.webhook, "added_at": one.added_at.isoformat(),
                    "subscriptions": [
                        {"repository": s.repository, "jurisdiction": s.jurisdiction} for s in one.subscriptions
                    ],
                }
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ("name", "who", "agency", "told by", "told of", "state"),
        (
            (
                one.name,
                one.words,
                one.ori,
                "topic, webhook" if one.webhook else "topic",
                ", ".join(f"{s.repository}: {s.jurisdiction or 'all'}" for s in one.subscriptions)
                or "nothing",
                "active" if one.active else "disabled",
            )
            for one in found
        ),
    )


@app.command()
def subscribe(
    name: Name,
    *,
    repository: Repository,
    person: Person,
    jurisdiction: Jurisdiction = "",
    undo: Annotated[bool, typer.Option("--undo", help="End the subscription instead.")] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Have it told of confirmed hits in a repository. Retractions of what it was told come without one.

    Examples:
      matcher-service subscribers subscribe field-office --repository immigration --as jdoe

      matcher-service subscribers subscribe field-office --repository immigration --jurisdiction US-MO-019 --as jdoe
    """
    with _managing(config, assign, person, repository) as (subscribers, account):
        change = subscribers.unsubscribe if undo else subscribers.subscribe
        done = change(name, repository, jurisdiction, by=account.name, role=account.acting_as)
    what = f"{repository}: {jurisdiction or 'all'}"
    if not done:
        typer.echo(f"{name}: was {'not ' if undo else ''}subscribed to {what} already")
    else:
        typer.echo(f"{name}: {'no more' if undo else 'now'} told of {what}")


@app.command()
def disable(
    name: Name,
    *,
    person: Person,
    undo: Annotated[bool, typer.Option("--undo", help="Tell it again.")] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Tell it of no hit any more. What it was told of before is taken back and corrected all the same.

    Examples:
      matcher-service subscribers disable field-office --as jdoe
    """
    with _managing(config, assign, person, "") as (subscribers, account):
        subscribers.set_active(name, active=undo, by=account.name, role=account.acting_as)
    typer.echo(f"{name}: {'told again' if undo else 'told of no hit any more'}")


@app.command()
def keys(*, config: Config = None, assign: Set = None) -> None:
    """Print the centre's public keys as JSON: what subscribers check notifications with, and seal receipts to.

    Examples:
      matcher-service subscribers keys > centre-keys.json
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.notify.keys import centre_keys

        found = centre_keys(settings, database)
        signing, sealing = (
            [key.public.pem.decode("ascii") for key in keys] for keys in (found.signing(), found.sealing())
        )
    print_json({"signing": signing, "sealing": sealing})


@app.command()
def certificate(
    name: Name,
    *,
    request: Annotated[
        Path, typer.Option(help="Its certificate request (PKCS #10, PEM).", show_default=False)
    ],
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Print a certificate with which the subscriber gets in at the broker. Its name there is the subscriber's.

    Examples:
      matcher-service subscribers certificate field-office --request field-office.csr --as jdoe > field-office.pem
    """
    settings = settings_of(config, assign, quiet=True)
    if settings.authority.folder is None:
        fail("authority.folder is not set; there is no authority here that could make one")
    with _managing(config, assign, person, "") as (subscribers, _):
        from matcher_service.authority import Authority, Role

        if name not in {one.name for one in subscribers.all()}:
            fail(f"there is no subscriber '{name[:32]}'; first: matcher-service subscribers add")
        pem = Authority(settings.authority.folder).certify(
            _pem(request).encode("utf-8"), role=Role.SUBSCRIBER, name=name
        )
    typer.echo(pem.decode("ascii"), nl=False)


# -- what they share


@contextlib.contextmanager
def _subscribers(config: Path | None, assign: list[str] | None) -> Generator[Subscribers]:
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        yield _list_in(settings, database)


@contextlib.contextmanager
def _managing(
    config: Path | None, assign: list[str] | None, person: str, repository: str
) -> Generator[tuple[Subscribers, Account]]:
    """The list, and somebody who may change it: for one repository, or, without one, for all."""
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.accounts import Action, require

        require(account, Action.SUBSCRIBER_MANAGE, repository=repository or None)
        yield _list_in(settings, database), account


def _list_in(settings: MatcherSettings, database: Database) -> Subscribers:
    from functools import partial

    from matcher_service.accounts.key_file import sealer_of
    from matcher_service.notify.subscribers import Subscribers

    return Subscribers(
        database,
        sealer=partial(sealer_of, settings.accounts, database),
        networks=settings.notify.webhook_networks,
        clients={one.token for one in settings.abis.clients},
    )


def _pem(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(8192)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: cannot be read as PEM: {error}")
