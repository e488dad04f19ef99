"""The arm64 system while it is entered: commands, services, files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Self

from deploy.arm64 import parameters as p
from deploy.arm64.errors import CannotRun, StepFailed
from deploy.arm64.mounts import Mounts
from deploy.arm64.processors import CORES, PI_4
from hardware.bench.process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from deploy.arm64.processors import Processor

# Nothing of the caller's environment gets in.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",  # noqa: S108 - a folder that every user in there has
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "COLUMNS": "140",
}


class Machine:
    """A context manager: what a system needs of the kernel is mounted while it lasts.

    It shares the network with this machine, and sees its pseudo-terminals, so that a sensor of the bench can be wired
    to it.
    """

    def __init__(self, folder: Path, *, logs: Path) -> None:
        self.folder = folder.resolve()
        self._logs = logs
        self._mounts = Mounts(self.folder)
        self._processor = PI_4

    def __enter__(self) -> Self:
        try:
            self._mounts.special("proc", "/proc")
            self._mounts.special("tmpfs", "/sys")
            self._mounts.special("tmpfs", "/run")
            self._mounts.special("tmpfs", "/tmp", "-o", "mode=1777")  # noqa: S108 - the machine's own
            self._mounts.bind(Path("/dev/pts"), "/dev/pts")
            for name in ("possible", "present", "online"):
                self.write(f"/sys/devices/system/cpu/{name}", f"0-{CORES - 1}\n")
            self.become(PI_4)
            shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
            self._try_out()
        except BaseException:
            self._mounts.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mounts.__exit__(kind, error, trace)

    def path(self, inside: str | Path) -> Path:
        """Where a file of the machine's is, seen from here."""
        return self.folder / str(inside).lstrip("/")

    def write(self, inside: str, content: str, *, mode: int = 0o644) -> None:
        """Put a file there."""
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        target.chmod(mode)

    def become(self, processor: Processor) -> None:
        """Be a board with this processor, for all that is started from now on."""
        self._processor = processor
        said = self._logs / "cpuinfo"  # a file out here, so that nothing inside is needed to show it
        said.write_text(processor.cpuinfo, encoding="ascii")
        self._mounts.unmount("/proc/cpuinfo")
        self._mounts.bind(said, "/proc/cpuinfo")

    def run(
        self,
        *command: str,
        user: str = "root",
        text: str = "",
        also: Sequence[int] = (),
        timeout_s: float = p.COMMAND_TIMEOUT_S,
    ) -> str:
        """Standard output of a command in there; `text` is its input.

        Raises StepFailed unless it ends with 0 or a code of `also`.
        """
        name = Path(command[0]).name
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                self._inside(command, user),
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout_s,
                env=self._environment,
                start_new_session=True,  # without a terminal: what asks, asks standard input
            )
        except subprocess.TimeoutExpired:
            raise StepFailed(name, f"did not end within {timeout_s:g} s") from None
        if done.returncode not in {0, *also}:
            said = (done.stdout + done.stderr)[-p.OUTPUT_SHOWN :]
            raise StepFailed(f"{name} in the arm64 system", f"ended with {done.returncode}", said)
        return done.stdout

    def start(
        self, *command: str, user: str, name: str, more: Mapping[str, str] | None = None
    ) -> ChildProcess:
        """Start a service in there; its output goes to a log out here."""
        environment = self._environment | dict(more or {})
        return ChildProcess(
            self._inside(command, user), name=name, log=self._logs / f"{name}.log", env=environment
        )

    @property
    def _environment(self) -> dict[str, str]:
        return _ENVIRONMENT | {"QEMU_CPU": self._processor.name}

    def _inside(self, command: Sequence[str], user: str) -> list[str]:
        return ["chroot", f"--userspec={user}:", str(self.folder), *command]

    def _try_out(self) -> None:
        try:
            self.run("/bin/true")
        except StepFailed as error:
            raise CannotRun(
                "an arm64 program does not run here although the kernel was told how",
                f"see that the disk of {self.folder} is not mounted noexec ({error.output or error.problem})",
            ) from error
        said = self.run("uname", "-m").strip()
        if said != "aarch64":
            raise CannotRun(f"the root in {self.folder} is of {said}", "remove that folder and start again")
