"""The rows of the spool as they are read: what is sealed is opened here, and what cannot be is put right."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from edge_service import parameters
from edge_service.at_rest import OVERHEAD_BYTES, SealedStore, Unreadable, quarantined
from edge_service.spool.entry import SpoolEntry, SpoolState, SpoolStats, SpoolTimes
from edge_service.spool.format import REPLY, SECOND
from interchange.logs import facts

if TYPE_CHECKING:
    from pathlib import Path

    from edge_service.at_rest import SealedFile
    from edge_service.spool.room import Room

log = logging.getLogger("edge.spool")


class SpoolRecords(SealedStore):
    """Looks at the spool; `Spool` is one that also changes it."""

    def __init__(self, file: SealedFile, room: Room) -> None:
        super().__init__(file)
        self._room = room
        self._lock = file.lock
        self._changed = threading.Condition(file.lock)

    def entry(self, tcn: str) -> SpoolEntry | None:
        """What is known of `tcn`."""
        found = self._entries("WHERE tcn = ?", (tcn,))
        return found[0] if found else None

    def entries(self, *, limit: int = 50) -> list[SpoolEntry]:
        """The newest entries, newest first."""
        return self._entries("ORDER BY seq DESC LIMIT ?", (limit,))

    def stats(self) -> SpoolStats:
        """How full it is."""
        rows = self._file.read(
            "SELECT state, COUNT(*), COALESCE(SUM(LENGTH(payload) - ?), 0),"
            " SUM(held_reason IS NOT NULL AND state IN ('queued', 'sent')) FROM submission GROUP BY state",
            (OVERHEAD_BYTES,),
        )
        counts = dict.fromkeys(SpoolState, 0) | {SpoolState(state): count for state, count, _, _ in rows}
        held = max(0, sum(size for _, _, size, _ in rows))
        share = self._room.share(counts[SpoolState.QUEUED] + counts[SpoolState.SENT], held)
        return SpoolStats(
            counts, held, share >= parameters.NEARLY_FULL, not_trusted=sum(row[3] for row in rows)
        )

    def quarantined(self) -> list[Path]:
        """Damaged spools that were set aside and that somebody should look at."""
        return quarantined(self.path)

    def times(self, tcn: str) -> SpoolTimes | None:
        """When `tcn` was saved and when it expires."""
        rows = self._file.read(
            "SELECT state, saved_ms, saved_boot, saved_monotonic_ms, expires_ms FROM submission WHERE tcn = ?",
            (tcn,),
        )
        return SpoolTimes(SpoolState(rows[0][0]), *rows[0][1:]) if rows else None

    # -- inside

    def _fact(self, key: str, default: str) -> str:
        with self._lock:
            if not self._column("SELECT value FROM fact WHERE key = ?", (key,)):
                self._write("INSERT OR IGNORE INTO fact (key, value) VALUES (?, ?)", (key, default))
            return self._column("SELECT value FROM fact WHERE key = ?", (key,))[0]

    def _entries(self, where: str, values: tuple[object, ...]) -> list[SpoolEntry]:
        columns = (
            "tcn, state, reply, refused_field, refused_reason, saved_ms, held_reason, expires_ms, second"
        )
        rows = self._file.read(f"SELECT {columns} FROM submission {where}", values)  # noqa: S608 - our own words
        return [
            SpoolEntry(
                row[0],
                SpoolState(row[1]),
                self._reply(row[0], row[2]),
                *row[3:8],
                seconds=self._seconds(row[0], row[8]),
            )
            for row in rows
        ]

    def _reply(self, tcn: str, blob: object) -> bytes | None:
        """A damaged one is forgotten, so that it is asked for again."""
        if blob is None or self.vault.blind:
            return None
        try:
            return self._file.unseal(blob, REPLY, tcn)
        except Unreadable as error:
            log.error("a kept reply is damaged", extra=facts(tcn=tcn, reason=error))  # noqa: TRY400
        self._write(
            "UPDATE submission SET reply = NULL,"
            " state = CASE WHEN state = 'replied' THEN 'acknowledged' ELSE state END WHERE tcn = ? AND reply = ?",
            (tcn, blob),
        )
        return None

    def _seconds(self, tcn: str, blob: object) -> tuple[bytes, ...]:
        """Damaged ones are forgotten; what comes later is kept again."""
        if blob is None or self.vault.blind:
            return ()
        try:
            return tuple(text.encode() for text in json.loads(self._file.unseal(blob, SECOND, tcn)))
        except Unreadable as error:
            log.error("kept second replies are damaged", extra=facts(tcn=tcn, reason=error))  # noqa: TRY400
        self._write("UPDATE submission SET second = NULL WHERE tcn = ? AND second = ?", (tcn, blob))
        return ()

    def _column(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        return [row[0] for row in self._file.read(sql, values)]

    def _write(self, sql: str, values: tuple[object, ...]) -> bool:
        with self._changed:
            changed = self._file.write(sql, values) > 0
            self._changed.notify_all()
            return changed
