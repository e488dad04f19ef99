"""What several examiners' decisions come to: a table, whole and small. docs/review.md shows it, a test asks every row.

One examiner decides alone, unless the activation asks for two; then they have to agree, and where they do not, a
third looks. Where no two of the three agree, the task is inconclusive: doubt never becomes an identification.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Decision(StrEnum):
    """What an examiner says of a task: one of the candidates is the same person, none is, or it cannot be told."""

    IDENTIFICATION = "identification"
    EXCLUSION = "exclusion"
    INCONCLUSIVE = "inconclusive"


class State(StrEnum):
    """Where a task is. "open", "second" and "third" wait for that examiner; the others are ends."""

    OPEN = "open"
    SECOND = "second"
    THIRD = "third"
    IDENTIFIED = "identified"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"
    WITHDRAWN = "withdrawn"


WAITING: Final = (State.OPEN, State.SECOND, State.THIRD)
DECIDED: Final = (State.IDENTIFIED, State.EXCLUDED, State.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Vote:
    """A decision that counts: not one for a known stranger. `candidate` is the one that was identified."""

    decision: Decision
    candidate: int | None = None


_IDENTIFIED, _EXCLUDED, _INCONCLUSIVE = DECIDED
_SECOND, _THIRD = State.SECOND, State.THIRD

# A is the identification of a candidate, B and C those of others, X an exclusion, ? an inconclusive one; in the order
# in which they were made.
ALONE: Final[Mapping[str, State]] = MappingProxyType(
    {"": State.OPEN, "A": _IDENTIFIED, "X": _EXCLUDED, "?": _INCONCLUSIVE}
)
TOGETHER: Final[Mapping[str, State]] = MappingProxyType(
    {
        "": State.OPEN,
        # Whatever the first says: that there is a second must tell nothing of it.
        "A": _SECOND, "X": _SECOND, "?": _SECOND,
        # Two who agree.
        "AA": _IDENTIFIED, "XX": _EXCLUDED, "??": _INCONCLUSIVE,
        # Two who do not.
        "AB": _THIRD, "AX": _THIRD, "A?": _THIRD, "XA": _THIRD, "X?": _THIRD, "?A": _THIRD, "?X": _THIRD,
        # The third agrees with one of them.
        "ABA": _IDENTIFIED, "ABB": _IDENTIFIED, "AXA": _IDENTIFIED, "A?A": _IDENTIFIED,
        "XAA": _IDENTIFIED, "?AA": _IDENTIFIED,
        "AXX": _EXCLUDED, "XAX": _EXCLUDED, "X?X": _EXCLUDED, "?XX": _EXCLUDED,
        "A??": _INCONCLUSIVE, "X??": _INCONCLUSIVE, "?A?": _INCONCLUSIVE, "?X?": _INCONCLUSIVE,
        # No two agree.
        "ABC": _INCONCLUSIVE, "ABX": _INCONCLUSIVE, "AB?": _INCONCLUSIVE, "AXB": _INCONCLUSIVE,
        "AX?": _INCONCLUSIVE, "A?B": _INCONCLUSIVE, "A?X": _INCONCLUSIVE, "XAB": _INCONCLUSIVE,
        "XA?": _INCONCLUSIVE, "X?A": _INCONCLUSIVE, "?AB": _INCONCLUSIVE, "?AX": _INCONCLUSIVE,
        "?XA": _INCONCLUSIVE,
    }
)  # fmt: skip


def outcome(votes: Sequence[Vote], *, needs_second: bool) -> tuple[State, int | None]:
    """The state that the task is in after these votes, and the candidate that was identified."""
    pattern, names = _pattern(votes)
    state = (TOGETHER if needs_second else ALONE)[pattern]
    if state is not State.IDENTIFIED:
        return state, None
    letter = max("ABC", key=pattern.count)
    return state, names[letter]


def _pattern(votes: Sequence[Vote]) -> tuple[str, dict[str, int]]:
    letters: dict[int, str] = {}
    written = ""
    for vote in votes:
        if vote.decision is Decision.EXCLUSION:
            written += "X"
        elif vote.decision is Decision.INCONCLUSIVE:
            written += "?"
        else:
            assert vote.candidate is not None
            written += letters.setdefault(vote.candidate, "ABC"[len(letters) % 3])
    return written, {letter: candidate for candidate, letter in letters.items()}
