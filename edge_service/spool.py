"""The kiosk's store of submissions: what the officer was told is saved is in here until the matcher has it.

A submission is written and synced before it is published, and let go only on the matcher's acknowledgement
of its TCN: then its prints are erased and the row stays for the reply. The spool is bounded, refuses new
submissions when it is full, and never drops one to make room. Several processes may have it open.

    queued -> sent -> acknowledged -> replied        refused (prints kept for inspection)
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from edge_service import parameters
from edge_service.errors import SpoolError, SpoolFull
from edge_service.spool_file import open_file, quarantined, transaction
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

log = logging.getLogger("edge.spool")


class SpoolState(StrEnum):
    """How far a submission has come."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REPLIED = "replied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """A submission in the spool; `reply` is the reply's payload, `saved_ms` the wall clock when saved."""

    tcn: str
    state: SpoolState
    reply: bytes | None
    refused_field: str | None
    refused_reason: str | None
    saved_ms: int


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """How full the spool is: submissions by state, bytes of prints held, and whether that is nearly all."""

    by_state: dict[SpoolState, int]
    held_bytes: int
    nearly_full: bool

    @property
    def undelivered(self) -> int:
        """Submissions that the matcher has not acknowledged."""
        return self.by_state[SpoolState.QUEUED] + self.by_state[SpoolState.SENT]


class Spool:
    """See the module. Safe to use from several threads; raises SpoolError for anything the disk does."""

    def __init__(
        self,
        path: Path,
        *,
        device: str,
        max_submissions: int = parameters.MAX_SPOOLED,
        max_bytes: int = parameters.MAX_SPOOL_BYTES,
        disk_reserve_bytes: int = parameters.DISK_RESERVE_BYTES,
        start_empty: bool = False,
    ) -> None:
        """Open the spool of `device` at `path`, or make it.

        Raises SpoolDamaged if the file is damaged (it is set aside then), or was and nobody has asked to
        `start_empty` since; SpoolError if it belongs to another device or cannot be opened.
        """
        self.path = path
        self._max_submissions = max_submissions
        self._max_bytes = max_bytes
        self._reserve = disk_reserve_bytes
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._connection = open_file(path, start_empty=start_empty)
        owner = self._fact("device", device)
        if owner != device:
            self.close()
            raise SpoolError(path, f"holds the bookings of device '{owner}', not of '{device}'")

    # -- the officer's side

    def add(self, tcn: str, payload: bytes) -> None:
        """Save a submission; when this returns it is on the disk. Raises SpoolFull, SpoolError."""
        with self._lock:
            self._check_room(len(payload))
            try:
                self._write(
                    "INSERT INTO submission (tcn, state, payload, saved_ms) VALUES (?, 'queued', ?, ?)",
                    (tcn, payload, time.time_ns() // 1_000_000),
                )
            except SpoolError:
                if self.entry(tcn) is not None:
                    raise SpoolError(self.path, f"{tcn} is in the spool already") from None
                raise
            if self.stats().nearly_full:
                log.warning("the spool is nearly full", extra=facts(undelivered=self.stats().undelivered))

    def wait_for(
        self, tcn: str, reached: Callable[[SpoolEntry], bool], *, timeout_s: float, cancel: threading.Event
    ) -> SpoolEntry | None:
        """The entry once it has `reached` what is waited for, else as it is after `timeout_s` or `cancel`.

        It looks every `SPOOL_POLL_S`, because another process may be the one that speaks to the matcher.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                entry = self.entry(tcn)
                left_s = deadline - time.monotonic()
                if entry is None or reached(entry) or left_s <= 0 or cancel.is_set():
                    return entry
                self._changed.wait(min(left_s, parameters.SPOOL_POLL_S))

    # -- the uplink's side

    def undelivered(self) -> list[str]:
        """TCNs that the matcher has not acknowledged, oldest first."""
        return self._column("SELECT tcn FROM submission WHERE state IN ('queued', 'sent') ORDER BY seq")

    def awaiting_reply(self) -> list[str]:
        """TCNs that were acknowledged and have no reply yet, oldest first."""
        return self._column("SELECT tcn FROM submission WHERE state = 'acknowledged' ORDER BY seq")

    def payload(self, tcn: str) -> bytes | None:
        """What is to be sent for `tcn`; None once it has been let go."""
        found = self._column("SELECT payload FROM submission WHERE tcn = ?", (tcn,))
        return found[0] if found else None

    def mark_sent(self, tcn: str) -> None:
        """Note that `tcn` was handed to the broker."""
        self._write("UPDATE submission SET state = 'sent' WHERE tcn = ? AND state = 'queued'", (tcn,))

    def acknowledge(self, tcn: str) -> bool:
        """Let `tcn` go: the matcher has it. False if that was known already, or the TCN is not."""
        return self._write(
            "UPDATE submission SET payload = NULL,"
            " state = CASE WHEN reply IS NULL THEN 'acknowledged' ELSE 'replied' END"
            " WHERE tcn = ? AND state IN ('queued', 'sent')",
            (tcn,),
        )

    def keep_reply(self, tcn: str, reply: bytes) -> bool:
        """Keep the matcher's reply. False if there was one already, or the TCN is not known.

        A reply without an acknowledgement (which then was lost) does not let the prints go.
        """
        with self._lock:
            kept = self._write(
                "UPDATE submission SET reply = ?,"
                " state = CASE WHEN state = 'acknowledged' THEN 'replied' ELSE state END"
                " WHERE tcn = ? AND reply IS NULL AND state <> 'refused'",
                (reply, tcn),
            )
            self._forget_oldest(SpoolState.REPLIED, parameters.KEPT_REPLIED)
            return kept

    def refuse(self, tcn: str, *, field: str, reason: str) -> bool:
        """Note that the matcher refused `tcn`; it is not sent again, and its prints stay for inspection."""
        with self._lock:
            refused = self._write(
                "UPDATE submission SET state = 'refused', refused_field = ?, refused_reason = ?"
                " WHERE tcn = ? AND state NOT IN ('refused', 'replied')",
                (field, reason, tcn),
            )
            self._forget_oldest(SpoolState.REFUSED, parameters.KEPT_REFUSED)
            return refused

    def next_session(self) -> int:
        """Number for a new connection, larger than any before.

        It starts from the wall clock in milliseconds, so that it also grows over the loss of the spool.
        """
        with self._lock:
            last = int(self._fact("session", "0"))
            session = max(last + 1, time.time_ns() // 1_000_000)
            self._write("UPDATE fact SET value = ? WHERE key = 'session'", (str(session),))
            return session

    # -- looking

    def entry(self, tcn: str) -> SpoolEntry | None:
        """What is known of `tcn`."""
        found = self._entries("WHERE tcn = ?", (tcn,))
        return found[0] if found else None

    def entries(self, *, limit: int = 50) -> list[SpoolEntry]:
        """The newest entries, newest first."""
        return self._entries("ORDER BY seq DESC LIMIT ?", (limit,))

    def stats(self) -> SpoolStats:
        """How full it is."""
        rows = self._read(
            "SELECT state, COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM submission GROUP BY state"
        )
        counts = dict.fromkeys(SpoolState, 0) | {SpoolState(state): count for state, count, _ in rows}
        held = sum(size for _, _, size in rows)
        undelivered = counts[SpoolState.QUEUED] + counts[SpoolState.SENT]
        share = max(undelivered / self._max_submissions, held / self._max_bytes)
        return SpoolStats(counts, held, nearly_full=share >= parameters.NEARLY_FULL)

    def quarantined(self) -> list[Path]:
        """Damaged spools that were set aside and that somebody should look at."""
        return quarantined(self.path)

    # -- the clock's floor

    def clock_floor_ms(self) -> int:
        """The last time known to be good, in milliseconds since 1970; 0 if none is."""
        return int(self._fact("clock_floor_ms", "0"))

    def raise_clock_floor(self, now_ms: int) -> None:
        """Keep `now_ms`, if it is later than what is kept."""
        with self._lock:
            if now_ms > self.clock_floor_ms():
                self._write("UPDATE fact SET value = ? WHERE key = 'clock_floor_ms'", (str(now_ms),))

    def close(self) -> None:
        """Give the file back, its log folded in. Nothing else may be called after."""
        with self._lock:
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("the spool's log was not folded in", extra=facts(reason=error))
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- inside

    def _check_room(self, size: int) -> None:
        stats = self.stats()
        cure = "Restore the connection to the matcher; bookings can be taken again once some are delivered."
        if stats.undelivered >= self._max_submissions:
            full = f"{stats.undelivered} bookings wait for delivery and no more can be saved. {cure}"
            raise SpoolFull(self.path, limit="bookings", problem=full)
        if stats.held_bytes + size > self._max_bytes:
            full = f"{stats.held_bytes} bytes wait for delivery and no more can be saved. {cure}"
            raise SpoolFull(self.path, limit="bytes", problem=full)
        if shutil.disk_usage(self.path.parent).free < self._reserve + size:
            full = "the disk is full, nothing was saved. Free some space, then take the booking again."
            raise SpoolFull(self.path, limit="disk", problem=full)

    def _forget_oldest(self, state: SpoolState, kept: int) -> None:
        excess = self._read("SELECT COUNT(*) FROM submission WHERE state = ?", (state,))[0][0] - kept
        if excess > 0:
            self._write(
                "DELETE FROM submission WHERE seq IN"
                " (SELECT seq FROM submission WHERE state = ? ORDER BY seq LIMIT ?)",
                (state, excess),
            )
            log.info("finished submissions forgotten", extra=facts(state=state, count=excess))

    def _fact(self, key: str, default: str) -> str:
        with self._lock:
            if not self._column("SELECT value FROM fact WHERE key = ?", (key,)):
                self._write("INSERT OR IGNORE INTO fact (key, value) VALUES (?, ?)", (key, default))
            return self._column("SELECT value FROM fact WHERE key = ?", (key,))[0]

    def _entries(self, where: str, values: tuple[object, ...]) -> list[SpoolEntry]:
        columns = "tcn, state, reply, refused_field, refused_reason, saved_ms"
        rows = self._read(f"SELECT {columns} FROM submission {where}", values)  # noqa: S608 - our own words
        return [SpoolEntry(row[0], SpoolState(row[1]), *row[2:]) for row in rows]

    def _column(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        return [row[0] for row in self._read(sql, values)]

    def _read(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(self.path, f"cannot be read ({error}); restart the service") from None

    def _write(self, sql: str, values: tuple[object, ...]) -> bool:
        with self._changed, transaction(self._connection, self.path) as connection:
            changed = connection.execute(sql, values).rowcount > 0
            self._changed.notify_all()
            return changed
