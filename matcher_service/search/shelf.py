"""Many prints end to end, column by column: what a search walks over, in memory or mapped from a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from matcher_service.search.packed import SKETCH_WORDS, Packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Shelf(NamedTuple):
    """Prints k = 0..m-1; print k holds minutiae start[k] to start[k + 1] of the minutia columns (see `packed`).

    All arrays are C-contiguous and of the exact types below, so that compiled code knows only one kind of shelf.
    None of them changes once a shelf was given out; who holds one may search it for as long as it likes.

    Attributes:
        start: uint32 (m + 1,).
        owner: uint64 (m, 2), the identity that the print belongs to: 128 bits, see `key_words`.
        position: uint8 (m,), finger position as in ISO/IEC 19794-2:2005 (0 unknown, 1-10).
        quality: uint8 (m,), finger quality 0 to 100.
        alive: uint8 (m,), 1, or 0 for a print that was deleted.
        x, y, angle, info: uint16 (n,), see `packed.Packed`.
        sketch: uint64 (n, SKETCH_WORDS).
    """

    start: NDArray[np.uint32]
    owner: NDArray[np.uint64]
    position: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    alive: NDArray[np.uint8]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    angle: NDArray[np.uint16]
    info: NDArray[np.uint16]
    sketch: NDArray[np.uint64]


PRINT_COLUMNS = ("owner", "position", "quality", "alive")
MINUTIA_COLUMNS = ("x", "y", "angle", "info", "sketch")
_KEY = re.compile(r"[0-9a-f]{32}")
GROWTH = 1.5  # of a full column; memory that was never written to is not taken


def key_words(key: str) -> tuple[int, int]:
    """An identity's key, 32 lower-case hexadecimal digits, as two words. Raises ValueError for anything else."""
    if _KEY.fullmatch(key) is None:
        raise ValueError(f"the key of an identity is 32 lower-case hexadecimal digits, not {key!r}")
    return int(key[:16], 16), int(key[16:], 16)


def key_of(words: NDArray[np.uint64]) -> str:
    """The key that two words stand for."""
    return f"{int(words[0]):016x}{int(words[1]):016x}"


def keys_array(keys: Sequence[str]) -> NDArray[np.uint64]:
    """Keys as words, uint64 (k, 2). Raises ValueError as `key_words` does."""
    return np.array([key_words(key) for key in keys], np.uint64).reshape(-1, 2)


def join(prints: Sequence[tuple[str, int, int, Packed]]) -> Shelf:
    """A shelf of prints, each (key, position, finger quality, columns), in their order; of none, too."""
    packed = [one for _, _, _, one in prints] or [_NO_MINUTIAE]
    start = np.zeros(len(prints) + 1, np.uint32)
    np.cumsum([len(one.x) for _, _, _, one in prints], out=start[1:])
    return Shelf(
        start=start,
        owner=keys_array([key for key, _, _, _ in prints]),
        position=np.array([position for _, position, _, _ in prints], np.uint8),
        quality=np.array([quality for _, _, quality, _ in prints], np.uint8),
        alive=np.ones(len(prints), np.uint8),
        **{name: np.concatenate([getattr(one, name) for one in packed]) for name in MINUTIA_COLUMNS},
    )


def owned_by(owner: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Which rows of `owner`, uint64 (m, 2), are one of `keys`, uint64 (k, 2); ascending."""
    if len(keys) == 1:
        return np.flatnonzero((owner[:, 0] == keys[0, 0]) & (owner[:, 1] == keys[0, 1]))
    likely = np.flatnonzero(np.isin(owner[:, 0], keys[:, 0]))
    if not len(likely):
        return likely
    wanted = {(int(high), int(low)) for high, low in keys}
    return likely[[(int(high), int(low)) in wanted for high, low in owner[likely]]]


class GrowingShelf:
    """A shelf in memory to which prints are added, and from which they are removed. Used by one thread at a time.

    What `snapshot` gave stays as it was: prints are added behind its end, and a removal replaces the column of
    what is alive. Its prints stand in the order in which they came.
    """

    def __init__(self, *, prints: int = 256, minutiae: int = 0) -> None:
        """Room for so many at first; it grows by itself. Room that is not used costs next to no memory."""
        self._prints = self._minutiae = self._dead = 0
        self._columns: dict[str, NDArray[Any]] = {}
        self._snapshot: Shelf | None = None
        self._start = np.zeros(prints + 1, np.uint32)
        for name, (dtype, width) in _KINDS.items():
            rows = prints if name in PRINT_COLUMNS else max(minutiae, 40 * prints)
            self._columns[name] = np.empty((rows, *width), dtype)

    def __len__(self) -> int:
        """Prints that are alive."""
        return self._prints - self._dead

    @property
    def dead(self) -> int:
        """Prints that were removed and still take room."""
        return self._dead

    @property
    def minutiae(self) -> int:
        """Minutiae of all prints, dead ones too."""
        return self._minutiae

    def add(self, key: str, position: int, quality: int, packed: Packed) -> None:
        """Add one print. Raises ValueError for a key that is not 32 hexadecimal digits."""
        self.extend(join([(key, position, quality, packed)]))

    def extend(self, shelf: Shelf) -> None:
        """Add all prints of another shelf, dead ones too."""
        prints, minutiae = len(shelf.position), len(shelf.x)
        first, end = self._prints, self._prints + prints
        low, high = self._minutiae, self._minutiae + minutiae
        if high > np.iinfo(np.uint32).max:
            raise ValueError(f"{high} minutiae are more than one shelf can count; use several")
        self._start = _with_room(self._start, end + 1)
        self._start[first + 1 : end + 1] = shelf.start[1:] - shelf.start[0] + np.uint32(low)
        for names, before, after in ((PRINT_COLUMNS, first, end), (MINUTIA_COLUMNS, low, high)):
            for name in names:
                self._columns[name] = _with_room(self._columns[name], after)
                self._columns[name][before:after] = getattr(shelf, name)
        self._dead += prints - int(np.count_nonzero(shelf.alive))
        self._prints, self._minutiae = end, high
        self._snapshot = None

    def remove(self, key: str) -> int:
        """Remove the prints of an identity; how many there were. Raises ValueError as `add` does."""
        return self.remove_all(keys_array([key]))

    def remove_all(self, keys: NDArray[np.uint64]) -> int:
        """Remove the prints of many identities, uint64 (k, 2); how many there were."""
        if not len(keys):
            return 0
        found = owned_by(self._columns["owner"][: self._prints], keys)
        gone = found[self._columns["alive"][found] == 1]
        if len(gone):
            alive = self._columns["alive"].copy()
            alive[gone] = 0
            self._columns["alive"] = alive
            self._dead += len(gone)
            self._snapshot = None
        return len(gone)

    def snapshot(self) -> Shelf:
        """What is here now. Without a change in between it is the very same shelf."""
        if self._snapshot is None:
            self._snapshot = Shelf(
                start=self._start[: self._prints + 1],
                **{name: self._columns[name][: self._prints] for name in PRINT_COLUMNS},
                **{name: self._columns[name][: self._minutiae] for name in MINUTIA_COLUMNS},
            )
        return self._snapshot


def _with_room(column: NDArray[Any], rows: int) -> NDArray[Any]:
    """The column itself, or a longer copy: the old one may be in somebody's hands."""
    if rows <= len(column):
        return column
    longer = np.empty((max(rows, int(len(column) * GROWTH)), *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer


_WORD = np.dtype(np.uint64)
_HALF = np.dtype(np.uint16)
_BYTE = np.dtype(np.uint8)
_KINDS: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
    "owner": (_WORD, (2,)),
    "position": (_BYTE, ()),
    "quality": (_BYTE, ()),
    "alive": (_BYTE, ()),
    "x": (_HALF, ()),
    "y": (_HALF, ()),
    "angle": (_HALF, ()),
    "info": (_HALF, ()),
    "sketch": (_WORD, (SKETCH_WORDS,)),
}
_NO_MINUTIAE = Packed(
    *(np.empty((0, *_KINDS[name][1]), _KINDS[name][0]) for name in ("x", "y", "angle", "info", "sketch"))
)
