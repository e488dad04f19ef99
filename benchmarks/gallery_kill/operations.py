"""What is done to the gallery: a stream of operations that parent and child can each work out from the seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.galleries import Mark, PrintSource, StoreOptions
from matcher_service.search.packed import SKETCH_WORDS, Packed
from matcher_service.search.shelf import join, key_of, keys_array

if TYPE_CHECKING:
    from matcher_service.galleries import Disk, GalleryStore
    from matcher_service.search.shelf import Shelf

PEOPLE = 40
MOST_MINUTIAE = 30
JOURNAL_PRINTS = 25  # so that compactions in the background are always under way
KINDS = ("insert", "batch", "replace", "delete", "compact", "purge")
CHANCES = (0.34, 0.1, 0.2, 0.26, 0.06, 0.04)

Content = dict[str, list[bytes]]
"""The prints of each identity, sorted, byte for byte."""


class Operation(NamedTuple):
    """One step; `keys` lose what they have, then `prints` (key, position, quality, columns) come."""

    number: int
    kind: str
    keys: tuple[str, ...] = ()
    prints: tuple[tuple[str, int, int, Packed], ...] = ()

    def to(self, content: Content) -> Content:
        """What the gallery holds after it."""
        after = {key: list(prints) for key, prints in content.items() if key not in self.keys}
        for key, position, quality, packed in self.prints:
            after.setdefault(key, []).append(_bytes_of(position, quality, packed))
            after[key].sort()
        return after

    def run(self, store: GalleryStore) -> None:
        """Do it. Raises GalleryWriteFailed."""
        if self.kind in {"compact", "purge"}:
            store.compact(purge=self.kind == "purge")
        else:
            mark = Mark(self.number, (self.keys + tuple(p[0] for p in self.prints))[-1])
            store.apply(removed=keys_array(self.keys), added=join(self.prints), mark=mark)


def operation(seed: int, number: int) -> Operation:
    """The operation of this number, counted from 1."""
    random = np.random.default_rng((seed, number))
    kind = str(random.choice(KINDS, p=CHANCES))
    if kind in {"compact", "purge"}:
        return Operation(number, kind)
    people = random.integers(0, PEOPLE, 6 if kind == "batch" else 1)
    keys = [f"{0x9E3779B97F4A7C15F39CC0605CEDC835 * (int(who) + 1) % 2**128:032x}" for who in people]
    prints = [(key, *_print(random)) for key in keys for _ in range(int(random.integers(1, 4)))]
    return Operation(
        number,
        kind,
        keys=tuple(keys) if kind in {"replace", "delete"} else (),
        prints=() if kind == "delete" else tuple(prints),
    )


def content_of(store: PrintSource) -> Content:
    """What a gallery holds."""
    content: Content = {}
    for shelf in store.shelves():
        for k in np.flatnonzero(shelf.alive):
            packed = Packed(
                *(getattr(shelf, name)[shelf.start[k] : shelf.start[k + 1]] for name in Packed._fields)
            )
            found = _bytes_of(int(shelf.position[k]), int(shelf.quality[k]), packed)
            content.setdefault(key_of(shelf.owner[k]), []).append(found)
    return {key: sorted(prints) for key, prints in content.items()}


def options(disk: Disk, *, journal_prints: int = JOURNAL_PRINTS) -> StoreOptions:
    """For a store whose prints are random columns."""
    return StoreOptions(
        repository="trial", digest="ab" * 32, disk=disk, journal_prints=journal_prints, lock_wait_s=5.0
    )


def nothing() -> list[Shelf]:
    """What a new gallery is built from."""
    return []


def _print(random: np.random.Generator) -> tuple[int, int, Packed]:
    count = int(random.integers(0, MOST_MINUTIAE))
    x, y, angle, info = random.integers(0, 2**16, (4, count), np.uint16)
    sketch = random.integers(0, 2**64, (count, SKETCH_WORDS), np.uint64)
    return int(random.integers(0, 11)), int(random.integers(0, 101)), Packed(x, y, angle, info, sketch)


def _bytes_of(position: int, quality: int, packed: Packed) -> bytes:
    return bytes((position, quality)) + b"".join(column.tobytes() for column in packed)
