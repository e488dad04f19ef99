"""What the demo shows: a bar for each transfer, what was found, the reply, and where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from edge_service.booking import Stage
from interchange.fingers import FINGERS

if TYPE_CHECKING:
    from rich.console import Console

    from edge_service.booking import Booking, BookingEvent

COLOURS = {
    "red": Text(" RED ", style="bold white on red") + Text("  highly probable", style="default"),
    "yellow": Text(" YELLOW ", style="bold black on yellow") + Text("  possible", style="default"),
    "green": Text(" GREEN ", style="bold black on green") + Text("  none found", style="default"),
}


class FingerBars:
    """One line a finger: its transfer while it runs, then its quality and minutiae. Pass `show` as events."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("  {task.description:<14}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[found]}"),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: BookingEvent) -> None:
        """Draw one step of a booking."""
        match event.stage:
            case Stage.PRESS:
                self._task = self._progress.add_task(FINGERS[event.position], total=None, found="")
            case Stage.TRANSFER if self._task is not None:
                self._progress.update(self._task, completed=event.done, total=event.total)
            case Stage.EXTRACTED if self._task is not None and event.minutiae is not None:
                found = event.minutiae
                words = f"quality [bold]{found.finger_quality}[/], [bold]{len(found)}[/] minutiae"
                self._progress.update(self._task, found=words)
                self._progress.stop_task(self._task)
            case Stage.AGAIN | Stage.LEFT_OUT if self._task is not None:
                self._progress.update(self._task, found=f"[yellow]{event.note}[/]")
                self._progress.stop_task(self._task)
            case _:
                pass


def capture_lines(booking: Booking) -> list[str]:
    """What went wrong at the sensor, if anything did."""
    problems = booking.reply.capture_problems if booking.reply else ()
    return [f"  [bold yellow]Taken wrongly:[/] {problem.advice}" for problem in problems]


def reply_table(booking: Booking) -> Table:
    """The reply, repository by repository."""
    table = Table("Repository", "Reply", "Candidates", box=None, padding=(0, 2), header_style="dim")
    reply = booking.reply
    if reply is None:
        return table
    for repository in reply.repositories:
        table.add_row(repository.name, COLOURS[str(repository.colour)], str(len(repository.candidates)))
    for name in reply.to_follow:
        table.add_row(name, Text("to follow, after people have looked at it"), "")
    for name in reply.not_searched:
        table.add_row(name, Text("not searched"), "")
    return table


def timing_line(booking: Booking) -> str:
    """Where the time went, from the last byte of the last image to the reply."""
    last = booking.fingers[-1]
    parts = [
        ("minutiae", last.extraction_ms),
        ("template", last.encoding_ms),
        ("saved on disk", booking.saving_ms),
    ]
    answer = booking.reply.timings_ms if booking.reply else {}
    parts += [(name.replace("search.", "search in "), ms) for name, ms in answer.items() if name != "total"]
    spent = ", ".join(f"{name} {ms:.0f}" for name, ms in parts)
    whole = booking.last_byte_to_reply_ms
    total = (
        "no reply" if whole is None else f"[bold]{whole:.0f} ms[/] from the sensor's last byte to the reply"
    )
    return f"  {total}  [dim](of it in ms: {spent})[/]"
