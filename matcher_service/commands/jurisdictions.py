"""`matcher-service jurisdictions`: the register that says whose submissions are searched where, and the off switch."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.jurisdiction_words import show_entries, show_versions, version_tree
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn, shell_actor

if TYPE_CHECKING:
    from collections.abc import Generator

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database
    from matcher_service.routing.entries import ActivationEntry
    from matcher_service.routing.register import Register

app = typer.Typer(
    no_args_is_help=True,
    help="Jurisdictions and what is open to them: propose, approve, suspend, end, list, import, export.",
)

Code = Annotated[str, typer.Argument(help="The jurisdiction, such as US-MO-019.", show_default=False)]
Repository = Annotated[str, typer.Option(help="The repository.", show_default=False)]
Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option(help="Why; stands in the register.", show_default=False)]
Words = Annotated[list[str] | None, typer.Option(show_default=False)]


@app.command()
def propose(
    jurisdiction: Code,
    *,
    repository: Repository,
    signed_by: Annotated[str, typer.Option(help="Who signed the agreement.", show_default=False)],
    document: Annotated[
        Path, typer.Option(help="The signed document; its hash is kept.", show_default=False)
    ],
    reason: Reason,
    person: Person,
    begins: Annotated[str, typer.Option("--from", help="Date or time in UTC; now without it.")] = "",
    until: Annotated[str, typer.Option(help="Date or time in UTC; open without it.")] = "",
    transaction: Annotated[list[str] | None, typer.Option(help="CAR, CNA, RPIS; any without it.")] = None,
    charge: Annotated[list[str] | None, typer.Option(help="felony, misdemeanor, traffic, other.")] = None,
    disposition: Annotated[list[str] | None, typer.Option(help="Searched only once it is so.")] = None,
    notify_charge: Annotated[list[str] | None, typer.Option(help="Told of such charges only.")] = None,
    notify_disposition: Annotated[
        list[str] | None, typer.Option(help="Told only once it is so: convicted.")
    ] = None,
    min_fingers: Annotated[int, typer.Option(min=1, max=10, help="Fewer are not searched.")] = 1,
    answer: Annotated[str, typer.Option(help="first: in the rapid reply; second: after review.")] = "second",
    one_examiner: Annotated[
        bool, typer.Option("--one-examiner", help="Without a second, blind examiner.")
    ] = False,
    retention: Annotated[str, typer.Option(help="What the parties agreed on retention.")] = "",
    replaces: Annotated[int | None, typer.Option(help="The version that this one takes over from.")] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Ask for a repository to be opened to a jurisdiction. It is when a second person has approved it.

    Examples:
      matcher-service jurisdictions propose US-MO-019 --repository criminal --signed-by "Sheriff of Boone County"
      --document agreement.pdf --reason "first agreement" --answer first --as jdoe

      matcher-service jurisdictions propose US-MO-019 --repository immigration --signed-by "Sheriff of Boone County"
      --document agreement.pdf --reason "felonies only" --charge felony --notify-disposition convicted --as jdoe
    """
    from matcher_service.routing import BadCondition, conditions_of
    from matcher_service.routing.entries import ActivationEntry, BadEntry, checked_activation, read_time

    try:
        entry = checked_activation(
            ActivationEntry(
                jurisdiction=jurisdiction,
                repository=repository,
                from_at=read_time("--from", begins) if begins else datetime.now(UTC),
                until_at=read_time("--until", until) if until else None,
                conditions=conditions_of(
                    {
                        "transactions": transaction or [],
                        "charge_classes": charge or [],
                        "dispositions": disposition or [],
                        "notify_charge_classes": notify_charge or [],
                        "notify_dispositions": notify_disposition or [],
                        "min_fingers": min_fingers,
                        "answer": answer,
                        "needs_second_examiner": not one_examiner,
                        "retention_hint": retention,
                    }
                ),
                signed_by=signed_by,
                document_sha256=_sha256(document),
                reason=reason,
                replaces=replaces,
            )
        )
    except (BadEntry, BadCondition) as error:
        fail(str(error))
    _propose([entry], reason, person, config, assign, historic=False)


@app.command()
def rollout(
    file: Annotated[
        str, typer.Argument(help="A roll-out's file, or the day of one that is shipped.", show_default=False)
    ],
    *,
    person: Person,
    today: Annotated[
        bool, typer.Option("--today", help="Begin now instead of on the day that the file says.")
    ] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Propose a whole roll-out: several jurisdictions, one day, one set of conditions.

    Shipped are those of 8 February and 19 April 2011 in Missouri. Days of the past are taken where a jurisdiction has
    no rule for the repository yet and nothing of it was decided since.

    Examples:
      matcher-service jurisdictions rollout 2011-02-08 --as jdoe

      matcher-service jurisdictions rollout my-rollout.json --today --as jdoe
    """
    from matcher_service.errors import MatcherError
    from matcher_service.routing.rollout import read_rollout, shipped

    path = shipped().get(file) or Path(file)
    try:
        found = read_rollout(_bytes(path), path.name, from_at=datetime.now(UTC) if today else None)
    except MatcherError as error:
        fail(error)
    typer.echo(f"{found.title}: {', '.join(found.names.values())}", err=True)
    _propose(list(found.entries), found.title, person, config, assign, historic=not today)


@app.command()
def proposals(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are done with.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """What waits for a second person, in full.

    Examples:
      matcher-service jurisdictions proposals
    """
    with _register(config, assign) as (register, _):
        found = register.proposals(waiting=not everything)
    if as_json:
        print_json(
            [
                {
                    "id": one.id, "repository": one.repository, "proposed_by": one.proposed_by, "state": one.state,
                    "reason": one.reason, "entries": [entry.tree() for entry in one.entries],
                }
                for one in found
            ]
        )  # fmt: skip
        return
    for one in found:
        typer.secho(f"{one.id}: by {one.proposed_by}, {one.state}: {one.reason}", bold=True)
        show_entries(one.entries)


@app.command()
def approve(
    number: Annotated[int, typer.Argument(help="The proposal.", show_default=False)],
    *,
    person: Person,
    refuse: Annotated[str, typer.Option(help="Refuse it instead: why.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Agree to what another person proposed: it stands in the register at once. Or refuse it.

    Examples:
      matcher-service jurisdictions approve 3 --as asmith
    """
    with _register_of(config, assign, person) as (register, account):
        if refuse:
            register.refuse(number, by=account, words=_line(refuse))
            typer.echo(f"proposal {number}: refused")
            return
        entered = register.approve(number, by=account)
    for one in entered:
        typer.echo(f"{one.jurisdiction} {one.repository}: version {one.version}, {one.state}")


@app.command()
def suspend(
    jurisdiction: Code,
    *,
    reason: Reason,
    repository: Annotated[str, typer.Option(help="For this repository only; all without it.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Switch off at once, also what is queued. One person is enough; to open it again takes two.

    What is suspended for a state is suspended for all that lies in it.

    Examples:
      matcher-service jurisdictions suspend US-MO-019 --reason "the sheriff withdrew"

      matcher-service jurisdictions suspend US-MO --repository immigration --reason "order of the court"
    """
    with _register(config, assign) as (register, _):
        done = register.suspend(jurisdiction, repository or None, by=shell_actor(), reason=_line(reason))
    for one in done:
        typer.echo(f"{one.jurisdiction} {one.repository}: off (version {one.version})")
    if not done:
        typer.echo(f"{jurisdiction}: was off already")


@app.command()
def end(
    jurisdiction: Code,
    *,
    reason: Reason,
    repository: Annotated[str, typer.Option(help="For this repository only; all without it.")] = "",
    on: Annotated[str, typer.Option(help="On a day to come instead of at once.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """End what is open to a jurisdiction, at once or on a day to come.

    Examples:
      matcher-service jurisdictions end US-MO-019 --repository immigration --reason "not renewed" --on 2027-01-01
    """
    from matcher_service.routing.entries import BadEntry, read_time

    with _register(config, assign) as (register, _):
        if not on:
            done = register.end(jurisdiction, repository or None, by=shell_actor(), reason=_line(reason))
        elif not repository:
            fail("--on: say of which --repository")
        else:
            try:
                until = read_time("--on", on)
            except BadEntry as error:
                fail(str(error))
            done = [register.end_on(jurisdiction, repository, until, by=shell_actor(), reason=_line(reason))]
    for one in done:
        typer.echo(f"{one.jurisdiction} {one.repository}: version {one.version}, {one.state}")


@app.command("list")
def list_all(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every jurisdiction, open or not.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """What is open to whom, or will be.

    Examples:
      matcher-service jurisdictions list

      matcher-service jurisdictions list --all
    """
    from matcher_service.routing.looking import in_force

    with _register(config, assign) as (register, _):
        versions = in_force(register.history())
        places = register.content().jurisdictions if everything else ()
    now = datetime.now(UTC)
    if as_json:
        print_json(
            {"activations": [version_tree(one, now) for one in versions], "places": [p.code for p in places]}
        )
        return
    if everything:
        opened = {one.jurisdiction: f"{one.repository}: {one.now(now)}" for one in versions}
        table(("code", "name", "open"), ((p.code, p.name, opened.get(p.code, "")) for p in places))
        return
    show_versions(versions, now)


@app.command()
def history(
    jurisdiction: Code,
    *,
    repository: Annotated[str, typer.Option(help="For this repository only.")] = "",
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Every version that ever stood there, who entered it and who agreed.

    Examples:
      matcher-service jurisdictions history US-MO-019
    """
    with _register(config, assign) as (register, _):
        versions = register.history(jurisdiction, repository or None)
    now = datetime.now(UTC)
    if as_json:
        print_json([version_tree(one, now) for one in versions])
        return
    show_versions(versions, now)


app.command("show", help="The same as history.", hidden=True)(history)


@app.command("import")
def bring(
    file: Annotated[
        str, typer.Argument(help="CSV or JSON, or 'missouri', which is shipped.", show_default=False)
    ],
    *,
    person: Annotated[
        str, typer.Option("--as", help="Who proposes the activations in it; password and code are asked for.")
    ] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Take jurisdictions, agencies and activations from a file: all of it or nothing.

    Activations become proposals, which a second person approves. A wrong line is named.

    Examples:
      matcher-service jurisdictions import missouri

      matcher-service jurisdictions import agencies.csv

      matcher-service jurisdictions import register.json --as jdoe
    """
    from matcher_service.errors import MatcherError
    from matcher_service.routing.files import read_register
    from matcher_service.routing.rollout import DATA

    path = DATA / "missouri.csv" if file == "missouri" else Path(file)
    try:
        content = read_register(_bytes(path), path.name)
    except MatcherError as error:
        fail(error)
    with _register(config, assign) as (register, database):
        if content.activations and not person:
            fail(
                f"{path.name}: holds activations, which take two people: say who proposes them with --as NAME"
            )
        if content.activations:
            with SignedIn(settings_of(config, assign, quiet=True), database, person) as account:
                done = register.bring(content, source=path.name, by=account.name, proposer=account)
        else:
            done = register.bring(content, source=path.name, by=shell_actor())
    placed, agencies, numbers = done
    typer.echo(f"jurisdictions: {placed.added} new, {placed.changed} corrected")
    typer.echo(f"agencies: {agencies.added} new, {agencies.changed} changed")
    _say_proposed(numbers)


@app.command()
def export(
    *,
    only: Annotated[
        str,
        typer.Option("--table", help="As CSV: jurisdictions, agencies or activations. Else all, as JSON."),
    ] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write the register as it holds now or will, to standard output; what is written can be imported again.

    Examples:
      matcher-service jurisdictions export > register.json

      matcher-service jurisdictions export --table activations > activations.csv
    """
    from matcher_service.routing.files import TABLES, write_csv, write_json

    if only and only not in TABLES:
        fail(f"--table: is one of {', '.join(TABLES)}")
    with _register(config, assign) as (register, _):
        content = register.content()
    typer.echo(write_csv(content, only) if only else write_json(content), nl=False)


# -- what they share


@contextlib.contextmanager
def _register(config: Path | None, assign: list[str] | None) -> Generator[tuple[Register, Database]]:
    """The register of these settings, for a few lines."""
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.routing.register import Register

        yield Register(database), database


@contextlib.contextmanager
def _register_of(
    config: Path | None, assign: list[str] | None, person: str
) -> Generator[tuple[Register, Account]]:
    """The register, and somebody who has signed in."""
    with _register(config, assign) as (register, database):
        settings = settings_of(config, assign, quiet=True)
        with SignedIn(settings, database, person) as account:
            yield register, account


def _propose(
    entries: list[ActivationEntry],
    reason: str,
    person: str,
    config: Path | None,
    assign: list[str] | None,
    *,
    historic: bool,
) -> None:
    with _register_of(config, assign, person) as (register, account):
        _say_proposed(register.propose(entries, by=account, reason=_line(reason), historic=historic))


def _say_proposed(numbers: list[int]) -> None:
    for number in numbers:
        typer.echo(
            f"proposal {number}: waits for a second person: matcher-service jurisdictions approve {number} --as NAME"
        )


def _sha256(path: Path) -> str:
    from hashlib import sha256

    return sha256(_bytes(path)).hexdigest()


def _bytes(path: Path) -> bytes:
    from matcher_service.routing.parameters import MAX_FILE_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{path}: cannot be read: {error.strerror}")


def _line(reason: str) -> str:
    if not reason.strip() or len(reason) > 200 or not reason.isprintable():
        fail("--reason: say why, in 1 to 200 characters on one line")
    return reason.strip()
