"""Shelves become one segment: in order, without what was deleted, a slice at a time so that memory stays small."""

from __future__ import annotations

import contextlib
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from matcher_service.galleries import parameters
from matcher_service.galleries.segment import HEADER_BYTES, Column, header, lay_out
from matcher_service.search.packed import SKETCH_WORDS
from matcher_service.search.shelf import MINUTIA_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher_service.galleries.disk import Disk, OpenFile
    from matcher_service.galleries.manifest import Stamp
    from matcher_service.search.shelf import Shelf


def write_segment(
    disk: Disk,
    path: Path,
    shelves: Sequence[Shelf],
    *,
    stamp: Stamp,
    removed: NDArray[np.uint64],
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Write the living prints of `shelves`, and the keys `removed` from older segments, uint64 (r, 2).

    How many prints. On return the file and its name are on the disk. Raises OSError, InterruptedError if it was
    `cancelled`, and leaves no file then.
    """
    merged = _Merged(shelves)
    columns = lay_out(merged.prints, merged.minutiae, len(removed), SKETCH_WORDS)
    file = disk.create(path)
    try:
        try:
            # The last column may be empty: the file has its length all the same.
            disk.truncate(file, max(HEADER_BYTES, *(column.offset + column.bytes for column in columns)))
            crc = _write_columns(disk, file, columns, merged.columns(removed, cancelled))
            written = [column._replace(crc=crc[column.name]) for column in columns]
            disk.write_at(file, 0, header(stamp, written))
            disk.sync(file)
        finally:
            disk.close(file)
        disk.sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            disk.remove(path)
        raise
    return merged.prints


def _write_columns(
    disk: Disk, file: OpenFile, columns: Sequence[Column], slices: Iterable[tuple[str, NDArray[Any]]]
) -> dict[str, int]:
    """Write the columns, each in order, in slices; the CRC-32 of each."""
    at = {column.name: column.offset for column in columns}
    crc = dict.fromkeys(at, 0)
    for name, values in slices:
        data = values.tobytes()
        disk.write_at(file, at[name], data)
        at[name] += len(data)
        crc[name] = zlib.crc32(data, crc[name])
    return crc


class _Merged:
    """What goes where: the living prints of all shelves, sorted."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        # Small types and no array longer than it must be: this is the memory that a compaction of a million takes.
        self._shelves = shelves
        rows = [np.flatnonzero(shelf.alive).astype(np.uint32) for shelf in shelves]
        self._source = np.repeat(np.arange(len(shelves), dtype=np.int16), [len(r) for r in rows])
        self._row = np.concatenate([*rows, np.empty(0, np.uint32)])
        self.prints = len(self._row)
        self.owner, self.position = self._gather("owner"), self._gather("position")
        order = np.lexsort((self.owner[:, 1], self.owner[:, 0], self.position))
        self._source, self._row = self._source[order], self._row[order]
        self.owner, self.position = self.owner[order], self.position[order]
        del order
        self.quality = self._gather("quality")
        self._first = np.empty(self.prints, np.uint32)
        count = np.empty(self.prints, np.uint32)
        for k, shelf in enumerate(shelves):
            mine = self._source == k
            row = self._row[mine]
            self._first[mine] = shelf.start[row]
            count[mine] = np.diff(shelf.start)[row]
        self.minutiae = int(count.sum(dtype=np.int64))
        if self.minutiae > np.iinfo(np.uint32).max:
            raise ValueError(f"{self.minutiae} minutiae are more than one segment can count")
        self.start = np.zeros(self.prints + 1, np.uint32)
        np.cumsum(count, out=self.start[1:])

    def columns(
        self, removed: NDArray[np.uint64], cancelled: Callable[[], bool]
    ) -> Iterator[tuple[str, NDArray[Any]]]:
        """Name and values of every column, the long ones in slices."""
        yield from (
            ("start", self.start),
            ("owner", self.owner),
            ("position", self.position),
            ("quality", self.quality),
            ("removed", removed),
        )
        for low in range(0, self.prints, parameters.COPY_PRINTS):
            if cancelled():
                raise InterruptedError("stopped")
            yield from self._slice(low, min(low + parameters.COPY_PRINTS, self.prints)).items()

    def _slice(self, low: int, high: int) -> dict[str, NDArray[Any]]:
        """The minutia columns of prints `low` to `high` (exclusive), as they stand in the segment."""
        start = self.start[low : high + 1].astype(np.int64) - int(self.start[low])
        counts = np.diff(start)
        out: dict[str, NDArray[Any]] = {}
        for name in MINUTIA_COLUMNS:
            column = getattr(self._shelves[0], name)
            out[name] = np.empty((int(start[-1]), *column.shape[1:]), column.dtype)
        for k, shelf in enumerate(self._shelves):
            mine = np.flatnonzero(self._source[low:high] == k)
            there = _ramps(start[mine], counts[mine])
            here = _ramps(self._first[low + mine].astype(np.int64), counts[mine])
            for name in MINUTIA_COLUMNS:
                out[name][there] = getattr(shelf, name)[here]
        return out

    def _gather(self, name: str) -> NDArray[Any]:
        column = getattr(self._shelves[0], name)
        out = np.empty((len(self._row), *column.shape[1:]), column.dtype)
        for k, shelf in enumerate(self._shelves):
            mine = self._source == k
            out[mine] = getattr(shelf, name)[self._row[mine]]
        return out


def _ramps(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """first[0], first[0] + 1, ... (count[0] of them), first[1], ..."""
    end = np.cumsum(count)
    return np.repeat(first - end + count, count) + np.arange(end[-1] if len(end) else 0)
