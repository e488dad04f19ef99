"""The command line of the centre: `matcher-service`. Each command is one small function."""

from __future__ import annotations

import logging
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail
from interchange.shutdown import stop_on_signals

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The centre: searches what kiosks submit.")


@app.command()
def run(
    *,
    config: Config = None,
    assign: Set = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written once searches are fast.")] = None,
) -> None:
    """Take submissions, search, reply, until SIGTERM."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    settings = _settings(config, assign)
    database = _open_database(settings)
    from matcher_service.errors import MatcherError
    from matcher_service.search import Gallery, colour
    from matcher_service.service import MatcherService

    def say_ready() -> None:
        if ready_file is not None:
            ready_file.write_text("ready\n", encoding="ascii")

    try:
        service = MatcherService(
            settings=settings,
            database=database,
            make_gallery=lambda: Gallery(threads=settings.search.threads),
            colour=colour,
            on_ready=say_ready,
        )
    except MatcherError as error:
        fail(error)
    service.start()
    stopping.wait()
    service.stop()
    database.close()
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
    log.info("stopped")


@app.command()
def enroll(
    paths: Annotated[list[Path], typer.Argument(help="Template files, or folders of them.")],
    *,
    repository: Annotated[str, typer.Option(help="Where to enroll them.")],
    config: Config = None,
    assign: Set = None,
) -> None:
    """Enroll people from ISO/IEC 19794-2:2005 or INCITS 378-2004 files (*.iso, *.fmr, *.378).

    A file is one person; a folder inside a given folder is one person with all files in it. People whose very
    prints are there already are not enrolled again.
    """
    from matcher_service.enrolling import enroll_paths
    from matcher_service.errors import MatcherError

    database = _open_database(_settings(config, assign))
    try:
        done = enroll_paths(database, repository, paths)
    except MatcherError as error:
        fail(error)
    finally:
        database.close()
    typer.echo(f"{done.enrolled} people enrolled in {repository}, {done.known} were there already")
    for problem in done.problems:
        typer.secho(problem, err=True, fg=typer.colors.RED)
    if done.problems:
        raise typer.Exit(1)


@app.command()
def repositories(
    *,
    add: Annotated[str | None, typer.Option(help="Make a repository of this name first.")] = None,
    owner: Annotated[str, typer.Option(help="The agency that owns it.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """List the repositories and how much is in them."""
    from matcher_service.errors import MatcherError
    from matcher_service.repositories import Repositories

    database = _open_database(_settings(config, assign))
    store = Repositories(database)
    if add is not None:
        try:
            store.create(add, owner=owner)
        except MatcherError as error:
            fail(error)
    for summary in store.summaries():
        owned = f", owner {summary.owner}" if summary.owner else ""
        typer.echo(f"{summary.name}: {summary.identities} identities, {summary.prints} prints{owned}")
    database.close()


@app.command()
def refused(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List submissions that were refused and are kept for inspection."""
    from matcher_service.repositories import Quarantine

    settings = _settings(config, assign)
    database = _open_database(settings)
    kept = Quarantine(database, per_device=settings.quarantine.per_device, total=settings.quarantine.total)
    for refusal in kept.newest(limit=limit):
        typer.echo(
            f"{refusal.received_at:%Y-%m-%d %H:%M:%S}Z  {refusal.device or refusal.topic}"
            f"  {refusal.tcn or '(no TCN)'}  {refusal.payload_bytes} bytes  {refusal.field}: {refusal.reason}"
        )
    database.close()


def _settings(config: Path | None, assign: list[str] | None) -> MatcherSettings:
    from matcher_service.settings import MatcherSettings

    return settings_or_fail(MatcherSettings, config, assign)


def _open_database(settings: MatcherSettings) -> Database:
    from matcher_service.errors import StoreError
    from matcher_service.repositories import Database

    try:
        return Database(settings.database.url)
    except StoreError as error:
        fail(error)
