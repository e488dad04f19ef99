"""The spool's file, format 2. Format 1 had all in plain, no end of a submission's time, and first replies only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.at_rest.format import Format, SealedColumn
from edge_service.at_rest.migration import carry_over

if TYPE_CHECKING:
    import sqlite3

    from edge_service.at_rest.vault import Vault

PAYLOAD = SealedColumn("submission", "payload", "tcn")
REPLY = SealedColumn("submission", "reply", "tcn")
# The second replies, a JSON list of their texts in the order in which they came.
SECOND = SealedColumn("submission", "second", "tcn")

_SUBMISSION = """
CREATE TABLE submission (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tcn TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'sent', 'acknowledged', 'replied', 'refused', 'expired', 'damaged')),
    payload BLOB,
    reply BLOB,
    second BLOB,
    refused_field TEXT,
    refused_reason TEXT,
    held_reason TEXT,
    saved_ms INTEGER NOT NULL,
    saved_boot TEXT NOT NULL,
    saved_monotonic_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    ended INTEGER
);
"""
# In which order submissions ended, whatever the clock said: the one that ended first is forgotten first, and one that
# waited for its reply for long is not forgotten the moment it has come.
_END_INDEX = "CREATE INDEX submission_by_end ON submission (ended);"
_END_TRIGGER = """
CREATE TRIGGER submission_ends AFTER UPDATE OF state ON submission
WHEN NEW.state <> OLD.state AND NEW.state IN ('replied', 'refused', 'expired', 'damaged')
BEGIN
    UPDATE submission SET ended = (SELECT COALESCE(MAX(ended), 0) + 1 FROM submission) WHERE seq = NEW.seq;
END;
"""
_INDEX = "CREATE INDEX submission_by_state ON submission (state, seq);"
_FACT = "CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"


def _from_1(connection: sqlite3.Connection, form: Format, vault: Vault) -> None:
    """Seal payloads and replies. Their time begins when a good clock is next there: nobody was told of an end."""
    counted = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'submission'").fetchone()
    connection.execute("DROP INDEX submission_by_state")
    connection.execute("ALTER TABLE submission RENAME TO submission_1")
    connection.execute(_SUBMISSION)
    carry_over(
        connection,
        form,
        vault,
        select="SELECT seq, tcn, state, payload, reply, NULL, refused_field, refused_reason, saved_ms, '', 0"
        " FROM submission_1 ORDER BY seq",
        table="submission",
        columns=(
            "seq", "tcn", "state", "payload", "reply", "second", "refused_field", "refused_reason", "saved_ms",
            "saved_boot", "saved_monotonic_ms",
        ),
    )  # fmt: skip
    connection.execute("DROP TABLE submission_1")
    connection.execute(_INDEX)
    connection.execute(_END_INDEX)
    connection.execute(_END_TRIGGER)
    if counted is not None:  # numbers are never used again, also those of rows that were forgotten
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'submission'")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('submission', ?)", counted)


FORMAT = Format(
    name="spool",
    version=2,
    schema=f"{_SUBMISSION} {_INDEX} {_END_INDEX} {_END_TRIGGER} {_FACT}",
    tables=frozenset({"submission", "fact"}),
    sealed=(PAYLOAD, REPLY, SECOND),
    migrations={1: _from_1},
)
