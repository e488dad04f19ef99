"""`matcher-service review`: what waits for examiners, who has it, how they do. Prints are compared in the console."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import SignedIn

if TYPE_CHECKING:
    from matcher_service.review import BoardItem, Dossier, ExaminerFigures, QueueItem

app = typer.Typer(
    no_args_is_help=True, help="Review: the queue of examiners, who has what, and their error rates."
)

Person = Annotated[
    str,
    typer.Option("--as", help="Your account; password and code are asked for.", show_default=False),
]
Task = Annotated[int, typer.Argument(min=1, help="The task's number.", show_default=False)]


@app.command()
def queue(
    *,
    person: Person,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """List what waits: to an examiner what could be claimed, to a supervisor everything, and who has it.

    Examples:
      matcher-service review queue --as asmith
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.accounts import Action, reach
        from matcher_service.review import Reviews

        reviews = Reviews(database)
        everything = bool(reach(account, Action.REVIEW_ASSIGN))
        board = reviews.board(account, limit=limit) if everything else []
        own = [] if everything else reviews.queue(account, limit=limit)
    if as_json:
        print_json([_plain(asdict(one)) for one in board or own])
    elif everything:
        _show_board(board)
    else:
        _show_queue(own)


@app.command()
def show(
    task: Task, *, person: Person, as_json: AsJson = False, config: Config = None, assign: Set = None
) -> None:
    """Show a task to a supervisor: its turns; once it is closed, what was decided, and how the search had ranked it.

    Examples:
      matcher-service review show 12 --as jdoe
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.review import Reviews

        found = Reviews(database).dossier(account, task)
    if as_json:
        print_json(_plain(asdict(found)))
    else:
        _show_dossier(found)


@app.command("assign")
def assign_(
    task: Task,
    *,
    person: Person,
    examiner: Annotated[str, typer.Option("--to", help="The examiner's account.", show_default=False)] = "",
    anybody: Annotated[bool, typer.Option("--anybody", help="Give it back to the queue.")] = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Give a task to one examiner, or back to the queue. Whoever has it undecided loses it.

    Examples:
      matcher-service review assign 12 --to asmith --as jdoe

      matcher-service review assign 12 --anybody --as jdoe
    """
    if bool(examiner) == anybody:
        raise typer.BadParameter("say either --to NAME or --anybody")
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.review import Reviews

        Reviews(database).assign(account, task, examiner or None)
    typer.echo(f"task {task}: given to {examiner or 'anybody'}")


@app.command()
def statistics(*, person: Person, as_json: AsJson = False, config: Config = None, assign: Set = None) -> None:
    """Show what each examiner decided, and how often a known stranger was taken for the person.

    Examples:
      matcher-service review statistics --as jdoe --json
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database, SignedIn(settings, database, person) as account:
        from matcher_service.review import Reviews

        reviews = Reviews(database)
        found, late = reviews.statistics(account), reviews.overdue()
    if as_json:
        print_json(
            [asdict(one) | {"error_rate": one.error_rate, "interval_95": one.interval} for one in found]
        )
        return
    _show_statistics(found)
    if late:
        typer.echo("late: " + ", ".join(f"{count} in {name}" for name, count in late.items()))


def _show_queue(items: list[QueueItem]) -> None:
    table(
        ("task", "repository", "priority", "due (UTC)", "", "yours until"),
        (
            (
                str(one.task),
                one.repository,
                str(one.priority),
                _time(one.due_at),
                "late" if one.overdue else "given to you" if one.assigned else "",
                _time(one.mine_until),
            )
            for one in items
        ),
        right=(0, 2),
    )


def _show_board(items: list[BoardItem]) -> None:
    table(
        ("task", "repository", "priority", "due (UTC)", "", "waits for", "with", "until", "given to"),
        (
            (
                str(one.task),
                one.repository,
                str(one.priority),
                _time(one.due_at),
                "late" if one.overdue else "look" if one.escalated_at is not None else "",
                {"open": "an examiner"}.get(one.state, f"the {one.state} examiner"),
                one.holder or "",
                _time(one.holder_until),
                one.assigned_to or "",
            )
            for one in items
        ),
        right=(0, 2),
    )


def _show_dossier(found: Dossier) -> None:
    ended = f" ({found.ended_because})" if found.ended_because else ""
    typer.echo(f"task {found.task}: {found.state}{ended}, {found.tcn} in {found.repository}")
    typer.echo(
        f"opened {_time(found.created_at)}, due {_time(found.due_at)}, closed {_time(found.closed_at) or 'not yet'};"
        f" {'two examiners have to agree' if found.needs_second else 'one examiner decides'}"
    )
    table(
        ("turn", "examiner", "claimed (UTC)", "decided", "decision", "candidate", "reason"),
        (
            (
                str(one.number),
                one.examiner,
                _time(one.claimed_at),
                _time(one.decided_at),
                (one.decision or "") + ("" if one.counted else " of a known stranger: does not count"),
                "" if one.place is None else str(one.place),
                one.reason or "",
            )
            for one in found.turns
        ),
        right=(0, 5),
    )
    if found.candidates:
        table(
            ("candidate", "rank", "score", "log10 FMR", ""),
            (
                (
                    str(one.place),
                    "" if one.rank is None else str(one.rank),
                    "" if one.score is None else f"{one.score:.1f}",
                    "" if one.log10_fmr is None else f"{one.log10_fmr:.1f}",
                    "known stranger" if one.seeded else "removed since" if one.removed else "",
                )
                for one in found.candidates
            ),
            right=(0, 1, 2, 3),
        )
    else:
        typer.echo("Decisions and ranks are shown once it is closed.")


def _show_statistics(found: list[ExaminerFigures]) -> None:
    table(
        (
            "examiner",
            "decided",
            "identified",
            "excluded",
            "inconclusive",
            "overruled",
            "measured",
            "wrong",
            "rate, 95 %",
        ),
        (
            (
                one.name,
                str(one.decided),
                str(one.identifications),
                str(one.exclusions),
                str(one.inconclusive),
                str(one.disagreed),
                str(one.seeded_shown),
                str(one.seeded_wrong),
                _rate(one),
            )
            for one in found
        ),
        right=range(1, 9),
    )
    typer.echo(
        "measured: decisions with known strangers among the candidates; wrong: one of them was identified"
    )


def _rate(one: ExaminerFigures) -> str:
    if one.error_rate is None or one.interval is None:
        return "not measured"
    low, high = one.interval
    return f"{one.error_rate:.1%} ({low:.1%} to {high:.1%})"


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _plain(tree: Any) -> Any:  # noqa: ANN401 - whatever is in it
    """Times as text, for JSON."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(tree, (list, tuple)):
        return [_plain(value) for value in tree]  # pyright: ignore[reportUnknownVariableType]
    return tree.isoformat() if isinstance(tree, datetime) else tree
