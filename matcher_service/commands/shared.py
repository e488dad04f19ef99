"""What the commands share: settings, the database, options, and how things are written for a person or a program."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
from pathlib import Path  # noqa: TC003 - the commands' annotations are read at run time
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from interchange.command_line import fail, settings_or_fail

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]
Finger = Annotated[
    int | None,
    typer.Option(
        min=0, max=10, help="Finger, 1-5 right thumb to little, 6-10 left, where a file has several."
    ),
]
_OWNER_ONLY = 0o600


def settings_of(config: Path | None, assign: list[str] | None, *, quiet: bool = False) -> MatcherSettings:
    """The settings, or a message and exit code 1."""
    from matcher_service.settings import MatcherSettings

    return settings_or_fail(MatcherSettings, config, assign, quiet=quiet)


@contextlib.contextmanager
def database_of(settings: MatcherSettings) -> Generator[Database]:
    """The database, closed at the end; what goes wrong on purpose becomes a message and exit code 1."""
    from matcher_service.errors import MatcherError
    from matcher_service.repositories import Database

    try:
        with contextlib.closing(
            Database(settings.database.url, key_file=settings.retention.key_file)
        ) as opened:
            yield opened
    except MatcherError as error:
        fail(error)


@contextlib.contextmanager
def plain_errors() -> Generator[None]:
    """What goes wrong on purpose becomes a message and exit code 1."""
    from matcher_service.errors import MatcherError

    try:
        yield
    except MatcherError as error:
        fail(error)


def print_json(tree: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(tree, indent=2, ensure_ascii=False))


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], *, right: Iterable[int] = ()) -> None:
    """A table on standard output; columns numbered in `right` are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    to_the_right = set(right)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number in to_the_right else "left")
    for row in rows:
        made.add_row(*row)
    console = Console(markup=False, highlight=False)
    # Into a pipe or a file nothing is cut off or folded.
    if not console.is_terminal:
        console.width = max(console.width, 200)
    console.print(made)


def tracked(things: Iterable[T], *, total: int | None, doing: str) -> Iterator[T]:
    """The things, with a progress bar on a terminal while they are walked over."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(
        things,
        description=doing,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def write_private(path: Path, text: str, *, not_over: Iterable[Path] = ()) -> None:
    """Write a file that its owner alone can read, or fail with a message. Never over one of `not_over`."""
    if any(path.resolve() == other.resolve() for other in not_over):
        fail(f"{path}: is one of the files that were compared; choose another name")
    try:
        if not path.exists():
            path.touch(mode=_OWNER_ONLY)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}; choose another place")


def who() -> str:
    """The account that runs this, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
