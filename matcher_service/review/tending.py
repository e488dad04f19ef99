"""What goes by the clock, in a thread of its own beside the search: see `Reviews.tend`."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from interchange.logs import facts
from matcher_service.review.parameters import TEND_EVERY_S

if TYPE_CHECKING:
    from matcher_service.review.reviews import Reviews

log = logging.getLogger("matcher.review")


class Tending:
    """Tends until it is stopped. Two matchers on one database may both: what one has done the other finds done."""

    def __init__(self, reviews: Reviews, *, every_s: float = TEND_EVERY_S) -> None:
        self._reviews = reviews
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End; what is under way is finished."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                done = self._reviews.tend()
            except Exception:
                log.exception("tending failed; it is tried again")
            else:
                if done.withdrawn or done.escalated:
                    told = facts(withdrawn=done.withdrawn, escalated=done.escalated)
                    log.info("reviews tended", extra=told)
            self._stopping.wait(self._every_s)
