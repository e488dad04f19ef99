"""`python -m benchmarks.latency`: from the sensor's last byte to the reply on the kiosk.

The whole way on real parts: extraction, spool, Mosquitto, matcher with a filled gallery in each of two
repositories, reply. The sensor is emulated and unpaced, because the wire's seconds come before the last byte.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

if TYPE_CHECKING:
    from demo.stage import Stage

ALL_POSITIONS = (2, 7, 3, 8, 1, 6, 4, 9, 5, 10)  # in the order in which a desk would take them
REPOSITORIES = ("criminal", "immigration")
BAR_MS = 1000.0


def main(
    *,
    identities: Annotated[int, typer.Option(min=1, help="Simulated people in each repository.")] = 2000,
    fingers: Annotated[int, typer.Option(min=1, max=10, help="Fingers of a booking, and of everybody.")] = 2,
    bookings: Annotated[int, typer.Option(min=1, help="Bookings to time.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Time bookings end to end and print how long the kiosk waits after the last byte.

    Example: python -m benchmarks.latency --identities 2000 --fingers 2 --bookings 20
    """
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from demo.centre import Centre
    from demo.stage import Stage
    from edge_service.extraction import Extractor

    console = Console(stderr=True)
    positions = ALL_POSITIONS[:fingers]
    waits: list[float] = []
    stages: list[dict[str, float]] = []
    with Stage(extractor=Extractor.load(), speed=0.0, direct=True, events=lambda _: None) as stage:
        centre = Centre(stage.database_url, REPOSITORIES)
        with console.status(f"Enrolling {2 * identities:,} simulated people with {fingers} fingers"):
            centre.enroll_strangers(identities, positions, lambda _: None)
        centre.close()
        with console.status("Starting") as status:
            stage.start(lambda part: status.update(f"Starting {part}"))
        for number in track(range(bookings), description="Booking", console=console):
            wait, parts = _book(stage, positions, number)
            waits.append(wait)
            stages.append(parts)
    figures = {
        "identities_per_repository": identities,
        "repositories": len(REPOSITORIES),
        "fingers": fingers,
        "bookings": bookings,
        "last_byte_to_reply_ms": {
            "p50": float(np.median(waits)),
            "p95": float(np.quantile(waits, 0.95)),
            "max": max(waits),
        },
        "stages_ms_p50": {k: float(np.median([s[k] for s in stages])) for k in stages[0]},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
    }
    table = Table("Last byte to reply", "p50", "p95", "max", "bar")
    row = [f"{v:.0f} ms" for v in figures["last_byte_to_reply_ms"].values()]  # pyright: ignore[reportAttributeAccessIssue]
    table.add_row(f"{identities:,} identities x 2, {fingers} fingers", *row, f"{BAR_MS:.0f} ms")
    console.print(table)
    text = json.dumps(figures, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


def _book(stage: Stage, positions: tuple[int, ...], number: int) -> tuple[float, dict[str, float]]:
    from models.synthetic import impression, master

    finger = master(500 + number % 4)
    stage.sensor.enqueue([impression(finger, number * len(positions) + k) for k in range(len(positions))])
    booking = stage.edge.book(positions)
    if booking.reply is None or booking.last_byte_to_reply_ms is None:
        raise SystemExit(f"booking {number + 1} had no reply: {booking.refused or 'not in time'}")
    parts = {"extraction": booking.fingers[-1].extraction_ms, "saving": booking.saving_ms}
    return booking.last_byte_to_reply_ms, parts | dict(booking.reply.timings_ms)


if __name__ == "__main__":
    typer.run(main)
