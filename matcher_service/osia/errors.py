"""What is answered when something is not done."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class OsiaRefusal(MatcherError):  # noqa: N818 - reads as what it is
    """Attributes: status, of HTTP; words, for whoever asked."""

    def __init__(self, status: int, words: str) -> None:
        self.status, self.words = status, words
        super().__init__(words)
