"""`matcher-service owners`: what the owner of a repository decides: acceptance, thresholds; links of identities."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.shared import database_of, settings_of, table
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database

app = typer.Typer(
    no_args_is_help=True,
    help="What owners of repositories decide: whose submissions they accept, thresholds, users, links.",
)

Repository = Annotated[str, typer.Argument(help="The repository.", show_default=False)]
Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option(help="Why.", show_default=False)]


@app.command()
def accept(
    repository: Repository,
    *,
    reason: Reason,
    person: Person,
    jurisdiction: Annotated[
        str, typer.Option(help="Of this one and what lies in it; of all without it.")
    ] = "",
    transaction: Annotated[
        list[str] | None, typer.Option(help="Only these (CAR, CNA, RPIS); all without it.")
    ] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Do not accept them.")] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Say whose submissions may be searched here. It takes this and an activation of the jurisdiction.

    From the first rule on, what no rule names is refused.

    Examples:
      matcher-service owners accept immigration --jurisdiction US-MO --reason "agreement of May" --as jdoe

      matcher-service owners accept immigration --jurisdiction US-MO-019 --refuse --reason "under audit" --as jdoe
    """
    with _managing(config, assign, person, repository) as (database, account):
        from matcher_service.retention.owners import set_acceptance

        with database.write() as session:
            version = set_acceptance(
                session,
                repository,
                jurisdiction,
                accept=not refuse,
                transactions=transaction or (),
                reason=reason,
                by=account.name,
                role=account.acting_as,
            )
    whom = jurisdiction or "all jurisdictions"
    typer.echo(f"{repository}: {'refuses' if refuse else 'accepts'} {whom} (version {version})")


@app.command()
def thresholds(
    repository: Repository,
    *,
    reason: Reason,
    person: Person,
    red_fpir: Annotated[float | None, typer.Option(help="How often a stranger may end red.")] = None,
    yellow_fpir: Annotated[float | None, typer.Option(help="How often a stranger may end yellow.")] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Set where red and yellow begin here; what is not given goes by the settings. See docs/calibration.md.

    Examples:
      matcher-service owners thresholds immigration --red-fpir 0.0001 --reason "fewer reviews" --as jdoe
    """
    with _managing(config, assign, person, repository) as (database, account):
        from matcher_service.retention.owners import set_thresholds

        with database.write() as session:
            set_thresholds(
                session,
                repository,
                red_fpir=red_fpir,
                yellow_fpir=yellow_fpir,
                reason=reason,
                by=account.name,
                role=account.acting_as,
            )
    typer.echo(f"{repository}: red {red_fpir or 'as the settings say'}, yellow {yellow_fpir or 'likewise'}")


@app.command()
def show(repository: Repository, *, config: Config = None, assign: Set = None) -> None:
    """Show a repository's owner, users, thresholds and rules of acceptance.

    Examples:
      matcher-service owners show immigration
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.retention import owners

        own = owners.thresholds(database).get(repository, (None, None))
        with database.read() as session:
            rules = owners.acceptances(session, repository)
            users = owners.users_of(session, repository)
            owner = owners.repository_row(session, repository).owner
    typer.echo(f"{repository}: owner {owner or 'not named'}")
    typer.echo(f"red FPIR {own[0] or 'as the settings say'}, yellow FPIR {own[1] or 'as the settings say'}")
    typer.echo("users: " + (", ".join(f"{name} ({role})" for name, role in users) or "none of its own"))
    if not rules:
        typer.echo("accepts whatever an activation allows: no rule was entered")
        return
    table(
        ("version", "jurisdiction", "", "transactions", "reason", "by"),
        (
            (
                str(row.version),
                code or "all",
                "accepted" if row.accepts else "refused",
                row.transactions or "all",
                row.reason,
                row.entered_by,
            )
            for row, code in rules
        ),
        right=(0,),
    )


@app.command()
def link(
    first: Annotated[str, typer.Argument(help="An identity.", show_default=False)],
    second: Annotated[str, typer.Argument(help="One of another repository.", show_default=False)],
    *,
    task: Annotated[
        int, typer.Option(help="Your review in which one of them was identified.", show_default=False)
    ],
    reason: Reason,
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Say, as the examiner who decided, that two identities of different repositories are one person.

    Examples:
      matcher-service owners link 0123... fedc... --task 31 --reason "same prints, both reviewed" --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.retention import linking

        with database.write() as session:
            number = linking.link(session, task, first, second, by=account, reason=reason)
    typer.echo(f"link {number}: made; to undo it: matcher-service owners unlink {number}")


@app.command()
def unlink(
    number: Annotated[int, typer.Argument(help="The link's number.", show_default=False)],
    *,
    reason: Reason,
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Undo a link, as an examiner of both repositories.

    Examples:
      matcher-service owners unlink 4 --reason "looked at again" --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.retention import linking

        with database.write() as session:
            linking.unlink(session, number, by=account, reason=reason)
    typer.echo(f"link {number}: undone")


@contextlib.contextmanager
def _managing(
    config: Path | None, assign: list[str] | None, person: str, repository: str
) -> Generator[tuple[Database, Account]]:
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.accounts import Action, require

        require(account, Action.REPOSITORY_MANAGE, repository=repository)
        yield database, account
