"""What can go wrong in the console."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class ConsoleError(MatcherError):
    """Base of what the console raises on purpose."""


class NotThere(ConsoleError):  # noqa: N818 - reads as what it is
    """A page about something that there is not, or that is not for this person to know of.

    Attributes:
        what: in words, for the page.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class BadForm(ConsoleError):  # noqa: N818 - reads as what it is
    """Something that was filled in wrongly.

    Attributes:
        field: its name in the form.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(problem)
