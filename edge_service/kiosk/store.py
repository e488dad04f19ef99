"""The kiosk's own notes, beside the spool: what the page must know again after its service was restarted.

It holds the booking that is under way (never its prints), the numbers and classes that belong to saved bookings, the
unlocked session by the hash of its token, and how many wrong codes were tried. Readable by its owner alone, and
sealed with the spool's key but for TCNs and times.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_service.at_rest import Format, SealedColumn, SealedFile, SealedStore, Unreadable
from edge_service.at_rest.migration import carry_over
from edge_service.errors import SpoolDamaged, SpoolKeyError
from edge_service.kiosk import parameters
from interchange.logs import facts

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from edge_service.at_rest import Vault
    from edge_service.kiosk.form import BookingForm, FingerPlan

log = logging.getLogger("edge.kiosk")

FILE = "kiosk.db"
VALUE = SealedColumn("fact", "value", "key")
SAID = SealedColumn("note", "said", "tcn")
_TABLES = """
CREATE TABLE fact (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE note (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tcn TEXT NOT NULL UNIQUE,
    said BLOB NOT NULL,
    made_ms INTEGER NOT NULL
);
"""


def _from_plain(connection: sqlite3.Connection, form: Format, vault: Vault) -> None:
    """The first format, which had no number, kept everything in plain."""
    connection.execute("ALTER TABLE fact RENAME TO fact_0")
    connection.execute("ALTER TABLE note RENAME TO note_0")
    for table in _TABLES.split(";\n"):
        if table.strip():
            connection.execute(table)
    carry_over(
        connection,
        form,
        vault,
        select="SELECT key, value FROM fact_0",
        table="fact",
        columns=("key", "value"),
    )
    said = (
        "json_object('number', number, 'charge_class', charge_class, 'disposition', disposition,"
        " 'left_out', json(left_out), 'officer', officer)"
    )
    carry_over(
        connection,
        form,
        vault,
        select=f"SELECT seq, tcn, {said}, made_ms FROM note_0 ORDER BY seq",  # noqa: S608 - our own words
        table="note",
        columns=("seq", "tcn", "said", "made_ms"),
    )
    connection.execute("DROP TABLE fact_0")
    connection.execute("DROP TABLE note_0")


FORMAT = Format(
    name="kiosk",
    version=1,
    schema=_TABLES,
    tables=frozenset({"fact", "note"}),
    sealed=(VALUE, SAID),
    migrations={0: _from_plain},
)


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


class KioskStore(SealedStore):
    """See the module. Safe to use from several threads; raises SpoolError for anything the disk does."""

    def __init__(self, path: Path, *, vault: Vault | None = None) -> None:
        """Open it, or make it. Sealed with the spool's `vault`, or with the key file beside it.

        A damaged one, or one of another key than the spool's, is set aside and a new one begun: no print is in it.
        """
        try:
            file = SealedFile(path, FORMAT, vault=vault)
        except (SpoolDamaged, SpoolKeyError) as error:
            if isinstance(error, SpoolKeyError) and (vault is None or not error.lost):
                raise
            log.warning("notes of the kiosk cannot be read, new ones are begun", extra=facts(file=path))
            file = SealedFile(path, FORMAT, vault=vault, start_empty=True)
        super().__init__(file)

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever was put there
        """What was put under `key`; None if nothing was, or it cannot be read any more."""
        rows = self._file.read("SELECT value FROM fact WHERE key = ?", (key,))
        text = self._open(rows[0][0], VALUE, key) if rows else None
        return None if text is None else json.loads(text)

    def put(self, key: str, value: object) -> None:
        """Keep `value`, which JSON can say, under `key`; None forgets it."""
        with self._file.transaction() as connection:
            if value is None:
                connection.execute("DELETE FROM fact WHERE key = ?", (key,))
            else:
                sealed = self._file.seal(json.dumps(value).encode(), VALUE, key)
                connection.execute("INSERT OR REPLACE INTO fact (key, value) VALUES (?, ?)", (key, sealed))

    def note(self, tcn: str, form: BookingForm, plan: FingerPlan, *, officer: str) -> None:
        """Keep what belongs to a submission; called before that is saved, so that none is without."""
        said = {
            "number": form.number,
            "charge_class": form.charge_class,
            "disposition": form.disposition,
            "left_out": {str(p): state for p, state in plan.left_out.items()},
            "officer": officer,
        }
        with self._file.transaction() as connection:
            sealed = self._file.seal(json.dumps(said).encode(), SAID, tcn)
            connection.execute(
                "INSERT OR REPLACE INTO note (tcn, said, made_ms) VALUES (?, ?, ?)",
                (tcn, sealed, time.time_ns() // 1_000_000),
            )
            connection.execute(
                "DELETE FROM note WHERE seq <= (SELECT MAX(seq) FROM note) - ?", (parameters.KEPT_NOTES,)
            )

    def forget_note(self, tcn: str) -> None:
        """The submission was not saved after all."""
        self._file.write("DELETE FROM note WHERE tcn = ?", (tcn,))

    def notes(self, *, limit: int) -> list[Note]:
        """The newest that can be read, newest first."""
        return self._notes("ORDER BY seq DESC LIMIT ?", (limit,))

    def note_of(self, tcn: str) -> Note | None:
        """What belongs to `tcn`."""
        found = self._notes("WHERE tcn = ?", (tcn,))
        return found[0] if found else None

    def _notes(self, where: str, values: tuple[object, ...]) -> list[Note]:
        rows = self._file.read(f"SELECT tcn, said, made_ms FROM note {where}", values)  # noqa: S608 - our own words
        found: list[Note] = []
        for tcn, blob, made_ms in rows:
            text = self._open(blob, SAID, tcn)
            if text is not None:
                said = json.loads(text)
                said["left_out"] = {int(position): state for position, state in said["left_out"].items()}
                found.append(Note(tcn=tcn, made_ms=made_ms, **said))
        return found

    def _open(self, blob: object, column: SealedColumn, row: str) -> bytes | None:
        try:
            return self._file.unseal(blob, column, row)
        except Unreadable as error:
            log.error("a note of the kiosk is damaged", extra=facts(table=column.table, reason=error))  # noqa: TRY400
            return None
