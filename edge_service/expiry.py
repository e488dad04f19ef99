"""The end of a submission's time, by a clock that is not to be trusted, and how late it is.

The end is an absolute time of the wall clock, written down once: when the submission was saved, or, if no good clock
was there then, when one first is. It never moves: not by a restart, not by sending again. It counts only while a time
server keeps the clock. A submission past its end is not sent; when the clock has said so for an hour of the service's
running it is given up: marked, reported, its prints kept. If the clock turns out to have been wrong it is sent again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.spool import SpoolState
from interchange.lateness import Lateness
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.clock import Clock
    from edge_service.spool import Spool, SpoolTimes
    from interchange.messages import CaptureTime

log = logging.getLogger("edge.uplink")


class Expiry:
    """Looks after all submissions of a spool. One thread at a time."""

    def __init__(
        self,
        spool: Spool,
        *,
        clock: Clock,
        confirm_s: float = parameters.EXPIRY_CONFIRM_S,
        look_every_s: float = parameters.EXPIRY_LOOK_S,
        running: Callable[[], float] = time.monotonic,
    ) -> None:
        """`running` is time that only goes on."""
        self._spool = spool
        self._clock = clock
        self._confirm_s = confirm_s
        self._look_every_s = look_every_s
        self._running = running
        self._look_at = 0.0
        self._past_since: dict[str, float] = {}

    def look(self) -> list[str]:
        """TCNs that were given up now. Raises SpoolError."""
        running = self._running()
        if running < self._look_at:
            return []
        self._look_at = running + self._look_every_s
        now = self._clock.now()
        if not now.synchronised:
            self._past_since.clear()  # nobody knows what time it is
            return []
        now_ms = _wall_ms(now)
        self._spool.start_counting(now_ms)
        for tcn in self._spool.revive(now_ms):
            log.warning("submission is tried again: the clock was wrong", extra=facts(tcn=tcn))
        past = self._spool.past(now_ms)
        self._past_since = {tcn: self._past_since.get(tcn, running) for tcn in past}
        given_up = [tcn for tcn in past if running - self._past_since[tcn] >= self._confirm_s]
        self._spool.expire(given_up)
        for tcn in given_up:
            log.error("submission given up: its time is over", extra=facts(tcn=tcn))
        return given_up

    def left_s(self, times: SpoolTimes) -> int:
        """How long a broker may keep the submission; 0 or less: it is not to be sent."""
        now = self._clock.now()
        if times.expires_ms is None:
            return self._spool.keep_s
        left_s = (times.expires_ms - _wall_ms(now)) // 1000
        if now.synchronised:
            return min(left_s, self._spool.keep_s)
        return min(max(left_s, parameters.LEAST_EXPIRY_S), self._spool.keep_s)

    def lateness(self, times: SpoolTimes, *, sent_here: int) -> Lateness | None:
        """What is to be said of a submission that this process has sent `sent_here` times; None: it is not late."""
        now = self._clock.now()
        if times.saved_boot and times.saved_boot == now.boot_id:
            waited_s = (now.monotonic_ms - times.saved_monotonic_ms) / 1000
        else:
            waited_s = (_wall_ms(now) - times.saved_ms) / 1000
        # Another process may have sent it, or this one before it was started anew: how often is not kept.
        before = 1 if sent_here == 0 and times.state is SpoolState.SENT else 0
        attempt = 1 + sent_here + before
        if attempt == 1 and waited_s < parameters.LATE_AFTER_S:
            return None
        return Lateness.bounded(waited_s=waited_s, attempt=attempt)


def _wall_ms(now: CaptureTime) -> int:
    return round(now.clock.timestamp() * 1000)
