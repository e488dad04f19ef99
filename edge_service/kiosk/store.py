"""The kiosk's own notes, beside the spool: what the page must know again after its service was restarted.

It holds the booking that is under way (never its prints), the numbers and classes that belong to saved bookings, the
unlocked session by the hash of its token, and how many wrong codes were tried. Readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from edge_service.errors import SpoolError
from edge_service.kiosk import parameters
from edge_service.spool_file import transaction
from interchange.logs import facts

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from edge_service.kiosk.form import BookingForm, FingerPlan

log = logging.getLogger("edge.kiosk")

FILE = "kiosk.db"
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # who saved what must not be forgotten before the submission is
    "PRAGMA secure_delete = ON",
)
_TABLES = """
CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tcn TEXT NOT NULL UNIQUE,
    number TEXT NOT NULL,
    charge_class TEXT NOT NULL,
    disposition TEXT NOT NULL,
    left_out TEXT NOT NULL,
    officer TEXT NOT NULL,
    made_ms INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Note:
    """What belongs to the submission `tcn` and is not in it; `left_out` is a reason by finger position."""

    tcn: str
    number: str
    charge_class: str
    disposition: str
    left_out: dict[int, str]
    officer: str
    made_ms: int


class KioskStore:
    """See the module. Safe to use from several threads; raises SpoolError for anything the disk does."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it. A damaged one is set aside and a new one begun: no print is ever in it."""
        self.path = path
        self._lock = threading.RLock()
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise SpoolError(path, f"cannot be opened: {error}") from None
            aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
            log.warning("damaged notes of the kiosk set aside", extra=facts(as_file=aside))
            self._connection = _connect(path)

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever was put there
        """What was put under `key`; None if nothing was."""
        rows = self._read("SELECT value FROM fact WHERE key = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def put(self, key: str, value: object) -> None:
        """Keep `value`, which JSON can say, under `key`; None forgets it."""
        if value is None:
            self._write("DELETE FROM fact WHERE key = ?", (key,))
        else:
            self._write("INSERT OR REPLACE INTO fact (key, value) VALUES (?, ?)", (key, json.dumps(value)))

    def note(self, tcn: str, form: BookingForm, plan: FingerPlan, *, officer: str) -> None:
        """Keep what belongs to a submission; called before that is saved, so that none is without."""
        left_out = json.dumps({str(p): state for p, state in plan.left_out.items()})
        self._write(
            "INSERT OR REPLACE INTO note (tcn, number, charge_class, disposition, left_out, officer, made_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                tcn, form.number, form.charge_class, form.disposition, left_out, officer,
                time.time_ns() // 1_000_000,
            ),
        )  # fmt: skip
        self._write("DELETE FROM note WHERE seq <= (SELECT MAX(seq) FROM note) - ?", (parameters.KEPT_NOTES,))

    def forget_note(self, tcn: str) -> None:
        """The submission was not saved after all."""
        self._write("DELETE FROM note WHERE tcn = ?", (tcn,))

    def notes(self, *, limit: int) -> list[Note]:
        """The newest, newest first."""
        return self._notes("ORDER BY seq DESC LIMIT ?", (limit,))

    def note_of(self, tcn: str) -> Note | None:
        """What belongs to `tcn`."""
        found = self._notes("WHERE tcn = ?", (tcn,))
        return found[0] if found else None

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _notes(self, where: str, values: tuple[object, ...]) -> list[Note]:
        columns = "tcn, number, charge_class, disposition, left_out, officer, made_ms"
        rows = self._read(f"SELECT {columns} FROM note {where}", values)  # noqa: S608 - our own words
        return [
            Note(tcn, number, charge, disposition, _by_position(left_out), officer, made_ms)
            for tcn, number, charge, disposition, left_out, officer, made_ms in rows
        ]

    def _read(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(self.path, f"cannot be read ({error}); restart the service") from None

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with self._lock, transaction(self._connection, self.path) as connection:
            connection.execute(sql, values)


def _by_position(text: str) -> dict[int, str]:
    return {int(position): state for position, state in json.loads(text).items()}


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        with contextlib.suppress(OSError):  # SQLite says it better
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection
