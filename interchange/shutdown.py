"""An orderly end on SIGTERM and SIGINT, within a time that is kept whatever hangs."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

log = logging.getLogger("interchange.shutdown")

# Supervisors are told to wait five seconds before they kill.
LIMIT_S = 4.5


def stop_on_signals(stopping: threading.Event, *, limit_s: float = LIMIT_S) -> None:
    """From now on SIGTERM and SIGINT set `stopping`; call it from the main thread, before anything slow.

    If the process still runs `limit_s` later, because a disk or a compiler does not answer, it exits with
    code 1 there and then. Both stores commit before they promise, so that this loses nothing.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            last_resort = threading.Timer(limit_s, _give_up)
            last_resort.daemon = True
            last_resort.start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _give_up() -> None:
    log.error("no orderly end in time, giving up")
    os._exit(1)
