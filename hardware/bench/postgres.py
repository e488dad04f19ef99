"""A PostgreSQL server of its own as a child process, for the tests: on a socket in its own folder, gone with it.

It listens on no network, believes whoever reaches its socket, and never waits for the disk: for made-up data only.
Its order of words is a language's, as on most servers, so that whoever relies on the order of bytes is found out.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hardware.bench.process import ChildProcess, ProcessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

USER = "whorl"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
MEMORY_BYTES = 4 << 30
SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "autovacuum=off",
)


class PostgresMissing(Exception):  # noqa: N818 - reads as what it is
    """PostgreSQL's server is not installed."""

    def __init__(self, what: str = "PostgreSQL's server was not found", cure: str = "make postgres") -> None:
        super().__init__(f"{what}; install it with: {cure}")


def find_binaries() -> Path:
    """The folder of the newest server's programs. Raises PostgresMissing."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    found = shutil.which("postgres")
    for folder in (*debian, *([Path(found).resolve().parent] if found else [])):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing


class PostgresServer:
    """A server, a context manager. It cannot be run by root, so root runs it as somebody else."""

    def __init__(self) -> None:
        """Make and start it. Raises PostgresMissing, and ProcessError if it does not start."""
        try:
            import psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport]
        except ImportError:
            raise PostgresMissing("psycopg, PostgreSQL's driver, is not installed", "make setup") from None
        self._binaries = find_binaries()
        # A socket's whole path has 107 characters at most: not in the folder of a test.
        self.folder = Path(tempfile.mkdtemp(prefix="whorl-pg-", dir=_memory()))
        self._as: Sequence[str] = ()
        try:
            self._process = self._started()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def url(self, database: str = "postgres") -> str:
        """Where a database of this server is."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def run(self, *statements: str) -> None:
        """Statements outside any transaction."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder), user=USER, dbname="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, database: str, *, template: str = "template0") -> None:
        """A database, empty or as the template is."""
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    def drop(self, database: str) -> None:
        """Take a database away, whoever uses it."""
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def stop(self) -> None:
        """End it, and all that was in it."""
        self._process.send(signal.SIGQUIT)  # at once, but it gives its shared memory back
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except ProcessError:
            self._process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _started(self) -> ChildProcess:
        if os.geteuid() == 0:
            user = _somebody()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
        data = self.folder / "data"
        # Not every build has the first of the two.
        made = self._make(data, "--locale-provider=icu", "--icu-locale=en-US")
        if made.returncode:
            shutil.rmtree(data, ignore_errors=True)
            made = self._make(data)
        if made.returncode:
            raise ProcessError("initdb", "failed", made.stderr[-2000:])
        options = [word for setting in SETTINGS for word in ("-c", setting)]
        process = ChildProcess(
            [*self._as, self._binaries / "postgres", "-D", data, "-k", self.folder, *options],
            name="postgres",
            log=self.folder / "server.log",
        )
        self._wait(process)
        return process

    def _make(self, data: Path, *order: str) -> subprocess.CompletedProcess[str]:
        command = [*self._as, str(self._binaries / "initdb"), "-D", str(data), "-U", USER, "-E", "UTF8"]
        command += ["--locale=C", "--auth=trust", "--no-sync", "--no-instructions", *order]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)  # noqa: S603 - the server's own program

    def _wait(self, process: ChildProcess) -> None:
        import psycopg

        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                if process.returncode is not None or time.monotonic() > deadline:
                    process.kill()
                    raise ProcessError("postgres", "did not start", process.output()[-2000:]) from None
                time.sleep(POLL_S)
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _memory() -> Path | None:
    """A folder in memory, if there is one with enough room: a hundred databases are made and dropped."""
    folder = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > MEMORY_BYTES:
        return folder
    return None


def _somebody() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("a user to run PostgreSQL as was not found")
