"""What the commands of retention share: their options, and who is signed in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from matcher_service.commands.shared import database_of, settings_of
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database

Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Repository = Annotated[str, typer.Option(help="The repository.", show_default=False)]
Identity = Annotated[str, typer.Option(help="The identity: 32 hexadecimal digits.")]
Tcns = Annotated[list[str] | None, typer.Option("--tcn", help="A booking; may be given several times.")]
Reason = Annotated[str, typer.Option(help="Why.", show_default=False)]


@contextlib.contextmanager
def signed_in(
    config: Path | None, assign: list[str] | None, person: str
) -> Generator[tuple[Database, Account]]:
    """The database, and the account that somebody signed in to."""
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        yield database, account
