"""Who is booked: booking `number` of a campaign has always the same one or two synthetic prints, nobody's.

Every fifth is of somebody who is enrolled. The prints are points without images (models/synthetic/crowd.py): what is
tested here lies behind the extractor.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from benchmarks.endurance import parameters as p
from models.synthetic.crowd import impression

if TYPE_CHECKING:
    from interchange import Minutiae
    from matcher_service.repositories import Repositories

_STRANGERS_FROM = 10_000_000


def known_person(seed: int, number: int) -> int | None:
    """Which of the enrolled people booking `number` is of; None for a stranger."""
    random = Random(f"booking {seed} {number}")  # noqa: S311 - the same booking again after a crash
    return random.randrange(p.IDENTITIES) if random.random() < p.KNOWN_SHARE else None


def prints_of(seed: int, number: int) -> dict[int, Minutiae]:
    """The prints of booking `number`, by finger position."""
    positions = p.POSITIONS[: 1 + number % 2]
    person = known_person(seed, number)
    if person is None:
        first = _STRANGERS_FROM + number * len(p.POSITIONS)
        return {at: impression(first + k, 0, seed=seed) for k, at in enumerate(positions)}
    # Another touch than the one that was enrolled.
    return {at: impression(_finger(person, k), 1 + number, seed=seed) for k, at in enumerate(positions)}


def enroll_everybody(repositories: Repositories, seed: int) -> list[str]:
    """Fill the repositories with the same people; their identities in the first one, by number."""
    from matcher_service.repositories import NewPrint

    people = [
        [NewPrint.of(at, impression(_finger(person, k), 0, seed=seed)) for k, at in enumerate(p.POSITIONS)]
        for person in range(p.IDENTITIES)
    ]
    identities: list[str] = []
    for name in p.REPOSITORIES:
        repositories.create(name)
        enrolled = repositories.enroll_many(name, people)
        identities = identities or [one.identity for one in enrolled]
    return identities


def _finger(person: int, k: int) -> int:
    return person * len(p.POSITIONS) + k
