"""Child processes of the bench: output captured in a file, an end that is always reached."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

POLL_S = 0.02


class ProcessError(Exception):
    """A child process that did not do what was waited for.

    Attributes:
        name: what the process is called here.
        output: the end of what it wrote.
    """

    def __init__(self, name: str, problem: str, output: str) -> None:
        self.name = name
        self.output = output
        super().__init__(f"{name} {problem}" + (f"; the end of its output:\n{output}" if output else ""))


class ChildProcess:
    """A child process whose standard output and error go to the file `log`. A context manager."""

    def __init__(
        self, command: Sequence[str | Path], *, name: str, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._from = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the bench's own
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, minus the signal's number if one ended it, None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """What this process has written so far."""
        with self.log.open("rb") as file:
            file.seek(self._from)
            return file.read().decode("utf-8", "replace")

    def wait_for(self, text: str, *, timeout_s: float = 20.0, count: int = 1) -> None:
        """Wait until its output holds `text`, `count` times. Raises ProcessError if it ends or time does."""
        deadline = time.monotonic() + timeout_s
        while self.output().count(text) < count:
            if self.returncode is not None and self.output().count(text) < count:
                raise ProcessError(self.name, f"ended with {self.returncode}", self._tail())
            if time.monotonic() > deadline:
                raise ProcessError(self.name, f"did not say '{text}' within {timeout_s:g} s", self._tail())
            time.sleep(POLL_S)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.returncode is None:
            self._process.send_signal(number)

    def wait(self, timeout_s: float = 5.0) -> int:
        """Its exit code. Raises ProcessError if it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessError(self.name, f"still runs after {timeout_s:g} s", self._tail()) from None

    def stop(self, timeout_s: float = 5.0) -> int:
        """SIGTERM, and SIGKILL if that does not end it in time; its exit code."""
        self.send(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL; its exit code."""
        self.send(signal.SIGKILL)
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tail(self) -> str:
        return "\n".join(self.output().splitlines()[-15:])
