"""What can go wrong; each message says what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Arm64Error(Exception):
    """The run cannot go on, or found a fault."""


class CannotRun(Arm64Error):  # noqa: N818 - reads as what it is
    """This machine lacks something. `problem` says what, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")


class StepFailed(Arm64Error):  # noqa: N818 - the same
    """A command ended otherwise than it should. `output` is the end of what it wrote."""

    def __init__(self, what: str, problem: str, output: str = "") -> None:
        self.what, self.problem, self.output = what, problem, output
        super().__init__(f"{what} {problem}" + (f"; the end of its output:\n{output}" if output else ""))


class NotTheSame(Arm64Error):  # noqa: N818 - the same
    """arm64 and x86-64 do not agree. `differences` has a line for each."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__("arm64 and x86-64 do not agree:\n" + "\n".join(f"  {line}" for line in differences))


class StillMounted(Arm64Error):  # noqa: N818 - the same
    """Something is mounted below a folder that was to be removed; nothing was removed."""

    def __init__(self, folder: Path, mounts: Sequence[Path]) -> None:
        self.folder, self.mounts = folder, tuple(mounts)
        super().__init__(
            f"{folder} is not removed, because something is mounted in it ({', '.join(map(str, mounts))}); "
            "unmount that with `sudo umount`, then remove the folder"
        )
