"""A thread that repeats one step, and lets other threads have things done between two steps."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from hardware.bench.parameters import CONTROL_S

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class LoopThread:
    """Owns the state that `step` works on, so that nothing needs a lock.

    Args:
        step: called again and again with a file descriptor; it should wait on that descriptor, along with
            whatever else it waits for, and return when it becomes readable.
        name: of the thread.
    """

    def __init__(self, step: Callable[[int], None], *, name: str) -> None:
        self._step = step
        self._calls: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._running = False
        self._stop = False
        self._error: BaseException | None = None
        self._wake_read = self._wake_write = -1
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """True from `start` until `stop`, or until the step failed."""
        return self._running

    def start(self) -> None:
        """Begin; once only."""
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """End after the step under way. Raises RuntimeError if the step had failed. May be called again."""
        with self._lock:
            self._stop = True
            self._wake()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            for fd in (self._wake_read, self._wake_write):
                if fd >= 0:
                    os.close(fd)
            self._wake_read = self._wake_write = -1
        error, self._error = self._error, None
        if error is not None:
            raise RuntimeError(f"the thread {self._thread.name} failed") from error

    def ask(self, question: Callable[[], _T]) -> _T:
        """Run `question` between two steps and give what it gives; at once while the thread does not run."""
        with self._lock:
            if self._running:
                answer: Future[_T] = Future()
                self._calls.append(lambda: _settle(answer, question))
                self._wake()
            else:
                return question()
        return answer.result(CONTROL_S)

    def _wake(self) -> None:
        if self._wake_write >= 0:
            try:
                os.write(self._wake_write, b"!")
            except BlockingIOError:
                return  # full of reasons to wake up

    def _run(self) -> None:
        try:
            while not self._stop:
                self._step(self._wake_read)
                self._do_calls()
        except BaseException as error:  # noqa: BLE001 - handed to whoever stops the thread
            self._error = error
        finally:
            with self._lock:
                self._running = False
            self._do_calls()

    def _do_calls(self) -> None:
        try:
            while os.read(self._wake_read, 64):
                pass
        except BlockingIOError:
            pass
        while self._calls:
            self._calls.popleft()()


def _settle(answer: Future[_T], question: Callable[[], _T]) -> None:
    try:
        answer.set_result(question())
    except BaseException as error:  # noqa: BLE001 - it is the asking thread's
        answer.set_exception(error)
