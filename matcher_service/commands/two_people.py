"""`matcher-service accounts request`, `approve` and `requests`: what takes two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Iterable


def request(
    action: Annotated[str, typer.Argument(help="repository.export, activation.propose or expunge.request.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.", show_default=False)],
    person: Annotated[str, typer.Option("--as", help="Who asks; password and code are asked for.")],
    repository: Annotated[str, typer.Option(help="In which repository.")] = "",
    detail: Annotated[
        list[str] | None, typer.Option(help="What exactly: name=value, as the command that does it says.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Ask for something that takes two people. Another person approves it, then it can be done once.

    Examples:
      matcher-service accounts request repository.export --repository criminal --reason "move to new disk" --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.accounts import TWO_PEOPLE, Action
        from matcher_service.accounts.two_person import propose

        if action not in TWO_PEOPLE:
            fail(f"'{action}' takes one person only, or is nothing; those of two are {', '.join(TWO_PEOPLE)}")
        details = _details(detail or ())
        if action == Action.REPOSITORY_EXPORT:
            details = {"identity": ""} | details
        with SignedIn(settings, database, person) as account, database.write() as session:
            number = propose(
                session, Action(action), by=account, details=details, reason=reason, repository=repository
            )
    typer.echo(
        f"request {number}: waits for a second person: matcher-service accounts approve {number} --as NAME"
    )


def approve(
    number: Annotated[int, typer.Argument(help="The request's number.", show_default=False)],
    *,
    person: Annotated[str, typer.Option("--as", help="The second person; password and code are asked for.")],
    refuse: Annotated[str, typer.Option(help="Refuse it instead: why.")] = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Agree to what another person asked for, or refuse it.

    Examples:
      matcher-service accounts approve 12 --as asmith

      matcher-service accounts approve 12 --refuse "not this month" --as asmith
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.accounts import two_person

        with SignedIn(settings, database, person) as account, database.write() as session:
            if refuse:
                done = two_person.refuse(session, number, by=account, words=refuse)
            else:
                done = two_person.approve(session, number, by=account)
    typer.echo(f"request {number}: {done.state}")


def requests(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are done with.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List what waits for a second person, or was approved and not done yet.

    Examples:
      matcher-service accounts requests --all
    """
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.accounts.two_person import requests as listed

        with database.read() as session:
            found = listed(session, open_only=not everything)
    if as_json:
        print_json(
            [
                {
                    "id": one.id, "action": one.action, "repository": one.repository, "details": one.details,
                    "reason": one.reason, "state": one.state, "requested_by": one.requested_by,
                    "decided_by": one.decided_by, "expires_at": one.expires_at.isoformat(),
                }
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ("", "what", "repository", "details", "reason", "asked by", "state", "by", "until (UTC)"),
        (
            (
                str(one.id), one.action, one.repository, _facts(one.details), one.reason, one.requested_by, one.state,
                one.decided_by, f"{one.expires_at:%Y-%m-%d %H:%M}",
            )
            for one in found
        ),
        right=(0,),
    )  # fmt: skip


def _details(words: Iterable[str]) -> dict[str, str | int | float | bool | None]:
    found: dict[str, str | int | float | bool | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            fail(f"--detail: '{word}' is not name=value")
        found[name] = value
    return found


def _facts(details: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in details.items() if value != "")
