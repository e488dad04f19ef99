"""Mounting, unmounting, and never removing what is behind a mount."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from deploy.arm64 import parameters as p
from deploy.arm64.errors import StepFailed, StillMounted

if TYPE_CHECKING:
    from types import TracebackType

_TABLE = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")  # proc(5): a blank in a name is \040


def mounted_below(folder: Path, table: Path = _TABLE) -> list[Path]:
    """What is mounted at `folder` or below it, the last mounted first."""
    folder = folder.resolve()
    points = (line.split(" ")[1] for line in table.read_text("utf-8", "surrogateescape").splitlines())
    named = [Path(_ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), point)) for point in points]
    return [point for point in reversed(named) if point == folder or folder in point.parents]


def remove_tree(folder: Path) -> None:
    """Remove a folder and all that is in it. Raises StillMounted, and removes nothing, if anything is mounted there."""
    if below := mounted_below(folder):
        raise StillMounted(folder, below)
    if folder.exists():
        shutil.rmtree(folder)


class Mounts:
    """Mounts below one folder, undone at the end, the last one first. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bind(self, outside: Path, inside: str) -> None:
        """Show the file or folder `outside` at `inside`."""
        self._mount("--bind", str(outside), inside=inside)

    def special(self, kind: str, inside: str, *options: str) -> None:
        """Mount a file system of the kernel's own, such as proc."""
        self._mount("-t", kind, *options, kind, inside=inside)

    def unmount(self, inside: str) -> None:
        """Undo what was mounted last at `inside`, if anything was."""
        point = self._point(inside)
        if point in mounted_below(point):
            _done("umount", str(point))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(p.UNMOUNT_ATTEMPTS):
            for point in mounted_below(self.folder):
                subprocess.run(["umount", str(point)], check=False, capture_output=True)  # noqa: S603, S607 - a mount of ours
            if not mounted_below(self.folder):
                return
            _end_users_of(self.folder.resolve())
            time.sleep(p.POLL_S)
        raise StillMounted(self.folder, mounted_below(self.folder))

    def _mount(self, *words: str, inside: str) -> None:
        point = self._point(inside)
        if not point.exists():
            point.mkdir(parents=True)
        _done("mount", *words, str(point))

    def _point(self, inside: str) -> Path:
        return self.folder.resolve() / inside.lstrip("/")


def _end_users_of(folder: Path) -> None:
    """Kill who still lives below a folder: a service that was interrupted. /proc shows us our own processes only."""
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        for link in ("root", "cwd"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                place = (process / link).readlink()
                if place == folder or folder in place.parents:
                    os.kill(int(process.name), signal.SIGKILL)


def _done(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        raise StepFailed(" ".join(command), f"ended with {done.returncode}", done.stderr.strip())
