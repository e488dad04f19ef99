"""`python -m benchmarks.board_faults --runs 10000 --seed 1`: faults on both wires of the board, again and again.

The real firmware in the real interpreter stands between the sensor emulator and the driver of the edge service. In
each run one or two things go wrong: bytes are lost, flipped, doubled, delayed or made up on either wire, the board
restarts, a cable is pulled, the sensor loses its power, the host stops to read, somebody speaks into the wire. The
capture has to end with the right image, by its SHA-256, or with an error that has a name, within its deadline; and
with nothing wrong any more the next capture has to give the right image.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.board_faults.parameters import HASTE

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.board_faults.workers import Orders


def main(  # noqa: PLR0917 - one option each, given by name
    runs: Annotated[int, typer.Option(min=1, help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Another one is another campaign.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; two cores carry two.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Folder for progress and figures.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT.")] = False,  # noqa: FBT002 - a flag
    only: Annotated[
        int | None, typer.Option(min=0, help="Do this run alone, and tell what happened.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="With --only: keep what passed on the sensor's wire in this new file.")
    ] = None,
    direct: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--direct", help="Without a board: the driver on the sensor.")
    ] = False,
    haste: Annotated[int, typer.Option(min=1, max=20, help="How many times as short deadlines are.")] = HASTE,
) -> None:
    """Let everything go wrong, and count wrong images, hangs and errors without a name; exit code 1 for any.

    Examples:
    python -m benchmarks.board_faults --runs 10000 --seed 1 --out runs/faults

    python -m benchmarks.board_faults --runs 10000 --seed 1 --out runs/faults --resume

    python -m benchmarks.board_faults --seed 1 --only 4711 --trace run.jsonl
    """
    from rich.console import Console

    from benchmarks.board_bench import flash_of_a_new_board
    from benchmarks.board_faults.workers import Orders

    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="whorl-firmware-") as folder:
        flash = "" if direct else str(flash_of_a_new_board(Path(folder)))
        orders = Orders(seed, direct, haste, flash)
        if only is not None:
            failed = _one(orders, only, trace, console)
        else:
            failed = _all(orders, runs, workers=workers, out=out, resume=resume, console=console)
    raise typer.Exit(1 if failed else 0)


def _all(
    orders: Orders, runs: int, *, workers: int, out: Path | None, resume: bool, console: Console
) -> bool:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from benchmarks.board_faults.chart import draw
    from benchmarks.board_faults.judging import Verdict
    from benchmarks.board_faults.ledger import Ledger, LedgerError
    from benchmarks.board_faults.summary import figures, show
    from benchmarks.board_faults.workers import campaign

    try:
        ledger = Ledger(out, orders, resume=resume)
    except LedgerError as error:
        console.print(f"[red]{error}")
        raise typer.Exit(2) from error
    done = {verdict.number for verdict in ledger.verdicts}
    numbers = [number for number in range(runs) if number not in done]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Harming", total=runs, completed=runs - len(numbers))
            for said in campaign(orders, numbers, workers=workers):
                ledger.add(said)
                if isinstance(said, Verdict):
                    progress.advance(task)
                    if said.failure:
                        progress.console.print(f"[red]run {said.number}: {said.failure}", soft_wrap=True)
    finally:
        ledger.close()
    show(ledger.verdicts, ledger.counters, console)
    result = {"seed": orders.seed, **figures(ledger.verdicts, ledger.counters)}
    text = json.dumps(result, indent=2)
    print(text)
    if out is not None:
        (out / "figures.json").write_text(text + "\n", encoding="utf-8")
        title = f"{result['runs']:,} runs, one trouble at a time: what came of it"
        draw(ledger.verdicts, title=title).save(out / "outcomes.png")
    return bool(result["failures"])


def _one(orders: Orders, number: int, trace: Path | None, console: Console) -> bool:
    """One run by itself, on a bench of its own."""
    import time

    from benchmarks.board_faults.judging import run_once
    from benchmarks.board_faults.plan import plan_of
    from benchmarks.board_faults.workers import put_up
    from hardware.bench.trace import Entry, TraceError, TraceWriter
    from hardware.bench.wire import Direction  # noqa: TC001 - for the tap below

    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)6d ms %(name)s: %(message)s")
    plan = plan_of(orders.seed, number, direct=orders.direct)
    writer = None
    if trace is not None:
        note = (
            f"campaign seed {orders.seed}, run {number}: {', '.join(map(str, plan.troubles))}; made-up prints"
        )
        try:
            writer = TraceWriter(trace, model=plan.rig.model, real_contents=True, note=note)
        except TraceError as error:
            console.print(f"[red]{error}")
            raise typer.Exit(2) from error
    started = time.monotonic()

    def tap(direction: Direction, data: bytes) -> None:
        if writer is not None:
            writer.add(Entry((time.monotonic() - started) * 1000, direction.value, data))

    console.print(f"{plan.rig}: {', '.join(map(str, plan.troubles)) or 'calm'}")
    rig = put_up(orders, plan, tap=tap)
    try:
        verdict = run_once(rig, plan, seed=orders.seed)
        counters = rig.counters()
    finally:
        rig.close()
        if writer is not None:
            writer.close()
    print(json.dumps(verdict.as_json() | {"counters": counters}, indent=2))
    return bool(verdict.failure)


if __name__ == "__main__":
    typer.run(main)
