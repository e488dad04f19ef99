"""The recorder: sits on the wire between a host and a sensor and keeps what passes.

``python -m hardware.bench.record --help``; what to do with the file: `hardware.bench.replay`.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from edge_service.sensors.models import find_model
from hardware.bench.trace import DOWN, MOST_FILE_BYTES, TOLD, UP, Entry, TraceError, TraceWriter
from hardware.bench.trace_cleaning import Cleaner
from hardware.bench.wire import Direction, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_EPILOG = """
The program that uses the sensor opens LINK instead of the sensor's own port; the recorder passes everything on.
Prints are NOT kept unless you say --with-images: contents of data packets are replaced by a made-up print with
sums that fit, and the password by zeros. Lengths, times, and everything that is damaged on the wire stay.

\b
Examples:
  python -m hardware.bench.record --port /dev/serial/by-id/usb-FTDI_0001-if00-port0 --out silent.jsonl
  python -m hardware.bench.record --port /tmp/sensor --link /tmp/recorded --out x.jsonl --model R503 \\
      --note "stays silent after the second finger"
  python -m hardware.bench.replay silent.jsonl
"""


class Recorder:
    """Records a sensor's wire while it is in use: the host opens `path`. A context manager.

    Attributes:
        failed: why nothing more could be written, if so; the wire goes on all the same.

    Args:
        port: of the sensor, which may come and go.
        out: the trace, a new file. Raises TraceError if it cannot be made.
        link: where the host's port appears; None makes a place in the directory for temporary files.
        model: of the sensor, for the size of the made-up print and for the record. Raises ValueError if unknown.
        with_images: keep prints and the password. The file is then a person's biometric data.
    """

    def __init__(
        self,
        port: Path | str,
        out: Path,
        *,
        link: Path | str | None = None,
        model: str = "R307",
        with_images: bool = False,
        note: str = "",
        most_bytes: int = MOST_FILE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        known = find_model(model)
        self.failed: OSError | None = None
        self._clock = clock
        self._started = clock()
        self._cleaners = {
            direction: None if with_images else Cleaner(width=known.width, height=known.height)
            for direction in Direction
        }
        self._writer = TraceWriter(
            out, model=known.name, real_contents=with_images, note=note, most_bytes=most_bytes
        )
        # A sensor's adapter is a USB device: pulled out, its port goes away, and so has ours.
        self._wire = Wire(link=link, usb=True, tap=self._tap, told=self._told, name="recorded")
        self._wire.join(port)

    @property
    def path(self) -> str:
        """What the host opens."""
        return self._wire.path

    @property
    def full(self) -> bool:
        """Whether the file has reached its size."""
        return self._writer.full

    def carried(self) -> dict[Direction, int]:
        """Bytes that passed, each way."""
        return {direction: self._wire.carried(direction) for direction in Direction}

    def __enter__(self) -> Self:
        try:
            self._wire.start()
        except BaseException:
            self._writer.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wire.stop()
            for direction, cleaner in self._cleaners.items():
                if cleaner is not None:
                    self._write(*(Entry(at_ms, direction.value, data) for at_ms, data in cleaner.flush()))
        finally:
            self._writer.close()

    def _tap(self, direction: Direction, data: bytes) -> None:
        at_ms = (self._clock() - self._started) * 1000
        cleaner = self._cleaners[direction]
        upward = self._cleaners[Direction.UP]
        if direction is Direction.DOWN and upward is not None:
            upward.restart()
        pieces = [(at_ms, data)] if cleaner is None else cleaner.feed(at_ms, data)
        self._write(
            *(Entry(when_ms, UP if direction is Direction.UP else DOWN, part) for when_ms, part in pieces)
        )

    def _told(self, what: str) -> None:
        self._write(Entry((self._clock() - self._started) * 1000, TOLD, text=what))

    def _write(self, *entries: Entry) -> None:
        if self.failed is not None:
            return
        try:
            for entry in entries:
                self._writer.add(entry)
        except OSError as error:
            self.failed = error  # a full disk must not take the sensor away


def main(  # noqa: PLR0917 - one option each, given by name
    port: Annotated[Path, typer.Option(help="The sensor's serial port.")],
    out: Annotated[Path, typer.Option(help="The trace: a new file.")],
    link: Annotated[Path, typer.Option(help="Where the port for the sensor's user appears.")] = Path(
        "/tmp/recorded"  # noqa: S108 - an example's place
    ),
    model: Annotated[str, typer.Option(help="Of the sensor: R307, R503, AS608, ZFM-20.")] = "R307",
    note: Annotated[str, typer.Option(help="What is wrong, for whoever replays it.")] = "",
    with_images: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option(
            "--with-images/--without-images",
            help="WARNING: with images the file holds a person's fingerprints and the sensor's password.",
        ),
    ] = False,
    seconds: Annotated[float | None, typer.Option(min=0, help="End by itself after so long.")] = None,
) -> None:
    """Record what passes between a sensor and its user, until Ctrl-C, without keeping anybody's print."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        recorder = Recorder(port, out, link=link, model=model, with_images=with_images, note=note)
        with recorder:
            typer.echo(f"recording {port} as {recorder.path} to {out}")
            if with_images:
                typer.echo(
                    "WARNING: this file will hold fingerprints. Keep or delete it as you would the prints.",
                    err=True,
                )
            ended.wait(seconds)
            carried = recorder.carried()
    except (ValueError, OSError, TraceError) as error:
        typer.echo(f"recorder: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{carried[Direction.DOWN]} bytes down, {carried[Direction.UP]} bytes up in {out}")
    if recorder.full:
        typer.echo(f"{out} is full at {MOST_FILE_BYTES:,} bytes: the end is not in it", err=True)
    if recorder.failed is not None:
        typer.echo(f"recorder: {out} could not be written to its end: {recorder.failed.strerror}", err=True)
        raise typer.Exit(1)


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(epilog=_EPILOG)(main)

if __name__ == "__main__":
    app()
