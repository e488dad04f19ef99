"""What counts as proven progress of the edge service, and what it takes to be ready.

Progress is proven when

1. the uplink's thread came to the end of a turn lately (or, without a connection, of an attempt to make one),
2. the service's own connection to the spool answers a question, and
3. the spool's write lock can be had: taken and given back over a second connection, without a byte going to the card.

A disk that says no (full, read-only) has answered: no new start would cure it, and what is saved must still get out.
So it makes the service not ready, and is left out of what the watchdog goes by.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from edge_service.errors import SpoolError
from edge_service.ops import parameters
from interchange.health import Condition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_service.ops.watched_uplink import WatchedUplink
    from edge_service.settings import SpoolSettings
    from edge_service.spool import Spool

_REFUSALS = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def write_lock(path: Path, *, timeout_s: float = parameters.LOCK_WAIT_S) -> str:
    """Why a booking could not be written now; "" if it could. Raises sqlite3.Error when there is no answer."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=timeout_s)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSALS:
            return f"the disk refuses to write ({error})"
        raise
    return ""


class EdgeProgress:
    """The proof and the conditions; `prove` may hang where the service hangs."""

    def __init__(
        self,
        *,
        spool: Spool,
        limits: SpoolSettings,
        uplink: WatchedUplink,
        sensor_trouble: Callable[[], str] | None = None,
    ) -> None:
        """`sensor_trouble` says what is wrong with the sensor, "" while it is ready; None: not this process's work."""
        self._spool = spool
        self._limits = limits
        self._uplink = uplink
        self._sensor_trouble = sensor_trouble
        self._refusal = ""

    def prove(self) -> str:
        """What stands still; "" when progress is proven."""
        standing = self._uplink.stands_still()
        if standing:
            return standing
        try:
            self._spool.stats()
            self._refusal = write_lock(self._spool.path)
        except (SpoolError, sqlite3.Error) as error:
            return f"the spool does not answer: {error}"
        return ""

    def ready(self) -> list[Condition]:
        """Everything that it takes to bring a booking to the matcher."""
        conditions = [
            Condition("broker", self._uplink.connected, "" if self._uplink.connected else "not connected"),
            self._spool_condition(),
        ]
        if self._sensor_trouble is not None:
            trouble = self._sensor_trouble()
            conditions.append(Condition("sensor", not trouble, trouble))
        return conditions

    def words(self) -> str:
        """One line on how it is, for `systemctl status`."""
        try:
            waiting = f"{self._spool.stats().undelivered} to deliver"
        except SpoolError:
            waiting = "spool unreadable"
        return f"{'connected' if self._uplink.connected else 'no broker'}, {waiting}"

    def _spool_condition(self) -> Condition:
        try:
            stats = self._spool.stats()
            room = os.statvfs(self._spool.path.parent)
        except (SpoolError, OSError) as error:
            return Condition("spool", holds=False, words=f"cannot be read ({type(error).__name__})")
        free = room.f_bavail * room.f_frsize
        if self._refusal:
            return Condition("spool", holds=False, words=self._refusal)
        if free < self._limits.disk_reserve_bytes:
            return Condition(
                "spool", holds=False, words=f"the disk has {free} bytes left: no booking is taken"
            )
        if not self._spool.room_for_new_booking():
            return Condition("spool", holds=False, words="full: no booking is taken")
        return Condition("spool", holds=True, words="nearly full" if stats.nearly_full else "")
