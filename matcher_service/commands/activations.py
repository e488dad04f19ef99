"""The commands that open and close a jurisdiction: propose, approve, suspend, end, and a roll-out of many at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.jurisdiction_parts import (
    Code,
    Person,
    Reason,
    Repository,
    bytes_of,
    one_line,
    register_of,
    register_signed_in,
    say_proposed,
    sha256_of,
)
from matcher_service.commands.jurisdiction_words import show_entries
from matcher_service.commands.shared import AsJson, print_json
from matcher_service.commands.signing_in import shell_actor

if TYPE_CHECKING:
    from matcher_service.routing.entries import ActivationEntry


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
    images: Annotated[
        bool,
        typer.Option("--images", help="Submissions may carry images of their prints, for its examiners."),
    ] = False,
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
                        "images": images,
                    }
                ),
                signed_by=signed_by,
                document_sha256=sha256_of(document),
                reason=reason,
                replaces=replaces,
            )
        )
    except (BadEntry, BadCondition) as error:
        fail(str(error))
    _propose([entry], reason, person, config, assign, historic=False)


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
        found = read_rollout(bytes_of(path), path.name, from_at=datetime.now(UTC) if today else None)
    except MatcherError as error:
        fail(error)
    typer.echo(f"{found.title}: {', '.join(found.names.values())}", err=True)
    _propose(list(found.entries), found.title, person, config, assign, historic=not today)


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
    with register_of(config, assign) as (register, _):
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
    with register_signed_in(config, assign, person) as (register, account):
        if refuse:
            register.refuse(number, by=account, words=one_line(refuse))
            typer.echo(f"proposal {number}: refused")
            return
        entered = register.approve(number, by=account)
    for one in entered:
        typer.echo(f"{one.jurisdiction} {one.repository}: version {one.version}, {one.state}")


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
    with register_of(config, assign) as (register, _):
        done = register.suspend(jurisdiction, repository or None, by=shell_actor(), reason=one_line(reason))
    for one in done:
        typer.echo(f"{one.jurisdiction} {one.repository}: off (version {one.version})")
    if not done:
        typer.echo(f"{jurisdiction}: was off already")


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

    with register_of(config, assign) as (register, _):
        if not on:
            done = register.end(jurisdiction, repository or None, by=shell_actor(), reason=one_line(reason))
        elif not repository:
            fail("--on: say of which --repository")
        else:
            try:
                until = read_time("--on", on)
            except BadEntry as error:
                fail(str(error))
            done = [
                register.end_on(jurisdiction, repository, until, by=shell_actor(), reason=one_line(reason))
            ]
    for one in done:
        typer.echo(f"{one.jurisdiction} {one.repository}: version {one.version}, {one.state}")


def _propose(
    entries: list[ActivationEntry],
    reason: str,
    person: str,
    config: Path | None,
    assign: list[str] | None,
    *,
    historic: bool,
) -> None:
    with register_signed_in(config, assign, person) as (register, account):
        say_proposed(register.propose(entries, by=account, reason=one_line(reason), historic=historic))
