"""`python -m benchmarks.spool_writes`: how many bytes a booking costs the kiosk's card.

The kernel counts what a process has caused to be written to storage (`write_bytes` of /proc/self/io). Each step of a
booking's way through the spool is done many times by itself; the log's folding-in (checkpoint) falls on whichever step
reaches its 1,000 pages, so that the sum over all steps is what counts. A folder in memory would count nothing: name
one on a disk.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_service.ops.metrics import written_bytes
from edge_service.ops.progress import write_lock
from edge_service.spool import Spool
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message

if TYPE_CHECKING:
    from collections.abc import Callable

FINGERS = (2, 3, 7, 8)
REPLY = b"x" * 700  # two repositories, five candidates each
A_DAY = 70  # bookings of a small county's busiest day


def main(
    folder: Annotated[Path | None, typer.Option(help="On the disk to be measured.")] = None,
    *,
    bookings: Annotated[int, typer.Option(min=10, help="How many.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure, and print a table.

    Example:
      python -m benchmarks.spool_writes --folder /var/tmp
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        result = measured(Path(place), bookings)
    if as_json:
        print(json.dumps(result, indent=2))
        return
    table = Table("step", "bytes written, mean", box=None)
    for name, count in result.items():
        table.add_row(name, f"{count:,.0f}")
    Console().print(table)


def measured(folder: Path, bookings: int) -> dict[str, float]:
    """Mean bytes of each step, and of a whole booking."""
    people = [
        made_up_submission("kiosk-1", {p: made_up_minutiae(n * 10 + p) for p in FINGERS})
        for n in range(bookings)
    ]
    payloads = {submission.tcn: encode_message(submission) for submission in people}
    with Spool(
        folder / "spool.db", device="kiosk-1", max_submissions=bookings + 1, disk_reserve_bytes=0
    ) as spool:
        steps: dict[str, Callable[[str], object]] = {
            "saved": lambda tcn: spool.add(tcn, payloads[tcn]),
            "sent": spool.mark_sent,
            "acknowledged": spool.acknowledge,
            "replied": lambda tcn: spool.keep_reply(tcn, REPLY),
        }
        sums = dict.fromkeys(steps, 0)
        for tcn in track(payloads, description=f"{bookings} bookings", transient=True):
            for name, step in steps.items():
                before = written()
                step(tcn)
                sums[name] += written() - before
        before = written()
        base_ms = int(time.time() * 1000)
        for n in range(bookings):
            spool.raise_clock_floor(base_ms + n)
        floor = (written() - before) / bookings
        before = written()
        for _ in range(bookings):
            write_lock(spool.path)
        proof = (written() - before) / bookings
    means: dict[str, float] = {name: count / bookings for name, count in sums.items()}
    total = sum(means.values())
    return {
        **means,
        "a booking, all steps": total,
        f"a day of {A_DAY} bookings": total * A_DAY,
        "the clock's floor raised once": floor,
        "a proof for the watchdog": proof,
    }


def written() -> int:
    """Bytes so far."""
    count = written_bytes()
    if count is None:
        raise SystemExit("this kernel does not count what a process writes (/proc/self/io)")
    return count


if __name__ == "__main__":
    typer.run(main)
