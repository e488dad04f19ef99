"""Updates drawn on a terminal: a bar while bytes go, words while the board restarts, and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_service.firmware_update.install import Steps, install
from edge_service.firmware_update.transfer import work_of
from edge_service.sensors.board.answers import BOARD_WORDS, RESET_WORDS
from edge_service.sensors.board.errors import BoardUnpaired
from edge_service.sensors.board.pairing import NO_KEY
from firmware.core import codes

if TYPE_CHECKING:
    from edge_service.firmware_update import Bundle
    from edge_service.sensors.board import Board
    from edge_service.sensors.board.answers import Identity


def show_update(board: Board, bundle: Bundle, *, allow_older: bool) -> None:
    """Install `bundle` and show how it goes. Raises as `install` does."""
    console = Console(highlight=False)
    manifest = bundle.manifest
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    console.print(f"{manifest.version} for {manifest.board}, signed by {bundle.signer}")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"Sending {manifest.version}", total=work_of(bundle))

        def waiting(words: str) -> None:
            bar.update(task, description=words)
            if not console.is_terminal:
                console.print(words)

        steps = Steps(sent=lambda count: bar.update(task, completed=count), waiting=waiting)
        done = install(board, bundle, allow_older=allow_older, steps=steps)
        bar.update(task, completed=work_of(bundle), description=f"{manifest.version} runs")
    if done.before == done.after:
        console.print(f"[green]{done.after} runs and is confirmed[/], in slot {done.slot}.")
    else:
        console.print(
            f"[green]{done.after} runs and is confirmed[/], in slot {done.slot}. {done.before} stays beside it."
        )


def show_status(board: Board) -> bool:
    """Print what the board runs; False when somebody should look at it. Raises SensorError when it is silent."""
    identity = _who(board)
    table = Table(show_header=False, box=None, padding=(0, 2))

    def row(name: str, words: str) -> None:
        table.add_row(f"[dim]{name}[/]", words)

    well = True
    row("board", f"{identity.unique} ({BOARD_WORDS.get(identity.board, 'of an unknown kind')})")
    row("firmware", identity.version or "without a version")
    can_update = bool(identity.capabilities & codes.CAN_UPDATE)
    row(
        "slot",
        str(identity.slot) if can_update else "none: not installed for updates (docs/firmware-update.md)",
    )
    if identity.flags.on_trial:
        well = False
        row(
            "trial",
            "[yellow]yes[/]: confirm it by running its update again, or it falls back within four minutes",
        )
    else:
        row("trial", "no")
    row("last start", RESET_WORDS.get(identity.reset_cause, f"cause {identity.reset_cause}"))
    if identity.proven:
        fell_back = board.counters().get("fallbacks", 0)
        row("fall backs", str(fell_back) if fell_back else "none")
    else:
        row("proven", "no: the board is not paired with this kiosk")
    if identity.reset_cause == codes.RESET_FALL_BACK:
        well = False
        row("look at", "the last update did not run well; report it to whoever built it")
    Console(highlight=False).print(table)
    return well


def _who(board: Board) -> Identity:
    """Whoever answers, paired or not: a status proves nothing and need not."""
    try:
        key = board.pairing.read().key
    except BoardUnpaired:
        key = NO_KEY
    identity = board.open_with(key)
    return identity if identity.proven or key == NO_KEY else board.open_with(NO_KEY)
