"""What can go wrong with relaying. Each message says what the person does next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from pathlib import Path


class RelayRefused(MatcherError):  # noqa: N818 - reads as what it is
    """Something that relaying does not do.

    Attributes:
        subject: what it was asked of: a setting, a relay, a TCN.
    """

    def __init__(self, subject: str, problem: str) -> None:
        self.subject = subject
        super().__init__(f"{subject}: {problem}")


class UpwardIdentityError(MatcherError):
    """The identity that the centre above gave this state cannot be used.

    Attributes:
        folder: where it is kept.
    """

    def __init__(self, folder: Path, problem: str) -> None:
        self.folder = folder
        super().__init__(f"{folder}: {problem}")
