"""The replay of a recorded session as a program: ``python -m hardware.bench.replay --help``.

In a program or a test, use `hardware.bench.trace_replay.TraceEmulator` instead.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from hardware.bench.trace import TraceError, read_trace
from hardware.bench.trace_replay import TraceEmulator

_EPILOG = """
\b
Examples:
  python -m hardware.bench.replay silent.jsonl --link /tmp/sensor
  python -m hardware.bench.replay silent.jsonl --speed 10
"""


def main(
    file: Annotated[Path, typer.Argument(help="A trace, as hardware.bench.record writes it.")],
    link: Annotated[Path, typer.Option(help="Where the serial port appears.")] = Path("/tmp/sensor"),  # noqa: S108 - an example's place
    speed: Annotated[float, typer.Option(min=0.01, help="How many times as fast as recorded.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(min=0, help="End by itself after so long.")] = None,
) -> None:
    """Play the sensor's part of a recorded session on a pseudo-terminal, until Ctrl-C, and tell how well it fitted."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        trace = read_trace(file)
        with TraceEmulator(trace, link=link, speed=speed) as emulator:
            typer.echo(
                f"ready {emulator.path}: {trace.model or 'a sensor'}, {trace.seconds:.1f} s. {trace.note}"
            )
            ended.wait(seconds)
            tally = emulator.tally()
    except (OSError, TraceError) as error:
        typer.echo(f"replay: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(
        f"questions: {tally.matched} as recorded, {tally.repeated} oftener, {tally.skipped} of the record not asked,"
        f" {tally.unanswered} not in the record"
    )


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(epilog=_EPILOG)(main)

if __name__ == "__main__":
    app()
