"""What the bench's devices share: a port that a program opens, a thread behind it, a start and an end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from hardware.bench.loop_thread import LoopThread
from hardware.bench.pty_port import PtyPort

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_T = TypeVar("_T")


class Running:
    """A context manager of what has a `start` and a `stop`."""

    def start(self) -> None:
        """Begin."""
        raise NotImplementedError

    def stop(self) -> None:
        """End, and leave nothing behind."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class BenchDevice(Running):
    """A device whose port is `path`. Subclasses bring `_step`, and what they do as they start and after they end.

    Args:
        name: of the thread, and of the port where `link` names none.
        link: where the port appears; None makes a place in the directory for temporary files.
    """

    def __init__(self, *, name: str, link: Path | str | None = None) -> None:
        self._own_folder: Path | None = None
        if link is None:
            self._own_folder = Path(tempfile.mkdtemp(prefix="whorl-bench-"))
            link = self._own_folder / name
        self._port = PtyPort(Path(link))
        self._thread = LoopThread(self._step, name=name)

    @property
    def path(self) -> str:
        """What the program under test opens. The same after a replug."""
        return str(self._port.link)

    @property
    def alive(self) -> bool:
        """False before `start`, after `stop`, and if it failed."""
        return self._thread.alive

    def start(self) -> None:
        """Begin. Raises FileExistsError if something that is no link is at `path`."""
        try:
            self._begin()
        except BaseException:
            self._clean_up()
            raise
        self._thread.start()

    def stop(self) -> None:
        """End, and leave nothing behind. Raises RuntimeError if it had failed by itself."""
        try:
            self._thread.stop()
        finally:
            self._clean_up()

    def _step(self, wake_fd: int) -> None:
        """What the thread does, again and again; see `LoopThread`."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Before the thread runs."""
        self._port.plug()

    def _end(self) -> None:
        """After the thread has ended."""

    def _ask(self, question: Callable[[], _T]) -> _T:
        return self._thread.ask(question)

    def _clean_up(self) -> None:
        self._end()
        self._port.unplug()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
