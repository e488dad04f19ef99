"""What can go wrong in a benchmark: a base and three errors, each with its facts as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BenchmarkError(Exception):
    """Base of everything the accuracy benchmark raises on purpose; also a wrong option."""


class DatabaseError(BenchmarkError):
    """A folder that is no database of prints.

    Attributes:
        path: the folder or file at fault.
        reason: what is wrong with it, and what to do.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class ImageError(BenchmarkError):
    """A file that holds no grey 8-bit picture.

    Attributes:
        path: the file.
        reason: what it holds instead, and what to do.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class SystemUnderTestError(BenchmarkError):
    """A system under test that cannot be started, or that broke down while it was measured.

    Attributes:
        system: its name: ``whorl``, ``mindtct``, ``leader`` or ``bozorth3``.
        reason: what happened, and what to do.
    """

    def __init__(self, system: str, reason: str) -> None:
        self.system = system
        self.reason = reason
        super().__init__(f"{system}: {reason}")
