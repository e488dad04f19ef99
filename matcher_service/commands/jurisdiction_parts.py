"""What the commands of `matcher-service jurisdictions` share: options, the register, and what is read from files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import fail
from matcher_service.commands.shared import database_of, settings_of
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database
    from matcher_service.routing.register import Register

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


@contextlib.contextmanager
def register_of(config: Path | None, assign: list[str] | None) -> Generator[tuple[Register, Database]]:
    """The register of these settings, for a few lines."""
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.routing.register import Register

        yield Register(database), database


@contextlib.contextmanager
def register_signed_in(
    config: Path | None, assign: list[str] | None, person: str
) -> Generator[tuple[Register, Account]]:
    """The register, and somebody who has signed in."""
    with register_of(config, assign) as (register, database):
        settings = settings_of(config, assign, quiet=True)
        with SignedIn(settings, database, person) as account:
            yield register, account


def sha256_of(path: Path) -> str:
    """Of a signed document, in hexadecimal."""
    from hashlib import sha256

    return sha256(bytes_of(path)).hexdigest()


def bytes_of(path: Path) -> bytes:
    """What is in a file: one byte more than may be, so that too much shows."""
    from matcher_service.routing.parameters import MAX_FILE_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{path}: cannot be read: {error.strerror}")


def one_line(reason: str) -> str:
    """A reason as it is kept."""
    if not reason.strip() or len(reason) > 200 or not reason.isprintable():
        fail("--reason: say why, in 1 to 200 characters on one line")
    return reason.strip()


def say_proposed(numbers: list[int]) -> None:
    """What is to be done with proposals that were just made."""
    for number in numbers:
        typer.echo(
            f"proposal {number}: waits for a second person: matcher-service jurisdictions approve {number} --as NAME"
        )
