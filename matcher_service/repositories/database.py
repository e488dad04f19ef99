"""The database behind the repositories: its engine, its transactions, its migrations."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session

from matcher_service.errors import StoreError
from matcher_service.repositories import all_tables
from matcher_service.retention.vault import VAULT, VaultDoor

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import URL, Connection, Engine

_ = all_tables  # whoever has the database has its tables
MIGRATIONS = Path(__file__).parent / "migrations"
# How long a writer waits for the others before it gives up.
BUSY_TIMEOUT_MS = 10_000
SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # acknowledged is on the disk
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is removed is overwritten
)
POSTGRESQL_OPTIONS = f"-c lock_timeout={BUSY_TIMEOUT_MS}"
# Any number does, if nothing else in the database takes a lock of that number.
POSTGRESQL_WRITER_LOCK = 0x57686F726C
_TURN = text(f"SELECT pg_advisory_xact_lock({POSTGRESQL_WRITER_LOCK})")
# What marks the engine that writes; `auditing` asks for it by this name.
_WRITER = "whorl_writer"
_POSTGRESQL_READS: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """SQLite or PostgreSQL, by URL. Safe to use from several threads and processes.

    On both, writers take turns, and who reads sees one state of things until the session ends: see docs/database.md.
    """

    def __init__(self, url: str, *, key_file: Path | None = None) -> None:
        """Open, and bring the tables up to date. Raises StoreError.

        `key_file` holds the key to the records (see `retention.vault`); without one it is kept beside SQLite's file.
        """
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise StoreError(url, "is not a database URL; expected sqlite:///FILE or postgresql://") from None
        self.url = parsed.render_as_string(hide_password=True)
        # Of SQLite, where it has one: what belongs to the database is kept beside it.
        sqlite = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
        self.file = Path(parsed.database or "") if sqlite else None
        self.door = VaultDoor(key_file=key_file, beside=self.file)
        if parsed.get_backend_name() == "sqlite":
            _make_private(Path(parsed.database or ":memory:"), self.url)
        try:
            self._engine = _make_engine(parsed)
        except (NoSuchModuleError, ImportError) as error:
            raise StoreError(self.url, f"the driver is not installed ({error})") from None
        postgresql = parsed.get_backend_name() == "postgresql"
        self._reader = self._engine.execution_options(**_POSTGRESQL_READS) if postgresql else self._engine
        self._writer = self._engine.execution_options(**{_WRITER: True})
        try:
            self._upgrade()
        except DatabaseError as error:
            self.close()
            cure = (
                "check the file, or restore it from a copy"
                if self.file
                else "check that it runs and is yours"
            )
            raise StoreError(self.url, f"cannot be opened ({error.orig}); {cure}") from None

    @contextlib.contextmanager
    def read(self) -> Generator[Session]:
        """A session that only reads. Raises StoreError if the database fails."""
        with self._session(self._reader) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Generator[Session]:
        """A transaction: committed at the end of the block, undone by an error in it. Raises StoreError."""
        with self._session(self._writer) as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def connection(self) -> Generator[Connection]:
        """A bare connection within a transaction, for the migrations and for a look at the tables."""
        with self._writer.begin() as connection:
            yield connection

    def settle(self) -> bool:
        """Bring all that was written into the database's file, and empty its log, so that nothing older is in it.

        False if somebody reads from the log just now; True for a database that has none of its own.
        """
        if self.file is None or self._engine.dialect.name != "sqlite":
            return True
        raw = self._engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        return not busy

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _session(self, engine: Engine) -> Generator[Session]:
        try:
            with Session(engine, expire_on_commit=False, info={VAULT: self.door}) as session:
                yield session
        except DatabaseError as error:
            raise StoreError(self.url, f"failed ({error.orig})") from error

    def _upgrade(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.util.exc import CommandError

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.connection() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreError(self.url, f"was made by a newer version ({error}); update first") from None


def _make_private(file: Path, url: str) -> None:
    """An empty file that only its owner can read, before SQLite makes one that everybody can."""
    if not file.parent.is_dir():
        raise StoreError(url, f"the folder {file.parent} does not exist; make it first")
    if file.name != ":memory:":
        try:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(url, f"cannot be opened: {error.strerror}") from None


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url)
        _prepare_sqlite(engine)
        return engine
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")  # the driver that we bring
    if url.get_backend_name() != "postgresql":
        return create_engine(url)
    more = {} if "options" in url.query else {"options": POSTGRESQL_OPTIONS}
    # A server that was started again is not noticed by the connections to the one before.
    engine = create_engine(url, pool_pre_ping=True, connect_args=more)
    _prepare_postgresql(engine)
    return engine


def _prepare_postgresql(engine: Engine) -> None:
    """Writers one after the other, as SQLite has them: what was read stays true until it is acted on.

    So the same code is right on both: the first to come files the TCN, takes the task, adds to the audit's chain, and
    numbers of changes become visible in their order. Nobody holds the turn while waiting for anything else.
    """

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITER):
            connection.execute(_TURN)

    _ = began


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, full syncing, and transactions that begin where we say.

    A transaction that begins as a reader and then writes fails at once if somebody else has written in
    between; one that is to write must therefore say so at its beginning.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITER)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    _ = connected, began
