"""Talking with the person at the bench, past pytest, which keeps a test's output to itself."""

from __future__ import annotations

from pathlib import Path

from labgrid.driver import ExecutionError

_TERMINAL = Path("/dev/tty")


def is_there() -> bool:
    """Whether this program has a terminal at which somebody may sit."""
    try:
        with _TERMINAL.open("rb"):
            return True
    except OSError:
        return False


def say(message: str) -> None:
    """Tell the person something."""
    with _TERMINAL.open("w") as terminal:
        terminal.write(f"\n>>> {message}\n")


def is_missing(message: str) -> str:
    """For a bench without a person, in place of `ask`. Raises ExecutionError that says what is to be done."""
    problem = f'this needs a person at the bench ("{message}"): run it at a terminal with --hil-attended'
    raise ExecutionError(problem)  # pyright: ignore[reportCallIssue] - attrs made it


def ask(message: str) -> str:
    """Tell the person something and wait for a line; labgrid's `Environment.interact`, whose texts say so."""
    say(message)
    with _TERMINAL.open() as terminal:
        return terminal.readline().rstrip("\n")
