"""`matcher-service search`: one person's prints in one repository, recorded like any other search."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.charges import ChargeClass, Disposition, Transaction
from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    plain_errors,
    print_json,
    settings_of,
    table,
    tracked,
)

if TYPE_CHECKING:
    from matcher_service.desk_search import DeskResult


def search(
    files: Annotated[
        list[Path], typer.Argument(help="Template files of one person's fingers.", show_default=False)
    ],
    *,
    repository: Annotated[str, typer.Option(help="Where to search.", show_default=False)],
    purpose: Annotated[
        str, typer.Option(help="Why: booking or release. Recorded with the search.", show_default=False)
    ],
    ori: Annotated[
        str, typer.Option(help="The agency that it is for, by its ORI. The rules of sharing go by it.")
    ] = "",
    charge_class: Annotated[
        ChargeClass | None, typer.Option(help="Class of the charge, where a rule asks for it.")
    ] = None,
    disposition: Annotated[
        Disposition | None, typer.Option(help="How far the matter has come, where a rule asks for it.")
    ] = None,
    transaction: Annotated[Transaction, typer.Option(help="CAR, CNA or RPIS.")] = Transaction.CAR,
    person: Annotated[
        str,
        typer.Option(
            "--as", help="An owner of the repository, instead of --ori; password and code are asked for."
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=20, help="Candidates, best first, at most.")] = 10,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Search one person's fingers in a repository.

    It is allowed as a booking of that agency would be, by the register (see: matcher-service jurisdictions list), or
    to an owner of the repository. It is recorded with its purpose, the prints, the decision and what was found, as a
    kiosk's is. There is no search without a purpose, and none that leaves no record; see: matcher-service why.

    Examples:
      matcher-service search booked/*.iso --repository criminal --purpose booking --ori MO0100000

      matcher-service search ten.iso --repository immigration --purpose booking --ori MO0100000 --charge-class felony

      matcher-service search ten.iso --repository criminal --purpose release --as jdoe --json
    """
    if ori and person:
        fail("--ori and --as: name one of them; an owner searches for no agency")
    with plain_errors():
        from matcher_service.desk_search import purpose_of
        from matcher_service.reading import read_file

        why = purpose_of(purpose)
        prints = [one for file in files for one in read_file(file)]
    settings = settings_of(config, assign)
    with database_of(settings) as database, contextlib.ExitStack() as stack:
        from matcher_service import desk_search
        from matcher_service.commands.signing_in import SignedIn, shell_actor
        from matcher_service.desk_right import AsOwner, ForAgency
        from matcher_service.search import Gallery
        from matcher_service.search.decision import colours

        if person:
            account = stack.enter_context(SignedIn(settings, database, person))
            right, actor = AsOwner(account), account.name
        else:
            actor = shell_actor()
            right = ForAgency(
                ori=ori, transaction=transaction, charge_class=charge_class, disposition=disposition
            )
        result = desk_search.search(
            database,
            repository,
            prints,
            purpose=why,
            right=right,
            actor=actor,
            make_gallery=lambda source: Gallery(source=source, threads=settings.search.threads),
            threads=settings.search.threads,
            colour=colours(settings.search.red_fpir, settings.search.yellow_fpir),
            limit=limit,
            watch=lambda rows, total: tracked(rows, total=total, doing=f"reading {repository}"),
        )
    if as_json:
        print_json(_json(result))
    else:
        _tell(result)


def _json(result: DeskResult) -> dict[str, object]:
    from matcher_service.explaining.meaning import CAUTION

    tree = asdict(result)
    for candidate in tree["candidates"]:
        candidate["fingers"] = [{"finger": at, "score": round(s, 3)} for at, s in candidate["fingers"]]
    return {**tree, "caution": CAUTION}


def _tell(result: DeskResult) -> None:
    from interchange.fingers import finger_name
    from matcher_service.explaining.meaning import CAUTION, one_in

    if result.to_follow or result.colour is None:
        typer.echo(
            f"{result.repository}: searched, and to follow after people have looked at it (recorded as {result.tcn});"
            " see: matcher-service review"
        )
        return
    typer.echo(
        f"{result.repository}: {result.colour.upper()}, {len(result.candidates)} candidates"
        f" among {result.gallery_prints} prints in {result.duration_ms:.0f} ms (recorded as {result.tcn})"
    )
    if not result.candidates:
        typer.echo("Nobody here is alike enough to be a candidate. That does not say who it is not.")
        return
    table(
        ("", "reply", "by chance", "reference", "identity", "score by finger"),
        (
            (
                str(rank),
                one.colour.value,
                one_in(-one.score),
                one.reference,
                one.identity,
                ", ".join(f"{finger_name(at)} {score:.1f}" for at, score in one.fingers),
            )
            for rank, one in enumerate(result.candidates, start=1)
        ),
        right=(0,),
    )
    typer.echo(CAUTION)
