"""A sealed file in use: one connection under one lock, read and written by several threads and processes."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from edge_service.at_rest.file import is_damage, open_file, set_aside, transaction
from edge_service.at_rest.keys import KeyFile, key_file_of
from edge_service.at_rest.migration import fold_in, key_id_of, migrate, reseal, version_of
from edge_service.at_rest.vault import Vault
from edge_service.errors import SpoolDamaged, SpoolError, SpoolKeyError
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from edge_service.at_rest.format import Format, SealedColumn

log = logging.getLogger("edge.spool")


class SealedFile:
    """See the module. Raises SpoolError for anything the disk does.

    `lock` is held by every read and write; whoever needs more than one of them at a time holds it around them.
    """

    def __init__(
        self,
        path: Path,
        form: Format,
        *,
        keys: KeyFile | None = None,
        vault: Vault | None = None,
        start_empty: bool = False,
    ) -> None:
        """Open it, or make it; bring it to the format and under the key of today.

        Without a `vault`, one of `keys` or of the key file beside `path`, which is made if the file is new. With
        `start_empty` a file that was set aside, or whose key is lost and which is set aside now, is no obstacle.

        Raises SpoolDamaged, SpoolKeyError (the file is as it was), SpoolError.
        """
        self.path = path
        self.form = form
        self.lock = threading.RLock()
        if not path.parent.is_dir():
            raise SpoolError(path, f"the folder {path.parent} does not exist; is its disk mounted?")
        try:
            self.vault, self.connection = self._open(keys, vault, start_empty=start_empty)
        except SpoolKeyError as error:
            if not (start_empty and error.lost):
                raise
            set_aside(path)
            self.vault, self.connection = self._open(keys, vault, start_empty=True)

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """All rows. Raises SpoolError."""
        with self.lock:
            try:
                return self.connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(self.path, f"cannot be read ({error}); restart the service") from None

    def write(self, sql: str, values: tuple[object, ...]) -> int:
        """How many rows were changed. Raises SpoolError, SpoolFull: then none was."""
        with self.transaction() as connection:
            return connection.execute(sql, values).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Several writes, whole or not at all. Raises SpoolError, SpoolFull."""
        with self.lock, transaction(self.connection, self.path) as connection:
            yield connection

    def seal(self, value: bytes, column: SealedColumn, row: str) -> bytes:
        """`value` as it is kept; to be called inside the transaction that keeps it. Raises SpoolKeyError."""
        wanted = key_id_of(self.connection)
        if self.vault.current != wanted:  # another process has changed the key
            self.vault.reload()
        if self.vault.current != wanted:
            raise SpoolKeyError(self.path, problem="the key was changed meanwhile; restart the service")
        return self.vault.seal(value, place=self.form.place(column, row))

    def unseal(self, blob: object, column: SealedColumn, row: str) -> bytes:
        """What was kept. Raises Unreadable."""
        return self.vault.unseal(blob, place=self.form.place(column, row))

    def reseal(self) -> int:
        """Seal everything with the vault's current key; how many values."""
        with self.lock:
            return reseal(self.connection, self.path, self.form, self.vault)

    def close(self) -> None:
        """Give the file back, its log folded in. Nothing else may be called after."""
        with self.lock:
            fold_in(self.connection)
            self.connection.close()

    # -- inside

    def _open(
        self, keys: KeyFile | None, vault: Vault | None, *, start_empty: bool
    ) -> tuple[Vault, sqlite3.Connection]:
        vault = vault or self._vault(keys or key_file_of(self.path))
        connection = open_file(self.path, self.form, key_id=vault.current, start_empty=start_empty)
        try:
            self._bring_up_to_date(connection, vault)
        except BaseException:
            connection.close()
            raise
        return vault, connection

    def _vault(self, keys: KeyFile) -> Vault:
        """Of `keys`, which are made where nothing is sealed yet, and never where something is."""
        if not keys.exists and not _is_sealed(self.path):
            keys.make()
        if keys.open_to_others:
            log.warning("the spool key can be read by others: chmod 600", extra=facts(file=keys.path))
        return Vault(keys)

    def _bring_up_to_date(self, connection: sqlite3.Connection, vault: Vault) -> None:
        if vault.blind:
            if version_of(connection) != self.form.version:
                raise SpoolError(
                    self.path, "is of an older format; start the service once, it is brought up to date"
                )
            return
        migrate(connection, self.path, self.form, vault)
        key = key_id_of(connection)
        if key != vault.current:
            if not vault.has(key):
                raise SpoolKeyError(
                    self.path, problem="it was sealed with another key than the one that is here", lost=True
                )
            # A change of keys that was begun, or a new first line in the key file.
            reseal(connection, self.path, self.form, vault)


def _is_sealed(path: Path) -> bool:
    """Whether there is a file, and it says that a key belongs to it. Raises SpoolDamaged: it is set aside then."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return key_id_of(connection) != ""
    except sqlite3.Error as error:
        if is_damage(error):
            raise SpoolDamaged(path, set_aside(path)) from None
        return True  # it is in use, or belongs to somebody else: no reason to make a key
