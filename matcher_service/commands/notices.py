"""`matcher-service notices`: what subscribers were told, and the taking back of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime
    from pathlib import Path

    from matcher_service.accounts import Account, Action
    from matcher_service.notify.looking import NoticeRow
    from matcher_service.repositories import Database

app = typer.Typer(
    no_args_is_help=True,
    help="Notifications of confirmed hits: list, show, resend; retract an identification, open or close a challenge.",
)
challenge_app = typer.Typer(
    no_args_is_help=True, help="Challenges of an identification: while one is open nothing is shared."
)
app.add_typer(challenge_app, name="challenge")

Person = Annotated[
    str,
    typer.Option(
        "--as", help="The account that does it; password and code are asked for.", show_default=False
    ),
]
Number = Annotated[str, typer.Argument(help="The notification's number.", show_default=False)]
Identification = Annotated[
    int, typer.Argument(help="The identification's number, from the list.", show_default=False)
]
Words = Annotated[str, typer.Option(help="Why; stands in the record.", show_default=False)]


@app.command("list")
def list_notices(
    *,
    state: Annotated[str, typer.Option(help="held, queued, sent, received, cancelled, failed or dead.")] = "",
    subscriber: Annotated[str, typer.Option(help="Only those of this subscriber.")] = "",
    identification: Annotated[int | None, typer.Option(help="Only those of this identification.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those that somebody has to look after.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 200,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """What is held, on its way, received or given up; the newest first. Nothing in it says of whom.

    Examples:
      matcher-service notices list --overdue

      matcher-service notices list --state held --json
    """
    from matcher_service.notify.looking import notices
    from matcher_service.notify.words import State

    if state and state not in set(State):
        fail(f"--state: is one of {', '.join(State)}")
    with database_of(settings_of(config, assign, quiet=True)) as database, database.read() as session:
        found = notices(
            session, state=state, subscriber=subscriber, identification_id=identification, limit=limit
        )
    if overdue:
        found = [one for one in found if one.overdue]
    if as_json:
        print_json([_tree(one) for one in found])
        return
    table(
        ("number", "of", "kind", "subscriber", "repository", "state", "sent", "received", "tries"),
        (
            (
                one.number,
                str(one.identification_id),
                one.kind,
                one.subscriber,
                one.repository,
                one.state + _why(one),
                _short(one.sent_at),
                _short(one.received_at),
                str(one.attempts),
            )
            for one in found
        ),
        right=(1, 8),
    )


@app.command()
def show(number: Number, *, person: Person, config: Config = None, assign: Set = None) -> None:
    """Print what a notification said, as JSON. The look is recorded.

    Examples:
      matcher-service notices show 5f2c... --as jdoe
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service.accounts import Action
        from matcher_service.auditing import note
        from matcher_service.notify import looking

        with database.read() as session:
            row = looking.find(session, number)
        _require(account, Action.NOTIFICATION_READ, row.repository, row.subscriber_ori)
        note(
            database, "notification.read", actor=account.name, role=account.acting_as,
            purpose="a look at what was sent", repository=row.repository, number=row.number,
        )  # fmt: skip
        with database.read() as session:
            content = looking.show(session, number)
    if content is None:
        fail(f"{number}: was not sent, or what it said was erased; it is '{row.state}'{_why(row)}")
    typer.echo(content.decode("utf-8"))


@app.command()
def resend(number: Number, *, person: Person, config: Config = None, assign: Set = None) -> None:
    """Send one again, under the same number; whether it may be is asked once more.

    Examples:
      matcher-service notices resend 5f2c... --as jdoe
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service import notify
        from matcher_service.accounts import Action
        from matcher_service.notify.looking import find

        with database.read() as session:
            row = find(session, number)
        _require(account, Action.NOTIFICATION_RESEND, row.repository, row.ori)
        with database.write() as session:
            notify.resend(session, number, by=account.name, role=account.acting_as)
    typer.echo(f"{number}: is sent again")


@app.command()
def retract(
    identification: Identification,
    *,
    cause: Annotated[
        str, typer.Option(help="wrong_hit, dismissed, expunged, challenge or withdrawn.", show_default=False)
    ],
    words: Words,
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Take an identification back: everyone who was told is told so, and their cases end.

    Examples:
      matcher-service notices retract 12 --cause wrong_hit --words "second look: not the same ridge flow" --as jdoe
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service import notify
        from matcher_service.accounts import Action

        _require(account, Action.RETRACTION_MAKE, *_where(database, identification))
        with database.write() as session:
            done = notify.retract(
                session, identification, cause=cause, words=words, by=account.name, role=account.acting_as
            )
    if done.already:
        typer.echo(f"identification {identification}: was taken back before")
        return
    typer.echo(
        f"identification {identification}: taken back; told: {done.told}, never sent: {done.cancelled}."
        " Receipts: matcher-service notices list --identification " + str(identification)
    )


@challenge_app.command("open")
def open_(
    identification: Identification,
    *,
    grounds: Annotated[str, typer.Option(help="What is said against it; stays here.", show_default=False)],
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Freeze an identification until somebody has looked at it again; who was told is told to wait.

    Examples:
      matcher-service notices challenge open 12 --grounds "was abroad that day" --as jdoe
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service import notify
        from matcher_service.accounts import Action

        _require(account, Action.CHALLENGE_OPEN, *_where(database, identification))
        with database.write() as session:
            number = notify.open_challenge(
                session, identification, grounds=grounds, by=account.name, role=account.acting_as
            )
    typer.echo(f"challenge {number}: open; identification {identification} is frozen")


@challenge_app.command()
def close(
    number: Annotated[int, typer.Argument(help="The challenge.", show_default=False)],
    *,
    upheld: Annotated[
        bool,
        typer.Option(
            "--upheld/--rejected", help="It was right: take the identification back.", show_default=False
        ),
    ],
    words: Words,
    person: Person,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Decide a challenge: upheld, and the identification is taken back; or rejected, and it stands.

    Examples:
      matcher-service notices challenge close 3 --upheld --words "another finger was on file" --as asmith
    """
    with _signed_in(config, assign, person) as (database, account):
        from matcher_service import notify
        from matcher_service.accounts import Action
        from matcher_service.notify.looking import challenges

        with database.read() as session:
            found = next((one for one in challenges(session) if one.id == number), None)
        if found is None:
            raise notify.UnknownNotice("challenge", number)
        _require(account, Action.CHALLENGE_CLOSE, *_where(database, found.identification_id))
        with database.write() as session:
            notify.close_challenge(
                session, number, upheld=upheld, words=words, by=account.name, role=account.acting_as
            )
    typer.echo(f"challenge {number}: {'upheld; the identification is taken back' if upheld else 'rejected'}")


@challenge_app.command("list")
def list_challenges(
    *,
    state: Annotated[str, typer.Option(help="open, upheld or rejected.")] = "",
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """All challenges, the newest first, without their grounds.

    Examples:
      matcher-service notices challenge list --state open
    """
    from matcher_service.notify.looking import challenges

    with database_of(settings_of(config, assign, quiet=True)) as database, database.read() as session:
        found = challenges(session, state=state)
    if as_json:
        print_json(
            [
                {
                    "id": one.id, "identification": one.identification_id, "state": one.state,
                    "opened_at": one.opened_at.isoformat(), "opened_by": one.opened_by,
                    "closed_at": None if one.closed_at is None else one.closed_at.isoformat(),
                    "closed_by": one.closed_by,
                }
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ("id", "identification", "state", "opened", "by", "closed", "by"),
        (
            (
                str(one.id), str(one.identification_id), one.state, _short(one.opened_at), one.opened_by,
                _short(one.closed_at), one.closed_by or "",
            )
            for one in found
        ),
    )  # fmt: skip


# -- what they share


@contextlib.contextmanager
def _signed_in(
    config: Path | None, assign: list[str] | None, person: str
) -> Generator[tuple[Database, Account]]:
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        yield database, account


def _require(account: Account, action: Action, repository: str, ori: str) -> None:
    from matcher_service.accounts import require

    require(account, action, repository=repository, ori=ori or None)


def _where(database: Database, identification: int) -> tuple[str, str]:
    from matcher_service.notify.looking import where_of

    with database.read() as session:
        return where_of(session, identification)


def _why(one: NoticeRow) -> str:
    from matcher_service.notify.words import HELD_WORDS, Held

    if not one.held_because:
        return ""
    known = one.held_because in set(Held)
    return f": {HELD_WORDS[Held(one.held_because)] if known else one.held_because}"


def _short(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%d %H:%M}Z"


def _tree(one: NoticeRow) -> dict[str, object]:
    return {
        "number": one.number,
        "identification": one.identification_id,
        "identification_state": one.identification_state,
        "kind": one.kind,
        "subscriber": one.subscriber,
        "repository": one.repository,
        "state": one.state,
        "held_because": one.held_because,
        "created_at": one.created_at.isoformat(),
        "sent_at": None if one.sent_at is None else one.sent_at.isoformat(),
        "due_at": one.due_at.isoformat(),
        "received_at": None if one.received_at is None else one.received_at.isoformat(),
        "via": one.via,
        "attempts": one.attempts,
        "overdue": one.overdue,
    }
