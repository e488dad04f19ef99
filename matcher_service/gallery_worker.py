"""The one thread that touches the galleries. Who asks may stop waiting for it; what was asked is done all the same."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class GalleryWorker:
    """Does one thing after the other, in the order in which they were asked for. Its thread ends with the process."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="galleries", daemon=True)
        self._lock = threading.Lock()
        self._stopped = False

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Have it done; what it gives, or raises, once it is."""
        future: Future[T] = Future()
        with self._lock:
            if self._stopped:
                future.set_exception(RuntimeError("the search has stopped"))
                return future
            if self._thread.ident is None:
                self._thread.start()
        self._jobs.put((future, job))
        return future

    def stop(self, timeout_s: float) -> bool:
        """Finish what is under way and leave the rest. False if that takes longer."""
        with self._lock:
            self._stopped = True
            started = self._thread.ident is not None
        self._jobs.put(None)
        if started:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (asked := self._jobs.get()) is not None:
            future, job = asked
            if not future.set_running_or_notify_cancel():
                continue
            if self._stopped:
                future.set_exception(RuntimeError("the search has stopped"))
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it is for whoever asked
                future.set_exception(error)
