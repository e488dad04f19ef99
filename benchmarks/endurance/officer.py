"""The officer: a program that takes bookings as `edge-service book` does, from the TCN on, and can be killed any time.

Each booking gets a TCN, its own line in the ledger, and goes into the spool beside the running edge service. What the
spool refuses was not saved; the person is booked again later, under another TCN. A booking that was under way when
the program was killed is looked up in the spool by the next one, as an officer would.
"""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.endurance import parameters as p
from benchmarks.endurance.bookings import prints_of
from benchmarks.endurance.ledger import LedgerWriter
from edge_service.clock import SystemClock
from edge_service.errors import SpoolError, SpoolFull
from edge_service.running_parts import open_spool
from edge_service.settings import EdgeSettings
from edge_service.spool import SpoolState
from interchange import iso19794
from interchange.command_line import Set, settings_or_fail
from interchange.messages import ModelReference, Print, Purpose, Submission, encode_message
from interchange.record import record_of
from interchange.tcn import new_tcn

if TYPE_CHECKING:
    from edge_service.spool import Spool


class Officer:
    """Takes all bookings of a campaign and waits for all replies."""

    def __init__(
        self, *, spool: Spool, ledger: LedgerWriter, seed: int, submissions: int, rate_per_s: float
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._seed = seed
        self._submissions = submissions
        self._rate_per_s = rate_per_s
        self._clock = SystemClock(store=spool)
        self._pauses = Random(f"officer {seed}")  # noqa: S311 - has to be repeatable

    def work(self) -> None:
        """Until every booking is saved and answered. Raises SpoolError where the spool cannot be looked at."""
        bookings = self._ledger.account.bookings.values()
        self._decide([b.tcn for b in bookings if b.undecided])
        done = {b.number for b in bookings if b.saved}
        waiting = {b.tcn for b in bookings if b.saved and not (b.reply_sha256 or b.refused or b.gone)}
        to_do = [number for number in range(self._submissions) if number not in done][::-1]
        book_at = look_at = time.monotonic()
        pause = threading.Event()
        while to_do or waiting:
            now = time.monotonic()
            if to_do and now >= book_at and len(waiting) < p.MOST_OPEN:
                tcn = self._book(to_do[-1])
                if tcn:
                    to_do.pop()
                    waiting.add(tcn)
                pause_s = self._pauses.expovariate(self._rate_per_s)
                book_at = max(book_at, now - 1.0) + pause_s if tcn else now + p.AGAIN_AFTER_S
            if now >= look_at:
                waiting -= {tcn for tcn in waiting if self._is_answered(tcn)}
                look_at = time.monotonic() + p.LOOK_FOR_REPLIES_S
            next_at = min(look_at, book_at) if to_do and len(waiting) < p.MOST_OPEN else look_at
            # Not time.sleep: under faketime it fails for a moment that has just passed.
            pause.wait(max(0.0, next_at - time.monotonic()))

    def _book(self, number: int) -> str:
        """Save one; its TCN, or "" where the spool refused."""
        captured_at = self._clock.now()
        tcn = new_tcn(p.DEVICE, now_ms=int(captured_at.clock.timestamp() * 1000))
        submission = Submission(
            tcn=tcn,
            device=p.DEVICE,
            captured_at=captured_at,
            purpose=Purpose.BOOKING,
            extractor=ModelReference(name="synthetic", sha256="0" * 64),
            prints=tuple(
                Print(
                    position=position,
                    finger_quality=minutiae.finger_quality,
                    template=iso19794.encode(record_of(minutiae, position=position)),
                )
                for position, minutiae in prints_of(self._seed, number).items()
            ),
        )
        payload = encode_message(submission)
        self._ledger.note("intent", tcn, n=number, sha256=hashlib.sha256(payload).hexdigest())
        try:
            self._spool.add(tcn, payload)
        except SpoolFull as full:
            self._ledger.note("void", tcn, why=full.limit)
            return ""
        except SpoolError as error:
            self._ledger.note("void", tcn, why=str(error))
            return ""
        self._ledger.note("saved", tcn, looked=False)
        return tcn

    def _decide(self, tcns: list[str]) -> None:
        """What the spool says of those that nobody was told of."""
        for tcn in tcns:
            if self._spool.entry(tcn) is not None:
                self._ledger.note("saved", tcn, looked=True)
            else:
                self._ledger.note("void", tcn, why="killed")

    def _is_answered(self, tcn: str) -> bool:
        entry = self._spool.entry(tcn)
        if entry is None:
            self._ledger.note("gone", tcn)
        elif entry.state is SpoolState.REFUSED:
            self._ledger.note("refused", tcn, why=f"{entry.refused_field}: {entry.refused_reason}")
        elif entry.state is SpoolState.REPLIED and entry.reply is not None:
            self._ledger.note("replied", tcn, sha256=hashlib.sha256(entry.reply).hexdigest())
        else:
            return False
        return True


def main(
    *,
    ledger: Annotated[Path, typer.Option(help="Where it is written down.")],
    seed: Annotated[int, typer.Option(help="Of the campaign.")],
    submissions: Annotated[int, typer.Option(help="How many.")],
    rate: Annotated[float, typer.Option(help="Bookings a second.")],
    assign: Set = None,
) -> None:
    """Take bookings."""
    settings = settings_or_fail(EdgeSettings, None, assign, quiet=True)
    with open_spool(settings) as spool:
        Officer(
            spool=spool, ledger=LedgerWriter(ledger), seed=seed, submissions=submissions, rate_per_s=rate
        ).work()


if __name__ == "__main__":
    typer.run(main)
