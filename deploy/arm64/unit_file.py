"""What the installed systemd unit says, so that the service is run as it would be on a Pi."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.arm64.errors import StepFailed

if TYPE_CHECKING:
    from deploy.arm64.machine import Machine

_FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Unit:
    """Parts of a service's unit.

    Attributes:
        path: of the file, in the machine.
        command: the words of ExecStart.
        user: who runs it.
        environment: what is set for it.
        watchdog_s: after how long without a sign of life it is killed; 0: never.
    """

    path: str
    command: tuple[str, ...]
    user: str
    environment: dict[str, str]
    watchdog_s: float

    @property
    def python(self) -> str:
        """The interpreter beside the program."""
        return str(Path(self.command[0]).with_name("python"))


def read_unit(machine: Machine, name: str) -> Unit:
    """The unit of that name. Raises StepFailed if it is not installed, or starts nothing."""
    for folder in _FOLDERS:
        path = f"{folder}/{name}"
        if machine.path(path).is_file():
            return parse_unit(machine.path(path).read_text(encoding="utf-8"), path=path)
    raise StepFailed(name, "is not installed by the package")


def parse_unit(text: str, *, path: str) -> Unit:
    """The parts of a unit's text; see systemd.service(5)."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            said.setdefault(key.strip(), []).append(value.strip())
    if not said.get("ExecStart"):
        raise StepFailed(path, "has no ExecStart")
    pairs = (word.partition("=") for line in said.get("Environment", ()) for word in shlex.split(line))
    return Unit(
        path=path,
        command=tuple(shlex.split(said["ExecStart"][-1])),
        user=said.get("User", ["root"])[-1],
        environment={key: value for key, _, value in pairs},
        watchdog_s=float(said.get("WatchdogSec", ["0"])[-1]),
    )
