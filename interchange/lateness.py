"""How late a submission is: a kiosk says so of one that waited, or that it sends again.

It is signed with the submission where its device has an identity (`statement`), and goes beside it as MQTT user
properties where everything is plain. Kiosks that know nothing of it say nothing. What it is for: an answer to a booking
of last week reads differently, and a repeated submission is no second booking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from interchange.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Sequence

WAITED, ATTEMPT = "waited-s", "attempt"
MAX_WAITED_S: Final = 10 * 366 * 86_400  # ten years: what is older is a clock that is wrong
MAX_ATTEMPTS: Final = 1_000_000
_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds between saving and this sending, and the how manieth sending it is at least."""

    waited_s: int
    attempt: int

    def __post_init__(self) -> None:
        """Raises MessageError for what cannot be."""
        if not (_is_within(self.waited_s, 0, MAX_WAITED_S) and _is_within(self.attempt, 1, MAX_ATTEMPTS)):
            raise MessageError("late", "is out of bounds")

    @classmethod
    def bounded(cls, *, waited_s: float, attempt: int) -> Lateness:
        """With both numbers cut to what can be said."""
        return cls(int(min(max(waited_s, 0), MAX_WAITED_S)), min(max(attempt, 1), MAX_ATTEMPTS))

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """As MQTT user properties."""
        return ((WAITED, str(self.waited_s)), (ATTEMPT, str(self.attempt)))

    @classmethod
    def from_properties(cls, properties: Sequence[tuple[str, str]]) -> Lateness | None:
        """What stands beside a plain message; None if nothing does. Raises MessageError for half of it, or nonsense."""
        found: dict[str, int] = {}
        for name, text in properties:
            if name not in {WAITED, ATTEMPT}:
                continue
            if name in found or not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
                raise MessageError("late", "is not two whole numbers")
            found[name] = int(text)
        if not found:
            return None
        if len(found) != 2:
            raise MessageError("late", "is not two whole numbers")
        return cls(found[WAITED], found[ATTEMPT])

    @classmethod
    def from_tree(cls, tree: object) -> Lateness:
        """What was signed: ``[waited_s, attempt]``. Raises MessageError."""
        numbers = cast("list[object]", tree) if isinstance(tree, list) else []
        if len(numbers) != 2 or not all(type(number) is int for number in numbers):
            raise MessageError("late", "is not two whole numbers")
        return cls(*cast("list[int]", numbers))


def _is_within(value: int, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
