"""`matcher-service report`: what the centre did with people's prints, for auditors and for everybody."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import database_of, settings_of, who

_MONTH = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])")


def report(
    folder: Annotated[
        Path, typer.Argument(help="Where to write it; made if it is not there.", show_default=False)
    ],
    *,
    first: Annotated[
        str | None, typer.Option("--from", help="First month, as 2026-01. Without: a year back.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last month, as 2026-12. Without: this one.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="For everybody: small counts are hidden.")] = False,
    self_reported: Annotated[
        Path | None,
        typer.Option(help="Sums of what people said of themselves, as CSV; shown apart from all else."),
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write the oversight report: a page with tables, pictures and a map, and all figures as CSV.

    It counts submissions, candidates, identifications, notifications, evaluations and retractions, by jurisdiction,
    level and month; how much of each state shares with each repository; how often candidates and examiners were
    wrong; and which jurisdictions stand out.

    Examples:
      matcher-service report oversight/ --config centre.toml

      matcher-service report www/oversight/ --public --from 2026-01 --to 2026-06

      matcher-service report www/oversight/ --public --self-reported said.csv
    """
    from matcher_service.oversight import gather, write_report
    from matcher_service.oversight.figures import months_between
    from matcher_service.oversight.parameters import MAX_SELF_REPORTED_BYTES, MOST_MONTHS
    from matcher_service.oversight.self_reported import BadSelfReport, by_group, read_self_reported

    now = datetime.now(UTC)
    last = last or f"{now:%Y-%m}"
    for name, month in (("--from", first), ("--to", last)):
        if month is not None and not _MONTH.fullmatch(month):
            fail(f"{name}: '{month}' is no month; write it as 2026-01")
    first = first or f"{int(last[:4]) - 1}{last[4:]}"
    if first > last:
        fail(f"--from: {first} is later than {last}")
    if sum(1 for _ in months_between(first, last)) > MOST_MONTHS:
        fail(f"--from: more than {MOST_MONTHS} months; ask for fewer")
    groups: dict[str, tuple[int, int]] = {}
    if self_reported is not None:
        try:
            with self_reported.open("rb") as file:
                data = file.read(MAX_SELF_REPORTED_BYTES + 1)
            groups = by_group(read_self_reported(data, self_reported.name), first=first, last=last)
        except OSError as error:
            fail(f"{self_reported}: cannot be read: {error.strerror}")
        except BadSelfReport as error:
            fail(error)
    with database_of(settings_of(config, assign)) as database:
        from rich.console import Console

        from matcher_service.auditing import record

        console = Console(stderr=True)
        with console.status("Counting") as status:
            figures = gather(
                database,
                first=first,
                last=last,
                now=now,
                on_part=lambda words: status.update(f"Counting {words}"),
            )
            figures.self_reported = groups
            status.update("Writing")
            try:
                written = write_report(figures, folder, public=public)
            except OSError as error:
                fail(f"{error.filename or folder}: cannot be written: {error.strerror}; choose another place")
        with database.write() as session:
            record(
                session,
                "report.made",
                actor=who(),
                purpose="oversight",
                details={"first": first, "last": last, "public": public, "self_reported": len(groups)},
            )
    for path in written:
        typer.echo(path)
