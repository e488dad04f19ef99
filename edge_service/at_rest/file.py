"""An SQLite file of the kiosk: opened safely, checked, and set aside when it is damaged, never deleted."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from edge_service.at_rest.format import KEY_TABLE
from edge_service.errors import SpoolDamaged, SpoolError, SpoolFull
from interchange.logs import facts
from interchange.whole_file import give_to_the_folders_owner, sync_folder

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from edge_service.at_rest.format import Format

log = logging.getLogger("edge.spool")

BUSY_TIMEOUT_S = 5.0
# It must survive the loss of power: with NORMAL the last commit can be lost.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",  # what was let go is overwritten, not only unlinked
    # Some pages are enough for a kiosk. SQLite's own 2 MB for each connection would fill up over a thousand bookings,
    # which nobody could tell from a leak.
    "PRAGMA cache_size = -128",
)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SUFFIXES = ("", "-wal", "-shm")


def open_file(path: Path, form: Format, *, key_id: str, start_empty: bool) -> sqlite3.Connection:
    """The checked file at `path`, made for the key `key_id` if there is none; perhaps of an older format.

    A damaged file is renamed to ``{name}.damaged-{time}`` and SpoolDamaged raised; so it is again at every
    start until somebody asks for `start_empty`. Raises SpoolError when the file cannot be opened at all.
    """
    if not path.exists():
        if path.with_name(path.name + "-wal").exists():
            # The log of a file that is gone. SQLite would replay it into the new one.
            raise SpoolDamaged(path, set_aside(path))
        aside = quarantined(path)
        if aside and not start_empty:
            raise SpoolDamaged(path, aside[-1])
        _create(path, form, key_id)
    try:
        return _connect(path, form)
    except sqlite3.Error as error:
        if is_damage(error):
            raise SpoolDamaged(path, set_aside(path)) from None
        raise SpoolError(path, f"cannot be opened: {error}") from None


def quarantined(path: Path) -> list[Path]:
    """Damaged files that were set aside beside `path`, oldest first."""
    names = {
        p.name.removesuffix("-wal").removesuffix("-shm") for p in path.parent.glob(f"{path.name}.damaged-*")
    }
    return [path.with_name(name) for name in sorted(names)]


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file itself is broken."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def set_aside(path: Path) -> Path:
    """Rename the file and its log; where it is now."""
    target = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    while target.exists():
        target = target.with_name(target.name + "x")
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    log.error("file set aside", extra=facts(as_file=target))
    return target


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Generator[sqlite3.Connection]:
    """A write that happens whole or not at all. Raises SpoolFull for a full disk, SpoolError otherwise."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:  # a COMMIT that met a full disk
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise SpoolFull(
                path,
                limit="disk",
                problem="the disk is full, nothing was saved. Free some space, then take the booking again.",
            ) from None
        raise SpoolError(path, f"the disk or the file failed ({error}), nothing was saved") from None


def _create(path: Path, form: Format, key_id: str) -> None:
    """An empty file, complete before it has its name, and readable by its owner alone."""
    half = path.with_name(f"{path.name}.new-{os.getpid()}")
    half.unlink(missing_ok=True)
    try:
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        give_to_the_folders_owner(half)
        with contextlib.closing(sqlite3.connect(half, isolation_level=None)) as connection:
            connection.executescript(
                f"BEGIN; {form.schema} {KEY_TABLE} INSERT INTO sealed_with VALUES (1, '{key_id}');"  # noqa: S608
                f" PRAGMA user_version = {form.version}; COMMIT;"
            )
        # Another process may have been faster: its file stays.
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(path, f"cannot be made: {error}") from None
    finally:
        half.unlink(missing_ok=True)
    sync_folder(path.parent)


def _connect(path: Path, form: Format) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        # Looked at before anything is changed: what is set aside is to be what was found.
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except BaseException:
        connection.close()
        raise
    if verdict != "ok" or not form.tables <= tables:
        connection.close()
        raise SpoolDamaged(path, set_aside(path))
    if version != form.version and version not in form.migrations:
        connection.close()
        raise SpoolError(path, f"was made by another version of the program (format {version}); update it")
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection
