"""An older file becomes one of today's, and a file under an older key one under today's: whole, or not at all.

Each is one transaction, so that a power cut at any point leaves the file as it was or as it is to be. Before an older
format is changed the file is copied beside itself (``{name}.before-{version}``); the copy goes once the new one is on
the disk, and has been read back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, cast

from edge_service.at_rest.file import transaction
from edge_service.at_rest.format import KEY_TABLE
from edge_service.at_rest.vault import Unreadable
from edge_service.errors import SpoolError, SpoolFull
from interchange.logs import facts
from interchange.whole_file import sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge_service.at_rest.format import Format, SealedColumn
    from edge_service.at_rest.vault import Vault

log = logging.getLogger("edge.spool")

_ROOM = 3  # the copy, the new rows beside the old ones, and the log


def migrate(connection: sqlite3.Connection, path: Path, form: Format, vault: Vault) -> None:
    """Bring the file to the format of today. Raises SpoolError, SpoolFull: then it is as it was."""
    version = version_of(connection)
    if version != form.version:
        copy = copy_path(path, version)
        _copy(connection, path, copy)
        with transaction(connection, path):
            if version_of(connection) == version:  # and no other process has done it meanwhile
                connection.execute(KEY_TABLE)
                connection.execute("INSERT INTO sealed_with VALUES (1, ?)", (vault.current,))
                form.migrations[version](connection, form, vault)
                connection.execute(f"PRAGMA user_version = {form.version}")
        log.warning("file brought to a newer format", extra=facts(file=path, was=version, now=form.version))
        fold_in(connection)
    # Also what a migration that was killed has left: its copy, or half of one.
    for older in form.migrations:
        for left in path.parent.glob(f"{copy_path(path, older).name}*"):
            _remove(left)


def reseal(connection: sqlite3.Connection, path: Path, form: Format, vault: Vault) -> int:
    """Seal everything with the current key; how many values were not under it. Raises SpoolError, SpoolFull."""
    changed = 0
    with transaction(connection, path):
        for column in form.sealed:
            rows = connection.execute(
                f"SELECT {column.row} FROM {column.table} WHERE {column.column} IS NOT NULL"  # noqa: S608 - ours
            ).fetchall()
            for (row,) in rows:
                changed += _reseal_value(connection, form, vault, column, row)
        connection.execute("UPDATE sealed_with SET key_id = ?", (vault.current,))
    fold_in(connection)
    log.warning("file sealed with another key", extra=facts(file=path, values=changed))
    return changed


def version_of(connection: sqlite3.Connection) -> int:
    """The file's format."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def key_id_of(connection: sqlite3.Connection) -> str:
    """Which key the file is sealed with; "" for a format without."""
    try:
        row = connection.execute("SELECT key_id FROM sealed_with").fetchone()
    except sqlite3.OperationalError:
        return ""
    return "" if row is None else str(row[0])


def copy_path(path: Path, version: int) -> Path:
    """Where a file of `version` is kept while it is brought to a newer one."""
    return path.with_name(f"{path.name}.before-{version}")


def fold_in(connection: sqlite3.Connection) -> None:
    """Empty the log into the file: nothing of what was there before stays in it."""
    with contextlib.suppress(sqlite3.Error):  # somebody reads: the next one does it
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _reseal_value(
    connection: sqlite3.Connection, form: Format, vault: Vault, column: SealedColumn, row: str
) -> int:
    table, name, key = column
    blob = connection.execute(f"SELECT {name} FROM {table} WHERE {key} = ?", (row,)).fetchone()[0]  # noqa: S608 - ours
    place = form.place(column, row)
    try:
        again = vault.seal(vault.unseal(blob, place=place), place=place)
    except Unreadable as error:
        # It stays as it is: whoever reads it says so, and the rest of the file is not held up by it.
        log.error("a value cannot be read", extra=facts(table=table, column=name, reason=error))  # noqa: TRY400
        return 0
    connection.execute(f"UPDATE {table} SET {name} = ? WHERE {key} = ?", (again, row))  # noqa: S608 - ours
    return 1


def carry_over(
    connection: sqlite3.Connection,
    form: Format,
    vault: Vault,
    *,
    select: str,
    table: str,
    columns: Sequence[str],
) -> None:
    """Put the rows that `select` gives, in the order of `columns`, into `table`: sealed, and read back.

    They go from table to table, and never stand in the new one in plain: dropping the old one overwrites its pages.
    """
    sealed = [column for column in form.sealed if column.table == table]
    for plain in connection.execute(select):
        row: dict[str, object] = dict(zip(columns, plain, strict=True))
        for column in sealed:
            value = row[column.column]
            if value is not None:
                place = form.place(column, str(row[column.row]))
                data = value.encode() if isinstance(value, str) else cast("bytes", value)
                row[column.column] = vault.seal(data, place=place)
        marks = ", ".join("?" * len(columns))
        added = connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - ours
            tuple(row.values()),
        )
        names = f"SELECT {', '.join(columns)} FROM {table} WHERE rowid = ?"  # noqa: S608 - ours
        if connection.execute(names, (added.lastrowid,)).fetchone() != tuple(row.values()):
            raise sqlite3.DatabaseError("what was written does not read back")


def _copy(connection: sqlite3.Connection, path: Path, copy: Path) -> None:
    size = path.stat().st_size
    if shutil.disk_usage(path.parent).free < _ROOM * size:
        raise SpoolFull(
            path,
            limit="disk",
            problem=f"has to be brought to a newer format, which takes {_ROOM * size} free bytes on its disk; nothing"
            " was changed. Free some space, then start the service again.",
        )
    half = copy.with_name(f"{copy.name}.new-{os.getpid()}")
    try:
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with contextlib.closing(sqlite3.connect(half)) as target:
            connection.backup(target)
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(copy)
        sync_folder(copy.parent)
    except (OSError, sqlite3.Error) as error:
        half.unlink(missing_ok=True)
        raise SpoolError(
            path, f"cannot be copied before it is changed ({error}); nothing was changed"
        ) from None


def _remove(copy: Path) -> None:
    """Overwritten first: what is in it is plain."""
    try:
        with copy.open("r+b") as file:
            file.write(b"\0" * copy.stat().st_size)
            file.flush()
            os.fsync(file.fileno())
        copy.unlink()
        sync_folder(copy.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        log.error("copy of the older file not removed", extra=facts(file=copy, reason=error))  # noqa: TRY400
