"""`matcher-service cases`: the desk of an agency that was told, and the tables that its levels come from."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn, shell_actor

if TYPE_CHECKING:
    from collections.abc import Generator

    from matcher_service.accounts import Account
    from matcher_service.cases import CaseView, Desk
    from matcher_service.cases.looking import CaseRow

app = typer.Typer(
    no_args_is_help=True,
    help="Cases of an agency that was told: queue, show, take, convict, vacate, evaluate; and tables of levels.",
)

Number = Annotated[int, typer.Argument(help="The case.", show_default=False)]
Person = Annotated[
    str,
    typer.Option(
        "--as", help="The case officer's account; password and code are asked for.", show_default=False
    ),
]


@app.command()
def queue(
    *,
    person: Person,
    closed: Annotated[bool, typer.Option("--closed", help="Those that are done with instead.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List your agency's cases: level 1 first, those without a conviction last, then the oldest first.

    Examples:
      matcher-service cases queue --as jdoe
    """
    with _desk(config, assign, person) as (desk, account):
        rows = desk.queue(account, closed=closed)
    if as_json:
        print_json(_plain([dataclasses.asdict(row) for row in rows]))
        return
    table(
        ("case", "level", "state", "repository", "agency", "opened (UTC)", "officer", ""),
        (_cells(row) for row in rows),
        right=(0, 1),
    )


@app.command()
def show(
    case: Number, *, person: Person, as_json: AsJson = False, config: Config = None, assign: Set = None
) -> None:
    """Show what matched, how old the record is, the charge as last reported, convictions and evaluations.

    Examples:
      matcher-service cases show 17 --as jdoe
    """
    with _desk(config, assign, person) as (desk, account):
        found = desk.show(account, case)
    if as_json:
        print_json(_plain(dataclasses.asdict(found)))
    else:
        _show(found)


@app.command()
def take(
    case: Number,
    *,
    person: Person,
    take_over_from: Annotated[str, typer.Option("--from", help="Whose it is now, to take it over.")] = "",
    words: Annotated[str, typer.Option(help="Why it is taken over.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Make a case your own; of two officers at once, one has it.

    Examples:
      matcher-service cases take 17 --as jdoe

      matcher-service cases take 17 --from asmith --words "asmith is on leave" --as jdoe
    """
    with _desk(config, assign, person) as (desk, account):
        desk.take(account, case, take_over_from=take_over_from, words=words)
    typer.echo(f"case {case}: yours")


@app.command()
def convict(
    case: Number,
    code: Annotated[
        str, typer.Argument(help="Offence code, such as 35A; see: cases offences.", show_default=False)
    ],
    *,
    person: Person,
    offence_class: Annotated[
        str,
        typer.Option(
            "--class", help="aggravated_felony, felony, misdemeanor, infraction.", show_default=False
        ),
    ],
    on: Annotated[str, typer.Option(help="Day of the judgment, such as 2009-03-14.", show_default=False)],
    source: Annotated[str, typer.Option(help="Court and docket.", show_default=False)],
    sentence_days: Annotated[int | None, typer.Option(help="Length of the sentence, if known.")] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Record a conviction, and work out the level. A charge is no conviction and is not entered here.

    Examples:
      matcher-service cases convict 17 35A --class felony --on 2009-03-14 --source "Boone County 09-CR-114" --as jdoe
    """
    try:
        day = date.fromisoformat(on)
    except ValueError:
        fail(f"--on: '{on}' is no day, such as 2009-03-14")
    with _desk(config, assign, person) as (desk, account):
        found = desk.convict(
            account, case, code=code, offence_class=offence_class, convicted_on=day, source=source,
            sentence_days=sentence_days,
        )  # fmt: skip
    typer.echo(f"case {case}: {_level(found.level)}: {found.because}")


@app.command()
def vacate(
    case: Number,
    conviction: Annotated[int, typer.Argument(help="The conviction's number.", show_default=False)],
    *,
    person: Person,
    words: Annotated[
        str, typer.Option(help="Why: vacated by which court, or a mistake.", show_default=False)
    ],
    config: Config = None,
    assign: Set = None,
) -> None:
    """Have a conviction count no more: it was vacated, or entered by mistake.

    Examples:
      matcher-service cases vacate 17 3 --words "vacated on appeal, 11-204" --as jdoe
    """
    with _desk(config, assign, person) as (desk, account):
        found = desk.vacate(account, case, conviction, words=words)
    typer.echo(f"case {case}: {_level(found.level)}: {found.because}")


@app.command()
def evaluate(
    case: Number,
    outcome: Annotated[str, typer.Argument(help="What was found; see below.", show_default=False)],
    *,
    person: Person,
    words: Annotated[str, typer.Option(help="On what it rests.", show_default=False)],
    action: Annotated[str, typer.Option(help="What was done.")] = "none",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Enter what was found and done; the case is closed and the jail's second response goes out.

    Outcomes: citizen, lawful_status, not_the_person, not_determined, no_action, action_requested, action_declined,
    other_agency. Actions: none, record_corrected, request_withdrawn, interview, notice_of_release, transfer, referred.
    With not_the_person the hit is taken back everywhere.

    Examples:
      matcher-service cases evaluate 17 lawful_status --words "permanent resident, card seen" --as jdoe

      matcher-service cases evaluate 17 action_requested --action interview --words "two felonies" --as jdoe
    """
    with _desk(config, assign, person) as (desk, account):
        desk.evaluate(account, case, outcome=outcome, action=action, words=words)
    typer.echo(f"case {case}: closed, {outcome}, {action}")


@app.command()
def levels(
    *,
    put: Annotated[
        str,
        typer.Option(
            "--put-in-force", help="A shipped version, or a table's file (JSON).", show_default=False
        ),
    ] = "",
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Show the table that levels come from; or put another in force, which works every case's level out anew.

    Examples:
      matcher-service cases levels

      matcher-service cases levels --put-in-force 2008

      matcher-service cases levels --put-in-force our-levels.json
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.cases import levels_in_force, put_in_force, read_levels, shipped_levels

        if put:
            path = shipped_levels().get(put) or Path(put)
            try:
                content = path.read_bytes()
            except OSError as error:
                fail(f"{path}: cannot be read: {error.strerror}; shipped are: {', '.join(shipped_levels())}")
            changed = put_in_force(database, read_levels(content, path.name), by=shell_actor())
            typer.echo(f"in force; cases whose level is another now: {changed}", err=True)
        with database.read() as session:
            found = levels_in_force(session)
    if as_json:
        print_json(json.loads(found.model_dump_json()))
        return
    typer.secho(f"{found.version}: {found.title}", bold=True)
    typer.echo(f"{'at second hand: ' if found.secondary else ''}{found.source}")
    table(("level", "from convictions"), ((str(one.level), one.words) for one in found.levels), right=(0,))


@app.command()
def offences(
    word: Annotated[str, typer.Argument(help="Only those with this in code, name or group.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the codes that a conviction can be recorded with.

    Examples:
      matcher-service cases offences drug
    """
    from matcher_service.cases import offences as known

    wanted = word.strip().lower()
    rows = [o for o in known().offences if wanted in f"{o.code} {o.name} {o.group}".lower()]
    if as_json:
        print_json([one.model_dump() for one in rows])
        return
    table(("code", "offence", "group"), ((one.code, one.name, one.group) for one in rows))


@contextlib.contextmanager
def _desk(config: Path | None, assign: list[str] | None, person: str) -> Generator[tuple[Desk, Account]]:
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.cases import Desk

        with SignedIn(settings, database, person) as account:
            yield Desk(database), account


def _cells(row: CaseRow) -> tuple[str, ...]:
    notes = [words for words, so in (("yours", row.mine), ("CHALLENGED", row.frozen)) if so]
    level = "-" if row.level is None else str(row.level)
    return (
        str(row.case), level, str(row.state), row.repository, row.agency, f"{row.opened_at:%Y-%m-%d %H:%M}",
        row.owner, ", ".join(notes),
    )  # fmt: skip


def _level(level: int | None) -> str:
    return "no level" if level is None else f"level {level}"


def _show(found: CaseView) -> None:
    row, match = found.row, found.match
    challenged = ", CHALLENGED: wait until that is decided" if row.frozen else ""
    typer.secho(
        f"case {row.case}: {_level(row.level)}, {row.state}, {row.owner or 'nobody has it'}{challenged}",
        bold=True,
    )
    typer.echo(f"  booking     {found.tcn} of {found.arrested_by or 'an agency that is not known'}")
    typer.echo(
        f"  charge      {found.charge_class or 'not given'}, {found.disposition or 'disposition not given'} (as last"
        " reported)"
    )
    strength = "" if match.log10_fmr is None else f", one false match in {10**-match.log10_fmr:.0e}"
    typer.echo(f"  matched     {match.record or 'a record that is gone'} of {match.source}{strength}")
    if match.enrolled_at is not None and match.renewed_at is not None:
        typer.echo(
            f"  the record  made {match.enrolled_at:%Y-%m-%d}, last added to {match.renewed_at:%Y-%m-%d}:"
            f" {match.age_days} days ago"
        )
    for one in found.convictions:
        vacated = f", VACATED {one.vacated_at:%Y-%m-%d}: does not count" if one.vacated_at else ""
        typer.echo(
            f"  conviction  {one.id}: {one.code} {one.name}, {one.offence_class}, {one.convicted_on}, {one.source}"
            f"{vacated}"
        )
    if not found.convictions:
        typer.echo("  conviction  none recorded: no level")
    for done in found.evaluations:
        typer.echo(
            f"  evaluated   {done.decided_at:%Y-%m-%d %H:%M} by {done.decided_by}: {done.outcome}, {done.action}:"
            f" {done.words}"
        )
    for step in found.history:
        typer.echo(
            f"  level       {step.at:%Y-%m-%d %H:%M} {_level(step.level)} by table {step.table}: {step.because}"
        )
    typer.echo(f"  {found.caveat}")


def _plain(tree: object) -> object:
    return json.loads(json.dumps(tree, default=str))
