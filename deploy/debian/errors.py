"""What can go wrong while a package is built."""

from __future__ import annotations


class BuildError(Exception):
    """A package that cannot be built; the message says what to do."""


class MissingWheelError(BuildError):
    """A locked library cannot be had for the target.

    Attributes:
        names: the libraries.
        target: architecture and Python.
    """

    def __init__(self, names: list[str], target: str, why: str) -> None:
        self.names = names
        self.target = target
        super().__init__(
            f"no wheel for {target}: {', '.join(names)} ({why}). Is a package index reached? "
            "If so, the library has no wheel for this machine: choose another version and `make lock`"
        )


class UnfitBinaryError(BuildError):
    """A library in machine code would not load on the target.

    Attributes:
        path: the file, relative to the library folder.
        reason: what it lacks.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")
