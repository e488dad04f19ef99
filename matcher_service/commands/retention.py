"""`matcher-service retention`: policies, the expiry, holds, expungement, certificates of deletion, keys."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table, tracked, who
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator

    from matcher_service.accounts import Account
    from matcher_service.auditing.keys import HeadKey
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

app = typer.Typer(
    no_args_is_help=True,
    help="How long what is kept is kept, and how it is destroyed: policies, runs, holds, expungement, certificates.",
)

Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Repository = Annotated[str, typer.Option(help="The repository.", show_default=False)]
Identity = Annotated[str, typer.Option(help="The identity: 32 hexadecimal digits.")]
Tcns = Annotated[list[str] | None, typer.Option("--tcn", help="A booking; may be given several times.")]
Reason = Annotated[str, typer.Option(help="Why.", show_default=False)]


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
    with _signed_in(config, assign, person) as (database, account):
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
    with _signed_in(config, assign, person) as (database, account):
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


# -- expungement


@app.command()
def request(
    *,
    repository: Repository,
    reason: Reason,
    person: Person,
    identity: Identity = "",
    tcns: Tcns = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Ask for an expungement: an identity of a repository, bookings, or both. Another person approves it.

    Examples:
      matcher-service retention request --repository criminal --identity 0123456789abcdef0123456789abcdef
      --reason "court order 12/26" --as jdoe
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service.accounts import Action
        from matcher_service.accounts.two_person import propose
        from matcher_service.retention.expunging import details_of

        with database.write() as session:
            number = propose(
                session,
                Action.EXPUNGE_REQUEST,
                by=account,
                details=details_of(identity, tcns or ()),
                reason=reason,
                repository=repository,
            )
    typer.echo(
        f"request {number}: waits for a second person: matcher-service accounts approve {number} --as NAME"
    )


@app.command()
def expunge(
    *,
    number: Annotated[int, typer.Option("--request", help="The approved request.", show_default=False)],
    repository: Repository,
    identity: Identity = "",
    tcns: Tcns = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Do what two people agreed on, exactly: destroy the records and their keys, and take back what was told of them.

    It cannot be undone. The number of the certificate is printed.

    Examples:
      matcher-service retention expunge --request 12 --repository criminal --identity 0123456789abcdef0123456789abcdef
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import shell
        from matcher_service.retention.expunging import expunge as destroy
        from matcher_service.service import gallery_folder

        done = destroy(
            database,
            repository=repository,
            identity=identity,
            tcns=tcns or (),
            request=number,
            actor=shell(who()),
            key=_key(settings, database),
            galleries=gallery_folder(settings, database),
        )
    typer.echo(
        f"{done.templates} templates and {done.submissions} bookings destroyed, {done.retracted} identifications"
        " taken back"
    )
    typer.echo(f"gallery files: {done.files}")
    if not done.settled:
        typer.echo("the database's log is read by somebody just now; it is emptied by the next run", err=True)
    typer.echo(f"certificate {done.certificate}: matcher-service retention certificate {done.certificate}")


# -- certificates


@app.command()
def certificates(*, config: Config = None, assign: Set = None) -> None:
    """List the certificates of deletion, the newest first.

    Examples:
      matcher-service retention certificates
    """
    from matcher_service.retention.certificates import listed

    with database_of(settings_of(config, assign, quiet=True)) as database, database.read() as session:
        found = listed(session)
    table(
        ("number", "cause", "made (UTC)", "by", "issue", "complete"),
        (
            (
                one.number,
                one.cause,
                f"{one.made_at:%Y-%m-%d %H:%M}",
                one.made_by,
                str(one.issue),
                "no" if one.pending else "yes",
            )
            for one in found
        ),
    )


@app.command()
def certificate(
    number: Annotated[str, typer.Argument(help="Its number.", show_default=False)],
    *,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Print a certificate, as it is handed out, with the receipts that have come by now.

    Examples:
      matcher-service retention certificate 5f2c... > certificate.json
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import shell
        from matcher_service.auditing.keys import known_keys
        from matcher_service.retention.certificates import hand_out

        key, known = _key(settings, database), known_keys(settings, database)
        with database.write() as session:
            text = hand_out(session, number, key=key, known=known, by=shell(who()), now=datetime.now(UTC))
    typer.echo(text, nl=False)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate.", show_default=False)],
    *,
    key: Annotated[
        Path | None, typer.Option(help="The centre's public key (PEM); without it, the keys of this centre.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Check a certificate of deletion: that this centre signed it, and that nothing in it was changed.

    Examples:
      matcher-service retention verify certificate.json

      matcher-service retention verify certificate.json --key centre.pem
    """
    from matcher_service.auditing.keys import HeadPublicKey, known_keys
    from matcher_service.commands.shared import plain_errors
    from matcher_service.retention import certificates as papers

    try:
        data = file.read_bytes()
        pem = None if key is None else key.read_bytes()
    except OSError as error:
        fail(f"{error.filename}: cannot be read: {error.strerror}")
    with plain_errors():
        if pem is not None:
            known = [HeadPublicKey.read(pem, file=key)]
        else:
            settings = settings_of(config, assign, quiet=True)
            with database_of(settings) as database:
                known = known_keys(settings, database)
        found = papers.verify(data, known)
    typer.echo(f"{file}: genuine; certificate {found['number']}, issue {found['issue']}")
    typer.echo(
        f"  {found['cause']} in {found['repository']} on {found['made_at'][:16]}Z by {found['made_by']}"
    )
    typer.echo(f"  destroyed: {', '.join(f'{count} {name}' for name, count in found['destroyed'].items())}")
    for one in found["retractions"]:
        state = (
            f"received {one['received_at'][:16]}Z"
            if one["received_at"]
            else f"{one['state']}, no receipt yet"
        )
        typer.echo(f"  taken back at {one['subscriber']}: {state}")
    if not found["complete"]:
        typer.echo("  not complete yet: ask for it again later")


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


@contextlib.contextmanager
def _signed_in(
    config: Path | None, assign: list[str] | None, person: str
) -> Generator[tuple[Database, Account]]:
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        yield database, account


def _key(settings: MatcherSettings, database: Database) -> HeadKey:
    from matcher_service.auditing.keys import signing_key

    return signing_key(settings, database)
