"""Unlocking: a code, slower with every wrong one; one session at a time, which ends when nobody touches anything."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.clock import BOOT_ID_FILE
from edge_service.kiosk import parameters
from edge_service.kiosk.errors import Locked
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.kiosk.store import KioskStore
    from edge_service.kiosk.users import Users

log = logging.getLogger("edge.kiosk")

SESSION, FAILURES = "session", "failures"


@dataclass(frozen=True, slots=True)
class _Session:
    token_hash: str
    officer: str


KEEP_TOUCH_EVERY_S = 30.0  # how often the time of the last touch goes to the disk, which wears


class Gate:
    """Keeps the session and the count of wrong codes in `store`, so that killing the service resets neither.

    After a restart of the whole machine the kiosk is locked, and a delay begins anew.
    """

    def __init__(
        self,
        *,
        users: Users,
        store: KioskStore,
        idle_lock_s: float,
        clock: Callable[[], float] = time.monotonic,
        boot: str | None = None,
        on_lock: Callable[[], None] = lambda: None,
    ) -> None:
        self.users = users
        self._store = store
        self._idle_lock_s = idle_lock_s
        self._clock = clock
        self._boot = _boot_id() if boot is None else boot
        self._on_lock = on_lock
        self._lock = threading.RLock()
        self._touched = self._kept_touch = clock()
        self._session = self._restore()
        self._failures, self._not_before = self._restore_failures()

    def unlock(self, code: str) -> str:
        """A token for the session that begins. Raises Locked, UsersError."""
        with self._lock:  # one at a time: neither the delay nor the memory of scrypt is shared out
            wait_s = self._not_before - self._clock()
            if wait_s > 0:
                raise Locked(wait_s=wait_s, tried=False)
            user = self.users.find(code[: parameters.CODE_LENGTH_MAX])
            if user is None:
                raise Locked(wait_s=self._count_failure(), tried=True)
            self._failures, self._not_before = 0, 0.0
            self._store.put(FAILURES, None)
            token = secrets.token_urlsafe(32)
            self._session = _Session(_hash(token), user.name)
            self._touched = self._clock()
            self._keep()
            log.info("kiosk unlocked", extra=facts(with_a=user.kind))
            return token

    def admits(self, token: str | None, *, touch: bool = False) -> bool:
        """Whether `token` is that of the open session; `touch` says that a person has just done something."""
        self.look()
        with self._lock:
            if token is None or self._session is None:
                return False
            if not hmac.compare_digest(self._session.token_hash, _hash(token)):
                return False
            if touch:
                self.touch()
            return True

    def touch(self) -> None:
        """Somebody is there: a tap, or a finger on the sensor."""
        with self._lock:
            if self._session is None:
                return
            self._touched = self._clock()
            if self._touched - self._kept_touch > KEEP_TOUCH_EVERY_S:
                self._keep()

    def lock(self) -> None:
        """End the session."""
        with self._lock:
            was_open, self._session = self._session is not None, None
            self._store.put(SESSION, None)
        if was_open:
            log.info("kiosk locked")
            self._on_lock()  # not under our lock: the desk has one of its own

    @property
    def officer(self) -> str:
        """The label of whoever unlocked it; empty while it is locked."""
        with self._lock:
            return "" if self._session is None else self._session.officer

    @property
    def locks_in_s(self) -> float:
        """Until it locks by itself."""
        with self._lock:
            return max(0.0, self._touched + self._idle_lock_s - self._clock())

    @property
    def wait_s(self) -> float:
        """Until the next code is looked at."""
        with self._lock:
            return max(0.0, self._not_before - self._clock())

    def look(self) -> None:
        """Lock it if it is time."""
        with self._lock:
            is_time = self._session is not None and self.locks_in_s <= 0
        if is_time:
            self.lock()

    # -- inside

    def _count_failure(self) -> float:
        self._failures += 1
        delay_s = self._delay_s()
        self._not_before = self._clock() + delay_s
        self._store.put(FAILURES, self._failures)
        log.warning("wrong code at the kiosk", extra=facts(in_a_row=self._failures, delay_s=delay_s))
        return delay_s

    def _delay_s(self) -> float:
        beyond = self._failures - parameters.FREE_FAILURES
        if beyond < 0:
            return 0.0
        return min(parameters.LONGEST_DELAY_S, parameters.FIRST_DELAY_S * 2.0 ** min(beyond, 20))

    def _keep(self) -> None:
        session = self._session
        assert session is not None
        self._kept_touch = self._touched
        kept = {
            "token": session.token_hash,
            "officer": session.officer,
            "boot": self._boot,
            "at": self._touched,
        }
        self._store.put(SESSION, kept)

    def _restore(self) -> _Session | None:
        kept = self._store.get(SESSION)
        if not kept or kept.get("boot") != self._boot:
            self._store.put(SESSION, None)
            return None
        self._touched = min(self._clock(), float(kept["at"]) + KEEP_TOUCH_EVERY_S)
        return _Session(str(kept["token"]), str(kept["officer"]))

    def _restore_failures(self) -> tuple[int, float]:
        self._failures = int(self._store.get(FAILURES) or 0)
        return self._failures, self._clock() + self._delay_s() if self._failures else 0.0


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _boot_id() -> str:
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(8)  # cannot be known: then every start is a new one
