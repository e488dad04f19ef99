"""What can go wrong with the audit. A chain that was changed is a finding, not an error: see `verifying`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from pathlib import Path


class AuditError(MatcherError):
    """Base of what can go wrong with the audit."""


class BadEntry(AuditError):  # noqa: N818 - reads as what it is
    """An entry that cannot be written. Whatever it was to tell of does not happen either.

    Attributes:
        field: which of its fields.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(f"audit entry: {field}: {problem}")


class BadAnchor(AuditError):  # noqa: N818 - reads as what it is
    """A signed head that cannot be read, or that nobody known has signed.

    Attributes:
        source: the file and line.
    """

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


class NoSigningKey(AuditError):  # noqa: N818 - reads as what it is
    """There is no key to sign heads with, or it cannot be read.

    Attributes:
        file: where it should be.
    """

    def __init__(self, file: Path | None, problem: str) -> None:
        self.file = file
        super().__init__(f"{file or 'audit key'}: {problem}")
