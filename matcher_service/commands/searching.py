"""`matcher-service search`: one person's prints in one repository, recorded like any other search."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    plain_errors,
    print_json,
    settings_of,
    table,
    tracked,
    who,
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
    limit: Annotated[int, typer.Option(min=1, max=20, help="Candidates, best first, at most.")] = 10,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Search one person's fingers in a repository.

    The search is recorded with its purpose, the prints and what was found, as a kiosk's is. There is no search
    without a purpose, and none that leaves no record.

    Examples:
      matcher-service search booked/*.iso --repository criminal --purpose booking

      matcher-service search ten-fingers.iso --repository criminal --purpose release --json
    """
    with plain_errors():
        from matcher_service.desk_search import purpose_of
        from matcher_service.reading import read_file

        why = purpose_of(purpose)
        prints = [one for file in files for one in read_file(file)]
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        from matcher_service import desk_search
        from matcher_service.auditing import note, shell
        from matcher_service.search import Gallery
        from matcher_service.search.decision import colours

        result = desk_search.search(
            database,
            repository,
            prints,
            purpose=why,
            make_gallery=lambda source: Gallery(source=source, threads=settings.search.threads),
            threads=settings.search.threads,
            colour=colours(settings.search.red_fpir, settings.search.yellow_fpir),
            limit=limit,
            watch=lambda rows, total: tracked(rows, total=total, doing=f"reading {repository}"),
        )
        note(
            database,
            "repository.search",
            actor=shell(who()),
            purpose=why,
            subject=result.tcn,
            repository=repository,
            colour=result.colour,
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
