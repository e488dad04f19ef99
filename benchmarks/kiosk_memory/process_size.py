"""What the kernel says a process holds: /proc/PID/smaps_rollup, status, fd."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessSize:
    """Bytes, and numbers of things.

    Attributes:
        rss: resident pages, those shared with other processes included.
        pss: the same, each shared page counted by its share.
        anonymous: resident pages that stand for no file: heap and stacks.
        peak: the most that was ever resident.
        files: open file descriptors.
        threads: of it.
    """

    rss: int
    pss: int
    anonymous: int
    peak: int
    files: int
    threads: int


def size_of(pid: int) -> ProcessSize:
    """As it is now. Raises OSError once the process has ended."""
    folder = _PROC / str(pid)
    rollup = _fields(folder / "smaps_rollup")
    status = _fields(folder / "status")
    return ProcessSize(
        rss=rollup["Rss"] * 1024,
        pss=rollup["Pss"] * 1024,
        anonymous=rollup["Anonymous"] * 1024,
        peak=status["VmHWM"] * 1024,
        files=len(os.listdir(folder / "fd")),  # noqa: PTH208 - names are enough, and there are no paths behind them
        threads=status["Threads"],
    )


def descendants(pid: int) -> list[int]:
    """All processes that `pid` has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def browser_pss() -> int:
    """Of all the processes of the Chromium that this process has started, together."""
    total = 0
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError, KeyError):
            if "chrom" in (_PROC / str(pid) / "comm").read_text("utf-8", "replace"):
                total += _fields(_PROC / str(pid) / "smaps_rollup")["Pss"] * 1024
    return total


def _fields(path: Path) -> dict[str, int]:
    fields: dict[str, int] = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            fields[name] = int(words[0])
    return fields
