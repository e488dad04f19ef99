"""The run: booking after booking, and after each one line of JSON in a file, so that an end halfway loses nothing."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.kiosk_memory.appliance import Appliance, Fingers
from benchmarks.kiosk_memory.officer import Officer
from benchmarks.kiosk_memory.process_size import browser_pss, size_of
from benchmarks.kiosk_memory.unattended import UnattendedOfficer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SAMPLES = "samples.jsonl"
FINGERS = 4
MASTERS = 24
SHIFT = 25
"""Bookings between two lockings: an officer's shift at a small desk, rounded up."""
LOOK_EVERY = 10
"""The browser, and the figures for Prometheus, every so many bookings."""


def run(
    folder: Path,
    *,
    bookings: int,
    secure: bool,
    board: bool,
    tester: bool,
    settings: Sequence[str],
    env: dict[str, str],
    done: Callable[[], None],
) -> None:
    """Take the bookings; `done` is called after each. The first sample is of before the first booking.

    Without `tester` no tester's library is attached to the browser: see `unattended`.
    """
    make_officer = Officer if tester else UnattendedOfficer
    fingers = Fingers(MASTERS)
    began = time.monotonic()
    with (
        Appliance(folder / "appliance", secure=secure, board=board, settings=settings, env=env) as appliance,
        make_officer(appliance) as officer,
        (folder / SAMPLES).open("w", encoding="utf-8", buffering=1) as file,
    ):
        for number in range(bookings + 1):
            if number:
                if number % SHIFT == 1:
                    officer.unlock()
                officer.book(f"B-{number:06}", fingers.of_booking(number, FINGERS))
                if number % SHIFT == 0:
                    officer.lock()
            sample: dict[str, Any] = {
                "booking": number,
                "elapsed_s": round(time.monotonic() - began, 2),
                **asdict(size_of(appliance.kiosk.pid)),
            }
            if number % LOOK_EVERY == 0:
                appliance.scrape()
                sample |= {"browser_pss": browser_pss(), **officer.meter()}
            file.write(json.dumps(sample) + "\n")
            if number:
                done()


def samples_of(folder: Path) -> list[dict[str, float]]:
    """What was measured there, also by a run that is still under way."""
    lines = (folder / SAMPLES).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]
