"""An arm64 Debian, made once and kept as an archive: what a Pi has before our package comes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.arm64 import parameters as p
from deploy.arm64.emulation import native
from deploy.arm64.errors import CannotRun, StepFailed
from deploy.arm64.mounts import Mounts, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Nothing that is installed may start a service: there is nobody to serve in here (deb-systemd-invoke, invoke-rc.d).
_NO_SERVICES = "#!/bin/sh\nexit 101\n"


class RootMaker:
    """Makes the archive, or finds it made.

    Args:
        folder: where archive, downloaded packages and the log are kept.
        mirror: of Debian.
        tell: is told each step, in words.
    """

    def __init__(self, folder: Path, *, mirror: str, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._mirror = mirror
        self.tell = tell
        self.log = folder / "root.log"

    @property
    def archive(self) -> Path:
        """Named by all that goes into it, the mirror aside."""
        recipe = json.dumps([p.RECIPE, p.ARCHITECTURE, p.SUITE, sorted(p.INCLUDED)])
        return self._folder / f"root-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.tar"

    def archived(self) -> Path:
        """The archive; made if it is not there, which takes minutes. Raises CannotRun or StepFailed."""
        if self.archive.exists():
            return self.archive
        if shutil.which("debootstrap") is None:
            raise CannotRun("debootstrap is not installed", "install it: sudo apt install debootstrap")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        making = self._folder / "making"
        remove_tree(making)  # a run that was interrupted; what it downloaded is kept apart
        with Mounts(making):  # the second stage mounts what it needs itself, and forgets some of it
            self._bootstrap(making)
            self._finish(making)
        self.tell("packing it")
        part = self.archive.with_suffix(".part")
        self._run("tar", "--one-file-system", "--numeric-owner", "-C", making, "-cf", part, ".")
        part.rename(self.archive)
        remove_tree(making)
        return self.archive

    def unpack(self, into: Path) -> None:
        """A fresh root from the archive."""
        remove_tree(into)
        into.mkdir(parents=True)
        self._run("tar", "--numeric-owner", "-C", into, "-xpf", self.archived())

    def _bootstrap(self, making: Path) -> None:
        downloads = self._folder / "downloads"
        downloads.mkdir(exist_ok=True)
        self.tell("downloading Debian's packages")
        stages = [] if native() else ["--foreign"]
        self._run(
            "debootstrap",
            *stages,
            f"--arch={p.ARCHITECTURE}",
            "--variant=minbase",
            f"--include={','.join(p.INCLUDED)}",
            f"--cache-dir={downloads.resolve()}",
            p.SUITE,
            making,
            self._mirror,
        )
        if stages:
            self.tell("unpacking and configuring them, emulated (some minutes)")
            self._run("chroot", making, "/debootstrap/debootstrap", "--second-stage")

    def _finish(self, making: Path) -> None:
        policy = making / "usr/sbin/policy-rc.d"
        policy.write_text(_NO_SERVICES, encoding="ascii")
        policy.chmod(0o755)
        for package in (making / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()

    def _run(self, *words: str | Path) -> None:
        run_logged([str(word) for word in words], log=self.log)


def run_logged(command: Sequence[str], *, log: Path, cwd: Path | None = None) -> None:
    """Run a command with its output in a file. Raises StepFailed with the end of that."""
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=p.MAKE_TIMEOUT_S,
            cwd=cwd,
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
            },
        )
    if done.returncode:
        said = log.read_text("utf-8", "replace")[-p.OUTPUT_SHOWN :]
        raise StepFailed(Path(command[0]).name, f"ended with {done.returncode} (see {log})", said)
