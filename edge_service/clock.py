"""The kiosk's clock, which is not to be trusted: a Pi has none that survives a power cut.

Each stamp says which boot it belongs to, the time since that boot, and whether a time server had set the
wall clock. The last time that was known to be good is kept in the spool, and the wall clock is never allowed
to be behind it.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from edge_service import parameters
from edge_service.c_library import c_library
from interchange.messages import CaptureTime

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux; all zero asks, and changes nothing


class Clock(Protocol):
    """Where stamps come from."""

    def now(self) -> CaptureTime:
        """A stamp for this moment."""
        ...


class FloorStore(Protocol):
    """Where the last known good time is kept, in milliseconds since 1970; 0 if there is none."""

    def clock_floor_ms(self) -> int:
        """The last known good time."""
        ...

    def raise_clock_floor(self, now_ms: int) -> None:
        """Keep `now_ms`, if it is later than what is kept."""
        ...


class SystemClock:
    """The machine's clock, with the floor kept in `store`."""

    def __init__(self, *, store: FloorStore) -> None:
        self._store = store
        self._boot_id = _boot_id()

    def now(self) -> CaptureTime:
        """A stamp for this moment. The floor moves only while the clock is synchronised, and in steps."""
        synchronised = is_synchronised()
        now_ms = time.time_ns() // 1_000_000
        floor_ms = self._store.clock_floor_ms()
        if not synchronised:
            now_ms = max(now_ms, floor_ms)
        elif now_ms >= floor_ms + parameters.CLOCK_FLOOR_STEP_MS:
            self._store.raise_clock_floor(now_ms)
        return CaptureTime(
            clock=datetime.fromtimestamp(now_ms / 1000, UTC),
            synchronised=synchronised,
            boot_id=self._boot_id,
            monotonic_ms=time.monotonic_ns() // 1_000_000,
        )


def is_synchronised() -> bool:
    """Whether the kernel says that its clock is kept by a time server (adjtimex(2))."""
    try:
        state = c_library().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


def _boot_id() -> str:
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())  # no such file: then this process is the boot
