"""What the files of a gallery hold, in memory: the segments, and the prints that stand in journals only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher_service.galleries import parameters
from matcher_service.galleries.source import NO_KEYS
from matcher_service.search.shelf import GrowingShelf, Shelf, owned_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher_service.galleries.journal import Change
    from matcher_service.galleries.segment import Segment


class Contents:
    """Segments, oldest first; the frozen prints, which a compaction is making a segment of; the newest prints.

    A deletion marks what was there before it, in all three. The keys are kept until they stand in a segment's
    `removed`, which says the same to the next start.
    """

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments
        self.frozen: GrowingShelf | None = None
        self.tail = GrowingShelf()
        self._frozen_removed: list[NDArray[np.uint64]] = []
        self._removed: list[NDArray[np.uint64]] = []
        for age, segment in enumerate(segments):
            for older in segments[:age]:
                older.remove_all(segment.removed)

    def __len__(self) -> int:
        return sum(map(len, self.segments)) + len(self.frozen or ()) + len(self.tail)

    def __contains__(self, keys: NDArray[np.uint64]) -> bool:
        """Whether any of some identities, uint64 (k, 2), has a print."""
        found = [segment.shelf.alive[segment.find(keys)] for segment in self.segments]
        for growing in (self.frozen, self.tail):
            if growing is not None:
                shelf = growing.snapshot()
                found.append(shelf.alive[owned_by(shelf.owner, keys)])
        return any(alive.any() for alive in found)

    @property
    def dead(self) -> int:
        """Prints that were deleted and still take room."""
        frozen = self.frozen.dead if self.frozen else 0
        return sum(segment.dead for segment in self.segments) + frozen + self.tail.dead

    def take_in(self, change: Change) -> int:
        """Make a change; how many prints it removed."""
        gone = sum(segment.remove_all(change.removed) for segment in self.segments)
        if self.frozen is not None:
            gone += self.frozen.remove_all(change.removed)
        if gone:
            self._removed.append(change.removed)
        gone += self.tail.remove_all(change.removed)
        if len(change.added.position):
            self.tail.extend(change.added)
        return gone

    def replay(self, changes: Sequence[Change]) -> None:
        """Make the changes that journals hold, after a start: all deletions from segments at once."""
        removed = np.concatenate([NO_KEYS, *(change.removed for change in changes)])
        keys = np.unique(removed, axis=0) if len(removed) else removed
        if sum(segment.remove_all(keys) for segment in self.segments):
            self._removed.append(keys)
        for change in changes:
            self.tail.remove_all(change.removed)
            if len(change.added.position):
                self.tail.extend(change.added)

    def shelves(self) -> tuple[Shelf, ...]:
        """All shelves that hold a print."""
        growing = [shelf for shelf in (self.frozen, self.tail) if shelf is not None]
        found = [segment.shelf for segment in self.segments] + [shelf.snapshot() for shelf in growing]
        return tuple(shelf for shelf in found if len(shelf.position))

    def freeze(self) -> None:
        """Newest prints begin anew; those so far wait to become a segment."""
        self.frozen, self.tail = self.tail, GrowingShelf()
        self._frozen_removed, self._removed = self._removed, []

    def first_to_merge(self, *, purge: bool) -> int:
        """The oldest segment that the frozen prints are to be merged with, and all after it."""
        assert self.frozen is not None
        first, size = len(self.segments), len(self.frozen)
        while first and len(self.segments[first - 1]) <= parameters.MERGE_RATIO * size:
            first -= 1
            size += len(self.segments[first])
        for age, segment in enumerate(self.segments[:first]):
            bearable = 0 if purge else parameters.DEAD_SHARE * len(segment.shelf.position)
            if segment.dead > bearable:
                return age
        return first

    def to_merge(self, first: int) -> tuple[list[Shelf], NDArray[np.uint64]]:
        """The shelves from segment `first` on, and the identities they removed from older ones."""
        assert self.frozen is not None
        merged = self.segments[first:]
        shelves = [*(segment.shelf for segment in merged), self.frozen.snapshot()]
        if not first:
            return shelves, NO_KEYS
        removed = np.concatenate([NO_KEYS, *(segment.removed for segment in merged), *self._frozen_removed])
        return shelves, np.unique(removed, axis=0)

    def prepare(self, merged: Segment) -> None:
        """Delete from a new segment what was deleted while it was written."""
        for keys in self._removed:
            merged.remove_all(keys)

    def put(self, first: int, merged: Segment | None) -> None:
        """The new segment, or nothing, takes the place of what it was made of."""
        self.segments = [*self.segments[:first], *([merged] if merged is not None else [])]
        self.frozen = None
        self._frozen_removed = []
