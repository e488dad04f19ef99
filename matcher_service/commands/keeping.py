"""Commands about what is kept: `enroll`, `export`, `stats`, `repositories`, `refused`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    print_json,
    settings_of,
    tracked,
    who,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings
    from matcher_service.stats import RepositoryStats


def enroll(
    paths: Annotated[
        list[Path], typer.Argument(help="Template files, or folders of them.", show_default=False)
    ],
    *,
    repository: Annotated[str, typer.Option(help="Where to enroll them.", show_default=False)],
    config: Config = None,
    assign: Set = None,
) -> None:
    """Enroll people from ISO/IEC 19794-2:2005 or INCITS 378-2004 files (*.iso, *.fmr, *.378).

    A file is one person; a folder inside a given folder is one person with all files in it. People whose very
    prints are there already are not enrolled again.

    Examples:
      matcher-service enroll cards/ --repository criminal

      matcher-service enroll a.iso b.iso --repository immigration --config centre.toml
    """
    with database_of(settings_of(config, assign)) as database:
        from matcher_service.auditing import note, shell
        from matcher_service.enrolling import enroll_paths

        done = enroll_paths(database, repository, paths)
        note(
            database,
            "repository.enrol",
            actor=shell(who()),
            purpose="enrolment",
            repository=repository,
            people=done.enrolled,
            known=done.known,
            problems=len(done.problems),
        )
    typer.echo(f"{done.enrolled} people enrolled in {repository}, {done.known} were there already")
    for problem in done.problems:
        typer.secho(problem, err=True, fg=typer.colors.RED)
    if done.problems:
        raise typer.Exit(1)


def export(
    target: Annotated[Path, typer.Argument(help="New folder to write to.", show_default=False)],
    *,
    repository: Annotated[str, typer.Option(help="What to export.", show_default=False)],
    identity: Annotated[str | None, typer.Option(help="Only this identity.")] = None,
    request: Annotated[
        int | None, typer.Option(help="The request that two people agreed to: see accounts request.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write the prints of a repository as ISO/IEC 19794-2:2005 files, a folder for each identity.

    What is written can be enrolled again as it is. Nothing that is there already is overwritten. The files are
    people's biometric data, readable for their owner only: delete them when they have served.

    Once there are accounts, an export takes two people: one asks for it, another agrees, and --request names it.

    Examples:
      matcher-service export backup/ --repository criminal --request 12

      matcher-service export one/ --repository criminal --identity 0123456789abcdef0123456789abcdef --request 13
    """
    with database_of(settings_of(config, assign)) as database:
        from matcher_service import exporting
        from matcher_service.accounts.exports import allow_export
        from matcher_service.auditing import note, shell
        from matcher_service.repositories import Repositories

        Repositories(database).prints(
            repository, []
        )  # a wrong name, or a folder that is there, uses nothing up
        if target.exists():
            raise exporting.ExportRefused(
                target, "is there already, and nothing is overwritten; name a new folder"
            )
        allow_export(database, repository, identity=identity, request=request, actor=shell(who()))
        done = exporting.export(
            database,
            repository,
            target,
            identity=identity,
            watch=lambda people, total: tracked(people, total=total, doing=f"exporting {repository}"),
        )
        note(
            database,
            "repository.exported",
            actor=shell(who()),
            purpose="export",
            repository=repository,
            subject=identity or "",
            identities=done.identities,
            prints=done.prints,
        )
    typer.echo(f"{done.identities} people with {done.prints} prints written to {target}")
    typer.echo(f"Enroll them elsewhere with: matcher-service enroll {target} --repository NAME")


def stats(
    *,
    repository: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read and check every stored print.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Count what is in the repositories: people, prints, fingers, minutiae, quality, bytes.

    With --verify every stored print is read as a search reads it; damaged ones are listed, and the exit code is 1.

    Examples:
      matcher-service stats

      matcher-service stats --repository criminal --verify --json
    """
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        from matcher_service.repositories import Repositories
        from matcher_service.stats import repository_stats

        names = Repositories(database).names() if repository is None else [repository]
        counted = [
            repository_stats(database, name, verify=verify, watch=_watching(name, verify=verify))
            for name in names
        ]
        kept = _kept(settings, database)
        galleries = {name: _gallery(settings, database, name, verify=verify) for name in names}
    if as_json:
        print_json(
            {"repositories": [one.as_json() | {"gallery": galleries[one.name]} for one in counted], **kept}
        )
    else:
        _tell(counted, kept, galleries)
    if any(one.damaged for one in counted) or any(g and "problem" in g for g in galleries.values()):
        raise typer.Exit(1)


def repositories(
    *,
    add: Annotated[str | None, typer.Option(help="Make a repository of this name first.")] = None,
    owner: Annotated[str, typer.Option(help="The agency that owns it.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """List the repositories and how much is in them.

    Examples:
      matcher-service repositories

      matcher-service repositories --add criminal --owner "Boone County"
    """
    with database_of(settings_of(config, assign)) as database:
        from matcher_service.repositories import Repositories

        store = Repositories(database)
        if add is not None and store.create(add, owner=owner):
            from matcher_service.auditing import note, shell

            note(database, "repository.create", actor=shell(who()), purpose="administration", repository=add)
        for summary in store.summaries():
            owned = f", owner {summary.owner}" if summary.owner else ""
            typer.echo(f"{summary.name}: {summary.identities} identities, {summary.prints} prints{owned}")


def refused(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List submissions that were refused and are kept for inspection.

    Examples:
      matcher-service refused --limit 5
    """
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        from matcher_service.repositories import Quarantine

        kept = Quarantine(
            database, per_device=settings.quarantine.per_device, total=settings.quarantine.total
        )
        for refusal in kept.newest(limit=limit):
            typer.echo(
                f"{refusal.received_at:%Y-%m-%d %H:%M:%S}Z  {refusal.device or refusal.topic}"
                f"  {refusal.tcn or '(no TCN)'}  {refusal.payload_bytes} bytes  {refusal.field}: {refusal.reason}"
            )


def _watching(name: str, *, verify: bool) -> Any:  # noqa: ANN401 - a function of the kind that `stats` asks for
    doing = f"{'checking' if verify else 'counting'} {name}"

    def watch(rows: Iterable[Any], total: int) -> Iterable[Any]:
        return tracked(rows, total=total, doing=doing)

    return watch


def _kept(settings: MatcherSettings, database: Database) -> dict[str, Any]:
    from matcher_service.stats import database_bytes

    return {"database": {"url": database.url, "bytes": database_bytes(settings.database.url)}}


def _gallery(
    settings: MatcherSettings, database: Database, name: str, *, verify: bool
) -> dict[str, Any] | None:
    """What the matcher of these settings keeps of a repository for its searches; None if it has not begun to."""
    from matcher_service.galleries import GalleryError, GalleryOutdated, inspect_gallery
    from matcher_service.service import gallery_folder

    folder = gallery_folder(settings, database)
    if folder is None:
        return None
    try:
        seen = inspect_gallery(folder / name, verify=verify)
    except GalleryOutdated:
        return None
    except GalleryError as error:
        return {"folder": str(folder / name), "problem": str(error)}
    return {
        "folder": str(folder / name),
        "prints": seen.prints,
        "deleted": seen.dead,
        "bytes": seen.segment_bytes + seen.journal_bytes,
    }


def _tell(
    counted: list[RepositoryStats], kept: dict[str, Any], galleries: dict[str, dict[str, Any] | None]
) -> None:
    from interchange.fingers import finger_name

    for one in counted:
        owned = f", owner {one.owner}" if one.owner else ""
        typer.secho(f"{one.name}{owned}", bold=True)
        typer.echo(f"  {one.identities} people in {one.encounters} encounters, {one.prints} prints")
        tree = one.as_json()
        for what in ("minutiae", "quality"):
            if tree[what]:
                spread = ", ".join(f"{name} {value}" for name, value in tree[what].items())
                typer.echo(f"  {what} of a print: {spread}")
        fingers = ", ".join(f"{finger_name(at)} {n}" for at, n in sorted(one.by_position.items()))
        if fingers:
            typer.echo(f"  by finger: {fingers}")
            typer.echo(
                f"  records: {_size(one.record_bytes)}, {one.record_bytes / one.prints:.0f} bytes a print"
            )
        typer.echo(f"  gallery: {_gallery_words(galleries[one.name])}")
        if one.damaged is not None:
            typer.echo(f"  checked: {one.damaged} damaged of {one.prints}")
        for problem in one.problems:
            typer.secho(
                f"  {problem}: not searched; enroll it again from its source", err=True, fg=typer.colors.RED
            )
    if not counted:
        typer.echo("no repository yet; make one with: matcher-service repositories --add NAME")
    size = kept["database"]["bytes"]
    typer.echo(f"database {kept['database']['url']}{'' if size is None else ': ' + _size(size)}")


def _gallery_words(gallery: dict[str, Any] | None) -> str:
    if gallery is None:
        return "none yet, or in memory; a matcher makes it at its start"
    if "problem" in gallery:
        return f"{gallery['problem']} (a matcher makes it anew at its start)"
    return f"{gallery['prints']} prints, {_size(gallery['bytes'])} in {gallery['folder']}"


def _size(amount: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if amount >= factor:
            return f"{amount / factor:.1f} {unit}"
    return f"{amount} bytes"
