"""What the officer was told, on a disk of its own: one JSON value a line, each synced before anything goes on.

intent   booking n is about to be saved under this TCN
saved    the spool said that it is saved (or, after a crash in between, has it)
void     the spool said that it is not; the TCN is never used again
replied  the reply is in the spool
refused  the matcher refused it
gone     the spool knows nothing of something that was saved, and no reply was seen
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Booking:
    """What is known of one TCN; times by the machine's monotonic clock."""

    number: int
    tcn: str
    sha256: str
    saved: bool = False
    void: str = ""
    by_looking: bool = False
    reply_sha256: str = ""
    refused: str = ""
    gone: bool = False
    saved_at_s: float = 0.0
    replied_at_s: float = 0.0

    @property
    def undecided(self) -> bool:
        """The program was killed before the spool answered."""
        return not self.saved and not self.void


@dataclass(slots=True)
class Account:
    """The ledger, read; `declined` bookings were taken again under another TCN, and no TCN may be `reused`."""

    bookings: dict[str, Booking] = field(default_factory=dict[str, Booking])
    saved: int = 0
    replied: int = 0
    declined: int = 0
    reused: int = 0

    def take(self, line: dict[str, Any]) -> None:
        """One more line."""
        tcn = line["tcn"]
        match line["what"]:
            case "intent":
                self.reused += tcn in self.bookings
                self.bookings[tcn] = Booking(line["n"], tcn, line["sha256"])
            case "saved":
                self.saved += 1
                self.bookings[tcn].saved = True
                self.bookings[tcn].by_looking = line["looked"]
                self.bookings[tcn].saved_at_s = line["t"]
            case "void":
                self.declined += 1
                self.bookings[tcn].void = line["why"]
            case "replied":
                self.replied += 1
                self.bookings[tcn].reply_sha256 = line["sha256"]
                self.bookings[tcn].replied_at_s = line["t"]
            case "refused":
                self.bookings[tcn].refused = line["why"]
            case _:
                self.bookings[tcn].gone = True


class LedgerReader:
    """Follows a ledger that somebody else writes."""

    def __init__(self, path: Path) -> None:
        self.account = Account()
        self._path = path
        self._read = 0

    def follow(self) -> Account:
        """All that is in it by now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                whole, newline, _ = file.read().rpartition(b"\n")
            for line in whole.splitlines():
                self.account.take(json.loads(line))
            self._read += len(whole) + len(newline)
        return self.account


class LedgerWriter:
    """Writes one; half a line, left by a crash, is cut off first."""

    def __init__(self, path: Path) -> None:
        reader = LedgerReader(path)
        self.account = reader.follow()
        self._file = path.open("ab")
        self._file.truncate(path.read_bytes().rfind(b"\n") + 1)

    def note(self, what: str, tcn: str, **more: object) -> None:
        """When this returns it is on the disk."""
        line = {"what": what, "tcn": tcn, "t": round(time.monotonic(), 3), **more}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.account.take(line)
