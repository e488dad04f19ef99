"""Prints in memory, for a gallery that is given no other source."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from matcher_service.search.packed import pack_print
from matcher_service.search.shelf import GrowingShelf, Shelf, join, keys_array, owned_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interchange import Minutiae


class Source(Protocol):
    """Where a gallery's prints are. Safe to use from several threads; what changes is seen in the next shelves."""

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> object:
        """Add prints, each (key of 32 hexadecimal digits, position, minutiae)."""
        ...

    def remove(self, key: str) -> int:
        """Remove the prints of an identity; how many there were."""
        ...

    def shelves(self) -> Sequence[Shelf]:
        """All prints as they are now; what was given out before stays as it was."""
        ...

    def __len__(self) -> int:
        """Number of prints."""
        ...

    @property
    def identities(self) -> int:
        """Number of identities that have a print."""
        ...


class MemorySource:
    """A `Source` that forgets everything at the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._growing = GrowingShelf()
        self._fixed: list[Shelf] = []

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> None:
        """See `Source`. Raises ValueError for a key that is not 32 hexadecimal digits; nothing is added then."""
        added = join([(key, at, print_.finger_quality, pack_print(print_)) for key, at, print_ in prints])
        with self._lock:
            self._growing.extend(added)

    def add_shelf(self, shelf: Shelf) -> None:
        """Add many prints at once, as they are: the shelf is not copied."""
        with self._lock:
            self._fixed.append(shelf)

    def remove(self, key: str) -> int:
        """See `Source`."""
        words = keys_array([key])
        with self._lock:
            gone = self._growing.remove_all(words)
            for at, shelf in enumerate(self._fixed):
                rows = owned_by(shelf.owner, words)
                rows = rows[shelf.alive[rows] == 1]
                if len(rows):
                    alive = shelf.alive.copy()
                    alive[rows] = 0
                    self._fixed[at] = shelf._replace(alive=alive)
                    gone += len(rows)
            return gone

    def shelves(self) -> Sequence[Shelf]:
        """See `Source`."""
        with self._lock:
            return (*self._fixed, self._growing.snapshot())

    def __len__(self) -> int:
        return len(self._growing) + sum(int(shelf.alive.sum()) for shelf in self._fixed)

    @property
    def identities(self) -> int:
        """See `Source`."""
        with self._lock:
            owners = [shelf.owner[shelf.alive == 1] for shelf in (*self._fixed, self._growing.snapshot())]
        return len(np.unique(np.concatenate(owners), axis=0))
