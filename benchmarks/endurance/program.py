"""A program of the site: started in a session of its own, killed, started again, and measured while it lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.endurance import parameters as p

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


ENDED = "endurance: it ended by itself"
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """How large a program is at one moment; `life` counts its starts, `age_s` is of that life."""

    program: str
    life: int
    age_s: float
    saved: int
    rss_kib: int
    handles: int
    threads: int


class Program:
    """See the module.

    Attributes:
        lives: how often it was started.
        ended: what it said last, each time that it ended by itself with an error.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        *,
        log: Path,
        env: Callable[[], Mapping[str, str] | None] = lambda: None,
        on_gone: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`command` and `env` are asked at each start, `on_gone` is told the id of a process that is no more."""
        self.name = name
        self.lives = 0
        self.ended: list[str] = []
        self.finished = False
        self._command = command
        self._env = env
        self._log = log
        self._on_gone = on_gone
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """While it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def mind(self) -> None:
        """Start it, if it is to live and does not; code 0 means that it has finished."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._on_gone(self._process.pid)
            self._process = None
            self.finished = code == 0
            if code:
                self.ended.append(f"{code}: {self._last_line()}")
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(f"{ENDED} with code {code}\n")
                self._start_at = time.monotonic() + p.COME_BACK_S
        if self._process is None and not self.finished and time.monotonic() >= self._start_at:
            self._start()

    def kill(self, *, away_s: float) -> None:
        """SIGKILL, as a power cut would; it comes back after `away_s`."""
        self._start_at = time.monotonic() + away_s
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after a while."""
        self.finished = True
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGTERM)

    def sample(self, saved: int) -> Sample | None:
        """How large it is."""
        pid = self.pid
        if pid is None:
            return None
        try:
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
            )
            handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            rss_kib = int(status["VmRSS"].split()[0])
        except (OSError, KeyError):  # it has just ended
            return None
        age_s = time.monotonic() - self._started_at
        return Sample(self.name, self.lives, round(age_s, 1), saved, rss_kib, handles, int(status["Threads"]))

    def _start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the campaign's own
                list(self._command()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env(),
                start_new_session=True,
            )
        self.lives += 1
        self._started_at = time.monotonic()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(8.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._on_gone(self._process.pid)
        self._process = None

    def _last_line(self) -> str:
        with self._log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1][-300:] if lines else ""


def write_down(programs: Sequence[Program], file: Path) -> None:
    """Which processes run, for whoever resumes a campaign whose conductor was killed."""
    running = {str(pid): _born(pid) for program in programs if (pid := program.pid) is not None}
    file.write_text(json.dumps(running), encoding="ascii")


def end_left_overs(file: Path) -> None:
    """Processes that an earlier conductor wrote down; the time of birth tells them from others of the same number."""
    if not file.exists():
        return
    for number, born in json.loads(file.read_text("ascii")).items():
        if born and _born(int(number)) == born:
            os.kill(int(number), signal.SIGKILL)
    file.unlink()


def _born(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
