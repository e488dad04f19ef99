"""The prints of one repository, as a search reads them and as they are changed: with a folder, or in memory only."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.galleries import parameters
from matcher_service.galleries.journal import Mark
from matcher_service.search.shelf import GrowingShelf, Shelf, join, keys_array, owned_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from interchange.minutiae import Minutiae
    from matcher_service.search.packed import Packed

NO_KEYS: NDArray[np.uint64] = np.empty((0, 2), np.uint64)


class PrintSource(ABC):
    """Prints by identity. Safe to use from several threads: one change after the other, and searches meanwhile.

    Keys are 32 hexadecimal digits. A change is visible to whoever asks for the shelves after it returned, and
    shelves that were given out before never change.
    """

    def __init__(self, *, pack: Callable[[Minutiae], Packed] | None = None) -> None:
        """`pack` makes the columns of a print; `search.packed.pack_print` if none is given."""
        self._pack = pack
        self.mark = Mark()
        self._counted = (0, 0)  # prints when the identities were counted, and how many those were

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> None:
        """Add prints, each (key, position 0-10, minutiae): all of them or, after an error, none.

        Raises ValueError for a key that is not 32 hexadecimal digits, and GalleryWriteFailed.
        """
        self.apply(added=self._join(prints))

    def remove(self, key: str) -> int:
        """Remove the prints of an identity; how many there were. Raises as `add_many` does."""
        return self.apply(removed=keys_array([key]))

    def replace(self, key: str, prints: Iterable[tuple[int, Minutiae]]) -> int:
        """Put these prints in the place of those of an identity, at one stroke; how many there were."""
        return self.apply(
            removed=keys_array([key]),
            added=self._join((key, position, print_) for position, print_ in prints),
        )

    @abstractmethod
    def apply(
        self, *, removed: NDArray[np.uint64] = NO_KEYS, added: Shelf | None = None, mark: Mark | None = None
    ) -> int:
        """Remove what some identities have, uint64 (k, 2), then add prints; all of it or, after an error, nothing.

        `mark` is what the source is current up to with this. How many prints were removed. Raises
        GalleryWriteFailed.
        """

    @abstractmethod
    def shelves(self) -> Sequence[Shelf]:
        """All prints, dead ones too (`Shelf.alive`). Shelves that did not change are the very same tuples."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything. Shelves that were given out stay usable."""

    @abstractmethod
    def maintain(self) -> None:
        """Begin, in the background, what is due."""

    @abstractmethod
    def erase(self) -> None:
        """Begin, in the background, to rid the files of all that was deleted so far: somebody was expunged."""

    @property
    @abstractmethod
    def erased(self) -> bool:
        """Whether all that `erase` was called for is out of the files."""

    @abstractmethod
    def detach(self) -> None:
        """Go on in memory only, because the disk fails."""

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(shelf.alive)) for shelf in self.shelves())

    def __contains__(self, key: object) -> bool:
        try:
            words = keys_array([str(key)])
        except ValueError:
            return False
        return any(shelf.alive[owned_by(shelf.owner, words)].any() for shelf in self.shelves())

    def keys(self) -> NDArray[np.uint64]:
        """The identities that have a print, each once, uint64 (k, 2), ascending; see `shelf.key_of`."""
        owners = [shelf.owner[shelf.alive == 1] for shelf in self.shelves()]
        owner = np.concatenate([*owners, NO_KEYS])
        owner = owner[np.lexsort((owner[:, 1], owner[:, 0]))]
        return owner[np.append(True, (owner[1:] != owner[:-1]).any(axis=1))[: len(owner)]]

    @property
    def identities(self) -> int:
        """How many identities have a print; of a large gallery to within one in a hundred, for the sake of time."""
        prints = len(self)
        if prints <= parameters.COUNTED_EXACTLY_PRINTS:
            return len(self.keys())
        if abs(prints - self._counted[0]) > prints // 100:
            self._counted = (prints, len(self.keys()))
        return self._counted[1]

    def _join(self, prints: Iterable[tuple[str, int, Minutiae]]) -> Shelf:
        pack = self._pack
        if pack is None:
            from matcher_service.search.packed import pack_print as pack
        return join([(key, at, minutiae.finger_quality, pack(minutiae)) for key, at, minutiae in prints])


class MemoryStore(PrintSource):
    """Prints in memory only: for trials, for tools, and where a folder cannot be written."""

    def __init__(self, *, pack: Callable[[Minutiae], Packed] | None = None, prints: int = 256) -> None:
        """`prints`: room for so many at first."""
        super().__init__(pack=pack)
        self._shelf = GrowingShelf(prints=prints)
        self._lock = threading.Lock()

    def apply(
        self, *, removed: NDArray[np.uint64] = NO_KEYS, added: Shelf | None = None, mark: Mark | None = None
    ) -> int:
        """As `PrintSource` says; nothing can fail."""
        with self._lock:
            gone = self._shelf.remove_all(removed)
            if added is not None and len(added.position):
                self._shelf.extend(added)
            self.mark = mark or self.mark
            if self._shelf.dead > len(self._shelf):
                self._shelf = _living(self._shelf.snapshot())
            return gone

    def shelves(self) -> Sequence[Shelf]:
        """The one shelf."""
        with self._lock:
            return (self._shelf.snapshot(),)

    def __len__(self) -> int:
        return len(self._shelf)

    def maintain(self) -> None:
        """Nothing is ever due."""

    def erase(self) -> None:
        """There are no files of its own."""

    @property
    def erased(self) -> bool:
        """Not known: files that were there before may hold it still."""
        return False

    def detach(self) -> None:
        """It is in memory only."""

    def close(self) -> None:
        """Nothing to let go of."""


def _living(shelf: Shelf) -> GrowingShelf:
    """The same without what is dead."""
    rows = np.flatnonzero(shelf.alive)
    kept = GrowingShelf(prints=max(256, 2 * len(rows)))
    minutiae = np.repeat(shelf.alive == 1, np.diff(shelf.start))
    start = np.zeros(len(rows) + 1, np.uint32)
    np.cumsum(np.diff(shelf.start)[rows], out=start[1:])
    columns = {name: getattr(shelf, name)[rows] for name in ("owner", "position", "quality", "alive")}
    columns |= {name: getattr(shelf, name)[minutiae] for name in ("x", "y", "angle", "info", "sketch")}
    kept.extend(Shelf(start=start, **columns))
    return kept
