"""`matcher-service retention`: expungement by two people, and the certificates of deletion."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.retention_parts import Identity, Person, Reason, Repository, Tcns, signed_in
from matcher_service.commands.shared import database_of, plain_errors, settings_of, table, who

if TYPE_CHECKING:
    from matcher_service.auditing.keys import HeadKey
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


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
    with signed_in(config, assign, person) as (database, account):
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


def _key(settings: MatcherSettings, database: Database) -> HeadKey:
    from matcher_service.auditing.keys import signing_key

    return signing_key(settings, database)
