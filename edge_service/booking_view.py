"""A booking drawn on a terminal: a bar for each transfer, then what the matcher said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge_service.booking import Stage
from interchange.fingers import FINGERS

if TYPE_CHECKING:
    from types import TracebackType

    from edge_service.booking import Booking, BookingEvent

_STYLES = {"red": "bold red", "yellow": "bold yellow", "green": "green"}


class BookingView:
    """Pass `show` as the events of an `EdgeService`; `summarise` draws what came of it."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=self.console
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: BookingEvent) -> None:
        """Draw one step."""
        finger = FINGERS[event.position]
        match event.stage:
            case Stage.PRESS:
                again = f" (press {event.attempt})" if event.attempt > 1 else ""
                self._task = self._progress.add_task(f"{finger}{again}: press now", total=None)
            case Stage.TRANSFER:
                self._update(description=finger, completed=event.done, total=event.total)
            case Stage.EXTRACTED if event.minutiae is not None:
                found = event.minutiae
                words = f"{finger}: quality {found.finger_quality}, {len(found)} minutiae"
                self._update(description=words)
            case Stage.AGAIN | Stage.LEFT_OUT:
                self._update(description=f"{finger}: {event.note}")
            case Stage.SAVED:
                self.console.print(f"saved as {event.tcn}")
                if event.note:
                    self.console.print(event.note, style="yellow")
            case Stage.WAITING:
                self.console.print("No reply yet. The booking is saved and will be delivered.")
            case Stage.REFUSED:
                self.console.print(f"The matcher refused this booking: {event.note}", style="bold red")
            case _:
                pass

    def summarise(self, booking: Booking) -> None:
        """The reply by repository, and how long it took."""
        if booking.reply is None:
            return
        for problem in booking.reply.capture_problems:
            self.console.print(f"Taken wrongly: {problem.advice}", style="bold yellow")
        table = Table("repository", "reply", "candidates", title="A candidate is not a finding.")
        for repository in booking.reply.repositories:
            words = f"{repository.colour} (search failed)" if repository.failed else repository.colour
            table.add_row(
                repository.name, f"[{_STYLES[repository.colour]}]{words}[/]", str(len(repository.candidates))
            )
        self.console.print(table)
        if booking.last_byte_to_reply_ms is not None:
            self.console.print(f"reply {booking.last_byte_to_reply_ms:.0f} ms after the sensor's last byte")

    def _update(self, *, description: str, completed: int | None = None, total: int | None = None) -> None:
        if self._task is not None:
            self._progress.update(self._task, description=description, completed=completed, total=total)
