"""The centre's side of the demo: enrolment before the matcher starts, and who a candidate was, afterwards.

A kiosk never learns who a candidate is: it gets a reference that means something at the centre only. The demo
may look, because it plays both sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.repositories import Database, NewPrint, Repositories, Submissions
from models.synthetic.crowd import stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from interchange import Minutiae

BATCH = 250  # people in one transaction


class Centre:
    """The matcher's database, opened beside it."""

    def __init__(self, url: str, repositories: Iterable[str]) -> None:
        self.url = url
        self.names = tuple(repositories)
        self.database = Database(url)
        self._store = Repositories(self.database)
        self._submissions = Submissions(self.database, instance="demo")
        for name in self.names:
            self._store.create(name, owner=f"{name} bureau")

    def enroll(self, repository: str, prints: dict[int, Minutiae]) -> str:
        """Enroll a person; returns the opaque identity."""
        return self._store.enroll(repository, [NewPrint.of(at, m) for at, m in prints.items()]).identity

    def enroll_strangers(self, count: int, positions: Sequence[int], on_done: Callable[[int], None]) -> None:
        """Fill every repository with `count` simulated people, no two alike, `positions` of each."""
        seed = 0
        for repository in self.names:
            for first in range(0, count, BATCH):
                people: list[list[NewPrint]] = []
                for _ in range(min(BATCH, count - first)):
                    people.append([NewPrint.of(at, stranger(seed + k)) for k, at in enumerate(positions)])
                    seed += len(positions)
                self._store.enroll_many(repository, people)
                on_done(len(people))

    def found(self, tcn: str) -> dict[str, list[str]]:
        """Identities that each repository's search for a submission gave as candidates, best first."""
        return {s.repository: [c.identity for c in s.candidates] for s in self._submissions.searches(tcn)}

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
