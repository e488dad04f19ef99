"""`matcher-service submissions` and `dispositions`: what was given up, and what became of a charge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from interchange.charges import ChargeClass, Disposition  # noqa: TC001 - typer reads them at run time
from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import shell_actor

app = typer.Typer(no_args_is_help=True, help="Submissions: those given up, and sending them again.")
dispositions_app = typer.Typer(no_args_is_help=True, help="What became of a charge.")

Tcn = Annotated[str, typer.Argument(help="The submission's number.", show_default=False)]


@app.command("list")
def list_submissions(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Those that were given up.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """How many submissions stand where; with --failed, those that were given up one by one.

    Examples:
      matcher-service submissions list

      matcher-service submissions list --failed
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.repositories import Submissions

        store = Submissions(database, instance="looking")
        counts = store.count()
        given_up = store.failed() if failed else []
    if as_json:
        rows = [
            {
                "tcn": o.tcn,
                "device": o.device,
                "received_at": o.received_at.isoformat(),
                "attempts": o.attempts,
            }
            for o in given_up
        ]
        print_json({"counts": {str(k): v for k, v in counts.items()}, "failed": rows})
    elif failed:
        table(
            ("TCN", "device", "received (UTC)", "attempts"),
            ((o.tcn, o.device, f"{o.received_at:%Y-%m-%d %H:%M:%S}", str(o.attempts)) for o in given_up),
            right=(3,),
        )
    else:
        table(("state", "submissions"), ((str(k), str(v)) for k, v in counts.items()), right=(1,))


@app.command()
def redeliver(tcn: Tcn, *, config: Config = None, assign: Set = None) -> None:
    """Put a submission that was given up back into the queue; it is decided and searched anew, and answered.

    Examples:
      matcher-service submissions redeliver kiosk-1.01M00000000000000000000000
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import note
        from matcher_service.repositories import Submissions

        if not Submissions(database, instance="looking").redeliver(tcn):
            fail(f"{tcn}: was not given up; see: matcher-service submissions list --failed")
        note(database, "submission.amend", actor=shell_actor(), purpose="redelivery", subject=tcn)
    typer.echo(f"{tcn}: is searched again")


@dispositions_app.command()
def report(
    tcn: Tcn,
    *,
    disposition: Annotated[Disposition | None, typer.Option(help="How far the matter has come.")] = None,
    charge: Annotated[ChargeClass | None, typer.Option(help="Class of the most serious charge.")] = None,
    source: Annotated[str, typer.Option(help="Where this is known from: court, prosecutor, ...")] = "desk",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Say what became of a charge. What was parked or put off is decided anew, what was told may be taken back.

    Examples:
      matcher-service dispositions report kiosk-1.01M00000000000000000000000 --disposition convicted --charge felony

      matcher-service dispositions report kiosk-1.01M00000000000000000000000 --disposition dismissed --source court
    """
    if disposition is None and charge is None:
        fail("say what is reported: --disposition, --charge or both")
    if not source.isprintable() or not 0 < len(source) <= 32:
        fail("--source: 1 to 32 characters")
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.routing import report_disposition

        now = datetime.now(UTC)
        with database.write() as session:
            done = report_disposition(
                session,
                tcn,
                charge_class=charge,
                disposition=disposition,
                reported_at=now,
                by=shell_actor(),
                source=source,
                now=now,
            )
    typer.echo(f"{tcn}: noted")
    for one in done.decisions:
        typer.echo(f"{one.repository}: {one.verdict} ({one.reason_code}). {one.words}")
