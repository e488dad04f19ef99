"""What can go wrong at the authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from pathlib import Path


class AuthorityError(MatcherError):
    """The authority's folder cannot be used.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder: Path, problem: str) -> None:
        self.folder = folder
        super().__init__(f"{folder}: {problem}")


class BadRequest(MatcherError):  # noqa: N818 - reads as what it is
    """A certificate request that is not fulfilled.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no certificate is made: {reason}")
