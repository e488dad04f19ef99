"""What can go wrong at the exchange of files. No message repeats a value of a Type-2 record: names stand there."""

from __future__ import annotations

from dataclasses import dataclass

from matcher_service.errors import MatcherError


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a record, or why it is not used.

    Attributes:
        record: its place in the file, from 1; 0 for the file as a whole.
        type: its type; 0 for the file.
        field: the field, such as "9.137"; empty for the record as a whole.
        reason: in words.
    """

    record: int
    type: int
    field: str
    reason: str

    def __str__(self) -> str:
        if not self.record:
            return self.reason
        where = f"record {self.record} (Type-{self.type})"
        return f"{where}{f', field {self.field}' if self.field else ''}: {self.reason}"


class EbtsRefused(MatcherError):  # noqa: N818 - reads as what it is
    """A file of which nothing is taken.

    Attributes:
        problems: each thing that is wrong, at least one.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        first, rest = problems[0], len(problems) - 1
        super().__init__(f"{first}{f' (and {rest} more; see: matcher-service ebts show)' if rest else ''}")


class ImageRefused(MatcherError):  # noqa: N818 - reads as what it is
    """An image that is not decoded, not encoded, or of which no minutiae can be had.

    Attributes:
        reason: why, and what to do.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NotAnswerable(MatcherError):  # noqa: N818 - reads as what it is
    """A reply that cannot be written yet, or not for this submission.

    Attributes:
        tcn: of the submission.
    """

    def __init__(self, tcn: str, reason: str) -> None:
        self.tcn = tcn
        super().__init__(f"{tcn}: {reason}")
