"""The peers' own environment: made once from a lock file with hashes, and spoken to through a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

import numpy as np

from benchmarks.accuracy.errors import SystemUnderTestError
from benchmarks.accuracy.parameters import PEER_CALL_SECONDS, PEER_START_SECONDS
from benchmarks.accuracy.threads import ONE_THREAD
from benchmarks.accuracy.worker import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from types import TracebackType

    from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "requirements" / "peers.txt"
ENVIRONMENT = REPOSITORY / ".venv-peers"
STAMP = "whorl-requirements.sha256"
WORKER = Path(__file__).with_name("worker.py")


def peers_python(
    *,
    environment: Path = ENVIRONMENT,
    requirements: Path = REQUIREMENTS,
    on_install: Callable[[str], None] = lambda _message: None,
) -> Path:
    """The interpreter of the peers' environment, which is made, or made anew, where it has to be.

    Args:
        environment: folder of the virtual environment.
        requirements: lock file with hashes; when it changes the environment is made anew.
        on_install: told in words that the environment is being made.

    Raises SystemUnderTestError if it cannot be made, for example without a network.
    """
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    python = environment / "bin" / "python"
    with _locked(requirements):
        stamp = environment / STAMP
        if stamp.is_file() and stamp.read_text() == wanted and python.exists():
            return python
        on_install(f"making the peers' environment in {environment} (once, about 450 MB)")
        _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        _run([str(python), *install, "--require-hashes", "-r", str(requirements)])
        stamp.write_text(wanted)
    return python


@contextlib.contextmanager
def _locked(requirements: Path) -> Generator[None]:
    """Let two benchmarks that start together make the environment once."""
    with requirements.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SystemUnderTestError(
            "peers",
            f"their environment could not be made: {' '.join(command[:4])} ... said "
            f"'{said[-1] if said else 'nothing'}'. Check the network (or pip's index) and run it again; "
            "--extractor whorl --matcher whorl needs no peers",
        )


class PeerWorker:
    """One process of the peers' interpreter. Not for several threads at once.

    Args:
        python: the interpreter to run.
        system: name of the peer, for messages.
        script: what it runs, which speaks as `worker.py` does.
        environment: variables that the script needs beside those of this process.
    """

    def __init__(
        self,
        python: Path,
        system: str,
        *,
        script: Path = WORKER,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [str(python), "-u", str(script)]
        self._environment = {**os.environ, **ONE_THREAD, **(environment or {})}
        self._system = system
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, operation: str, **arrays: NDArray[Any] | float | str) -> dict[str, NDArray[Any]]:
        """Ask for `operation`; starts the process if there is none.

        Raises PeerRefused with the peer's own words if it refused, PeerDied if the process died of it or
        gave no answer in time; the next call then starts another.
        """
        first = self._process is None
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        request = {"op": np.array(operation), **{name: np.asarray(a) for name, a in arrays.items()}}
        patience = PEER_CALL_SECONDS + (PEER_START_SECONDS if first else 0.0)
        try:
            write_message(cast("BinaryIO", process.stdin), request)
            answered, _, _ = select.select([process.stdout], [], [], patience)
            answer = read_message(cast("BinaryIO", process.stdout)) if answered else None
        except OSError:  # it died while it was being asked
            answer, answered = None, [process.stdout]
        if answer is None:
            reason = self._last_words() if answered else f"no answer within {patience:.0f} s"
            self.close()
            raise PeerDied(self._system, f"its process broke down ({reason})")
        if "error" in answer:
            raise PeerRefused(self._system, str(answer["error"]))
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=self._environment,
        )
        return self._process

    def _last_words(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip().splitlines()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}: {said[-1]}" if said else how


class PeerRefused(SystemUnderTestError):  # noqa: N818 - an answer, not a fault of ours
    """The peer answered that it cannot do this."""


class PeerDied(SystemUnderTestError):  # noqa: N818 - as above
    """The peer's process died, or hung, while it did this."""
