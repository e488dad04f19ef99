"""Slips at the sensor that the prints betray: one finger twice, fingers or hands swapped. Told, never refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interchange.fingers import UNKNOWN_FINGER, finger_name
from interchange.messages import CaptureFault, CaptureProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange.minutiae import Minutiae

log = logging.getLogger("matcher.capture")


def look_at(
    prints: Sequence[tuple[int, Minutiae]],
) -> tuple[list[tuple[int, Minutiae]], list[CaptureProblem]]:
    """The prints as they are to be searched, each finger once, and what was wrong with them.

    If they cannot be looked at, they are searched as they are: a reply matters more.
    """
    from matcher_service.search.repeated import counted_once, same_finger_twice

    try:
        repeated = same_finger_twice([m for _, m in prints])
        searched = counted_once(prints, repeated)
    except Exception:
        log.exception("the prints of a submission could not be compared with each other")
        return list(prints), []
    problems = [
        CaptureProblem(
            fault=CaptureFault.SAME_FINGER_TWICE,
            positions=(prints[pair.first][0], prints[pair.second][0]),
            advice=f"The same finger was given as {_named(prints[pair.first][0])} and as "
            f"{_named(prints[pair.second][0])}. It was counted once. Take both fingers again, and watch which "
            "finger is on the sensor.",
        )
        for pair in repeated
    ]
    return searched, problems


def swapped_hands(prints: Sequence[tuple[int, Minutiae]]) -> list[tuple[int, Minutiae]]:
    """The same prints as those of the other hand; empty if no position is known."""
    if not any(position for position, _ in prints):
        return []
    return [((position + 4) % 10 + 1 if position else 0, minutiae) for position, minutiae in prints]


def swapped_hands_problem(prints: Sequence[tuple[int, Minutiae]]) -> CaptureProblem:
    """What the officer is told when somebody was found only with the hands swapped."""
    return CaptureProblem(
        fault=CaptureFault.HANDS_SWAPPED,
        positions=tuple(position for position, _ in prints),
        advice="The right and the left hand seem to have been swapped. Check the person's hands, and take the "
        "fingers again under their right names.",
    )


def relabelled_problem(relabelled: Sequence[tuple[int, int]]) -> CaptureProblem:
    """What the officer is told when fingers match under other labels: (position given, position enrolled)."""
    told = ", ".join(f"{_named(given)} looks like {_named(enrolled)}" for given, enrolled in relabelled)
    return CaptureProblem(
        fault=CaptureFault.FINGERS_RELABELLED,
        positions=tuple(given for given, _ in relabelled),
        advice=f"Fingers may have been taken under wrong names: {told}"[:220]
        + ". Check, and take them again under their right names.",
    )


def _named(position: int) -> str:
    return "a finger of unknown position" if position == UNKNOWN_FINGER else f"the {finger_name(position)}"
