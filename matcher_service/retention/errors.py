"""What can go wrong where records are sealed, kept, and destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from pathlib import Path


class RetentionError(MatcherError):
    """Base of this package's errors."""


class RecordKeyError(RetentionError):
    """The centre's key to its records is missing, or is not the one they were sealed with.

    Attributes:
        file: where it should be; None where none was named.
    """

    def __init__(self, file: Path | None, problem: str) -> None:
        self.file = file
        super().__init__(f"{file or '[retention] key_file'}: {problem}")


class RecordErased(RetentionError):  # noqa: N818 - reads as what it is
    """Something that was erased, or whose key was destroyed, is wanted.

    Attributes:
        what: a TCN, or an identity.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: its prints were erased, and cannot be had again")


class RetentionRefused(RetentionError):  # noqa: N818 - reads as what it is
    """A policy, a hold, a run or an expungement that cannot be.

    Attributes:
        what: which.
    """

    def __init__(self, what: str, problem: str) -> None:
        self.what = what
        super().__init__(f"{what}: {problem}")


class BadCertificate(RetentionError):  # noqa: N818 - reads as what it is
    """A certificate of deletion that is none, or was changed.

    Attributes:
        problem: what is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the certificate {problem}")
