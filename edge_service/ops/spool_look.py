"""A look at the spool from outside, while a service may be using it: read-only, nothing repaired, nothing set aside.

`Spool` itself would set a damaged file aside when it is opened; a doctor only looks.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_service.at_rest import OVERHEAD_BYTES, quarantined
from edge_service.at_rest.file import is_damage
from edge_service.at_rest.migration import key_id_of

if TYPE_CHECKING:
    from pathlib import Path

WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class SpoolLook:
    """What was seen.

    Attributes:
        exists: whether there is a spool at all.
        trouble: why it cannot be read; "" if it can.
        damaged: whether that is because the file is broken.
        by_state: submissions by state.
        held_bytes: of payloads.
        total: submissions ever saved in this file.
        last_week: submissions kept that were saved within the last seven days, by the kiosk's clock.
        oldest_waiting_s: age of the oldest that the matcher has not acknowledged; None if none waits.
        newest_acknowledged_s: age of the newest one that it has; None if there is none.
        clock_floor_ms: the last time known to be good; 0 if none is.
        set_aside: number of damaged spools set aside.
        not_trusted: submissions that the matcher does not take because it does not trust this kiosk's seal.
        key_id: which key it is sealed with; "" in a file of the first format, which was not.
    """

    exists: bool = True
    trouble: str = ""
    damaged: bool = False
    by_state: dict[str, int] = field(default_factory=dict[str, int])
    held_bytes: int = 0
    total: int = 0
    last_week: int = 0
    oldest_waiting_s: float | None = None
    newest_acknowledged_s: float | None = None
    clock_floor_ms: int = 0
    set_aside: int = 0
    not_trusted: int = 0
    key_id: str = ""

    @property
    def undelivered(self) -> int:
        """Submissions that the matcher has not acknowledged."""
        return self.by_state.get("queued", 0) + self.by_state.get("sent", 0)


def look(path: Path, *, now_s: float | None = None) -> SpoolLook:
    """Look at the spool at `path`."""
    now_ms = (time.time() if now_s is None else now_s) * 1000
    set_aside = len(quarantined(path))
    if not path.exists():
        return SpoolLook(exists=False, set_aside=set_aside)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                return SpoolLook(trouble="its structure is broken", damaged=True, set_aside=set_aside)
            return _read(connection, now_ms, set_aside)
    except sqlite3.Error as error:
        words = getattr(error, "sqlite_errorname", type(error).__name__)
        return SpoolLook(trouble=words, damaged=is_damage(error), set_aside=set_aside)


def _read(connection: sqlite3.Connection, now_ms: float, set_aside: int) -> SpoolLook:
    by_state: dict[str, int] = {}
    held = 0
    key_id = key_id_of(connection)
    for state, count, size in connection.execute(
        "SELECT state, COUNT(*), COALESCE(SUM(LENGTH(payload) - ?), 0) FROM submission GROUP BY state",
        (OVERHEAD_BYTES if key_id else 0,),
    ):
        by_state[str(state)] = int(count)
        held += int(size)

    def one(sql: str, *values: object) -> float | None:
        row = connection.execute(sql, values).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def age_s(saved_ms: float | None) -> float | None:
        return None if saved_ms is None else max(0.0, (now_ms - saved_ms) / 1000)

    return SpoolLook(
        by_state=by_state,
        held_bytes=held,
        total=int(one("SELECT MAX(seq) FROM submission") or 0),
        last_week=int(
            one(
                "SELECT COUNT(*) FROM submission WHERE saved_ms BETWEEN ? AND ?",
                now_ms - WEEK_S * 1000,
                now_ms,
            )
            or 0
        ),
        oldest_waiting_s=age_s(one("SELECT MIN(saved_ms) FROM submission WHERE state IN ('queued', 'sent')")),
        newest_acknowledged_s=age_s(
            one("SELECT MAX(saved_ms) FROM submission WHERE state IN ('acknowledged', 'replied')")
        ),
        clock_floor_ms=int(one("SELECT value FROM fact WHERE key = 'clock_floor_ms'") or 0),
        set_aside=set_aside,
        not_trusted=int(
            one(
                "SELECT COUNT(*) FROM submission WHERE held_reason IS NOT NULL AND state IN ('queued', 'sent')"
            )
            or 0
        )
        if key_id
        else 0,
        key_id=key_id,
    )
