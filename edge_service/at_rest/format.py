"""What a sealed file looks like: its tables, which of their columns are sealed, and how older ones become new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from edge_service.at_rest.vault import Vault

# The key that every sealed value of a file was last sealed with, by its id. One row.
KEY_TABLE = """
CREATE TABLE sealed_with (one INTEGER PRIMARY KEY CHECK (one = 1), key_id TEXT NOT NULL);
"""


class SealedColumn(NamedTuple):
    """A column whose values are sealed, and the column that names their row."""

    table: str
    column: str
    row: str


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    Attributes:
        name: its part in the place of each value, so that none can be moved to another kind of file.
        version: as kept in SQLite's ``user_version``.
        schema: SQL that makes it, `KEY_TABLE` apart.
        tables: those without which it is not this kind of file, in any version.
        sealed: its sealed columns.
        migrations: from an older version to this one, inside a transaction; the key table is there already.
    """

    name: str
    version: int
    schema: str
    tables: frozenset[str]
    sealed: tuple[SealedColumn, ...]
    migrations: Mapping[int, Callable[[sqlite3.Connection, Format, Vault], None]] = field(
        default_factory=dict[int, "Callable[[sqlite3.Connection, Format, Vault], None]"]
    )

    def place(self, column: SealedColumn, row: str) -> bytes:
        """What a value of `column` in `row` is bound to."""
        return f"whorl at rest 1\0{self.name}\0{column.table}\0{column.column}\0{row}".encode()
