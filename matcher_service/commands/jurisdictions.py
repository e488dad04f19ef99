"""`matcher-service jurisdictions`: the register that says whose submissions are searched where, and the off switch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.activations import approve, end, proposals, propose, rollout, suspend
from matcher_service.commands.jurisdiction_parts import (
    Code,
    bytes_of,
    register_of,
    say_proposed,
)
from matcher_service.commands.jurisdiction_words import show_versions, version_tree
from matcher_service.commands.shared import AsJson, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn, shell_actor

app = typer.Typer(
    no_args_is_help=True,
    help="Jurisdictions and what is open to them: propose, approve, suspend, end, list, import, export.",
)

for _command in (propose, rollout, proposals, approve, suspend, end):
    app.command()(_command)


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

    with register_of(config, assign) as (register, _):
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
    with register_of(config, assign) as (register, _):
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
    from matcher_service.routing.errors import BadRegisterFile
    from matcher_service.routing.files import read_register
    from matcher_service.routing.rollout import DATA

    path = DATA / "missouri.csv" if file == "missouri" else Path(file)
    data = bytes_of(path)
    with register_of(config, assign) as (register, database):
        try:
            content = read_register(data, path.name)
        except BadRegisterFile as error:
            register.note_refusal(
                shell_actor(), "import", because="malformed", line=error.line, column=error.column
            )
            fail(error)
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
    say_proposed(numbers)


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
    with register_of(config, assign) as (register, _):
        content = register.content()
    typer.echo(write_csv(content, only) if only else write_json(content), nl=False)
