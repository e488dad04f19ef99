"""What can go wrong with notification. Each message says what the person does next."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class NotifyError(MatcherError):
    """Base of what can go wrong with notification."""


class NotConfirmed(NotifyError):  # noqa: N818 - reads as what it is
    """Something that no examiner confirmed, and of which nobody is told.

    Attributes:
        task_id: the review task.
    """

    def __init__(self, task_id: int, problem: str) -> None:
        self.task_id = task_id
        super().__init__(f"review task {task_id}: {problem}; nobody is told of it")


class UnknownNotice(NotifyError):  # noqa: N818 - reads as what it is
    """There is no such identification, notification, challenge or subscriber.

    Attributes:
        what: "identification", "notification", "challenge" or "subscriber".
        which: its number or name.
    """

    def __init__(self, what: str, which: object) -> None:
        self.what, self.which = what, str(which)
        where = "subscribers list" if what == "subscriber" else "notices list"
        super().__init__(f"there is no {what} {str(which)[:64]!r}; see: matcher-service {where}")


class NoticeRefused(NotifyError):  # noqa: N818 - reads as what it is
    """Something that cannot be done as things stand.

    Attributes:
        field: what it was about.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(f"{field}: {problem}")
