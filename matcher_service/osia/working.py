"""The two threads behind the interface: one does tasks, one posts. Each goes on where it was, after any end."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from matcher_service.osia import parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.osia.delivering import OsiaDelivery
    from matcher_service.osia.desk import OsiaDesk

log = logging.getLogger("matcher.osia")


class OsiaWork:
    """See the module."""

    def __init__(self, desk: OsiaDesk, delivery: OsiaDelivery) -> None:
        self._desk, self._delivery = desk, delivery
        self._stopping = threading.Event()
        self._wakes = [threading.Event(), threading.Event()]
        self._threads = [
            threading.Thread(target=self._run, args=(work, wake), name=f"osia-{name}", daemon=True)
            for (name, work), wake in zip(
                (("tasks", self._task), ("posts", self._post)), self._wakes, strict=True
            )
        ]
        self._collect_at = self._purge_at = 0.0
        desk.tasks.wake = desk.notices.wake = self.wake

    def start(self) -> None:
        """Begin, in the background."""
        self._desk.tasks.release()
        self._delivery.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what is not done is done at the next start."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(parameters.STOP_WAIT_S)
        self._delivery.stop()

    def wake(self) -> None:
        """There is something to do."""
        for wake in self._wakes:
            wake.set()

    def _task(self) -> bool:
        done = self._desk.tasks.run_next(self._desk.perform)
        if done:
            self._wakes[1].set()
        return done

    def _post(self) -> bool:
        at = time.monotonic()
        if at >= self._collect_at:
            self._collect_at = at + parameters.COLLECT_S
            self._delivery.collect()
        if at >= self._purge_at:
            self._purge_at = at + parameters.PURGE_S
            self._delivery.purge()
        return self._delivery.send_due()

    def _run(self, work: Callable[[], bool], wake: threading.Event) -> None:
        while not self._stopping.is_set():
            wake.clear()
            try:
                if not work():
                    wake.wait(parameters.POLL_S)
            except Exception:
                # Staying up but silent is the worst: what is due is still there, and tried again.
                log.exception("fault in the work of the OSIA interface")
                self._stopping.wait(parameters.POLL_S)
