"""`python -m benchmarks.kiosk_memory`: does the kiosk's service keep its memory through a thousand bookings?

The real `edge-service kiosk`, provisioned, with its page open in a real Chromium; the emulated sensor behind its
board's real firmware; Debian's broker with the shipped configuration; a real matcher. An officer goes the whole way a
thousand times, four fingers each, tapping on the page; every 25 bookings the kiosk is locked and unlocked again. After
each booking the kernel is asked what the service holds. Nothing is paced.

Left in the folder: `samples.jsonl` (a line a booking, written at once, so that a run that is ended early can still be
judged with --only-report), `figures.json`, `memory.png`, and the logs of all parts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.kiosk_memory.chart import draw
from benchmarks.kiosk_memory.report import figures_of, table_of, verdict_of
from benchmarks.kiosk_memory.run import run, samples_of


def main(
    *,
    bookings: Annotated[int, typer.Option(min=1, help="How many, of four fingers each.")] = 1000,
    folder: Annotated[Path, typer.Option(help="Where everything is left.")] = Path("runs/kiosk_memory"),
    secure: Annotated[
        bool,
        typer.Option(help="Provisioned, and all that is sent signed and sealed; --no-secure: in the clear."),
    ] = True,
    board: Annotated[bool, typer.Option(help="The sensor behind its board; --no-board: on a UART.")] = True,
    tester: Annotated[
        bool,
        typer.Option(
            help="Playwright drives the page; --no-tester: nothing is attached that makes Chromium grow."
        ),
    ] = True,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the edge service, KEY=VALUE.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", help="NAME=VALUE in the edge service's environment.")
    ] = None,
    only_report: Annotated[bool, typer.Option(help="Judge what is in the folder; run nothing.")] = False,
) -> None:
    """Run, print a table, and exit with 1 where a bar is missed.

    Examples:
      python -m benchmarks.kiosk_memory --bookings 50

      python -m benchmarks.kiosk_memory --no-tester --folder runs/chromium_memory

      nice -n 5 python -m benchmarks.kiosk_memory --folder runs/kiosk_memory

      python -m benchmarks.kiosk_memory --only-report
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    if not only_report:
        folder.mkdir(parents=True, exist_ok=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("bookings", total=bookings)
            run(
                folder,
                bookings=bookings,
                secure=secure,
                board=board,
                tester=tester,
                settings=assign or (),
                env=dict(_pair(text) for text in env or ()),
                done=lambda: progress.advance(task),
            )
    samples = samples_of(folder)
    figures = figures_of(samples)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    title = f"The kiosk's service through {figures['bookings']} bookings, its page open"
    draw(samples, title=title).save(folder / "memory.png")
    console.print(table_of(figures))
    for line in verdict_of(figures):
        console.print(line, highlight=False)
    raise typer.Exit(0 if figures["within_the_bar"] and not figures["grows"] else 1)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    typer.run(main)
