"""What can go wrong in review. No message says what another examiner decided, or that there was one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from datetime import datetime


class ReviewError(MatcherError):
    """Base of what review raises.

    Attributes:
        task: number of the task.
    """

    def __init__(self, task: int, problem: str) -> None:
        self.task = task
        super().__init__(f"task {task}: {problem}")


class UnknownTask(ReviewError):  # noqa: N818 - reads as what it is
    """There is no such task."""

    def __init__(self, task: int) -> None:
        super().__init__(task, "there is none of this number; look at the queue")


class TaskTaken(ReviewError):  # noqa: N818 - reads as what it is
    """Somebody else has it.

    Attributes:
        until: when their claim ends; None where a supervisor gave it to them.
    """

    def __init__(self, task: int, until: datetime | None) -> None:
        self.until = until
        when = "" if until is None else f" until {until:%H:%M} UTC, unless they finish sooner"
        super().__init__(task, f"another examiner has it{when}. Nothing was recorded; take the next one")


class TaskOver(ReviewError):  # noqa: N818 - reads as what it is
    """There is nothing more to do here.

    Attributes:
        state: "withdrawn", "closed", or "decided" by the examiner who asks.
    """

    def __init__(self, task: int, state: str) -> None:
        self.state = state
        super().__init__(task, _OVER[state])


class NotClaimed(ReviewError):  # noqa: N818 - reads as what it is
    """Whoever wants to look or decide has not claimed it, or the claim ran out."""

    def __init__(self, task: int) -> None:
        super().__init__(
            task, "is not claimed by you, or your claim ran out. Nothing was recorded; claim it again"
        )


class BadDecision(ReviewError):  # noqa: N818 - reads as what it is
    """What was sent cannot be taken.

    Attributes:
        field: which part of it.
        reason: what is wrong, and what to do.
    """

    def __init__(self, task: int, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(task, f"{field}: {reason}")


_OVER = {
    "withdrawn": "was withdrawn: it may no longer be looked at, and nothing more was recorded. Take the next one",
    "closed": "is closed; nothing was recorded. Take the next one",
    "decided": "you have decided it, and a decision stands as it was made. Take the next one",
}
