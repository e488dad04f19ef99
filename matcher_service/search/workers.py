"""Threads that are kept, for compiled loops that leave the GIL alone, and arrays as such loops like them."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray


class Workers:
    """Does jobs with several threads. Safe to use from several threads; the pool is made at the first need."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads`: as many as there are cores, if not given."""
        self.threads = threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def run(self, jobs: Iterable[Callable[[], object]]) -> None:
        """Do all jobs, in any order, and come back when the last is done; raises what a job raised."""
        listed = list(jobs)
        if self.threads == 1 or len(listed) < 2:
            for job in listed:
                job()
            return
        for done in [self._ready().submit(job) for job in listed]:
            done.result()

    def _ready(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="search")
            return self._pool


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, not to be written to: compiled code knows this kind alone, in memory and mapped from a file."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
