"""`matcher-service retention`: policies, the expiry, holds and keys; see `expunging` for what destroys a person's."""

from __future__ import annotations

from typing import Annotated

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.expunging import certificate, certificates, expunge, request, verify
from matcher_service.commands.retention_parts import Person, Reason, Repository, signed_in
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table, tracked, who

app = typer.Typer(
    no_args_is_help=True,
    help="How long what is kept is kept, and how it is destroyed: policies, runs, holds, expungement, certificates.",
)


@app.command()
def policy(
    outcome: Annotated[
        str,
        typer.Argument(
            help="no_candidates, excluded, inconclusive, identified, retracted, dismissed or unreviewed.",
            show_default=False,
        ),
    ],
    *,
    repository: Repository,
    source: Annotated[
        str, typer.Option(help="Where the rule comes from: a statute, an agreement.", show_default=False)
    ],
    person: Person,
    days: Annotated[
        int | None, typer.Option(help="Keep bookings so long after they came in; without it, for ever.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Enter how long bookings are kept that came to an outcome in a repository. What was before stays on record.

    Examples:
      matcher-service retention policy no_candidates --repository immigration --days 1 --source "Agreement 7, 3(b)"
      --as jdoe
    """
    with signed_in(config, assign, person) as (database, account):
        from matcher_service.accounts import Action, require
        from matcher_service.retention.policies import set_policy

        require(account, Action.RETENTION_MANAGE, repository=repository)
        with database.write() as session:
            version = set_policy(
                session, repository, outcome, days, source=source, by=account.name, role=account.acting_as
            )
    kept = "for ever" if days is None else f"{days} days"
    typer.echo(f"{repository}, {outcome}: kept {kept} (version {version})")


@app.command()
def policies(
    *,
    history: Annotated[bool, typer.Option("--history", help="All that ever were.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List what is in force.

    Examples:
      matcher-service retention policies --history
    """
    from matcher_service.retention.policies import policies as listed

    with database_of(settings_of(config, assign, quiet=True)) as database, database.read() as session:
        found = listed(session, history=history)
    if as_json:
        print_json(
            [
                {
                    "repository": one.repository, "outcome": one.outcome, "keep_days": one.keep_days,
                    "version": one.version, "source": one.source, "entered_by": one.entered_by,
                    "entered_at": one.entered_at.isoformat(),
                }
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ("repository", "outcome", "days", "version", "source", "by"),
        (
            (one.repository, one.outcome, str(one.keep_days or "for ever"), str(one.version), one.source,
             one.entered_by)
            for one in found
        ),
        right=(2, 3),
    )  # fmt: skip


@app.command()
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="Believe the clock although it jumped.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Erase the bookings whose time is up. A running matcher does it every day by itself.

    A run that is interrupted is taken up by the next. What is in review, challenged, held, or with an open case stays.

    Examples:
      matcher-service retention run --dry-run

      matcher-service retention run --clock-is-right
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import shell
        from matcher_service.retention.expiry import expire

        done = expire(
            database,
            by=shell(who()),
            not_searched_days=settings.retention.not_searched_days,
            dry=dry_run,
            clock_is_right=clock_is_right,
            watch=lambda rows, total: tracked(rows, total=total, doing="looking at bookings"),
        )
    if as_json:
        print_json(
            {
                "dry_run": done.dry,
                "erased": done.erased,
                "by_outcome": dict(done.by_outcome),
                "kept": dict(done.kept),
            }
        )
        return
    typer.echo(f"{done.erased} bookings {'would be ' if dry_run else ''}erased")
    for name, count in sorted(done.by_outcome.items()):
        typer.echo(f"  {count:8d}  {name}")
    words = {
        "held": "held", "under_way": "in review, challenged, or with an open case", "not_yet": "their time is not up",
        "no_policy": "a repository they were searched in has no rule for what they came to",
    }  # fmt: skip
    for name, count in sorted(done.kept.items()):
        typer.echo(f"  {count:8d}  kept: {words.get(name, name)}")


# -- holds


@app.command()
def hold(
    *,
    reason: Reason,
    person: Person,
    repository: Repository,
    tcn: Annotated[str | None, typer.Option(help="The booking.")] = None,
    identity: Annotated[str | None, typer.Option(help="The identity.")] = None,
    lift: Annotated[int | None, typer.Option(help="End the hold of this number instead.")] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Keep a booking or an identity whatever policies and requests say, until the hold is lifted.

    Examples:
      matcher-service retention hold --tcn KIOSK1... --repository criminal --reason "court order 12/26" --as jdoe

      matcher-service retention hold --lift 3 --repository criminal --reason "order ended" --as jdoe
    """
    with signed_in(config, assign, person) as (database, account):
        from matcher_service.accounts import Action, require
        from matcher_service.retention import holding

        require(account, Action.RETENTION_MANAGE, repository=repository)
        with database.write() as session:
            if lift is not None:
                holding.lift(session, repository, lift, reason=reason, by=account)
                typer.echo(f"hold {lift}: lifted")
                return
            number = holding.place(session, repository, tcn=tcn, identity=identity, reason=reason, by=account)
    typer.echo(f"hold {number}: placed")


@app.command()
def holds(*, config: Config = None, assign: Set = None) -> None:
    """List the holds in force.

    Examples:
      matcher-service retention holds
    """
    from matcher_service.retention.policies import holds as listed

    with database_of(settings_of(config, assign, quiet=True)) as database, database.read() as session:
        found = listed(session)
    table(
        ("", "on", "reason", "by", "since (UTC)"),
        (
            (
                str(one.id),
                one.tcn or one.identity_id or "",
                one.reason,
                one.placed_by,
                f"{one.placed_at:%Y-%m-%d}",
            )
            for one in found
        ),
        right=(0,),
    )


# -- keys


@app.command()
def seal(*, config: Config = None, assign: Set = None) -> None:
    """Seal what was stored before records had keys. Can be stopped, and run again; matchers may run meanwhile.

    Examples:
      matcher-service retention seal
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.auditing import shell
        from matcher_service.retention.resealing import seal_all

        done = seal_all(
            database,
            by=shell(who()),
            watch=lambda rows, total: tracked(rows, total=total, doing="sealing"),
        )
    typer.echo(
        f"{done.templates} templates and {done.submissions} submissions sealed; {done.before} had been before"
    )


@app.command("change-key")
def change_key(*, config: Config = None, assign: Set = None) -> None:
    """Change the centre's key to the records, so that older copies of the database cannot be opened by anybody.

    Stop the matchers first. After expungements this makes sure that backups hold nothing of them. Back up the new key.

    Examples:
      matcher-service retention change-key
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.auditing import shell
        from matcher_service.retention.resealing import change_key as change

        count = change(database, by=shell(who()))
        file = database.door.file
    typer.echo(
        f"{count} keys sealed anew; the old key is overwritten. Keep a copy of {file} apart from backups"
    )


for _command in (request, expunge, certificates, certificate, verify):
    app.command()(_command)
